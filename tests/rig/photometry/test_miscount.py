"""Samples held against sync pulses: what is found, when, and where."""

from __future__ import annotations

import numpy as np
import pytest

from rig.photometry.miscount import PulseCount, compare


class Line:
    """Random pulses as two clocks see them. `losses` are (before which pulse, how many samples)."""

    def __init__(self, seed, rate_hz=130, ppm=60.0, pulses=160, losses=()):
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.rate_hz = rate_hz
        self.board = np.cumsum(rng.integers(5_000, 20_001, pulses)) * 100 + 10**9
        true = (self.board - self.board[0]) * 1e-6 * rate_hz * (1 + ppm * 1e-6) + rng.random() + 1000
        self.stream = np.ceil(true).astype(int)
        for place, missing in losses:
            self.stream[place:] -= missing

    def found(self, step=1):
        """Each miscount: (samples, pulses by which its place is off)."""
        told = compare(self.board.tolist(), self.stream.tolist(), self.rate_hz, step)
        return [(one.missing, int(np.flatnonzero(self.stream == one.before)[0])) for one in told]

    def in_turn(self, step=1):
        """As live: after how many pulses each miscount was told."""
        count, told = PulseCount(self.rate_hz, step), []
        for number, (t_us, sample) in enumerate(zip(self.board.tolist(), self.stream.tolist(), strict=True)):
            for one in count.add_board_pulse(t_us) + count.add_stream_pulse(sample):
                told.append((one.missing, number))
        return told


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 100.0])
def test_a_lost_buffer_at_1_khz_is_found_at_the_first_pulse_behind_it(ppm):
    for seed in range(25):
        line = Line(seed, 1000, ppm, losses=[(60, 20)])
        assert line.found(step=20) == line.in_turn(step=20) == [(20, 60)]


def test_a_single_sample_at_130_hz_is_found_within_a_pulse_or_two():
    told, place = [], []
    for seed in range(60):
        line = Line(seed, pulses=260, losses=[(200, 1)])
        assert sum(missing for missing, _ in line.found()) == 1
        told.append(line.in_turn()[0][1] - 200)
        place.append(line.found()[0][1] - 200)
    # where the first pulse behind the loss could be right with and without it, a later one tells
    assert np.mean(np.array(told) == 0) > 0.85
    assert np.max(told) <= 2
    assert np.mean(np.array(place) == 0) > 0.95
    assert np.abs(place).max() <= 2


@pytest.mark.parametrize("missing", [2, 5, 30, 130, 400, -2, -5])
def test_larger_losses_and_doubles_are_counted_to_the_sample(missing):
    for seed in range(12):
        found = Line(seed, losses=[(70, missing)]).found()
        assert sum(samples for samples, _ in found) == missing
        assert abs(found[0][1] - 70) <= 6


def test_each_of_many_losses_is_found():
    losses = [(40, 1), (70, 3), (71, 1), (110, 12)]
    found = Line(3, losses=losses).found()
    assert sum(samples for samples, _ in found) == 17


@pytest.mark.parametrize("rate_hz", [86, 130, 1000])
def test_nothing_is_made_up(rate_hz):
    for seed in range(8):
        line = Line(seed, rate_hz, ppm=(-1) ** seed * 140.0, pulses=700)
        board = line.board[line.rng.random(700) > 0.03]
        stream = line.stream[line.rng.random(700) > 0.03]
        extra = line.rng.integers(line.stream[0], line.stream[-1], 10)
        extra = [sample for sample in extra if np.abs(line.stream - sample).min() > 5]
        stream = np.unique(np.concatenate([stream, extra]))
        assert compare(board.tolist(), stream.tolist(), rate_hz) == []


def test_the_count_sets_later_numbers_right():
    line = Line(9, losses=[(60, 4)])
    count = PulseCount(130)
    for number, (t_us, sample) in enumerate(zip(line.board.tolist(), line.stream.tolist(), strict=True)):
        count.add_stream_pulse(sample)  # either side may come first
        count.add_board_pulse(t_us)
        if number < 60:
            assert count.offset == 0
    assert count.offset == count.missing == 4
    assert count.surplus == 0
    assert count.compared > 150
    count.reset()
    assert not count.locked
    assert count.offset == 0


def test_a_source_without_pulses_is_never_judged():
    count = PulseCount(130)
    for t_us in range(0, 10**8, 1_300_000):
        assert count.add_board_pulse(t_us) == []
    assert not count.locked
