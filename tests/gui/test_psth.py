"""Rates are causal, in Hz, and rows follow the model without starting over."""

import numpy as np
import pytest

from gui.model import SessionModel
from gui.psth import UnitRows, smoothed_rate
from rig.documents import AlignedSpikes


def spikes(trial, units=("a", "b"), times=((10,), (20, 30))):
    return AlignedSpikes(
        trial=trial, reward_ul=5.0, signalled=False, start_ms=-2500, stop_ms=600, units=units, times=times
    )


def test_a_spike_is_seen_after_it_never_before():
    t, hz = smoothed_rate([np.array([100.5])], -1000, 600)
    assert hz[t < 100].max() == 0.0
    assert hz[(t >= 100) & (t <= 150)].sum() == pytest.approx(1000.0)
    assert hz[t > 151].max() == pytest.approx(0.0, abs=1e-9)


def test_it_is_a_mean_over_trials_in_hz():
    rng = np.random.default_rng(2)
    times = [np.sort(rng.uniform(-2500, 600, 31)) for _ in range(400)]
    t, hz = smoothed_rate(times, -2500, 600)
    assert hz.mean() == pytest.approx(10.0, rel=0.03)
    assert t[0] == -2450 and t[-1] == 599 and t.shape == hz.shape


def test_no_trials_no_rate():
    _, hz = smoothed_rate([], -1000, 600)
    assert not hz.any()


def test_rows_follow_what_is_new_and_begin_again_with_another_session():
    model, rows = SessionModel(), UnitRows()
    model.spikes = [spikes(0), spikes(1, units=("b",), times=((50,),)), spikes(2)]
    rows.follow(model, "a")
    assert [row.trial for row in rows.rows] == [0, 2]
    first = rows.rows[0]
    model.spikes.append(spikes(3))
    rows.follow(model, "a")
    assert [row.trial for row in rows.rows] == [0, 2, 3] and rows.rows[0] is first
    rows.follow(model, "b")
    assert [row.times_ms.tolist() for row in rows.rows] == [[2.0, 3.0], [5.0], [2.0, 3.0], [2.0, 3.0]]
    model.spikes = [spikes(k) for k in range(10, 16)]
    rows.follow(model, "b")
    assert [row.trial for row in rows.rows] == [10, 11, 12, 13, 14, 15]
