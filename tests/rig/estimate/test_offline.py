from __future__ import annotations

import numpy as np
import pytest

from rig.errors import ConfigError
from rig.estimate.counts import SizeCounts
from rig.estimate.offline import (
    Responses,
    analyse,
    grand_mean,
    grand_mean_shift,
    population_axis,
    reward_sizes,
)
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SHIFT_HZ, PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ

U = np.array(PUBLISHED_UTILITY_HZ)


def recording(units: int = 4, repeats: int = 12, unsignalled_extra_hz: float = 0.0) -> Responses:
    """Units that follow the published axis, half of the trials signalled, with little noise."""
    rng = np.random.default_rng(8)
    size = np.tile(np.repeat(np.arange(7), repeats), units)
    signalled = np.arange(size.size) % 2 == 0
    y = U[size] + rng.normal(0, 0.5, size.size) + np.where(signalled, 0.0, unsignalled_extra_hz)
    return Responses(
        names=tuple("abcdefgh"[:units]),
        unit=np.repeat(np.arange(units), 7 * repeats),
        reward_ul=np.array(PUBLISHED_SIZES_UL)[size],
        signalled=signalled,
        response_hz=y,
        trials=100,
        rewarded=84,
    )


def test_paper_axis_shifts_unsignalled_responses_by_the_published_constant() -> None:
    data = recording(unsignalled_extra_hz=-PUBLISHED_SHIFT_HZ)
    analysis = analyse(data)
    assert analysis.shift_hz == PUBLISHED_SHIFT_HZ
    assert analysis.estimator.placed.axis == PUBLISHED_AXIS
    assert [e.unit for e in analysis.estimates] == ["a", "b", "c", "d"]
    assert [e.isotonic_hz for e in analysis.estimates] == pytest.approx([0.0] * 4, abs=0.5)


def test_population_axis_and_shift_are_the_units_own() -> None:
    analysis = analyse(recording(unsignalled_extra_hz=3.0), "population")
    assert analysis.shift_hz == pytest.approx(-3.0, abs=0.15)
    np.testing.assert_allclose(analysis.estimator.placed.utility_hz, U, atol=0.3)
    assert not any(analysis.estimator.placed.off_axis)


def test_a_given_shift_wins() -> None:
    assert analyse(recording(), shift_hz=0.0).shift_hz == 0.0


def test_grand_means_weigh_units_and_sizes_equally() -> None:
    counts = SizeCounts(2, 2)
    counts.add(0, [1.0, 5.0])
    counts.add(0, [3.0, np.nan])
    counts.add(1, [6.0, np.nan])
    assert grand_mean(counts) == pytest.approx((2.0 + 5.0 + 6.0) / 3)
    assert grand_mean_shift(counts, SizeCounts(2, 2)) == 0.0
    assert population_axis(counts, (1.0, 2.0)).utility_hz == pytest.approx((3.5, 6.0))


def test_missing_responses_are_left_out() -> None:
    data = recording(units=1)
    data.response_hz[::3] = np.nan
    assert sum(analyse(data).estimates[0].n) == int((~np.isnan(data.response_hz)).sum())


def test_a_population_that_does_not_grow_with_size_gives_no_axis() -> None:
    data = recording(units=1)
    data.response_hz[:] = -data.response_hz
    with pytest.raises(ConfigError, match=r"no utility axis: .*must ascend.*use the paper's axis"):
        analyse(data, "population")
    data.response_hz[data.reward_ul == 5.0] = np.nan
    with pytest.raises(ConfigError, match="no unit has a response to 5 uL"):
        analyse(data, "population")


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([5.0, 5.0], "only 5 uL"),
        ([], "there are none"),
        ([5.0, 500.0], "500 uL is not a reward size"),
        ([5.0, -1.0], "-1 uL is not a reward size"),
        (np.linspace(1, 20, 65), "65 different reward sizes"),
    ],
)
def test_bad_sizes_are_refused(sizes: list[float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        reward_sizes(np.array(sizes, dtype=np.float64))


def test_sizes_that_differ_by_rounding_are_one() -> None:
    assert reward_sizes(np.array([0.3, 0.1 + 0.2, 5.0])) == (0.3, 5.0)
