"""Split halves of a whole population: everything `evaluate` says, beside the estimators' bare pass.

The bare pass works out both reversal points of every unit in both halves of every partition, and nothing
else: no sums of halves, no correlations, no asymmetries.
"""

import pytest

from benchmarks.figures import Aim, Bench, baseline, ours
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.population.cells import Cells, isotonic_cells, sign_count_cells
from rig.population.reliability import ReliabilityTracker, half_cells
from rig.sim.response_worlds import simulate

UNITS, PARTITIONS = 1000, 1000
ROUNDS = 8


@pytest.fixture(scope="module")
def tracker() -> ReliabilityTracker:
    session = simulate("both", 1, units=UNITS)
    made = ReliabilityTracker(PUBLISHED_UTILITY_HZ, UNITS, PARTITIONS)
    for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
        made.add(trial, size, y)
    made.halves.fold()
    return made


@pytest.mark.parametrize("side", ["bare", "ours"])
def test_split_halves(benchmark: Bench, tracker: ReliabilityTracker, side: str) -> None:
    benchmark.group = f"split halves of {UNITS:,} units in {PARTITIONS:,} partitions"
    utility = tracker.utility_hz
    halves: list[Cells] = []
    if side == "bare":
        halves = [half for _, one, other in half_cells(tracker.halves) for half in (one, other)]

    def bare() -> None:
        for half in halves:
            following = half.next_met()
            sign_count_cells(half, utility, following)
            isotonic_cells(half, utility, following)

    if side == "bare":
        benchmark.pedantic(bare, rounds=ROUNDS, warmup_rounds=1)
        baseline(benchmark, "both estimators, every cell")
    else:
        benchmark.pedantic(tracker.evaluate, rounds=ROUNDS, warmup_rounds=1)
        ours(benchmark, "evaluate()", shares={"p50": Aim(ratio=3), "p99": Aim(us=500_000)})
