"""Halves counted trial by trial are those of the whole session at once."""

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts
from rig.population.half_counts import STEPS_PER_HZ, HalfCounts, membership

UNITS, SIZES, TRIALS, PARTITIONS = 5, 7, 90, 130


def session() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    y = rng.normal(0, 4, (TRIALS, UNITS)).astype(np.float32).astype(np.float64)
    y[rng.random(y.shape) < 0.1] = np.nan
    return rng.integers(0, SIZES, TRIALS), y


def test_membership_is_fair_and_repeatable() -> None:
    bits = np.stack([membership(trial, 1000) for trial in range(400)])
    np.testing.assert_array_equal(bits[17], membership(17, 1000))
    assert bits.mean() == pytest.approx(0.5, abs=0.004)
    # neither trials nor partitions go together
    assert np.abs(np.corrcoef(bits[:60])[np.triu_indices(60, 1)]).max() < 0.17
    assert np.abs(np.corrcoef(bits.T[:60])[np.triu_indices(60, 1)]).max() < 0.25


@pytest.mark.parametrize("fold_every", [1, 7, 1000])
def test_online_equals_batch(fold_every: int) -> None:
    sizes, y = session()
    halves = HalfCounts(SIZES, UNITS, PARTITIONS)
    for trial in range(TRIALS):
        halves.add(trial, sizes[trial], y[trial])
        if trial % fold_every == 0:
            halves.fold()
    halves.fold()
    first = np.stack([membership(trial, PARTITIONS) for trial in range(TRIALS)])
    unit = np.tile(np.arange(UNITS), TRIALS)
    for partition in (0, 64, 129):
        kept = np.where(first[:, [partition]], y, np.nan)
        batch = SizeCounts.from_trials(unit, np.repeat(sizes, UNITS), kept.ravel(), units=UNITS, sizes=SIZES)
        np.testing.assert_array_equal(halves.n[:, partition].T, batch.n)
        np.testing.assert_array_equal(halves.positives[:, partition].T, batch.positives)
        np.testing.assert_array_equal(halves.negatives[:, partition].T, batch.negatives)
        # exact, however many trials were folded together
        steps = np.round(kept * STEPS_PER_HZ) / STEPS_PER_HZ
        batch = SizeCounts.from_trials(unit, np.repeat(sizes, UNITS), steps.ravel(), units=UNITS, sizes=SIZES)
        np.testing.assert_array_equal(halves.total[:, partition].T, batch.total)
    whole = SizeCounts.from_trials(unit, np.repeat(sizes, UNITS), y.ravel(), units=UNITS, sizes=SIZES)
    np.testing.assert_array_equal(halves.all_trials.n, whole.n)
    np.testing.assert_allclose(halves.all_trials.squares, whole.squares)


def test_sizes_of_separate_sessions_and_late_units() -> None:
    sizes, y = session()
    halves = HalfCounts(SIZES, 2, PARTITIONS)
    for trial in range(20):
        halves.add(trial, [sizes[trial], (sizes[trial] + 1) % SIZES], y[trial, :2])
    halves.add_units(1)
    halves.add(20, 0, [1.0, np.nan, -2.0])
    halves.fold()
    assert halves.all_trials.n.sum() == np.isfinite(y[:20, :2]).sum() + 2
    assert halves.all_trials.total[2, 0] == -2.0
    member = membership(20, PARTITIONS)
    np.testing.assert_array_equal(halves.n[0, :, 2], member)
    np.testing.assert_array_equal(halves.total[0, :, 2], -2.0 * member)


@pytest.mark.parametrize(
    ("size", "y", "message"),
    [(0, [1.0], "2 units"), (7, [1.0, 2.0], "size index"), (0, [1.0, np.inf], "infinite")],
)
def test_refusals(size: int, y: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HalfCounts(SIZES, 2, 10).add(0, size, y)
