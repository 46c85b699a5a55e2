"""How the devices' clocks went: kept for hours, thinned for a picture. No Qt."""

from __future__ import annotations

import numpy as np
import pytest

from gui.clock_book import MOST_POINTS, ClockPath
from rig.clock.health import ClockHealth


def health(residual_us, **changes):
    return ClockHealth(source="sync line", verdict="ok", residual_us=residual_us, ppm=3.0, **changes)


def test_a_path_holds_what_was_told_and_of_a_recording_that_goes_back_nothing_twice():
    path = ClockPath()
    for at_s, off in ((5, 1.0), (10, None), (15, -2.0), (10, 9.0)):
        path.add(at_s * 1_000_000, health(off))
    assert path.points[:, 0].tolist() == [5.0, 10.0, 15.0]
    assert path.points[:, 1] == pytest.approx([1.0, np.nan, -2.0], nan_ok=True)
    assert path.newest.residual_us == 9.0


def test_thinning_keeps_the_pulse_that_was_off_most_and_the_newest():
    path = ClockPath()
    for k in range(1000):
        path.add((k + 1) * 1_000_000, health(800.0 if k == 777 else 1.0))
    drawn = path.thinned(100)
    assert len(drawn) <= 101
    assert 800.0 in drawn[:, 1] and (np.diff(drawn[:, 0]) > 0).all()
    for k in range(1000, 1007):
        path.add((k + 1) * 1_000_000, health(1.0))
    assert path.thinned(100)[-1, 0] == 1007.0
    assert len(path.thinned(5000)) == 1007


def test_memory_is_bounded():
    path = ClockPath()
    for k in range(2 * MOST_POINTS):
        path.add((k + 1) * 1_000_000, health(1.0))
    assert len(path.points) <= MOST_POINTS
    assert path.points[-1, 0] == 2 * MOST_POINTS
