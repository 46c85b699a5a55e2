"""The clock against simulated lines whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.clock.model import ClockModel

DRIFTS = {
    "steady": lambda x: 35e-6 * x,
    "slow": lambda x: -80e-6 * x + 1e-9 * x**2,  # 0.002 ppm a second
    "swinging": lambda x: (
        100e-6 * 1800 / math.pi * (1 - math.cos(math.pi * x / 1800))
    ),  # +-100 ppm in an hour
}


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize(("lost", "spurious"), [(0.0, 0.0), (0.02, 0.1), (0.02, 0.3)])
def test_times_are_right_to_some_microseconds(drift, lost, spurious, make_line):
    errors, clocks = [], []
    for seed in range(3):
        line = make_line(seed, 400, drift=DRIFTS[drift])
        line.lose(lost)
        line.spurious(spurious)
        clocks.append(ClockModel())
        errors.append(line.errors_us(clocks[-1]))
    every = np.concatenate(errors)
    assert len(every) > 1500
    assert np.median(every) < 10
    assert np.percentile(every, 99) < 20
    # A spike lies 50 us from a window's edge, and its own stamp takes up to 16.7 us of that.
    assert every.max() < 33
    assert all(clock.locks == 1 and clock.resets == 0 for clock in clocks)
    assert all(clock.n_pulses > 0.9 * 400 * (1 - lost) ** 2 for clock in clocks)


def test_it_locks_with_the_fourth_common_pulse_and_gives_no_time_before(make_line):
    line, clock = make_line(1, 4), ClockModel()
    for t_us, sample in zip(line.board, line.stream, strict=True):
        assert not clock.locked
        assert clock.sigma_us == math.inf
        with pytest.raises(ValueError, match="not locked"):
            clock.to_board_us(sample)
        with pytest.raises(ValueError, match="not locked"):
            clock.to_sample(t_us)
        clock.add_board_pulse(t_us)
        clock.add_stream_pulse(sample)
    assert clock.locked
    assert clock.n_pulses == 4
    assert 5 < clock.sigma_us < 50


def test_there_and_back(make_line):
    line, clock = make_line(2, 200, drift=DRIFTS["swinging"], first_sample=10**12), ClockModel()
    for _ in line.run(clock):
        pass
    last = line.pulses[-1]
    for back_us in (-30_000_000, -3_000_000, 0, 7_000_000, 100_000_000, 200_000_000, 400_000_000):
        t_us = last - back_us + 0.25
        assert clock.to_board_us(clock.to_sample(t_us)) == pytest.approx(t_us, abs=0.01)


def test_sample_numbers_near_a_million_million_lose_nothing(make_line):
    near, far = (make_line(3, 150, first_sample=first) for first in (0, 10**12))
    clocks = ClockModel(), ClockModel()
    for line, clock in zip((near, far), clocks, strict=True):
        for _ in line.run(clock):
            pass
    here, there = (
        clock.to_board_us(line.true_sample(near.pulses[-1]))
        for clock, line in zip(clocks, (near, far), strict=True)
    )
    assert here == pytest.approx(there, abs=0.01)


def test_the_rate_and_its_error_are_told(make_line):
    line, clock = make_line(4, 130, drift=DRIFTS["steady"]), ClockModel()
    for _ in line.run(clock):
        pass
    assert clock.ppm == pytest.approx(35.0, abs=1.0)
    assert clock.rate_hz == pytest.approx(30_000 * (1 + 35e-6), abs=0.03)
    assert clock.last_pulse_us == line.pulses[-1]
    assert abs(clock.residual_us) < 60
    assert 8 < clock.residual_sd_us < 12  # a third of a sample: what rounding to samples makes
    assert 1 < clock.sigma_us < 6


def test_the_stated_error_is_the_true_one(make_line):
    scaled = []
    for seed in range(60):
        line, clock = make_line(100 + seed, 40, drift=DRIFTS["steady"]), ClockModel()
        for _ in line.run(clock):
            pass
        t_us = line.pulses[-1]
        scaled.append((clock.to_board_us(line.true_sample(t_us)) - t_us) / clock.sigma_us)
    assert 0.6 < np.std(scaled) < 1.4


@pytest.mark.parametrize("rate_hz", [20_000.0, 24_414.0625, 1000.0])
def test_other_rates_told_late(rate_hz, make_line):
    line, clock = make_line(5, 60, rate_hz=rate_hz), ClockModel()
    for n, _ in enumerate(line.run(clock)):
        if n == 20:
            assert not clock.locked
            clock.nominal_rate_hz = rate_hz
    assert clock.locked
    t_us = line.pulses[-1]
    assert clock.to_board_us(line.true_sample(t_us)) == pytest.approx(t_us, abs=0.6e6 / rate_hz)


def test_a_stream_long_running_before_the_board_and_the_reverse(make_line):
    early_stream, early_board = make_line(6, 60), make_line(7, 60)
    early_stream.board = early_stream.board[30:]
    early_board.stream = early_board.stream[30:]
    for line in (early_stream, early_board):
        clock = ClockModel()
        for _ in line.run(clock):
            pass
        assert clock.locked
        assert clock.n_pulses == 30


def test_a_stream_seconds_behind_still_locks(make_line):
    line, clock = make_line(8, 80, drift=DRIFTS["steady"]), ClockModel()
    errors = line.errors_us(clock, behind_us=8e6)
    assert len(errors) > 50
    assert np.median(errors) < 20
    assert (clock.locks, clock.n_pulses) == (1, 80)


def test_a_regular_train_is_never_taken_for_a_pattern():
    clock = ClockModel()
    for n in range(100):
        clock.add_board_pulse(n * 1_000_000)
        clock.add_stream_pulse(n * 30_000 + 7)
    assert not clock.locked


def test_unrelated_trains_do_not_lock(make_line):
    for seed in range(30):
        line, other, clock = make_line(seed, 60), make_line(500 + seed, 60), ClockModel()
        line.stream = other.stream
        for t_us, sample in zip(line.board, other.stream, strict=True):
            clock.add_board_pulse(t_us)
            clock.add_stream_pulse(sample)
        assert clock.locks == 0


def test_a_bouncing_line_locks_too(make_line):
    line, clock = make_line(9, 60), ClockModel()
    line.stream = sorted([*line.stream, *(sample + 15 for sample in line.stream[::3])])
    errors = line.errors_us(clock)
    assert clock.locks == 1
    assert errors.max() < 33


def test_a_restart_is_locked_anew_on_the_new_samples(make_line):
    line, clock = make_line(10, 120), ClockModel()
    offset = 0
    for t_us, sample in zip(line.board, line.stream, strict=True):
        if t_us == line.board[60]:
            clock.reset("message numbers began again at 1")
            assert not clock.locked
            offset = -sample + 42
        clock.add_board_pulse(t_us)
        clock.add_stream_pulse(sample + offset)
        if t_us == line.board[63]:
            assert clock.locked
    assert (clock.locks, clock.resets) == (2, 1)
    assert "began again" in clock.reason
    at_us = line.pulses[-1]
    assert clock.to_board_us(line.true_sample(at_us) + offset) == pytest.approx(at_us, abs=20)


@pytest.mark.parametrize("jump", [-10_000_000, -40_000, -600, 600, 15_000, 10_000_000])
def test_samples_that_jump_without_a_word_are_found_out(jump, make_line):
    line, clock = make_line(11, 120, first_sample=20_000_000), ClockModel()
    for n, (t_us, sample) in enumerate(zip(line.board, line.stream, strict=True)):
        clock.add_board_pulse(t_us)
        clock.add_stream_pulse(sample + (jump if n >= 60 else 0))
    assert clock.locked
    assert clock.resets >= 1
    at_us = line.pulses[-1]
    assert clock.to_board_us(line.true_sample(at_us) + jump) == pytest.approx(at_us, abs=20)


def test_a_small_step_of_the_clock_is_followed(make_line):
    line, clock = make_line(12, 160), ClockModel()
    for n, (t_us, sample) in enumerate(zip(line.board, line.stream, strict=True)):
        clock.add_board_pulse(t_us)
        clock.add_stream_pulse(sample + (6 if n >= 100 else 0))  # 200 us
        if n == 110:
            assert clock.to_board_us(line.true_sample(t_us) + 6) == pytest.approx(t_us, abs=33)


def test_a_board_that_begins_again_is_locked_anew(make_line):
    first, second, clock = make_line(13, 50), make_line(14, 50), ClockModel()
    shift = first.stream[-1] + 90_000 - second.stream[0]
    for line, by in ((first, 0), (second, shift)):
        for t_us, sample in zip(line.board, line.stream, strict=True):
            clock.add_board_pulse(t_us)
            clock.add_stream_pulse(sample + by)
    assert clock.locked
    t_us = second.pulses[-1]
    assert clock.to_board_us(second.true_sample(t_us) + shift) == pytest.approx(t_us, abs=20)


def test_it_is_stale_when_pulses_stop_and_resumes_by_itself(make_line):
    line, clock = make_line(15, 100), ClockModel()
    assert clock.stale(0)
    quiet = range(40, 60)
    for n, (t_us, sample) in enumerate(zip(line.board, line.stream, strict=True)):
        clock.add_board_pulse(t_us)
        if n not in quiet:
            clock.add_stream_pulse(sample)
        assert clock.stale(t_us) == (n < 3 or (n in quiet and t_us - line.board[39] > 10_000_000))
    assert clock.stale(line.board[-1] + 2_000_000, limit_s=1.0)
    assert (clock.locks, clock.resets) == (1, 0)
    assert clock.unmatched_board == len(quiet)


def test_after_a_long_silence_it_locks_by_the_pattern(make_line):
    line, clock = make_line(16, 60), ClockModel()
    gap_us = 3_600_000_000
    gap = gap_us * 3 // 100 + 4000  # the clocks went 133 ms apart in that hour
    for n, (t_us, sample) in enumerate(zip(line.board, line.stream, strict=True)):
        clock.add_board_pulse(t_us + gap_us * (n >= 30))
        clock.add_stream_pulse(sample + gap * (n >= 30))
    assert (clock.locks, clock.resets) == (2, 1)
    at_us = line.pulses[-1]
    assert clock.to_board_us(line.true_sample(at_us) + gap) == pytest.approx(at_us + gap_us, abs=20)


def test_one_wrong_stamp_has_no_say(make_line):
    line, clean, dirty = make_line(17, 60), ClockModel(), ClockModel()
    for n, (t_us, sample) in enumerate(zip(line.board, line.stream, strict=True)):
        for clock, wrong in ((clean, 0), (dirty, 8 * (n in (30, 45)))):  # 267 us, within the gate
            clock.add_board_pulse(t_us)
            clock.add_stream_pulse(sample + wrong)
    t_us = line.pulses[-1]
    assert dirty.n_pulses == 60
    assert clean.to_sample(t_us) == pytest.approx(dirty.to_sample(t_us), abs=0.1)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(-(2**40), 2**40)), max_size=80))
def test_any_pulses_in_any_order_never_raise_and_twice_is_the_same(pulses):
    clocks = ClockModel(), ClockModel()
    for on_board, value in pulses:
        for clock in clocks:
            (clock.add_board_pulse if on_board else clock.add_stream_pulse)(value)
    first, second = ({k: v for k, v in vars(clock).items() if k != "_fit"} for clock in clocks)
    assert first == second
    if clocks[0].locked:
        assert clocks[0].to_sample(5e6) == clocks[1].to_sample(5e6)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    ppm=st.floats(-100, 100),
    first=st.integers(0, 10**12),
    shares=st.tuples(st.floats(0, 0.02), st.floats(0, 0.3)),
)
def test_whatever_the_line_it_locks_once_and_right(make_line, seed, ppm, first, shares):
    line = make_line(seed, 60, drift=lambda x: ppm * 1e-6 * x, first_sample=first)
    line.lose(shares[0])
    line.spurious(shares[1])
    clock = ClockModel()
    errors = line.errors_us(clock)
    assert clock.locks == 1
    assert errors.max() < 45
