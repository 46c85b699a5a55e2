"""The function says what its parameters mean, and the grid can be given by a board."""

import numpy as np
import pytest

from rig.calibration.psychometric import duration_seen, make_grid, p_seen
from rig.errors import ConfigError


def test_the_parameters_mean_what_they_say():
    assert p_seen(5.0, 5.0, 7.0) == pytest.approx(1 - np.exp(-1))
    assert p_seen(0.0, 5.0, 7.0, 0.04, 0.1) == pytest.approx(0.04)
    assert p_seen(1e9, 5.0, 7.0, 0.04, 0.1) == pytest.approx(0.9)
    steep, flat = (p_seen([4.0, 6.0], 5.0, slope) for slope in (16.0, 1.0))
    assert steep[1] - steep[0] > 0.9
    assert 0 < flat[1] - flat[0] < 0.3


@pytest.mark.parametrize("share", [0.5, 0.99, 0.999])
def test_a_duration_is_seen_as_often_as_it_says(share):
    thresholds, slopes = np.array([[0.5], [40.0]]), np.array([1.0, 9.0])
    assert p_seen(duration_seen(share, thresholds, slopes), thresholds, slopes) == pytest.approx(share)


@pytest.mark.parametrize(("shortest", "longest"), [(0.1, 100.0), (0.1, 0.5), (3.0, 1000.0), (0.25, 12.34)])
def test_durations_are_whole_cycles_within_what_was_asked(shortest, longest):
    grid = make_grid(shortest, longest)
    durations = grid.durations_ms
    assert durations[0] == 0
    assert (np.diff(durations) > 0).all()
    cycles = durations / 0.1
    assert np.abs(cycles - np.round(cycles)).max() < 1e-6
    assert shortest - 1e-9 <= durations[1] and durations[-1] <= longest + 1e-9
    assert durations[-1] > 0.8 * longest
    assert grid.thresholds_ms[[0, -1]] == pytest.approx([shortest, longest])


def test_the_grid_is_finer_than_what_is_asked_of_it():
    grid = make_grid(0.5, 50.0, finest=0.1)
    assert np.diff(np.log(grid.thresholds_ms)).max() <= 0.05
    assert grid.shape == (grid.thresholds_ms.size, 5, 4, 4)


@pytest.mark.parametrize(("shortest", "longest"), [(0.05, 10.0), (5.0, 5.0), (5.0, 1.0)])
def test_no_range_is_refused(shortest, longest):
    with pytest.raises(ConfigError, match="leave nothing to look for"):
        make_grid(shortest, longest)
