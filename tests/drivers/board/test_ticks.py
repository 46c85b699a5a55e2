"""Rig time across wraps, silences and set clocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.board.ticks import TickClock

WRAP = 1 << 32
S = 1_000_000


def started(at_us, scale=0):
    clock = TickClock()
    clock.start(at_us % WRAP, at_us, 0, scale)
    return clock


def test_a_board_that_was_up_for_hours_is_met_in_its_own_time():
    assert started(3 * WRAP + 17).now_us == 3 * WRAP + 17


def test_a_wrap_without_any_event_in_between_is_not_missed():
    clock = started(5 * S)
    for second in range(6, 9_000):  # two wraps of heartbeats
        assert clock.see_stamp(second * S, (second - 5) * 1_000 * S)
        assert clock.now_us == second * S
    t_us = 9_000 * S + 123
    assert clock.see_tick(t_us % WRAP, t_us // 32 * 32, 8_995_000 * S) == t_us


def test_a_long_silence_is_believed_if_the_host_saw_it_pass():
    clock = started(5 * S)
    assert clock.see_stamp(5 * S + WRAP, WRAP * 1_000)
    assert clock.now_us == 5 * S + WRAP


def test_a_set_clock_moves_nothing():
    clock = started(100 * S)
    assert not clock.see_stamp(1_700_000_000 * S, 1_000 * S)  # one second later somebody sets the date
    assert clock.now_us == 100 * S
    assert clock.see_tick(103 * S, 1_700_000_002 * S, 3_000 * S) == 103 * S
    assert clock.see_stamp(1_700_000_003 * S, 4_000 * S)
    assert clock.now_us == 104 * S
    assert not clock.see_stamp(7 * S, 5_000 * S)  # and back
    assert clock.now_us == 104 * S
    assert clock.see_tick(105 * S, 7 * S + 320, 5_500 * S) == 105 * S


def test_a_clock_set_by_a_little_is_mended_by_the_next_event():
    clock = started(100 * S)
    clock.see_stamp(104 * S, 1_000 * S)  # it was set 3 s ahead; that cannot be told from time
    assert clock.see_tick(101 * S + 500_000, 104 * S + 500_000, 1_500 * S) == 101 * S + 500_000
    clock.see_stamp(105 * S, 2_000 * S)
    assert clock.now_us == 102 * S


def test_an_event_read_again_does_not_turn_time_back():
    clock = started(100 * S)
    clock.see_stamp(101 * S, 1_000 * S)
    assert clock.see_tick(99 * S + 5, 99 * S, 1_100 * S) == 99 * S + 5
    assert clock.now_us == 101 * S


def test_heartbeats_lie_on_their_second_though_stamps_are_cut_to_32_us():
    clock = started(100 * S + 31)
    assert clock.see_tick(100 * S + 717, 100 * S + 704, 1_000 * S) == 100 * S + 717
    clock.see_stamp(101 * S, 2_000 * S)
    assert clock.now_us == 101 * S


def test_time_never_falls_below_zero():
    clock = started(10)
    assert clock.see_tick(WRAP - 10, 0, 0) == WRAP - 10  # nonsense, but not negative


@given(
    st.integers(0, 3 * WRAP),
    st.integers(0, 100),
    st.lists(st.tuples(st.integers(0, 600 * S), st.sampled_from(["event", "beat", "set"])), max_size=60),
)
def test_ticks_unwrap_exactly_whatever_comes_between(start_us, offset_s, steps):
    clock = started(start_us)
    now_us, offset_us = start_us, 0
    for gap_us, what in steps:
        now_us += gap_us
        if what == "set":
            offset_us = offset_s * 10_000 * S
        stamp_us = (now_us + offset_us) // 32 * 32
        t_ns = (now_us - start_us) * 1_000
        if what == "event":
            assert clock.see_tick(now_us % WRAP, stamp_us, t_ns) == now_us
        else:
            clock.see_stamp(stamp_us, t_ns)
