"""Sessions on the emulated rig: real pseudo-terminal, real ZeroMQ sockets, a process of its own."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.description import Emulation, Telemetry
from rig.runtime.outcome import Outcome
from rig.session import Session


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


def wire_run(
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
    rig = with_emulation(demo_rig(), units=units, seed=seed)
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


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real recordings."""
    folder = os.environ.get("DOPALOOP_DATA")
    if not folder:
        pytest.skip("DOPALOOP_DATA is not set: no real recordings to test against")
    return Path(folder)
