"""Counts of a population: trial by trial they equal those of everything at once."""

from __future__ import annotations

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.population.counts import PopulationCounts
from rig.population.half_counts import membership
from rig.population.view import population_view
from rig.population.worked import About
from rig.sim.response_worlds import Session, simulate

UNITS = 7
ABOUT = About(
    units=[f"u{i}" for i in range(UNITS)],
    sizes_ul=PUBLISHED_SIZES_UL,
    utility_axis_hz=PUBLISHED_UTILITY_HZ,
    rewarded=0,
)


def counted(session: Session) -> PopulationCounts:
    made = PopulationCounts(PUBLISHED_UTILITY_HZ, PUBLISHED_SIZES_UL, partitions=40)
    made.add_units(UNITS)
    for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
        made.add(trial, int(size), y, session.baseline_hz)
    return made


def gappy(seed: int = 1) -> Session:
    session = simulate("both", seed, units=UNITS)
    session.response_hz[np.random.default_rng(seed).random(session.response_hz.shape) < 0.1] = np.nan
    return session


def test_online_equals_batch() -> None:
    session = gappy()
    made = counted(session)
    first = np.array([membership(trial, 1)[0] for trial in range(session.size_index.size)])
    for counts, kept in ((made.whole, first | ~first), (made.first, first), (made.second, ~first)):
        y = np.where(kept[:, None], session.response_hz, np.nan)
        batch = SizeCounts.from_trials(
            np.tile(np.arange(UNITS), first.size),
            np.repeat(session.size_index, UNITS),
            y.ravel(),
            units=UNITS,
            sizes=7,
        )
        for name in ("n", "positives", "negatives"):
            np.testing.assert_array_equal(getattr(counts, name), getattr(batch, name))
        np.testing.assert_allclose(counts.total, batch.total)
        np.testing.assert_allclose(counts.squares, batch.squares)
    # partition 0 of the reliability is the same halving
    np.testing.assert_array_equal(made.reliability.halves.n[:, 0].T, made.first.n)
    np.testing.assert_allclose(made.baseline_hz, session.baseline_hz)


def test_a_trial_that_comes_unit_by_unit_or_with_a_size_for_each_unit_counts_the_same() -> None:
    session = gappy(2)
    at_once, parted = counted(session), PopulationCounts(PUBLISHED_UTILITY_HZ, PUBLISHED_SIZES_UL, 40)
    parted.add_units(UNITS)
    odd = np.arange(UNITS) % 2 == 1
    for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
        sizes = np.full(UNITS, size)
        parted.add(trial, sizes, np.where(odd, y, np.nan), session.baseline_hz)
        parted.add(trial, int(size), np.where(odd, np.nan, y), session.baseline_hz)
    one, other = population_view(at_once, ABOUT), population_view(parted, ABOUT)
    assert one.figures.units == other.figures.units
    assert one.population.split_half == other.population.split_half
    assert one.population.asymmetry == other.population.asymmetry
    assert one.population.decoding == other.population.decoding


def test_a_copy_is_independent() -> None:
    made = counted(gappy())
    twin = made.copy()
    before = population_view(made, ABOUT)
    made.add(500, 3, np.ones(UNITS), np.ones(UNITS))
    assert population_view(twin, ABOUT) == before != population_view(made, ABOUT)


@pytest.mark.parametrize(
    ("size", "y", "message"),
    [(9, [0.0] * UNITS, "size index"), (0, [1.0], "7 units"), (0, [np.inf] * UNITS, "infinite")],
)
def test_refusals_change_nothing(size: int, y: list[float], message: str) -> None:
    made = counted(gappy())
    before = population_view(made, ABOUT)
    with pytest.raises(ValueError, match=message):
        made.add(0, size, y)
    assert population_view(made, ABOUT) == before
