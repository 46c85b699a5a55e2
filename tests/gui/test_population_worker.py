"""The population's own process: it says what the tracker says, survives jumps and crashes, and goes away."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys

import pytest

from gui.client import Begun, PopulationSeen
from gui.population_link import MOST_CRASHES, PopulationLink
from gui.population_worker import NICE, Again, Answers, Ask, Worker, framed, serve
from rig.documents import Notice, SessionStarted, TrialDone
from rig.population.told import PopulationTracker
from rig.runtime import registry


@pytest.fixture(scope="module")
def told(documents):
    """The documents that the population follows from, and what the tracker makes of them."""
    tracker = PopulationTracker()
    for document in documents:
        tracker.take(document)
    return documents, tracker.view()


@pytest.fixture
def link(qtbot):
    links = []

    def make(**how):
        links.append(PopulationLink(**how))
        return links[-1]

    yield make
    for one in links:
        one.close()


def ask(link, qtbot, *, wanted=True):
    """Turn the link as a window does, until it says something new."""
    seen = []

    def turn():
        news = link.turn(wanted=wanted)
        if news is not None:
            seen.append(news)
        return bool(seen)

    qtbot.waitUntil(turn, timeout=20_000)
    return seen[-1]


def feed(link, documents):
    for document in documents:
        link.take(document)


# --- the worker itself -------------------------------------------------------------------------------


def test_over_a_pipe_it_says_what_the_tracker_says(told):
    documents, view = told
    source = io.BytesIO(b"".join(map(framed, [*documents, Ask(7)])) + b"\x09\x00")
    sink = io.BytesIO()
    serve(source, sink)
    (answer,) = Answers().feed(sink.getvalue())
    assert (answer.number, answer.view, answer.error) == (7, view, "")
    assert view.population.units > 0 and answer.took_s > 0


def test_answers_are_put_together_from_any_pieces():
    worker, whole = Worker(), b""
    for number in (1, 2):
        answer = worker.take(Ask(number))
        whole += framed(answer)
    answers = Answers()
    got = [answer.number for k in range(len(whole)) for answer in answers.feed(whole[k : k + 1])]
    assert got == [1, 2]


def test_it_forgets_when_told_to(told):
    documents, view = told
    worker = Worker()
    for document in (*documents, Again()):
        assert worker.take(document) is None
    assert worker.take(Ask(1)).view is None
    for document in documents:
        worker.take(document)
    assert worker.take(Ask(2)).view == view


def test_an_error_is_an_answer(told, monkeypatch):
    documents, _ = told
    worker = Worker()
    worker.take(next(d for d in documents if isinstance(d, SessionStarted)))

    def broken(self, document):
        raise ArithmeticError("no such number")

    monkeypatch.setattr(PopulationTracker, "take", broken)
    worker.take(next(d for d in documents if isinstance(d, TrialDone)))
    answer = worker.take(Ask(1))
    assert (answer.view, answer.error) == (None, "ArithmeticError: no such number")


# --- a real process ----------------------------------------------------------------------------------


def test_a_session_is_worked_out_in_another_process(link, told, qtbot):
    documents, view = told
    one = link()
    feed(one, documents)
    assert one.turn(wanted=False) is None and one.pid is None, "nobody looks: nothing runs"
    assert one.behind
    assert ask(one, qtbot) == PopulationSeen(view)
    assert one.pid not in {None, os.getpid()}
    nice = os.getpriority(os.PRIO_PROCESS, one.pid)
    assert nice == os.getpriority(os.PRIO_PROCESS, 0) + NICE, "whatever else runs goes first"
    assert not one.behind
    one.take(Notice(level="info", source="board", text="nothing about units"))
    assert not one.behind, "what says nothing about units asks for nothing"


def test_in_pieces_and_attached_late_it_says_the_same(link, told, qtbot):
    documents, view = told
    one = link(clock=iter(range(0, 10**9, 3)).__next__)  # every look at the clock is 3 s later
    half = len(documents) // 2
    feed(one, documents[:half])
    early = ask(one, qtbot).view
    assert early.rewarded < view.rewarded
    feed(one, documents[half:])
    assert ask(one, qtbot).view == view


def test_an_answer_is_asked_for_every_two_seconds_at_most(link, told, qtbot):
    documents, view = told
    now = [100.0]
    one = link(clock=lambda: now[0])
    half = len(documents) // 2
    feed(one, documents[:half])
    ask(one, qtbot)
    feed(one, documents[half:])
    for _ in range(50):
        assert one.turn(wanted=True) is None
    assert one.behind
    now[0] += 2.1
    assert ask(one, qtbot).view == view


def test_a_jump_in_a_recording_is_followed_once_it_is_over(link, told, qtbot):
    documents, view = told
    now = [100.0]
    one = link(clock=lambda: now[0])
    feed(one, documents)
    ask(one, qtbot)
    first = one.pid
    for share in (3, 2, 4):  # the slider is dragged back and forth
        one.take(Begun())
        feed(one, documents[: len(documents) // share])
        now[0] += 0.2
        assert one.turn(wanted=True) is None
        assert one.behind
    now[0] += 0.2
    quarter = ask(one, qtbot).view
    assert quarter.rewarded < view.rewarded
    one.take(Begun())
    feed(one, documents)
    now[0] += 3.0
    assert ask(one, qtbot).view == view
    assert one.pid == first, "the same process, told to forget"


def test_killed_it_is_started_again_and_that_is_said(link, told, qtbot):
    documents, view = told
    troubles = []
    one = link(on_trouble=troubles.append)
    feed(one, documents)
    ask(one, qtbot)
    first = one.pid
    os.kill(first, signal.SIGKILL)
    seen = ask(one, qtbot)
    assert seen.view == view, "what was known stays in sight"
    assert "ended unexpectedly" in seen.note and "started again" in seen.note
    assert troubles == [seen.note]
    again = ask(one, qtbot)
    assert again == PopulationSeen(view)
    assert one.pid != first and not registry.alive(first)


def test_one_that_never_works_is_given_up(link, told, qtbot):
    now = [0.0]
    words = "import sys; sys.exit('there is no such module')"
    one = link(clock=lambda: now[0], command=(sys.executable, "-c", words))
    feed(one, told[0])
    for k in range(MOST_CRASHES):
        now[0] += 100.0
        seen = ask(one, qtbot)
        assert "there is no such module" in seen.note, k
    assert "not tried again" in seen.note and not one.behind
    now[0] += 1000.0
    assert one.turn(wanted=True) is None and one.pid is None


def test_one_that_cannot_be_started_is_said(link, told, qtbot):
    one = link(command=("/there/is/no/such/program",))
    feed(one, told[0])
    assert "could not be started" in ask(one, qtbot).note


def test_when_nobody_looks_any_more_it_is_ended_and_comes_back_when_somebody_does(link, told, qtbot):
    documents, view = told
    now = [0.0]
    one = link(clock=lambda: now[0])
    half = len(documents) // 2
    feed(one, documents[:half])
    ask(one, qtbot)
    pid = one.pid
    now[0] += 30.0
    one.turn(wanted=False)
    assert one.pid == pid, "a tab is often changed to and fro"
    now[0] += 31.0
    one.turn(wanted=False)
    assert one.pid is None
    qtbot.waitUntil(lambda: not registry.alive(pid))
    feed(one, documents[half:])
    assert ask(one, qtbot).view == view


def test_it_does_not_outlive_its_window(told, qtbot):
    """A window that is killed cannot end anything: the worker sees that its pipe is closed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gui.population_worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"".join(map(framed, [*told[0], Ask(1)])))
    process.stdin.close()
    with process.stdout:
        (answer,) = Answers().feed(process.stdout.read())
    assert answer.view == told[1]
    assert process.wait(timeout=10) == 0
