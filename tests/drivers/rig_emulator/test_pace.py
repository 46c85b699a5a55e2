"""Emulated time never goes faster than asked, and a stall is not made up for in a burst."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.rig_emulator.pace import FORGET_NS, SLICE_NS, Pace

MS = 1_000_000


def turn(pace, wall_ns, now_us, use=1.0):
    """One turn of a serving loop that uses a part of what it may."""
    until = pace.until_us(wall_ns, now_us)
    went = int((until - now_us) * use)
    pace.went(went)
    return now_us + went


@given(st.sampled_from([0.5, 1.0, 30.0, 60.0]), st.lists(st.integers(0, 200 * MS), max_size=60))
def test_it_is_a_ceiling(speed, steps):
    pace, wall, now = Pace(speed, 0, 0), 0, 0
    for step in steps:
        wall += step
        now = turn(pace, wall, now)
        while pace.behind:
            now = turn(pace, wall, now)
        assert now <= wall * speed / 1000 + 1


def test_it_is_reached_with_small_delays():
    pace, now = Pace(60.0, 0, 0), 0
    for wall in range(0, 1000 * MS, MS // 2):
        now = turn(pace, wall, now)
    assert pace.reached(1000 * MS, now) == pytest.approx(60, rel=0.01)


def test_small_delays_are_made_up_for():
    pace, now = Pace(10.0, 0, 0), 0
    for wall in [*range(0, 100 * MS, 10 * MS), 100 * MS]:
        now = turn(pace, wall, now)
        while pace.behind:
            now = turn(pace, wall, now)
    assert now == pytest.approx(1_000_000, rel=0.02)


def test_a_stall_is_forgotten():
    pace = Pace(10.0, 0, 0)
    now, turns = 0, 0
    while turns == 0 or pace.behind:
        now = turn(pace, 5000 * MS, now)
        turns += 1
    assert now == pytest.approx(FORGET_NS * 10 / 1000, rel=0.05)
    assert turns >= FORGET_NS // SLICE_NS - 1


def test_waiting_is_until_the_due_time():
    pace = Pace(10.0, 0, 0)
    assert pace.wait_ns(10_000, 0) == MS
    assert pace.wait_ns(None, 0) == 1000 * MS
    assert pace.wait_ns(0, 5) == 0
    pace.until_us(MS // 2, 0)
    assert pace.wait_ns(10_000, 0) == MS // 2


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_nonsense_is_refused(speed):
    with pytest.raises(ValueError, match="above 0"):
        Pace(speed, 0, 0)
