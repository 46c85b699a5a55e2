"""The reference chain: it finds what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from rig.photometry.offline import bleaching_curve, offline_dff

RATE_HZ = 50.0
T_S = np.arange(int(3000 * RATE_HZ)) / RATE_HZ
FADED = 1.0 + 0.1 * np.exp(-T_S / 200) + 0.4 * np.exp(-T_S / 4000)


def world(seed=1, extra=0.0):
    rng = np.random.default_rng(seed)
    true = np.zeros(len(T_S))
    for at in rng.integers(0, len(T_S) - 200, 150):
        true[at : at + 200] += 0.05 * np.exp(-np.arange(200) / 30)
    moved = 0.02 * np.convolve(rng.normal(size=len(T_S)), np.ones(25) / 5, mode="same")
    noise = 0.001 * rng.normal(size=(2, len(T_S)))
    return true, FADED * (1 + true + moved) + noise[0], FADED * (1 + 0.6 * moved + extra * true) + noise[1]


def test_bleaching_is_found():
    found = bleaching_curve(FADED, RATE_HZ)
    assert np.abs(found / FADED - 1).max() < 0.002


def test_a_flat_trace_has_no_bleaching():
    assert np.allclose(bleaching_curve(np.full(5000, 1.3), RATE_HZ), 1.3)


@pytest.mark.parametrize("regression", ["robust", "ordinary"])
def test_movement_is_taken_off(regression):
    true, signal, control = world()
    found = offline_dff(signal, control, RATE_HZ, low_pass_hz=5.0, regression=regression)
    assert np.corrcoef(found.dff, true)[0, 1] > 0.97
    assert found.slope == pytest.approx(1 / 0.6, rel=0.1)
    assert found.r2 > 0.3
    without = offline_dff(signal, None, RATE_HZ, low_pass_hz=5.0)
    assert np.corrcoef(without.dff, true)[0, 1] < 0.8
    assert without.slope == without.r2 == 0.0


def test_the_robust_line_is_not_pulled_by_the_signals_own_transients():
    # a control that leaks the signal: its transients would pull an ordinary line
    _, signal, control = world(extra=-0.5)
    far = {
        kind: abs(offline_dff(signal, control, RATE_HZ, regression=kind).slope - 1 / 0.6)
        for kind in ("robust", "ordinary")
    }
    assert far["robust"] < 0.5 * far["ordinary"]


def test_lost_samples_stay_lost_and_harm_nobody_else():
    _, signal, control = world()
    whole = offline_dff(signal, control, RATE_HZ).dff
    signal, control = signal.copy(), control.copy()
    signal[1000:1010] = control[5000] = np.nan
    found = offline_dff(signal, control, RATE_HZ).dff
    assert np.flatnonzero(np.isnan(found)).tolist() == [*range(1000, 1010), 5000]
    assert np.abs(found[2000:4000] - whole[2000:4000]).max() < 1e-3


def test_a_short_recording_is_refused():
    with pytest.raises(ValueError, match="a minute is the least"):
        offline_dff(np.ones(100), None, RATE_HZ)
