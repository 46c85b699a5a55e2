"""The causal chain: the formula, chunks, holes, and the real session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, group_delay

from rig.errors import ConfigError
from rig.photometry.chain import OnlineDff
from rig.photometry.offline import offline_dff
from rig.photometry.settings import DffSettings

RATE_HZ = 130.0
QUICK = DffSettings(baseline_s=2.0, regression_s=5.0, settle_s=1.0)


def made_up(samples, seed=1, lost=0.0):
    """A signal with a transient now and then, a control with the same movements; lost samples."""
    rng = np.random.default_rng(seed)
    moved = np.convolve(rng.normal(size=samples), np.ones(60) / 60, mode="same")
    signal = 1.5 * (1.0 + 0.05 * moved) + 0.004 * rng.normal(size=samples)
    control = 1.2 * (1.0 + 0.04 * moved) + 0.004 * rng.normal(size=samples)
    signal[rng.random(samples) < lost] = np.nan
    control[rng.random(samples) < lost] = np.nan
    return signal, control


def literally(signal, control, s, rate_hz):
    """The chain in plain loops, one sample at a time."""
    b, a = butter(2, s.low_pass_hz, fs=rate_hz)
    keep, keep_w = np.exp(-1.0 / (rate_hz * np.array([s.baseline_s, s.regression_s])))
    low, x, weight, f0_sum = [], None, 0.0, np.zeros(2)
    xy = xx = 0.0
    out = np.full(len(signal), np.nan)
    for n, sample in enumerate(np.stack([signal, control], axis=1)):
        if x is None:
            x, low = [sample, sample, sample], [sample, sample, sample]
        x = [sample, *x[:2]]
        now = b[0] * x[0] + b[1] * x[1] + b[2] * x[2] - a[1] * low[0] - a[2] * low[1]
        low = [now, *low[:2]]
        f0_sum, weight = keep * f0_sum + now, keep * weight + 1.0
        f0 = f0_sum / weight
        y, c = now - f0
        xy, xx = keep_w * xy + y * c, keep_w * xx + c * c
        slope = min(max(xy / xx if xx > 0 else 0.0, s.slope_limits[0]), s.slope_limits[1])
        if n + 1 > s.settle_s * rate_hz:
            out[n] = (y - slope * c) / f0[0]
    return out


def test_it_is_the_formula():
    signal, control = made_up(1500)
    made = OnlineDff(QUICK, RATE_HZ).take(0, signal, control)
    expected = literally(signal, control, QUICK, RATE_HZ)
    assert np.array_equal(np.isnan(made.dff), np.isnan(expected))
    assert np.nanmax(np.abs(made.dff - expected)) < 1e-12
    assert made.ready.tolist() == (~np.isnan(expected)).tolist()


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 90), min_size=1, max_size=40),
    lost=st.sampled_from([0.0, 0.02, 0.5]),
    with_control=st.booleans(),
)
def test_the_cut_into_chunks_does_not_matter(cuts, lost, with_control):
    signal, control = made_up(900, seed=2, lost=lost)
    whole = OnlineDff(QUICK, RATE_HZ).take(0, signal, control if with_control else None)
    chain, at, parts = OnlineDff(QUICK, RATE_HZ), 0, []
    for size in [*cuts, 900]:
        piece = slice(at, min(at + size, 900))
        if piece.start < piece.stop:
            parts.append(chain.take(at, signal[piece], control[piece] if with_control else None))
            at = piece.stop
    for name in ("dff", "filtered", "f0", "slope"):
        pieced, expected = np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name)
        assert np.allclose(pieced, expected, rtol=0, atol=1e-12, equal_nan=True)
    assert np.array_equal(np.concatenate([p.ready for p in parts]), whole.ready)


def test_lost_and_unnumbered_samples_are_the_same_hole():
    signal, control = made_up(1200)
    holed = signal.copy()
    holed[700:720] = np.nan
    one = OnlineDff(QUICK, RATE_HZ)
    as_nan = one.take(0, holed, control).dff
    other = OnlineDff(QUICK, RATE_HZ)
    before = other.take(0, signal[:700], control[:700]).dff
    after = other.take(720, signal[720:], control[720:]).dff
    assert np.isnan(as_nan[700:720]).all()
    assert np.array_equal(as_nan[:700], before, equal_nan=True)
    assert np.array_equal(as_nan[720:], after, equal_nan=True)
    assert one.lost == other.lost == 20


def test_after_a_long_hole_all_begins_anew():
    signal, control = made_up(800)
    chain = OnlineDff(QUICK, RATE_HZ)
    chain.take(0, signal, control)
    assert chain.ready
    later = chain.take(800 + 261, signal, control)  # 2 s of baseline are 260 samples
    assert chain.restarts == 1
    assert not later.ready[:130].any()
    assert later.ready[130:].all()
    assert np.array_equal(later.dff, OnlineDff(QUICK, RATE_HZ).take(0, signal, control).dff, equal_nan=True)


def test_the_movement_goes_and_the_signal_stays():
    samples = 40_000
    rng = np.random.default_rng(5)
    moved = 0.02 * np.convolve(rng.normal(size=samples), np.ones(60) / 8, mode="same")
    true = np.zeros(samples)
    for at in rng.integers(10_000, samples - 400, 60):
        true[at : at + 300] += 0.03 * np.exp(-np.arange(300) / 60)
    signal = 1.5 * (1 + moved) * (1 + true) + 0.002 * rng.normal(size=samples)
    control = 1.2 * (1 + 0.7 * moved) + 0.002 * rng.normal(size=samples)
    corrected = OnlineDff(DffSettings(settle_s=60), RATE_HZ).take(0, signal, control)
    alone = OnlineDff(DffSettings(settle_s=60), RATE_HZ).take(0, signal)
    known = slice(10_000, None)
    assert np.corrcoef(true[known], corrected.dff[known])[0, 1] > 0.9
    assert np.corrcoef(true[known], alone.dff[known])[0, 1] < 0.5
    # 1.5 * moved in the signal against 1.2 * 0.7 * moved in the control
    assert corrected.slope[-1] == pytest.approx(1.5 / (1.2 * 0.7), rel=0.05)
    assert not alone.slope.any()


def test_a_control_that_says_nothing_gets_no_slope():
    signal, _ = made_up(2000)
    for control in (np.full(2000, 1.2), np.zeros(2000)):
        made = OnlineDff(QUICK, RATE_HZ).take(0, signal, control)
        assert not made.slope.any()
        assert np.allclose(made.dff, OnlineDff(QUICK, RATE_HZ).take(0, signal).dff, equal_nan=True)


def test_the_slope_is_held_within_its_limits():
    signal, control = made_up(2000)
    mirrored = 2.4 - control
    assert OnlineDff(QUICK, RATE_HZ).take(0, signal, mirrored).slope[500:].max() == 0.0
    free = DffSettings(baseline_s=2.0, regression_s=5.0, settle_s=1.0, slope_limits=(-5.0, 5.0))
    assert OnlineDff(free, RATE_HZ).take(0, signal, mirrored).slope[-1] < -0.5
    none = DffSettings(baseline_s=2.0, regression_s=5.0, settle_s=1.0, slope_limits=(0.0, 0.0))
    unused = OnlineDff(none, RATE_HZ).take(0, signal, control)
    assert np.allclose(unused.dff, OnlineDff(QUICK, RATE_HZ).take(0, signal).dff, equal_nan=True)
    with pytest.raises(ConfigError, match="slope_limits must ascend"):
        DffSettings(slope_limits=(1.0, 0.0))


def test_no_light_is_no_dff():
    made = OnlineDff(QUICK, RATE_HZ).take(0, np.zeros(500))
    assert np.isnan(made.dff).all()
    assert made.ready[-1]


@pytest.mark.parametrize(("rate_hz", "delay_ms"), [(130.0, 22.1), (1000.0, 22.5), (86.0, 21.5)])
def test_the_delay_is_the_filters_group_delay(rate_hz, delay_ms):
    chain = OnlineDff(DffSettings(), rate_hz)
    assert chain.group_delay_ms == pytest.approx(delay_ms, abs=0.1)
    _, measured = group_delay(butter(2, 10.0, fs=rate_hz), w=[1e-3], fs=rate_hz)
    assert chain.group_delay_ms == pytest.approx(1000 * measured[0] / rate_hz, rel=1e-6)
    # a slow ramp comes out that much later
    ramp = np.arange(4000.0) / rate_hz
    behind_s = ramp[-1] - chain.take(0, ramp).filtered[-1]
    assert 1000 * behind_s == pytest.approx(chain.group_delay_ms, rel=1e-6)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigError, match="a low-pass of 10 Hz needs more than 20 samples a second"):
        OnlineDff(DffSettings(), 20.0)
    chain = OnlineDff(QUICK, RATE_HZ)
    chain.take(0, np.ones(5))
    with pytest.raises(ValueError, match="those before 5 are in"):
        chain.take(3, np.ones(5))
    with pytest.raises(ValueError, match="of the control"):
        chain.take(5, np.ones(5), np.ones(4))


# --- the real session ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(dlight):
    chain = OnlineDff(DffSettings(), dlight.rate_hz)
    return chain.take(0, dlight.channel("dlight"), dlight.channel("tdtomato")).dff


@pytest.fixture(scope="module")
def usual(dlight):
    return {
        regression: offline_dff(
            dlight.channel("dlight"), dlight.channel("tdtomato"), 130, regression=regression
        )
        for regression in ("ordinary", "robust")
    }


@pytest.mark.parametrize("regression", ["ordinary", "robust"])
def test_events_of_the_dlight_session_agree_with_the_offline_chain(
    dlight, live, usual, mean_responses, regression
):
    cues = dlight.events_s["reward_cue"]
    cues = cues[cues > 121]
    offline = mean_responses(usual[regression].dff, 130, cues)
    mine = mean_responses(live, 130, cues)
    assert len(cues) == 132
    assert np.corrcoef(mine, offline)[0, 1] > 0.998
    assert np.polyfit(offline, mine, 1)[0] == pytest.approx(0.98, abs=0.02)


def test_the_whole_trace_agrees_but_for_what_is_slow(live, usual):
    known = slice(120 * 130, None)
    assert np.corrcoef(live[known], usual["ordinary"].dff[known])[0, 1] > 0.94


def test_a_short_baseline_eats_slow_signals(dlight, live, usual):
    short = OnlineDff(DffSettings(baseline_s=10.0, regression_s=60.0), 130)
    eaten = short.take(0, dlight.channel("dlight"), dlight.channel("tdtomato")).dff
    known = slice(120 * 130, None)
    offline = usual["ordinary"].dff[known]
    assert np.corrcoef(eaten[known], offline)[0, 1] < np.corrcoef(live[known], offline)[0, 1] - 0.05
