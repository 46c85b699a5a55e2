from __future__ import annotations

import pytest

from gui.rig_clock import CARRY_ON_S, RigClock

S = 1_000_000


def test_it_learns_the_speed_of_a_demo():
    clock = RigClock()
    for k in range(20):
        clock.hear(k * S, now_s=k * 0.2)
    assert clock.rate == pytest.approx(5.0)
    assert clock.now_us(19 * 0.2 + 0.1) == pytest.approx(19.5 * S)


def test_it_waits_for_a_board_that_says_nothing():
    clock = RigClock()
    clock.hear(10 * S, now_s=0.0)
    assert clock.now_us(100.0) == 10 * S + CARRY_ON_S * S


def test_it_never_runs_backwards_within_a_session():
    clock = RigClock()
    clock.hear(10 * S, now_s=0.0)
    ahead = clock.now_us(1.0)
    clock.hear(10 * S + 500_000, now_s=1.0)
    assert clock.now_us(1.0) == ahead
    assert clock.rate == pytest.approx(0.5)
    assert clock.now_us(1.9) == ahead < clock.now_us(2.2)


def test_a_history_that_is_told_slowly_does_not_carry_the_cursor_away():
    """A busy computer is told twenty minutes within twenty seconds: that looks like 60 times real time."""
    clock = RigClock()
    for k in range(200):
        clock.hear(k * 6 * S, now_s=k * 0.1)
    assert clock.rate == pytest.approx(60.0)
    assert clock.now_us(19.9 + 60.0) == 199 * 6 * S + CARRY_ON_S * S


def test_another_session_begins_anew():
    clock = RigClock()
    clock.hear(100 * S, now_s=0.0)
    clock.now_us(1.0)
    clock.hear(2 * S, now_s=2.0)
    assert clock.now_us(2.0) == 2 * S


def test_before_anything_was_heard_there_is_no_time():
    assert RigClock().now_us(5.0) == 0


def test_a_history_that_is_told_in_a_moment_is_no_fast_rig():
    """A window that attaches late is told an hour within a second: no rate to carry the cursor on at."""
    clock = RigClock()
    for k in range(60):
        clock.hear(k * 60 * 1_000_000, now_s=k * 0.02)
    assert clock.rate == 1.0
    assert clock.now_us(59 * 0.02 + 1.0) == 59 * 60 * 1_000_000 + 1_000_000
