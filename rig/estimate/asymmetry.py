"""The published asymmetry: a unit's slope above its reversal point against its slope below it.

Both slopes are least-squares lines through the reversal point, in Hz of response per Hz of utility:
alpha = sum x y / sum x^2 with x = utility - reversal, over the sizes on one side. All trials of a size
share one x, so the sums of responses per size are enough. Asymmetry is alpha+ / (alpha+ + alpha-).
Correlate it only with a reversal point from other trials; from the same trials the two are bound together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import FloatArray, SizeCounts


class Slopes(NamedTuple):
    """Slopes of all units, float64, shape (units,); NaN where one side of the reversal has no trials."""

    negative: FloatArray
    positive: FloatArray
    asymmetry: FloatArray


def published_slopes(counts: SizeCounts, utility_hz: npt.ArrayLike, reversal_hz: npt.ArrayLike) -> Slopes:
    """Slopes below and above the reversal points, and the asymmetry, of all units.

    The asymmetry is not clipped: a negative slope on one side (a poor fit, or a capped reversal point)
    takes it out of 0..1, as in the published values.

    Parameters
    ----------
    counts
        Counts of U units and J sizes.
    utility_hz
        float64, shape (J,), in Hz.
    reversal_hz
        float64, shape (U,), in Hz; NaN gives NaN.
    """
    u = np.asarray(utility_hz, dtype=np.float64)
    x = u[None, :] - np.asarray(reversal_hz, dtype=np.float64)[:, None]
    below, above = _slope(counts, np.minimum(x, 0.0)), _slope(counts, np.maximum(x, 0.0))
    both = below + above
    asymmetry = np.divide(above, both, out=np.full(both.shape, np.nan), where=np.abs(both) > 1e-12)
    return Slopes(below, above, asymmetry)


def _slope(counts: SizeCounts, x: FloatArray) -> FloatArray:
    # sizes on the other side have x = 0 and so no weight
    weight = (counts.n * x * x).sum(axis=1)
    product = (counts.total * x).sum(axis=1)
    slope: FloatArray = np.divide(product, weight, out=np.full(weight.shape, np.nan), where=weight > 0)
    return slope
