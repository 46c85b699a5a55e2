"""Windows without a display, with settings and running engines of their own."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import msgspec
import pytest

from gui.client import Update
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.documents import Document, SessionStarted, SessionState, StreamState, TrialDone
from rig.log.entry import Input
from rig.log.replay import EndMark
from rig.runtime.files import new_session_file
from rig.runtime.recorder import Recorder


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is remembered from one test to the next, and no other test's engine is seen."""
    monkeypatch.setenv("DOPALOOP_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("DOPALOOP_RUNTIME_DIR", str(tmp_path / "running"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # Qt warns without one
    tmp_path.chmod(0o700)


class FakeSource:
    """A source that a test feeds by hand.

    Attributes
    ----------
    asked
        Commands that were handed over.
    refusal
        What happens to the next ones.
    """

    def __init__(self) -> None:
        self.waiting: list[Update] = []
        self.asked: list[object] = []
        self.refusal: Exception | None = None
        self.closed = False

    def tell(self, *updates: Update) -> None:
        self.waiting += updates

    def updates(self) -> Iterator[Update]:
        while self.waiting:
            yield self.waiting.pop(0)

    def submit(self, command: object) -> Future[int]:
        self.asked.append(command)
        future: Future[int] = Future()
        if self.refusal is None:
            future.set_result(len(self.asked))
        else:
            future.set_exception(self.refusal)
        return future

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


STREAM = StreamState(
    name="probe", messages=100, lost=0, noise_bytes=0, restarts=0,
    clock_sigma_us=80.0, clock_pulses=20, units=4,
)  # fmt: skip
STATE = SessionState(
    phase="running", subject="DA12", protocol="variable_magnitude", rig="rig 3", trial=3, trials=300,
    rewarded=2, delivered_ul=1020.0, board_us=62_000_000, settled=0, units=4, streams=(STREAM,),
    accepts=("note", "set", "stop", "emergency_stop", "pause", "reward"),
    last_line="trial 4: signalled, 5 uL",
)  # fmt: skip


@pytest.fixture
def make_state() -> Callable[..., SessionState]:
    """Return a state of a running session, with changes."""
    return lambda **changes: msgspec.structs.replace(STATE, **changes)


def good_health(**changes: object) -> dict[str, object]:
    health: dict[str, object] = {
        "uptime_s": 60.0,
        "loop_s": 0.004,
        "ports": {
            "board": {
                "open": True, "error": None, "last_heard_s": 0.01, "unanswered_s": None, "answer_ms": 0.9
            }
        },
        "feeds": {"probe": {"messages": 1000, "answers": True, "last_heard_s": 0.02}},
        "recorder": {
            "error": None, "stored": 500, "pending_bytes": 0, "lag_s": 0.0, "file": "s.sqlite",
            "file_bytes": 5_000_000, "free_bytes": 212_000_000_000,
        },
        "guard": {"beats": 6000, "withheld": 0, "longest_gap_ms": 14.0},
    }  # fmt: skip
    return {**health, **changes}


@pytest.fixture(name="good_health")
def _good_health() -> Callable[..., dict[str, object]]:
    return good_health


@pytest.fixture(scope="session")
def documents() -> list[Document]:
    """All documents of a simulated session: 14 trials, 5 units."""
    rig = virtual_description(demo_rig(), Emulation(units=5, seed=3))
    plan = make_plan("variable_magnitude", rig, subject="DA12", seed=3, trials=14, settings={})
    told: list[Document] = []

    class Keeper:
        def show(self, document: Document) -> None:
            told.append(document)

    run_virtual(plan, Keeper())
    return told


@pytest.fixture(scope="session")
def started(documents: list[Document]) -> SessionStarted:
    return next(document for document in documents if isinstance(document, SessionStarted))


@pytest.fixture(scope="session")
def session_file(documents: list[Document], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That session in a file, as if it had run at ten times real time."""
    path = new_session_file(tmp_path_factory.mktemp("recorded"), "DA12")
    rig = {"name": "demo", "streams": [{"name": "probe"}]}
    meta = {"subject": "DA12", "rig": rig, "max_trials": 14}
    recorder = Recorder(path, {key: msgspec.json.encode(value).decode() for key, value in meta.items()})
    recorder.start()
    t_ns = 0
    for seq, document in enumerate(documents):
        if isinstance(document, TrialDone):
            t_ns = (document.record.start_us + document.record.duration_us) * 100
        recorder.append(Input(seq, t_ns, "board", "bytes", b""), bytes(32))
        recorder.documents(seq, [document])
    assert recorder.close(EndMark(inputs=len(documents), chain="", reason="14 trials done", ok=True)) == 0
    return path
