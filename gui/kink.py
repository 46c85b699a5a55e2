"""The kinked line through a unit's responses, for drawing. Knows no Qt.

The two slopes are those of the Bayesian estimator at its reversal point: least squares about that point,
weighted by the sizes' variances, each drawn gently towards 1 (`rig.estimate.kinked_bayes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import FloatArray, IntArray, SizeCounts
from rig.estimate.kinked_bayes import SLOPE_MEAN, SLOPE_VARIANCE, size_variances


@dataclass(frozen=True, slots=True)
class SizeMeans:
    """Responses by size, each array of shape (sizes,): number, mean in Hz, standard error in Hz.

    A mean without responses is NaN, and so is the standard error of fewer than two.
    """

    n: IntArray
    mean_hz: FloatArray
    sem_hz: FloatArray


def size_means(size_index: npt.ArrayLike, response_hz: npt.ArrayLike, sizes: int) -> SizeMeans:
    """Mean response and its standard error, by size.

    Parameters
    ----------
    size_index, response_hz
        Shape (responses,): which size was given, and the response in Hz.
    """
    k = np.asarray(size_index, dtype=np.int64)
    y = np.asarray(response_hz, dtype=np.float64)
    n = np.bincount(k, minlength=sizes)
    total = np.bincount(k, weights=y, minlength=sizes)
    mean = np.divide(total, n, out=np.full(sizes, np.nan), where=n > 0)
    spread = np.bincount(k, weights=(y - mean[k]) ** 2, minlength=sizes)
    sem = np.sqrt(np.divide(spread, n * (n - 1.0), out=np.full(sizes, np.nan), where=n > 1))
    return SizeMeans(n, mean, sem)


@dataclass(frozen=True, slots=True)
class Kink:
    """Two straight lines that meet at (reversal_hz, 0); a slope is NaN where that side has no responses."""

    reversal_hz: float
    below: float
    above: float

    def line(self, low_hz: float, high_hz: float) -> tuple[FloatArray, FloatArray]:
        """Points (utility, response) of the kinked line between two utilities, as far as it is known."""
        z = self.reversal_hz
        points = [
            (low_hz, self.below * (low_hz - z)),
            (z, 0.0),
            (high_hz, self.above * (high_hz - z)),
        ]
        known = np.array([p for p in points if not math.isnan(p[1])])
        return known[:, 0], known[:, 1]


def kink(
    size_index: npt.ArrayLike, response_hz: npt.ArrayLike, axis_hz: npt.ArrayLike, reversal_hz: float
) -> Kink:
    """Slopes below and above a reversal point.

    Parameters
    ----------
    size_index, response_hz
        Shape (responses,): which size was given, and the response in Hz.
    axis_hz
        Utility of each size, in Hz.
    reversal_hz
        The reversal point on the utility axis.
    """
    u = np.asarray(axis_hz, dtype=np.float64)
    y = np.asarray(response_hz, dtype=np.float64)
    unit = np.zeros(y.shape, dtype=np.int64)
    counts = SizeCounts.from_trials(unit, size_index, y, units=1, sizes=len(u))
    variance = size_variances(counts)[0]
    n, total = counts.n[0], counts.total[0]

    def slope(x: FloatArray) -> float:
        weight = float((n * x * x / variance).sum())
        if weight == 0.0:
            return math.nan
        product = float((total * x / variance).sum())
        return (product + SLOPE_MEAN / SLOPE_VARIANCE) / (weight + 1.0 / SLOPE_VARIANCE)

    return Kink(reversal_hz, slope(np.minimum(u - reversal_hz, 0.0)), slope(np.maximum(u - reversal_hz, 0.0)))
