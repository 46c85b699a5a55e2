from __future__ import annotations

import numpy as np
import pytest

from rig.errors import ConfigError
from rig.estimate.utility import (
    PUBLISHED_AXIS,
    PUBLISHED_SHIFT_HZ,
    PUBLISHED_SIZES_UL,
    PUBLISHED_UTILITY_HZ,
    UtilityAxis,
    fitted_utility_hz,
)


def test_published_sizes_stand_at_their_published_utilities() -> None:
    placed = PUBLISHED_AXIS.place(PUBLISHED_SIZES_UL)
    assert placed.utility_hz == PUBLISHED_UTILITY_HZ
    assert not any(placed.off_axis)
    assert placed.axis == PUBLISHED_AXIS
    assert pytest.approx(-1.49744479, abs=1e-9) == PUBLISHED_SHIFT_HZ


@pytest.mark.parametrize(
    ("hz", "ul"), [(1.41429, 6.4), (1.12346, 6.0526), (-1.75878, 2.5), (1.11428, 6.0417)]
)
def test_published_reversal_points_convert_to_their_published_volumes(hz: float, ul: float) -> None:
    assert float(PUBLISHED_AXIS.to_ul(hz)) == pytest.approx(ul, abs=1e-4)
    assert float(PUBLISHED_AXIS.to_hz(ul)) == pytest.approx(hz, abs=1e-4)


def test_both_ways_are_inverse_inside_and_held_at_the_ends() -> None:
    ul = np.linspace(0.1, 20.0, 301)
    np.testing.assert_allclose(PUBLISHED_AXIS.to_ul(PUBLISHED_AXIS.to_hz(ul)), ul, rtol=1e-12)
    assert PUBLISHED_AXIS.to_ul([-50.0, 50.0]).tolist() == [0.1, 20.0]
    assert np.isnan(PUBLISHED_AXIS.to_ul(np.nan))


def test_fit_is_within_its_stated_error_of_the_published_axis() -> None:
    error = fitted_utility_hz(PUBLISHED_SIZES_UL) - np.array(PUBLISHED_UTILITY_HZ)
    assert float(np.sqrt(np.mean(error**2))) == pytest.approx(0.125, abs=0.01)


def test_a_size_between_takes_the_fit_and_is_off_axis() -> None:
    sizes = (0.1, 0.3, 1.2, 2.5, 3.6, 5.0, 7.0, 10.0, 20.0)
    placed = PUBLISHED_AXIS.place(sizes)
    assert placed.off_axis == (False, False, False, False, True, False, True, False, False)
    assert placed.utility_hz[4] == pytest.approx(float(fitted_utility_hz(3.6)))
    assert placed.utility_hz[5] == PUBLISHED_UTILITY_HZ[4]
    assert placed.axis == PUBLISHED_AXIS


def test_a_size_beyond_the_axis_draws_its_end_out() -> None:
    placed = PUBLISHED_AXIS.place((2.0, 6.0, 30.0))
    top = placed.utility_hz[-1]
    assert top > PUBLISHED_UTILITY_HZ[-1]
    assert float(placed.axis.to_ul(top)) == pytest.approx(30.0)


def test_measured_volumes_find_their_size() -> None:
    placed = PUBLISHED_AXIS.place(PUBLISHED_SIZES_UL)
    assert placed.index(0.1 + 0.2) == 1
    with pytest.raises(ConfigError, match=r"4 uL is not a declared reward size; those are 0\.1, 0\.3"):
        placed.index(4.0)


def test_an_own_axis_interpolates_inside_and_refuses_outside() -> None:
    own = UtilityAxis((1.0, 3.0, 9.0), (-2.0, 0.0, 3.0))
    placed = own.place((1.0, 2.0, 9.0))
    assert placed.utility_hz == (-2.0, -1.0, 3.0)
    assert placed.off_axis == (False, True, False)
    with pytest.raises(ConfigError, match="12 uL lies outside the utility axis"):
        own.place((1.0, 12.0))


@pytest.mark.parametrize(
    ("sizes", "hz", "words"),
    [
        ((1.0, 2.0), (0.0,), "2 sizes but 1 utilities"),
        ((1.0,), (0.0,), "two sizes"),
        ((1.0, 1.0), (0.0, 1.0), "must ascend"),
        ((1.0, 2.0), (1.0, 1.0), "must ascend"),
        ((0.0, 2.0), (0.0, 1.0), "above 0 uL"),
        ((1.0, float("nan")), (0.0, 1.0), "finite"),
    ],
)
def test_a_bad_axis_is_refused(sizes: tuple[float, ...], hz: tuple[float, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        UtilityAxis(sizes, hz)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((5.0, 2.5), "must ascend"),
        ((4.95, 5.0), "no order on the utility axis"),
        ((0.05, 0.1), "no order on the utility axis"),
        ((0.0, 5.0), "0 uL is not a reward size"),
        ((-1.0, 5.0), "-1 uL is not a reward size"),
    ],
)
def test_bad_sizes_are_refused(sizes: tuple[float, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PUBLISHED_AXIS.place(sizes)
