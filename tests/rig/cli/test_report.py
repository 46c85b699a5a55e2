"""`dopaloop report`: from a session file to a page, and what stands in its way."""

import json
import os
import re
import subprocess
import sys
import threading
import webbrowser

import msgspec
import pytest

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.documents import BoardActivity, SessionState
from rig.log.entry import Input
from rig.log.replay import EndMark
from rig.runtime.recorder import Recorder
from rig.sim.truth import AnimalTruth, UnitTruth

META = {"subject": "DA12", "started": "2026-03-02T09:14:00+01:00", "rig": {"name": "demo"}}


@pytest.fixture(scope="module")
def documents():
    rig = virtual_description(demo_rig(), Emulation(units=5, seed=1))
    plan = make_plan("variable_magnitude", rig, subject="DA12", seed=1, trials=60, settings={})
    told = []

    class Keeper:
        def show(self, document):
            told.append(document)

    run_virtual(plan, Keeper())
    return [document for document in told if not isinstance(document, (SessionState, BoardActivity))]


def recorded(path, documents, on_committed=lambda told: None):
    """A recorder that took these documents."""
    path.touch()
    meta = {key: msgspec.json.encode(value).decode() for key, value in META.items()}
    recorder = Recorder(path, meta, on_committed=on_committed)
    recorder.start()
    for seq, document in enumerate(documents):
        recorder.append(Input(seq, seq * 1000, "board", "bytes", b""), bytes(32))
        recorder.documents(seq, [document])
    return recorder


@pytest.fixture
def session(tmp_path, documents):
    path = tmp_path / "DA12.sqlite"
    recorder = recorded(path, documents)
    count = len(documents)
    unknown = tuple(UnitTruth(unit=f"Tetrode 1:{k}", reason="kept to itself") for k in range(1, 5))
    truth = AnimalTruth(animal="mouse", seed=1, trials=60, settings={}, units=unknown)
    recorder.append(Input(count, count * 1000, "animal", "truth", truth.encode()), bytes(32))
    recorder.close(EndMark(inputs=count + 1, chain="", reason="60 trials done", ok=True))
    return path


@pytest.fixture
def empty(tmp_path, documents):
    """A session that ended before its first trial: its page is quickly made."""
    path = tmp_path / "empty.sqlite"
    recorded(path, documents[:1]).close(EndMark(inputs=1, chain="", reason="stopped", ok=True))
    return path


def test_the_page_lies_beside_the_session_and_holds_the_numbers_of_inspect(typed, session):
    said = typed("report", session)
    assert said.status == 0, said.text
    page = session.with_suffix(".html")
    assert said.out == f"wrote {page} ({page.stat().st_size / 1e6:.1f} MB)\n"
    html = page.read_text(encoding="utf-8")
    numbers = {
        name: float(value) for value, name in re.findall(r'<data value="([^"]+)" title="([^"]+)">', html)
    }
    told = json.loads(typed("inspect", session, "--json").out)
    population = told["population"]
    split = population["split_half"]
    assert numbers["R, random halves, published sign count"] == split["paper"]["r"]
    assert numbers["R, random halves, isotonic crossing"] == split["isotonic"]["r"]
    assert numbers["mean asymmetry"] == population["asymmetry"]["mean"]
    decoding = population["decoding"]["convex"]
    assert numbers["distance, convex least squares"] == decoding["wasserstein_hz"]
    assert numbers["probability of “an expectile code”"] == population["evidence"]["distributional"]
    points = [unit["reversal"]["bayes"]["hz"] for unit in told["units"]]
    assert (numbers["lowest"], numbers["highest"]) == (min(points), max(points))
    assert "distance, published imputation" in numbers  # the slow one is in the report
    assert "Truth and estimate. <i>Why: kept to itself.</i>" in html


def test_a_report_is_written_anew_and_anything_else_is_left_alone(typed, empty, tmp_path):
    page = tmp_path / "mine.html"
    assert typed("report", empty, "--out", page).status == 0
    first = page.read_bytes()
    assert typed("report", empty, "--out", page).status == 0
    assert page.read_bytes() == first
    other = tmp_path / "notes.html"
    other.write_text("<html>my notes</html>", encoding="utf-8")
    said = typed("report", empty, "--out", other)
    assert said.status == 2
    assert "is there already and is no report; name another file with --out" in said.err
    assert other.read_text(encoding="utf-8") == "<html>my notes</html>"
    assert typed("report", empty, "--out", empty).status == 2
    assert empty.read_bytes()[:6] == b"SQLite"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".html", ".html", ".sqlite"]


@pytest.mark.parametrize(
    ("out", "words"),
    [("nowhere/page.html", "there is no folder"), (".", "is a folder; name a file"), ("a" * 300, "too long")],
)
def test_a_place_that_cannot_be_written_is_named(typed, empty, tmp_path, out, words):
    said = typed("report", empty, "--out", tmp_path / out)
    assert said.status == 2
    assert words in said.err
    assert said.err.startswith("dopaloop: ")


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))"


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files of a process")
def test_a_full_disk_leaves_the_old_report_whole(dopaloop, empty, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<meta name="generator" content="dopaloop report">', encoding="utf-8")
    said = dopaloop("report", empty, "--out", page, limits=FULL)
    assert said.status == 2
    assert f"cannot write '{page}'" in said.err
    assert page.read_text(encoding="utf-8") == '<meta name="generator" content="dopaloop report">'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.sqlite", "page.html"]


def test_no_session_no_page(typed, tmp_path):
    said = typed("report", tmp_path / "gone.sqlite")
    assert said.status == 2
    assert "there is no such session file" in said.err
    assert not list(tmp_path.iterdir())


def test_a_session_that_is_being_written_and_one_that_was_killed(typed, documents, tmp_path):
    path, stored, news = tmp_path / "live.sqlite", [], threading.Event()

    def committed(told):
        stored.extend(told)
        news.set()

    recorder = recorded(path, documents[:12], committed)
    while len(stored) < 12:
        assert news.wait(10.0)
        news.clear()
    page = path.with_suffix(".html")
    assert typed("report", path).status == 0
    live = page.read_text(encoding="utf-8")
    assert "No end yet: the session is still running, or it was cut short." in live
    assert "Figure 1. Water and licks" in live
    recorder.close(None)
    assert typed("report", path).status == 0
    assert page.read_text(encoding="utf-8") == live


def test_a_session_that_failed_says_how(typed, documents, tmp_path):
    path = tmp_path / "failed.sqlite"
    recorded(path, documents[:3]).close(EndMark(inputs=3, chain="", reason="the port was lost", ok=False))
    assert typed("report", path).status == 0
    assert "Ended: the port was lost" in path.with_suffix(".html").read_text(encoding="utf-8")


def test_a_browser_is_opened_only_if_asked_for_or_at_a_terminal(typed, empty, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda uri: opened.append(uri) or True)
    assert typed("report", empty).status == 0
    assert typed("report", empty, "--open", "no").status == 0
    assert not opened
    assert typed("report", empty, "--open", "yes").status == 0
    assert opened == [empty.with_suffix(".html").as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda uri: False)
    said = typed("report", empty, "--open", "yes")
    assert (said.status, said.err) == (0, "no browser was found to show it in\n")


def test_no_other_command_waits_for_matplotlib():
    code = "import sys, rig.cli.app; print('matplotlib' in sys.modules, 'rig.report' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_folder_is_pooled_on_one_page_and_makes_no_report_of_itself(typed, session):
    folder = session.parent
    (folder / "broken.sqlite").write_bytes(b"no session")
    typed("report", folder, "--open", "no")
    made = folder / f"{folder.name}.html"
    text = made.read_text(encoding="utf-8")
    assert f"<h1>{folder.name}: 1 session</h1>" in text
    assert f"{session.stem}/" in text and "broken.sqlite is left out" in text
    assert "every P on this page is then too small" in text
    assert "Water and licks" not in text and "Settling and drift" not in text
    typed("report", folder, "--open", "no")  # written anew
