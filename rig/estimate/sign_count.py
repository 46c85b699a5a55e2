"""The published reversal point: the size that best parts positive from negative responses.

For every place between two sizes, count the positive responses to larger sizes and the negative ones
to smaller sizes; the reversal point stands where that count is greatest, and between the two sizes it
leans to the one whose removal costs less (Dabney et al. 2020, analysis code). The published code breaks
ties with noise; here ties are settled by a floor, which agrees with its released output.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import BoolArray, FloatArray, SizeCounts

TIE_FLOOR = 1e-9
LOW_CAP_HZ = 0.01
"""A unit with positive responses throughout is put this far above the smallest size."""
HIGH_CAP_HZ = 0.1
"""A unit with negative responses throughout is put this far below the largest size."""


def sign_count(counts: SizeCounts, utility_hz: npt.ArrayLike) -> tuple[FloatArray, BoolArray]:
    """Estimate the reversal points of all units by counting signs.

    Sizes that a unit has not met are left out for that unit, caps included.

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
    reversal = np.full(counts.units, np.nan)
    capped = np.zeros(counts.units, dtype=np.bool_)
    for met, rows in _by_sizes_met(counts.n > 0):
        if met.any():
            reversal[rows], capped[rows] = _full(
                counts.positives[np.ix_(rows, met)], counts.negatives[np.ix_(rows, met)], u[met]
            )
    return reversal, capped


def _by_sizes_met(met: BoolArray) -> list[tuple[BoolArray, BoolArray]]:
    """Group units by the set of sizes they have met (nearly always one group)."""
    if not met.size or met.all():
        return [(np.ones(met.shape[1], dtype=np.bool_), np.ones(met.shape[0], dtype=np.bool_))]
    patterns, which = np.unique(met, axis=0, return_inverse=True)
    return [(pattern, which.reshape(-1) == i) for i, pattern in enumerate(patterns)]


def _full(
    positives: npt.NDArray[np.int64], negatives: npt.NDArray[np.int64], u: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Sign count of units that have met every one of the sizes `u`."""
    units, sizes = positives.shape
    # agree[:, j]: responses that fit a reversal point with j sizes below it
    agree = np.empty((units, sizes + 1))
    agree[:, 0] = positives.sum(axis=1)
    agree[:, 1:] = agree[:, :1] + np.cumsum(negatives - positives, axis=1)
    best = agree.argmax(axis=1)
    capped = (best == 0) | (best == sizes)
    if sizes == 1:
        return np.where(best == 0, u[0] + LOW_CAP_HZ, u[0] - HIGH_CAP_HZ), capped
    row = np.arange(units)
    inner = np.clip(best, 1, sizes - 1)
    below = np.maximum(np.abs(agree[row, inner] - agree[row, inner - 1]), TIE_FLOOR)
    above = np.maximum(np.abs(agree[row, inner + 1] - agree[row, inner]), TIE_FLOOR)
    # weights 1/below and 1/above, normalised
    between = (above * u[inner - 1] + below * u[inner]) / (above + below)
    reversal = np.where(best == 0, u[0] + LOW_CAP_HZ, np.where(best == sizes, u[-1] - HIGH_CAP_HZ, between))
    return reversal, capped
