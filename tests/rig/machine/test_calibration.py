"""Volume to open time and back: linear between weighed points, nothing invented outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.description import OutputLine
from rig.errors import ConfigError
from rig.machine.calibration import in_range, open_us, range_us, volume_ul

POINTS = ((6.0, 0.1), (20.0, 1.2), (60.0, 5.0), (200.0, 30.0))
VALVE = OutputLine(line=0, kind="valve", calibration=POINTS)


@pytest.mark.parametrize(("ms", "ul"), POINTS)
def test_the_weighed_points_are_exact_both_ways(ms, ul):
    assert open_us(VALVE, ul) == ms * 1000
    assert volume_ul(VALVE, round(ms * 1000)) == ul


def test_between_two_points_it_is_linear():
    assert open_us(VALVE, 3.1) == 40_000
    assert volume_ul(VALVE, 40_000) == pytest.approx(3.1)
    assert volume_ul(VALVE, 130_000) == pytest.approx(17.5)


@pytest.mark.parametrize("volume", [0.0, 0.099, 30.001, -1.0, float("nan"), float("inf")])
def test_a_volume_outside_the_range_is_refused_with_the_range(volume):
    with pytest.raises(ConfigError, match=r"valve 'water' is calibrated from 0\.1 to 30 uL; .* outside"):
        open_us(VALVE, volume, "valve 'water'")


def test_a_line_through_the_origin_is_not_taken():
    """6 ms give 0.1 uL, so 3 ms may well give nothing: it counts as at most 0.1, never as 0.05."""
    assert volume_ul(VALVE, 3_000) == 0.1
    assert volume_ul(VALVE, 0) == 0.0
    assert volume_ul(VALVE, -5) == 0.0
    assert volume_ul(VALVE, 200_100) == pytest.approx(30.0 + 0.1 * 25 / 140)


@given(st.floats(0.1, 30.0), st.floats(0.1, 30.0))
def test_more_volume_never_takes_less_time(a, b):
    small, large = sorted((a, b))
    assert open_us(VALVE, small) <= open_us(VALVE, large)


@given(st.floats(0.1, 30.0))
def test_there_and_back_is_the_same_within_a_microsecond(volume):
    steepest_ul_per_us = 25.0 / 140_000
    assert volume_ul(VALVE, open_us(VALVE, volume)) == pytest.approx(volume, abs=steepest_ul_per_us)


def test_the_range_is_known():
    assert range_us(VALVE) == (6_000, 200_000)
    assert in_range(VALVE, 6_000)
    assert in_range(VALVE, 200_000)
    assert not in_range(VALVE, 5_999)
    assert not in_range(VALVE, 200_001)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ((), "0 points"),
        (((10.0, 1.0),), "1 points"),
        (((10.0, 1.0), (20.0, 1.0)), "must both ascend"),
        (((10.0, 1.0), (10.0, 2.0)), "must both ascend"),
        (((10.0, 2.0), (20.0, 1.0)), "must both ascend"),
    ],
)
def test_a_calibration_that_says_nothing_is_refused(points, words):
    valve = OutputLine(line=0, kind="valve", calibration=points)
    for ask in (lambda: open_us(valve, 1.0, "valve 'w'"), lambda: volume_ul(valve, 5, "valve 'w'")):
        with pytest.raises(ConfigError, match=f"valve 'w'.*{words}"):
            ask()
