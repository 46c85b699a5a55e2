"""The firmware, built once; tests skip, and say why, where its tools are not installed."""

from __future__ import annotations

import pytest

from benchmarks.firmware.build import build, chip_files, missing
from benchmarks.firmware.on_the_chip import Bench
from benchmarks.firmware.stepper import Stepper
from drivers.board.chip import Chip
from rig.machine.table import EXIT, Action, ActionKind, Condition, State, StateTable, Transition


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent.name == "firmware":
            item.add_marker(pytest.mark.timeout(120))


def built(*targets):
    why_not = missing(*targets)
    if why_not:
        pytest.skip(why_not)
    return build(*targets)


@pytest.fixture(scope="session")
def host_built():
    """The folder with `stepper`."""
    return built("host")


@pytest.fixture(scope="session")
def fuzz_built():
    """The folder with `fuzz_frames` and `fuzz_tables`."""
    return built("fuzz")


@pytest.fixture(scope="session")
def chip_built():
    """The emulated chip and the firmware for it."""
    built("all", "sim")
    return chip_files()


@pytest.fixture
def stepper(host_built):
    with Stepper(host_built / "stepper") as stepper:
        yield stepper


@pytest.fixture
def bench(chip_built):
    """A chip that was switched on a moment ago, with a host that asks one thing at a time."""
    with Chip(*chip_built) as chip:
        bench = Bench(chip)
        bench.set_up()
        yield bench


@pytest.fixture
def reward():
    """A cue on output 1 for 5 ms, then a drop from output 4; a lick on input 0 ends the cue."""

    def table(pulse_us=1_000, drink_cycles=100, cue_cycles=50):
        timer = Condition.STATE_TIMER
        cue = State(
            name="cue",
            timer_cycles=cue_cycles,
            outputs=1 << 1,
            transitions=(Transition(code=1, target=1), Transition(code=timer, target=1)),
        )
        drop = State(
            name="drop",
            timer_cycles=drink_cycles,
            actions=(Action(kind=ActionKind.PULSE, index=4, value=pulse_us),),
            transitions=(Transition(code=timer, target=EXIT),),
        )
        return StateTable(name="reward", states=(cue, drop))

    return table
