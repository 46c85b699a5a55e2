"""Sessions on the emulated rig: real pseudo-terminal, real ZeroMQ sockets, a process of its own."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest
from rich.console import Console

from drivers.rig_emulator.main import effective_rig
from drivers.rig_emulator.ports import StreamPorts, serve_board
from drivers.rig_emulator.server import Server
from drivers.rig_emulator.world import EmulatedWorld
from drivers.transports import open_transport
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import make_session, run_session
from rig.description import Emulation, RigDescription, Telemetry
from rig.documents import Notice
from rig.runtime.engine import Engine
from rig.runtime.feeds import FeedPort
from rig.runtime.guard import Guard
from rig.runtime.outcome import Outcome
from rig.runtime.ports import Port
from rig.runtime.reader import SessionFile
from rig.session import BOARD_PORT, Session


@dataclasses.dataclass(frozen=True)
class WireRun:
    """A session that ran over the wire."""

    outcome: Outcome
    session: Session
    truth: bytes | None
    reached: float | None

    @property
    def path(self) -> Path:
        return self.outcome.path

    @property
    def digest(self) -> str:
        return self.session.digest.hex()


def decided_alike(session: Session, job: WireRun) -> bool:
    """Whether a session decided as another did.

    Byte for byte, if the machine had time for both; where it was too busy for the heartbeat, and a trial was
    cut short by the board's watchdog, what was decided is compared without what became of it.
    """
    records, others = session.history.records, job.session.history.records
    if all(record.outcome == "complete" for record in (*records, *others)):
        return session.digest.hex() == job.digest
    few = sum(record.outcome != "complete" for record in records) <= 2
    return few and [record.spec for record in records] == [record.spec for record in others]


def patient_rig(units: int, seed: int) -> RigDescription:
    """The demo's rig, with a board that waits longer for its host: other tests run beside this one."""
    rig = with_emulation(demo_rig(), units=units, seed=seed)
    return msgspec.structs.replace(rig, board=msgspec.structs.replace(rig.board, host_timeout_ms=2_000))


def wire_run(out: Path, **wishes: Any) -> WireRun:
    """Run a session over the wire; once more if it says that this computer stood still.

    What holds for a session does not hold for one whose board waited for its host too long. Such a one
    says so; and other tests run beside it.
    """
    run = one_wire_run(out, **wishes)
    return one_wire_run(out, **wishes) if stood_still(run) else run


def stood_still(run: WireRun) -> bool:
    """Whether the board lost its host, or the host its board."""
    with SessionFile(run.path) as file:
        told = [document.text for _, document in file.documents() if isinstance(document, Notice)]
    return any("fell into its safe state" in text or "board is lost" in text for text in told)


def one_wire_run(
    out: Path,
    *,
    trials: int,
    units: int = 4,
    seed: int = 1,
    speed: float = 60.0,
    protocol: str = "variable_magnitude",
    recorded: Path | None = None,
    settings: dict[str, object] | None = None,
    keys: Path | None = None,
    **emulation: object,
) -> WireRun:
    rig = patient_rig(units, seed)
    if emulation:
        changed = msgspec.structs.replace(rig.emulation or Emulation(), **emulation)
        rig = msgspec.structs.replace(rig, emulation=changed)
    if keys is not None:
        rig = msgspec.structs.replace(rig, telemetry=Telemetry(keys=str(keys)))
    left = []
    with launch(rig, speed=speed, recorded=recorded) as process:

        def reveal() -> bytes | None:
            left.append(process.stop())
            return left[0].truth

        plan = make_plan(
            protocol, process.rig, subject="m1", seed=seed, trials=trials, settings=settings or {}
        )
        outcome, session = run_session(plan, out, Console(quiet=True), quiet=True, truth=reveal)
    return WireRun(outcome, session, left[0].truth, left[0].reached)


class ServedRig:
    """An emulated rig in a thread of ours, so that a test can look at its board, and spoil it.

    `act` is called by the rig's own thread, twenty times a second.
    """

    def __init__(self, *, units: int = 4, seed: int = 1, speed: float = 20.0) -> None:
        rig = patient_rig(units, seed)
        self.world = EmulatedWorld(rig, None, time_scale=max(1, round(speed)))
        self.board = serve_board(rig.board.port)
        self.stream = StreamPorts(rig.streams[0])
        self.rig = effective_rig(rig, self.world.animal.units.names, self.board, self.stream)
        self.act: Callable[[], None] = lambda: None
        self._over = threading.Event()
        server = Server(self.world, self.board, self.stream, speed)
        self._thread = threading.Thread(target=server.run, args=(self._ended,))

    def _ended(self) -> bool:
        self.act()
        return self._over.is_set()

    def engine(self, out: Path, *, trials: int | None = None, **settings: object) -> Engine:
        """Make the engine that `dopaloop run` would make."""
        plan = make_plan(
            "variable_magnitude", self.rig, subject="m1", seed=1, trials=trials, settings=settings
        )
        session, board, feeds = make_session(plan)
        config, (stream,) = self.rig.board, self.rig.streams
        port = Port(BOARD_PORT, lambda: open_transport(config.port, config.baud))
        return Engine(
            session,
            meta=session.meta,
            out=out,
            subject="m1",
            ports=[port],
            guard=Guard(port, board.alive_frame, board.abort_frame),
            feeds=[FeedPort(name=stream.name, data=stream.data, reduce=feeds[stream.name].reduce)],
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.board.close()
        self.stream.close()


@pytest.fixture
def served_rig() -> type[ServedRig]:
    """An emulated rig that a test can look into: ``with served_rig(speed=2.0) as served:``."""
    return ServedRig


@pytest.fixture(scope="session")
def main_job(tmp_path_factory: pytest.TempPathFactory) -> WireRun:
    """The main job: 300 trials, 40 units, seed 1, over a pseudo-terminal and ZeroMQ."""
    return wire_run(tmp_path_factory.mktemp("main_job"), trials=300, units=40)


@pytest.fixture(scope="session")
def short_job(tmp_path_factory: pytest.TempPathFactory) -> WireRun:
    """Twelve trials with four units."""
    return wire_run(tmp_path_factory.mktemp("short_job"), trials=12)


@pytest.fixture
def on_the_wire(tmp_path: Path) -> Callable[..., WireRun]:
    """Run a session of one's own over the wire."""
    return lambda **wishes: wire_run(tmp_path, **wishes)
