"""One queue, one order."""

import itertools
import threading
import time

import pytest

from rig.runtime.inbox import Inbox, InboxClosedError


class Clock:
    def __init__(self):
        self.now = 1_000_000_000

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_number_and_time_are_given_once_in_one_order(clock):
    inbox = Inbox(clock=clock)
    assert inbox.put("board", "bytes", b"a") == 0
    clock.now += 500
    assert inbox.put("gui", "command", b"{}") == 1
    first, second = inbox.get(0)
    assert (first.seq, first.t_ns, first.source, first.kind, first.payload) == (0, 0, "board", "bytes", b"a")
    assert (second.seq, second.t_ns, second.source, second.kind) == (1, 500, "gui", "command")


def test_many_threads_make_one_order():
    inbox = Inbox()
    threads = [
        threading.Thread(target=lambda k=k: [inbox.put(f"t{k}", "bytes", b"x") for _ in range(2000)])
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    taken = []
    while len(taken) < 8000:
        taken += inbox.get(1.0, limit=100)
    for thread in threads:
        thread.join()
    assert [entry.seq for entry in taken] == list(range(8000))
    assert all(a.t_ns <= b.t_ns for a, b in itertools.pairwise(taken))


def test_nothing_comes_back_empty_in_time():
    inbox = Inbox()
    begun = time.monotonic()
    assert inbox.get(0.02) == []
    assert time.monotonic() - begun < 1.0


def test_whoever_waits_is_woken_by_what_comes():
    inbox = Inbox()
    threading.Timer(0.02, lambda: inbox.put("a", "bytes", b"")).start()
    begun = time.monotonic()
    assert len(inbox.get(5.0)) == 1
    assert time.monotonic() - begun < 1.0


def test_a_batch_is_limited_and_the_rest_stays(clock):
    inbox = Inbox(clock=clock)
    for _ in range(5):
        inbox.put("a", "bytes", b"")
    assert [entry.seq for entry in inbox.get(0, limit=3)] == [0, 1, 2]
    assert [entry.seq for entry in inbox.get(0, limit=3)] == [3, 4]


def test_a_deadline_is_one_more_input(clock):
    inbox = Inbox(clock=clock)
    inbox.wake_at(2_500_000)
    assert inbox.get(0) == []
    clock.now += 2_999_999
    assert inbox.get(0) == []
    clock.now += 1
    (entry,) = inbox.get(0)
    assert (entry.kind, entry.seq, entry.t_ns, entry.payload) == ("deadline", 0, 3_000_000, b"")
    assert inbox.get(0) == []


def test_deadlines_merge_and_none_is_forgotten(clock):
    inbox = Inbox(clock=clock)
    for t_ns in (8_000_000, 2_000_000, 2_100_000, 3_000_000, 2_900_001, 8_000_000):
        inbox.wake_at(t_ns)
    found = []
    for _ in range(10):
        clock.now += 1_000_000
        found += [entry.t_ns // 1_000_000 for entry in inbox.get(0)]
    assert found == [2, 3, 8]


def test_all_deadlines_that_have_passed_are_one_input(clock):
    inbox = Inbox(clock=clock)
    inbox.wake_at(1_000_000)
    inbox.wake_at(5_000_000)
    clock.now += 9_000_000
    assert [entry.kind for entry in inbox.get(0)] == ["deadline"]


def test_a_deadline_comes_also_when_inputs_never_cease(clock):
    inbox = Inbox(clock=clock)
    inbox.wake_at(1_000_000)
    kinds = []
    for _ in range(4):
        clock.now += 400_000
        inbox.put("a", "bytes", b"")
        kinds += [entry.kind for entry in inbox.get(0)]
    assert kinds == ["bytes", "bytes", "bytes", "deadline", "bytes"]


def test_real_waiting_ends_at_the_deadline():
    inbox = Inbox()
    inbox.wake_at(inbox.now_ns() + 20_000_000)
    begun = time.monotonic()
    assert [entry.kind for entry in inbox.get(5.0)] == ["deadline"]
    assert 0.015 < time.monotonic() - begun < 1.0


def test_a_full_inbox_refuses_squeezes_or_waits():
    inbox = Inbox(capacity=2)
    inbox.put("a", "bytes", b"")
    inbox.put("a", "bytes", b"")
    assert inbox.put("gui", "command", b"", full="refuse") is None
    assert inbox.put("board", "port", b"lost", full="squeeze") == 2
    done = []
    thread = threading.Thread(target=lambda: done.append(inbox.put("a", "bytes", b"late")))
    thread.start()
    thread.join(0.05)
    assert not done
    assert [entry.seq for entry in inbox.get(0)] == [0, 1, 2]
    thread.join(5)
    assert done == [3]


def test_bytes_are_bounded_too():
    inbox = Inbox(capacity_bytes=1000)
    inbox.put("a", "bytes", bytes(1000))
    assert inbox.put("a", "bytes", b"x", full="refuse") is None
    inbox.get(0, limit=1)
    assert inbox.put("a", "bytes", b"x", full="refuse") == 1


def test_half_full_is_said_once_in_a_while(clock):
    alarms = []
    inbox = Inbox(capacity=10, on_alarm=alarms.append, clock=clock)
    for _ in range(8):
        inbox.put("a", "bytes", b"")
    assert alarms == ["5 inputs wait: the session does not keep up"]
    clock.now += 11_000_000_000
    inbox.put("a", "bytes", b"")
    assert len(alarms) == 2
    inbox.get(0)
    assert inbox.most_waiting == 9


def test_a_closed_inbox_lets_everybody_go():
    inbox = Inbox(capacity=1)
    inbox.put("a", "bytes", b"")
    raised = []

    def put():
        try:
            inbox.put("a", "bytes", b"")
        except InboxClosedError:
            raised.append(True)

    thread = threading.Thread(target=put)
    thread.start()
    inbox.close()
    thread.join(5)
    assert raised == [True]
    with pytest.raises(InboxClosedError):
        inbox.put("a", "bytes", b"")
