"""The isotonic reversal point: mean responses made non-decreasing in size, and where they cross zero.

Mean responses per size, weighted by their numbers of trials, are pooled until they ascend (pool adjacent
violators); the reversal point is the zero crossing of the line through them. Half the standard error of the
sign count, but pulled into the gap between two sizes when a unit's two slopes differ there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import ZERO_HZ, BoolArray, FloatArray, SizeCounts
from rig.estimate.sign_count import HIGH_CAP_HZ, LOW_CAP_HZ


def pooled_means(n: npt.ArrayLike, total: npt.ArrayLike) -> FloatArray:
    """Isotonic (non-decreasing) means, weighted by trials, for all units at once.

    By the min-max formula: the pooled mean at size j is the largest over i <= j of the smallest over
    k >= j of the mean of sizes i to k.

    Parameters
    ----------
    n
        Trials, shape (units, sizes).
    total
        Sum of responses in Hz, shape (units, sizes).

    Returns
    -------
    float64, shape (units, sizes), in Hz; NaN where a unit has no trials of a size.

    Examples
    --------
    >>> pooled_means([[1, 1, 1]], [[0.0, 2.0, 1.0]]).tolist()
    [[0.0, 1.5, 1.5]]
    """
    n = np.asarray(n, dtype=np.float64)
    total = np.asarray(total, dtype=np.float64)
    zero = np.zeros((n.shape[0], 1))
    n_to = np.concatenate([zero, np.cumsum(n, axis=1)], axis=1)
    total_to = np.concatenate([zero, np.cumsum(total, axis=1)], axis=1)
    # [unit, i, k]: sizes i..k
    weight = n_to[:, None, 1:] - n_to[:, :-1, None]
    summed = total_to[:, None, 1:] - total_to[:, :-1, None]
    size = np.arange(n.shape[1])
    valid = (weight > 0) & (size[:, None] <= size[None, :])
    mean = np.divide(summed, weight, out=np.full(summed.shape, np.inf), where=valid)
    smallest = np.minimum.accumulate(mean[:, :, ::-1], axis=2)[:, :, ::-1]
    largest = np.where(size[:, None] <= size[None, :], smallest, -np.inf).max(axis=1)
    return np.where(n > 0, largest, np.nan)


def isotonic(counts: SizeCounts, utility_hz: npt.ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Estimate the reversal points of all units by the isotonic zero crossing.

    Where the pooled means are zero over a stretch, the middle of it is taken. Units that never cross zero
    get the published caps. Sizes that a unit has not met are left out for that unit.

    Parameters
    ----------
    counts
        Counts of U units and J sizes.
    utility_hz
        float64, shape (J,), ascending, in Hz.

    Returns
    -------
    reversal_hz
        float64, shape (U,); NaN for a unit without responses.
    capped
        bool, shape (U,): the value is one of the two arbitrary caps.
    """
    u = np.asarray(utility_hz, dtype=np.float64)
    met = counts.n > 0
    if not counts.units:
        return np.empty(0), np.empty(0, dtype=np.bool_)
    mean = np.where(met, pooled_means(counts.n, counts.total), np.nan)
    below, above = met & (mean < -ZERO_HZ), met & (mean > ZERO_HZ)
    rises = _crossing(mean, u, below, met & ~below)
    falls = _crossing(mean, u, met & ~above, above)
    low, high = u[_first(met)] + LOW_CAP_HZ, u[_last(met)] - HIGH_CAP_HZ
    any_below, any_above = below.any(axis=1), above.any(axis=1)
    reversal = np.where(any_below, np.where(any_above, (rises + falls) / 2, high), low)
    # all means exactly zero: no side at all, so the middle of the sizes met
    flat = ~any_below & ~any_above
    reversal = np.where(flat, (u[_first(met)] + u[_last(met)]) / 2, reversal)
    seen = met.any(axis=1)
    return np.where(seen, reversal, np.nan), seen & (any_below != any_above)


def _first(mask: BoolArray) -> npt.NDArray[np.intp]:
    index: npt.NDArray[np.intp] = mask.argmax(axis=1)
    return index


def _last(mask: BoolArray) -> npt.NDArray[np.intp]:
    index: npt.NDArray[np.intp] = mask.shape[1] - 1 - _first(mask[:, ::-1])
    return index


def _crossing(mean: FloatArray, u: FloatArray, left: BoolArray, right: BoolArray) -> FloatArray:
    """Zero of the line from the last size of `left` to the first of `right` (rubbish if one is empty)."""
    row = np.arange(mean.shape[0])
    i, j = _last(left), _first(right)
    a, b = mean[row, i], mean[row, j]
    rise = b - a
    part = np.divide(-a, rise, out=np.zeros_like(a), where=np.abs(rise) > 0)
    crossing: FloatArray = u[i] + np.clip(part, 0.0, 1.0) * (u[j] - u[i])
    return crossing
