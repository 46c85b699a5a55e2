"""One trial's update and all estimates, beside a plain numpy pass over the same arrays.

The plain pass counts the trial in and works out mean and standard error per unit and size: the least that
anything called an estimate needs.
"""

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.figures import Bench, baseline, ours
from rig.estimate.online import ReversalEstimator

SIZES_UL = (0.1, 0.3, 1.2, 2.5, 5.0, 10.0, 20.0)
TRIALS = 240


class PlainPass:
    """Sums per unit and size, and what numpy makes of them at once."""

    def __init__(self, units: int) -> None:
        self.n = np.full((units, len(SIZES_UL)), 30.0)
        self.total = np.zeros((units, len(SIZES_UL)))
        self.squares = np.zeros((units, len(SIZES_UL)))

    def trial(self, size: int, y: npt.NDArray[np.float64]) -> object:
        self.n[:, size] += 1
        self.total[:, size] += y
        self.squares[:, size] += y * y
        mean = self.total / self.n
        error = np.sqrt(np.maximum(self.squares / self.n - mean * mean, 0) / self.n)
        return mean - 1.96 * error


def responses(units: int) -> list[npt.NDArray[np.float64]]:
    """One row of responses in Hz a trial: rising with the size, with noise."""
    rng = np.random.default_rng(1)
    offsets = rng.normal(4, 3, units)
    return [2.0 * (trial % len(SIZES_UL)) - offsets + rng.normal(0, 3, units) for trial in range(TRIALS)]


@pytest.mark.parametrize("units", [64, 1000])
@pytest.mark.parametrize("side", ["bare", "ours", "arrays"])
def test_a_trial(benchmark: Bench, side: str, units: int) -> None:
    benchmark.group = f"a trial of {units:,} units to its estimates"
    values = responses(units)
    plain, estimator = PlainPass(units), ReversalEstimator(SIZES_UL)
    estimator.ensure_units(f"{unit // 4}:{unit % 4 + 1}" for unit in range(units))
    for trial, row in enumerate(values):
        estimator.update(trial % len(SIZES_UL), row)
    turn = iter(range(10**9))

    def bare() -> object:
        trial = next(turn)
        return plain.trial(trial % len(SIZES_UL), values[trial % TRIALS])

    def documents() -> object:
        trial = next(turn)
        estimator.update(trial % len(SIZES_UL), values[trial % TRIALS])
        return estimator.estimates()

    def arrays() -> object:
        trial = next(turn)
        estimator.update(trial % len(SIZES_UL), values[trial % TRIALS])
        return estimator.summary

    run = {"bare": bare, "ours": documents, "arrays": arrays}[side]
    benchmark.pedantic(run, rounds=100, warmup_rounds=5)
    if side == "bare":
        baseline(benchmark, "plain numpy pass")
    else:
        name = "update, estimates()" if side == "ours" else "update, arrays only"
        ours(benchmark, name, shares={"p50": None, "p99": None})
