"""A whole session on the emulated chip decides what the simulation decides."""

import pytest

from benchmarks.firmware.session import plan_for, run_on_chip, simulated_digest
from drivers.board.chip import CLOCKS_PER_US


def at(move):
    return move[2], move[0]


def test_ten_trials_on_the_chip_have_the_digest_of_the_simulation(chip_built):
    sitting = run_on_chip(*chip_built, plan_for(trials=10, units=2, seed=1))
    assert sitting.ended.ok, sitting.ended
    assert sitting.ended.trials == 10
    assert sitting.ended.decision_digest == simulated_digest(plan_for(trials=10, units=2, seed=1))
    assert sitting.board.repeats == 0
    assert sitting.board.codec.dropped == 0
    # What was recorded is what the pins did, each at the end of the cycle that the record names.
    rig = sitting.rig
    begin, levels, moved = rig.chip.clock_at(0), 0, []
    for pin in rig.pins:
        changed = [bit for bit in range(16) if (pin.levels ^ levels) >> bit & 1]
        moved += [(bit, pin.levels >> bit & 1, pin.clock) for bit in changed]
        levels = pin.levels
    recorded = [(event.output, int(event.on), event.t_us) for event in rig.outputs]
    assert len(moved) > 20
    for (output, on, clock), (event_output, event_on, t_us) in zip(
        sorted(moved, key=at), recorded, strict=True
    ):
        assert (output, on) == (event_output, event_on)
        assert 100 < (clock - begin) / CLOCKS_PER_US - t_us < 150


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_three_hundred_trials(chip_built):
    """As a command of its own: python -m benchmarks.firmware session --trials 300."""
    from benchmarks.firmware.__main__ import main

    assert main(["session", "--trials", "300"]) == 0
