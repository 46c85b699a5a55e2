"""Rates are causal, in Hz, and rows follow the model without starting over."""

import numpy as np
import pytest

from gui.model import SessionModel
from gui.psth import Row, UnitRows, smoothed_rate, span_ms
from rig.documents import AlignedSpikes


def spikes(trial, units=("a", "b"), times=((10,), (20, 30))):
    return AlignedSpikes(
        trial=trial, reward_ul=5.0, signalled=False, start_ms=-2500, stop_ms=600, units=units, times=times
    )


def row(times, start_ms=-2500, stop_ms=600):
    return Row(0, 5.0, True, None, np.asarray(times, dtype=float), start_ms, stop_ms)


def test_a_spike_is_seen_after_it_never_before():
    t, hz = smoothed_rate([row([100.5], -1000)])
    assert hz[t < 100].max() == 0.0
    assert hz[(t >= 100) & (t <= 150)].sum() == pytest.approx(1000.0)
    assert hz[t > 151].max() == pytest.approx(0.0, abs=1e-9)


def test_it_is_a_mean_over_trials_in_hz():
    rng = np.random.default_rng(2)
    t, hz = smoothed_rate([row(np.sort(rng.uniform(-2500, 600, 31))) for _ in range(400)])
    assert hz.mean() == pytest.approx(10.0, rel=0.03)
    assert t[0] == -2450 and t[-1] == 599 and t.shape == hz.shape


def test_no_trials_no_rate():
    _, hz = smoothed_rate([])
    assert not hz.size and span_ms([]) == (0, 0)


def test_before_a_late_reward_the_mean_is_over_those_trials_that_were_looked_at():
    """Two trials of 100 Hz, of which one begins 2 s earlier: half as many spikes there are no lower rate."""
    every_10 = np.arange(-4495.0, 600.0, 10.0)
    rows = [row(every_10, -4500), row(every_10[every_10 > -2500], -2500)]
    t, hz = smoothed_rate(rows)
    assert (t[0], t[-1]) == (-4450, 599)
    means = [hz[(t >= a) & (t < b)].mean() for a, b in ((-4400, -2600), (-2500, -2400), (-2000, 500))]
    assert means == pytest.approx([100.0] * 3, rel=0.02)


def test_a_stretch_that_nobody_looked_at_has_no_rate():
    _, hz = smoothed_rate([row([], -4500, -3000), row([], -2000)])
    assert np.isnan(hz).any() and not np.nan_to_num(hz).any()


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
