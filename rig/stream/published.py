"""A unit's response to a reward, as published and as counted live.

The published response (Dabney et al. 2020, analysis code) of a trial, in Hz:

1. Spikes strictly inside -1000..3000 ms of the trial's stamp go to the nearest of 4001 bins of 1 ms.
2. Each starts the kernel (1 - exp(-t)) exp(-t/20), t = 0..50 ms, of sum 1: the rate trace.
3. The mean of the first 1000 bins (the baseline) is taken off.
4. The trace is convolved with the kernel once more, centred.
5. The response is the mean of the 400 bins from 200 to 599 ms after the reward.

All of that is linear in the spikes. So it is folded, once, into one weight per bin, and a response is the
sum of the weights at the trial's spikes: exact, and as quick as counting. `literal_response` takes the steps
one by one; the tests hold the two together.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from rig.stream.recording import REWARD_DELAY_MS, RecordedUnit
from rig.trial.spec import ResponseWindow

FloatArray = npt.NDArray[np.float64]

BEFORE_MS: Final = 1000
AFTER_MS: Final = 3000
BINS: Final = BEFORE_MS + AFTER_MS + 1
WINDOW_START_MS: Final = 200
WINDOW_BINS: Final = 400
ROUNDING_MS: Final = 6
"""Differences of times are rounded to this many decimals of a ms, so that a half is a half."""


@cache
def kernel() -> FloatArray:
    """Return the published kernel: 51 taps of 1 ms, sum 1."""
    t = np.arange(51.0)
    taps = (1.0 - np.exp(-t)) * np.exp(-t / 20.0)
    weights: FloatArray = taps / taps.sum()
    return weights


def spike_bins(relative_ms: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Bins of spikes, halves rounded away from zero.

    Parameters
    ----------
    relative_ms
        Spike times minus the trial's stamp, shape (spikes,), strictly inside -1000..3000 ms.

    Examples
    --------
    >>> spike_bins([-999.5, -0.5, 0.49, 0.5]).tolist()
    [0, 999, 1000, 1001]
    """
    relative = np.asarray(relative_ms, dtype=np.float64)
    away = np.copysign(np.floor(np.abs(relative) + 0.5), relative)
    return away.astype(np.int64) + BEFORE_MS


def literal_response(relative_ms: npt.ArrayLike, reward_ms: float) -> float:
    """Response of one trial by the five steps, one by one (slow; the meaning of `published_response`).

    Parameters
    ----------
    relative_ms
        Spike times minus the trial's stamp, shape (spikes,).
    reward_ms
        The reward's time minus the stamp: 0 or 1500.
    """
    relative = np.round(np.asarray(relative_ms, dtype=np.float64), ROUNDING_MS)
    inside = relative[(relative > -BEFORE_MS) & (relative < AFTER_MS)]
    trace = np.zeros(BINS + 50)
    for start in spike_bins(inside):
        trace[start : start + 51] += 1000.0 * kernel()
    trace = trace[:BINS]
    trace = trace - trace[:BEFORE_MS].mean()
    smooth = np.convolve(trace, kernel(), mode="same")
    first = BEFORE_MS + round(reward_ms) + WINDOW_START_MS
    return float(smooth[first : first + WINDOW_BINS].mean())


@cache
def bin_weights(reward_ms: int) -> FloatArray:
    """Return what a spike in each bin adds to the response, in Hz, shape (4001,).

    Parameters
    ----------
    reward_ms
        The reward's time minus the stamp, in ms.
    """
    # The steps backwards, each by its transpose: window, centred kernel, baseline, causal kernel.
    weights = np.zeros(BINS)
    first = BEFORE_MS + reward_ms + WINDOW_START_MS
    weights[first : first + WINDOW_BINS] = 1.0 / WINDOW_BINS
    weights = np.convolve(weights, kernel()[::-1], mode="same")
    weights[:BEFORE_MS] -= weights.sum() / BEFORE_MS
    padded = np.concatenate([weights, np.zeros(50)])
    return 1000.0 * np.convolve(padded, kernel()[::-1], mode="valid")


def published_response(
    spikes_ms: npt.ArrayLike, stamps_ms: npt.ArrayLike, signalled: npt.ArrayLike
) -> FloatArray:
    """Published responses of one unit's trials, before any shift between conditions.

    Parameters
    ----------
    spikes_ms
        float64, shape (spikes,), ascending.
    stamps_ms
        float64, shape (trials,): odour onset if signalled, else the reward.
    signalled
        bool, shape (trials,).

    Returns
    -------
    float64, shape (trials,), in Hz.
    """
    spikes = np.asarray(spikes_ms, dtype=np.float64)
    stamps = np.asarray(stamps_ms, dtype=np.float64)
    first = np.searchsorted(spikes, stamps - BEFORE_MS, side="left")
    last = np.searchsorted(spikes, stamps + AFTER_MS, side="right")
    n = last - first
    trial = np.repeat(np.arange(stamps.size), n)
    spike = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(first, n)
    relative = np.round(spikes[spike] - stamps[trial], ROUNDING_MS)
    inside = (relative > -BEFORE_MS) & (relative < AFTER_MS)
    trial, bins = trial[inside], spike_bins(relative[inside])
    both = np.stack([bin_weights(0), bin_weights(round(REWARD_DELAY_MS))])
    condition = np.asarray(signalled, dtype=np.int64)[trial]
    summed = np.bincount(trial, weights=both[condition, bins], minlength=stamps.size)
    return summed.astype(np.float64)


def causal_response(
    spikes_ms: npt.ArrayLike,
    stimulus_ms: npt.ArrayLike,
    reward_ms: npt.ArrayLike,
    window: ResponseWindow | None = None,
) -> FloatArray:
    """Live responses of one unit's trials: the rate after the reward minus the rate before the stimulus.

    Needs no spike after the window's end; it correlates 0.992 with the published response.

    Parameters
    ----------
    spikes_ms
        float64, shape (spikes,), ascending.
    stimulus_ms, reward_ms
        float64, shape (trials,): what the baseline precedes, and the reward.
    window
        Both windows, each closed at its start and open at its end; the session's default if None.

    Returns
    -------
    float64, shape (trials,), in Hz.
    """
    spikes = np.asarray(spikes_ms, dtype=np.float64)
    window = window or ResponseWindow()
    return rate_hz(spikes, reward_ms, window.start_ms, window.stop_ms) - rate_hz(
        spikes, stimulus_ms, window.baseline_start_ms, window.baseline_stop_ms
    )


def rate_hz(spikes_ms: npt.ArrayLike, at_ms: npt.ArrayLike, start_ms: int, stop_ms: int) -> FloatArray:
    """Rate of one unit in a window about each event, closed at its start and open at its end.

    Parameters
    ----------
    spikes_ms
        float64, shape (spikes,), ascending.
    at_ms
        float64, shape (events,).

    Returns
    -------
    float64, shape (events,), in Hz.

    Examples
    --------
    >>> rate_hz([1.0, 2.0, 700.0], [1000.0], -1000, 0).tolist()
    [3.0]
    """
    at = np.asarray(at_ms, dtype=np.float64)
    edges = np.round(np.stack([at + start_ms, at + stop_ms]), ROUNDING_MS)
    counts = np.searchsorted(np.round(np.asarray(spikes_ms, dtype=np.float64), ROUNDING_MS), edges)
    rate: FloatArray = (counts[1] - counts[0]) * (1000.0 / (stop_ms - start_ms))
    return rate


def unit_response(unit: RecordedUnit) -> FloatArray:
    """Published responses of a recorded unit, shape (trials,), in Hz; NaN where no reward was given."""
    response = published_response(unit.spikes_ms, unit.stamps_ms, unit.signalled)
    return np.where(unit.rewarded, response, np.nan)


def unit_baseline(unit: RecordedUnit) -> FloatArray:
    """Rate of a recorded unit in the second before each trial's stamp, shape (trials,), in Hz."""
    return rate_hz(unit.spikes_ms, unit.stamps_ms, -BEFORE_MS, 0)
