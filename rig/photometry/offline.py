"""The usual chain for a whole recording, with the future known: what the live chain is measured against.

1. Low-pass, 2nd-order Butterworth run forwards and backwards: no delay.
2. Bleaching of signal and control: a constant and two falling exponentials (60-600 s and 600-36,000 s).
3. What is left of the control is fitted to what is left of the signal by a straight line and taken off.
   Ordinary least squares is the common way; the robust fit (Tukey's biweight) does not let the signal's own
   transients pull the line (Keevers & Jean-Richard-dit-Bressel 2025).
4. dF/F = rest / bleaching curve of the signal.

After Akam & Walton 2019 (Sci. Rep. 9:3521) and Simpson et al. 2024 (Neuron 112:718).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.signal import butter, filtfilt

Floats = NDArray[np.float64]

FAST_S: Final = (60.0, 300.0, 600.0)
SLOW_S: Final = (600.0, 3000.0, 36_000.0)
"""Least, first guess and largest time constant of the two exponentials."""
BIWEIGHT: Final = 4.685
ROUNDS: Final = 30


class OfflineDff(msgspec.Struct, frozen=True, eq=False):
    """dF/F of a whole recording; arrays float64 of shape (samples,), not a number where samples were lost.

    Attributes
    ----------
    dff
        A fraction.
    bleaching
        The signal's bleaching curve, in its own unit.
    slope, r2
        Of the control's line; 0 without a control.
    """

    dff: Floats
    bleaching: Floats
    slope: float
    r2: float


def offline_dff(
    signal: Floats,
    control: Floats | None,
    rate_hz: float,
    *,
    low_pass_hz: float = 10.0,
    regression: Literal["robust", "ordinary"] = "robust",
) -> OfflineDff:
    """Run the chain.

    Parameters
    ----------
    signal, control
        float64, shape (samples,), not a number where lost (bridged by straight lines meanwhile).
    rate_hz
        Samples per second.

    Raises
    ------
    ValueError
        If the recording is shorter than a minute: bleaching cannot be told from anything else.
    """
    if len(signal) < 60 * rate_hz:
        raise ValueError(f"{len(signal) / rate_hz:.0f} s of recording; a minute is the least")
    lost = np.isnan(signal) if control is None else np.isnan(signal) | np.isnan(control)
    curve, rest = _unbleached(signal, rate_hz, low_pass_hz)
    slope, r2, moved = 0.0, 0.0, np.zeros_like(rest)
    if control is not None:
        _, other = _unbleached(control, rate_hz, low_pass_hz)
        slope, constant = _line(other, rest, robust=regression == "robust")
        moved = constant + slope * other
        r2 = float(np.corrcoef(other, rest)[0, 1] ** 2) if other.std() > 0 else 0.0
    return OfflineDff(np.where(lost, np.nan, (rest - moved) / curve), curve, slope, r2)


def bleaching_curve(trace: Floats, rate_hz: float) -> Floats:
    """Fit a constant and two falling exponentials to second-long means; return the curve per sample."""
    per_bin = max(round(rate_hz), 1)
    bins = len(trace) // per_bin
    means = trace[: bins * per_bin].reshape(bins, per_bin).mean(axis=1)
    at_s = (np.arange(bins) + 0.5) * per_bin / rate_hz
    top = float(means.max())
    if means.std() <= 1e-12 * abs(top):
        return np.full(len(trace), means[0])
    guess = (top / 2, top / 4, top / 4, FAST_S[1], SLOW_S[1])
    bounds = ((0, 0, 0, FAST_S[0], SLOW_S[0]), (top, top, top, FAST_S[2], SLOW_S[2]))
    found, _ = curve_fit(_two_exponentials, at_s, means, p0=guess, bounds=bounds, maxfev=5000)
    curve: Floats = _two_exponentials(np.arange(len(trace)) / rate_hz, *found)
    return curve


def _two_exponentials(t_s: Floats, *fit: float) -> Floats:
    constant, fast, slow, fast_s, slow_s = fit
    fallen: Floats = constant + fast * np.exp(-t_s / fast_s) + slow * np.exp(-t_s / slow_s)
    return fallen


def _unbleached(trace: Floats, rate_hz: float, low_pass_hz: float) -> tuple[Floats, Floats]:
    """Return the bleaching curve and what the low-passed trace has beyond it."""
    lost = np.isnan(trace)
    if lost.any():
        at = np.arange(len(trace))
        trace = np.interp(at, at[~lost], trace[~lost])
    b, a = butter(2, low_pass_hz, fs=rate_hz)
    smooth: Floats = filtfilt(b, a, trace)
    curve = bleaching_curve(smooth, rate_hz)
    return curve, smooth - curve


def _line(x: Floats, y: Floats, *, robust: bool) -> tuple[float, float]:
    """Slope and constant of y over x; the robust one by iteratively reweighted least squares."""
    weights = np.ones_like(x)
    slope = constant = 0.0
    for _ in range(ROUNDS if robust else 1):
        before = slope
        middle_x, middle_y = np.average(x, weights=weights), np.average(y, weights=weights)
        spread = float(np.sum(weights * (x - middle_x) ** 2))
        slope = float(np.sum(weights * (x - middle_x) * (y - middle_y)) / spread) if spread > 0 else 0.0
        constant = float(middle_y - slope * middle_x)
        if not robust or abs(slope - before) <= 1e-9 * abs(slope):
            break
        residual = np.abs(y - constant - slope * x)
        scale = 1.4826 * float(np.median(residual))
        if scale <= 0:
            break
        weights = np.clip(1.0 - (residual / (BIWEIGHT * scale)) ** 2, 0.0, None) ** 2
    return slope, constant
