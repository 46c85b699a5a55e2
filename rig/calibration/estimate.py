"""What the posterior over a psychometric function says, for people."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from rig.calibration.psychometric import Floats, Grid, duration_seen

ENDS: Final = (0.025, 0.975)
DETECTED: Final = 0.99
EDGE: Final = 0.05
"""A posterior that has so much at an end of the grid has not found the threshold within it."""

Interval = tuple[float, float]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor's psychometric function; intervals are 95 %, equal-tailed.

    Attributes
    ----------
    threshold_ms
        Seen in 63 % of the cases, apart from false alarms and lapses; posterior median.
    sd
        Posterior standard deviation of the threshold's logarithm: about its error as a share of it.
    slope
        Posterior mean.
    false_alarms
        How often the input is seen to change without a pulse, in a window; posterior mean.
    lapses
        How often a pulse is missed however long it is; posterior mean.
    detected_ms
        Seen in 99 % of the cases, apart from lapses; posterior median.
    at_lower_end, at_upper_end
        The threshold may as well lie below the shortest pulse, or above the longest.
    """

    threshold_ms: float
    threshold_ci95_ms: Interval
    sd: float
    slope: float
    false_alarms: float
    false_alarms_ci95: Interval
    lapses: float
    lapses_ci95: Interval
    detected_ms: float
    detected_ci95_ms: Interval
    at_lower_end: bool
    at_upper_end: bool


def estimate(grid: Grid, posterior: Floats) -> Estimate:
    """Return what a posterior of `Grid.shape` says."""
    both = posterior.sum(axis=(2, 3))
    threshold, slope = both.sum(axis=1), both.sum(axis=0)
    alarms, lapses = posterior.sum(axis=(0, 1, 3)), posterior.sum(axis=(0, 1, 2))
    at = np.log(grid.thresholds_ms)
    mean = float(threshold @ at)
    low, middle, high = np.exp(_quantiles(at, threshold))
    detected = duration_seen(DETECTED, grid.thresholds_ms[:, None], grid.slopes[None, :])
    d_low, d_middle, d_high = np.exp(_quantiles(np.log(detected).ravel(), both.ravel()))
    edge = max(2, at.size // 40)
    return Estimate(
        threshold_ms=float(middle),
        threshold_ci95_ms=(float(low), float(high)),
        sd=float(np.sqrt(threshold @ (at - mean) ** 2)),
        slope=float(slope @ grid.slopes),
        false_alarms=float(alarms @ grid.false_alarms),
        false_alarms_ci95=_levels(grid.false_alarms, alarms),
        lapses=float(lapses @ grid.lapses),
        lapses_ci95=_levels(grid.lapses, lapses),
        detected_ms=float(d_middle),
        detected_ci95_ms=(float(d_low), float(d_high)),
        at_lower_end=bool(threshold[:edge].sum() > EDGE),
        at_upper_end=bool(threshold[-edge:].sum() > EDGE),
    )


def _quantiles(at: Floats, mass: Floats) -> Floats:
    """Return 2.5 %, 50 % and 97.5 % points of masses at places, by the linear distribution function."""
    order = np.argsort(at, kind="stable")
    below = np.cumsum(mass[order]) - 0.5 * mass[order]
    made: Floats = np.interp((ENDS[0], 0.5, ENDS[1]), below, at[order])
    return made


def _levels(at: Floats, mass: Floats) -> Interval:
    """Return the 95 % interval of one of few levels: levels themselves, nothing between them."""
    below = np.cumsum(mass)
    low, high = (at[min(int(np.searchsorted(below, share)), at.size - 1)] for share in ENDS)
    return float(low), float(high)
