"""A clock kept true by barcodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.clock.barcode import ONE_CORE, encode
from rig.clock.coded import CodedClock


class Coded:
    """A generator of barcodes on a board's line and on a stream's, truth known."""

    def __init__(self, seed, codes=24, *, first=2**32 - 7, ppm=60.0, rate_hz=30_000.0):
        self.rng = np.random.default_rng(seed)
        self.ppm, self.rate_hz = ppm, rate_hz
        self.edges = [
            (t_us, rising)
            for k in range(codes)
            for t_us, rising in encode(first + k, 3_000_000 + k * ONE_CORE.period_us)
        ]
        self.restart_us = None

    def sample(self, t_us):
        since = t_us - (self.restart_us if self.restart_us is not None and t_us >= self.restart_us else 0)
        return 1000 + since * 1e-6 * self.rate_hz * (1 + self.ppm * 1e-6)

    def play(self, clock, *, lose=0.0):
        """Tell the clock all edges, the stream's up to 50 ms later; yield the board time after each."""
        told, late = [], 0.0
        for t_us, rising in self.edges:
            if self.rng.random() >= lose:
                told.append((t_us + self.rng.uniform(0, 1000), 0, t_us, rising))
            if self.rng.random() >= lose:
                late = max(late, t_us + 25_000 + self.rng.uniform(0, 25_000))  # in order, as in a block
                told.append((late, 1, int(np.ceil(self.sample(t_us))), rising))
        for stamp, side, at, rising in sorted(told):
            (clock.stream_edge if side else clock.board_edge)(at, rising)
            yield stamp


def error_us(line, clock, t_us):
    return clock.to_board_us(line.sample(t_us)) - t_us


def test_two_codes_lock_and_times_are_right_across_the_wrap():
    line, clock = Coded(1), CodedClock(30_000.0, edge_samples=0.5)
    locked_at, errors = None, []
    for now_us in line.play(clock):
        if clock.locked:
            locked_at = locked_at or now_us
            errors.append(error_us(line, clock, now_us))
    assert 8e6 < locked_at < 9.2e6  # the second code ends 6 s after the first began, at 3 s
    assert np.abs(errors).max() < 20
    assert clock.source == "barcodes"
    assert (clock.locks, clock.resets) == (1, 0)
    assert clock.ppm == pytest.approx(60, abs=2)


def test_lost_edges_cost_codes_and_no_accuracy():
    line, clock = Coded(2, codes=60), CodedClock(30_000.0, edge_samples=0.5)
    errors = [error_us(line, clock, now_us) for now_us in line.play(clock, lose=0.004) if clock.locked]
    assert len(errors) > 500
    assert np.abs(errors).max() < 60
    assert clock.unmatched_board + clock.unmatched_stream + clock.stream_codes.bad > 3
    assert clock.locks == 1


def test_codes_that_the_stream_never_saw_are_counted():
    line, clock = Coded(7, codes=40), CodedClock(30_000.0, edge_samples=0.5)
    for t_us, rising in line.edges:
        clock.board_edge(t_us, rising)
        if (t_us - 3_000_000) // ONE_CORE.period_us % 3:
            clock.stream_edge(int(np.ceil(line.sample(t_us))), rising)
    assert clock.locked
    assert clock.unmatched_board == 13
    assert clock.missed == pytest.approx(1 / 3, abs=0.12)


def test_a_restart_is_found_and_the_second_code_locks_again():
    line, clock = Coded(3, codes=30), CodedClock(30_000.0, edge_samples=0.5)
    line.restart_us = 76_600_000  # in the middle of a code
    relocked, errors = None, []
    for now_us in line.play(clock):
        if clock.resets and clock.locked:
            relocked = relocked or now_us
            errors.append(error_us(line, clock, now_us))
    assert clock.resets == 1
    assert "went back" in clock.reason
    assert relocked - line.restart_us < 12e6  # the code it broke, and two more
    assert np.abs(errors).max() < 20


def test_a_code_misread_on_one_side_moves_nothing():
    line, clock = Coded(4), CodedClock(30_000.0, edge_samples=0.5)
    edges = list(encode(123, 60_000_000))
    for now_us in line.play(clock):
        if clock.locked and edges and now_us > 40e6:
            # The stream's reader claims to have read a code that the board will send much later.
            pairs = tuple((round(line.sample(t_us)), t_us + 20_000_000) for t_us, rising in edges if rising)
            clock.add_pairs(pairs)
            edges = []
    assert (clock.locks, clock.resets) == (1, 0)
    assert abs(error_us(line, clock, 100e6)) < 20


def test_samples_that_jump_are_followed_after_two_codes():
    line, clock = Coded(5, codes=30), CodedClock(30_000.0, edge_samples=0.5)
    for t_us, rising in line.edges:
        jump = 9000 if t_us > 60e6 else 0
        clock.board_edge(t_us, rising)
        clock.stream_edge(int(np.ceil(line.sample(t_us))) + jump, rising)
        if t_us > 75e6:
            assert clock.to_board_us(line.sample(t_us) + jump) == pytest.approx(t_us, abs=20)
    assert clock.resets == 1
    assert "barcodes" in clock.reason


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(-100, 100), st.sampled_from([1000.0, 20_000.0, 30_000.0]))
def test_any_code_any_drift_any_rate(first, ppm, rate_hz):
    line = Coded(6, codes=6, first=first, ppm=ppm, rate_hz=rate_hz)
    clock = CodedClock(rate_hz, edge_samples=0.5)
    for _ in line.play(clock):
        pass
    assert clock.locked
    assert abs(error_us(line, clock, 27e6)) < max(25, 0.6e6 / rate_hz)
