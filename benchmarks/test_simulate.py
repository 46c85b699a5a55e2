"""Rig seconds a wall second: 300 simulated trials, and the replay of a session from the emulated rig.

A simulation stands beside the same session stepped over the inputs it had: what remains is the animal and
the board. A replay stands beside only reading the file and its checksums.
"""

import zlib
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.figures import Bench, baseline, ours
from benchmarks.virtual import recorded_inputs, run, sitting
from rig.cli.plans import make_plan
from rig.cli.replay import recorded_plan, replay_file
from rig.cli.rigs import demo_rig, launch, with_emulation
from rig.cli.sitting import run_session
from rig.documents import TrialDone
from rig.runtime.reader import SessionFile
from rig.units import NS_PER_S, US_PER_S

TRIALS, UNITS = 300, 40
WIRE_TRIALS = 30


@pytest.mark.parametrize("side", ["bare", "ours"])
def test_simulate(benchmark: Bench, side: str) -> None:
    benchmark.group = f"simulate {TRIALS} trials, {UNITS} units"
    inputs = recorded_inputs(TRIALS, UNITS)
    rig_seconds = inputs[-1].t_ns / NS_PER_S

    def session_alone() -> None:
        session = sitting(trials=TRIALS, units=UNITS).session
        session.start(0)
        for entry in inputs:
            session.step(entry)
        assert session.ended

    def simulation() -> None:
        run(sitting(trials=TRIALS, units=UNITS))

    benchmark.pedantic(session_alone if side == "bare" else simulation, rounds=3)
    if side == "bare":
        baseline(benchmark, "the session alone", amount=rig_seconds, unit="rig s")
    else:
        ours(benchmark, "session, animal, board", amount=rig_seconds, unit="rig s")


@pytest.fixture(scope="module")
def wire_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session file from the emulated rig, over its real ports."""
    rig = with_emulation(demo_rig(), units=UNITS, seed=1)
    with launch(rig, speed=60.0) as process:
        plan = make_plan(
            "variable_magnitude", process.rig, subject="bench", seed=1, trials=WIRE_TRIALS, settings={}
        )
        folder = tmp_path_factory.mktemp("wire")
        outcome, _ = run_session(plan, folder, Console(quiet=True), quiet=True)
    assert outcome.ok, outcome
    return outcome.path


@pytest.mark.parametrize("side", ["bare", "ours"])
def test_replay(benchmark: Bench, wire_session: Path, side: str) -> None:
    benchmark.group = f"replay {WIRE_TRIALS} trials from the wire, {UNITS} units"
    with SessionFile(wire_session) as file:
        records = [document.record for _, document in file.documents() if isinstance(document, TrialDone)]
        rig_seconds = (records[-1].start_us - records[0].start_us) / US_PER_S

        def read_only() -> None:
            assert all(zlib.crc32(row.entry.payload) == row.crc32 for row in file.rows())

        def replay() -> None:
            assert replay_file(file, recorded_plan(file)).complete

        benchmark.pedantic(read_only if side == "bare" else replay, rounds=3)
    if side == "bare":
        baseline(benchmark, "reading the file alone", amount=rig_seconds, unit="rig s")
    else:
        ours(benchmark, "replay", amount=rig_seconds, unit="rig s")
