"""Devices that read their line some hundred times a second or less: photometry boards, cameras."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rig.clock.model import ClockModel


@pytest.mark.parametrize("rate_hz", [1000.0, 500.0, 130.0, 86.0, 40.0, 20.0])
def test_a_slow_device_locks_once_and_its_times_are_right_to_a_part_of_a_sample(rate_hz, make_line):
    errors, sigma = [], []
    for seed in range(3):
        line = make_line(seed, 300, rate_hz=rate_hz, drift=lambda x: 60e-6 * x)
        line.stream = [math.ceil(line.true_sample(t_us)) for t_us in line.pulses]
        line.lose(0.02)
        clock = ClockModel(rate_hz, edge_samples=0.5)
        for now_us in line.run(clock):
            if clock.locked and clock.n_pulses >= 20:
                asked_us = now_us + line.rng.uniform(-3e6, 1.5e6)
                errors.append(clock.to_board_us(line.true_sample(asked_us)) - asked_us)
                sigma.append(clock.sigma_us)
        assert (clock.locks, clock.resets) == (1, 0)
        assert clock.missed < 0.1
    sample_us = 1e6 / rate_hz
    assert abs(np.mean(errors)) < 0.06 * sample_us  # without `edge_samples` it would be half a sample
    assert np.std(errors) < 0.2 * sample_us
    assert np.percentile(np.abs(errors), 95) < 3 * np.median(sigma)


@pytest.mark.parametrize("lost", [1, 2, 5, 20])
def test_samples_lost_without_a_word_show_at_the_next_pulse(lost, make_line):
    sample_us = 1e6 / 130
    line, clock = make_line(4, 80, rate_hz=130.0), ClockModel(130.0, edge_samples=0.5)
    for k, t_us in enumerate(line.pulses):
        sample = math.ceil(line.true_sample(t_us)) - (lost if k >= 60 else 0)
        clock.add_board_pulse(t_us)
        clock.add_stream_pulse(sample)
        if k < 60 and clock.residual_us is not None:
            assert abs(clock.residual_us) < 0.75 * sample_us
            assert clock.stray_us is None
        if k == 60:
            seen_us = clock.residual_us if clock.stray_us is None else clock.stray_us
            assert seen_us / sample_us == pytest.approx(lost, abs=0.75)
    # and after a few more pulses the clock stands right again
    at_us = line.pulses[-1]
    assert clock.to_board_us(line.true_sample(at_us) - lost) == pytest.approx(at_us, abs=0.8 * sample_us)
