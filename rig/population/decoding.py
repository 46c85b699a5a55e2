"""The reward distribution that a population of reversal points and asymmetries would encode.

If unit i stands at the tau_i expectile e_i of the rewards, then for every unit the pulls up and down cancel:

    sum_x p(x) |tau_i - 1(x <= e_i)| (x - e_i) = 0

That is linear in the probabilities p on a grid, so they follow from non-negative least squares with a pull
towards smoothness: one answer, no random start, under a millisecond. (The published way, `imputation`, moves
samples about.)

A close fit alone proves little. A smooth answer with the right mean already lies near the truth; so show the
gap to decodings with the asymmetries shuffled among the units. And reversal points and asymmetries from the
*same* trials go together by construction: even in a classical world such a decoding beats its shuffles nearly
always. Take them from different halves before that gap is called evidence. Never take "all asymmetries one
half" as the null: it only fixes the mean.

Nothing here draws: shuffles come in as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from rig.estimate.counts import FloatArray

GRID_POINTS: Final = 60
SMOOTHNESS: Final = 1.0
SUM_WEIGHT: Final = 100.0
TAU_RANGE: Final = (0.01, 0.99)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded distribution.

    Attributes
    ----------
    x
        float64, shape (points,), ascending: support, in the unit of the reversal points.
    p
        float64, shape (points,): probabilities, summing to 1.
    loss
        Mean squared pull left over, with the published factor 1/2 (so squared half pulls).
    """

    x: FloatArray
    p: FloatArray
    loss: float

    @property
    def mean(self) -> float:
        """Mean of the distribution."""
        return float(self.x @ self.p)


def pulls(x: npt.ArrayLike, reversal: npt.ArrayLike, tau: npt.ArrayLike) -> FloatArray:
    """Pull of each point on each unit, ``|tau - 1(x <= e)| (x - e)``, shape (units, points)."""
    at, e = np.asarray(x, dtype=np.float64), np.asarray(reversal, dtype=np.float64)[:, None]
    t = np.asarray(tau, dtype=np.float64)[:, None]
    weighted: FloatArray = np.abs(t - (at <= e)) * (at - e)
    return weighted


def convex(
    reversal: npt.ArrayLike,
    tau: npt.ArrayLike,
    low: float,
    high: float,
    *,
    weight: npt.ArrayLike | None = None,
    smoothness: float = SMOOTHNESS,
    points: int = GRID_POINTS,
) -> Decoded:
    """Decode by non-negative least squares.

    Parameters
    ----------
    reversal, tau
        float64, shape (units,): reversal points, in Hz or uL, and asymmetries (held to 0.01..0.99).
    low, high
        Ends of the support: the smallest and the largest reward.
    weight
        float64, shape (units,): how much each unit counts, such as 1 / posterior SD; all alike if None.
    smoothness
        Weight of the squared second differences of p; 0 for none.
    points
        Of the grid.

    Raises
    ------
    ValueError
        If there are no units, shapes differ, a number is not finite, or the support is empty.

    Examples
    --------
    Three units at the expectiles of a reward of 0 or 6, half and half:

    >>> decoded = convex([1.5, 3.0, 4.5], [0.25, 0.5, 0.75], 0.0, 6.0, smoothness=0.0, points=7)
    >>> decoded.p.round(3).tolist()
    [0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5]
    """
    e, t = checked_units(reversal, tau, low, high)
    grid = np.linspace(low, high, points)
    rows = pulls(grid, e, np.clip(t, *TAU_RANGE))
    scale = np.linalg.norm(rows, axis=1).mean() * np.sqrt(e.size)
    w = np.ones(e.size) if weight is None else np.asarray(weight, dtype=np.float64)
    # weights are relative: their mean square is 1, whatever their unit
    stacked = [rows * (w / np.sqrt(np.mean(w**2)))[:, None] / scale, np.full((1, points), SUM_WEIGHT)]
    if smoothness > 0 and points > 2:
        stacked.append(np.sqrt(smoothness) * points / 10.0 * np.diff(np.eye(points), n=2, axis=0))
    matrix = np.concatenate(stacked)
    target = np.zeros(matrix.shape[0])
    target[e.size] = SUM_WEIGHT
    p = nnls(matrix, target)[0]
    p = p / p.sum()
    return Decoded(grid, p, float(np.mean((0.5 * pulls(grid, e, t) @ p) ** 2)))


def wasserstein(x: npt.ArrayLike, p: npt.ArrayLike, other_x: npt.ArrayLike, other_p: npt.ArrayLike) -> float:
    """Wasserstein-1 distance of two discrete distributions, in the unit of x: the area between their CDFs.

    Examples
    --------
    >>> wasserstein([0.0, 1.0], [0.5, 0.5], [3.0], [1.0])
    2.5
    """
    points = np.concatenate([np.asarray(x, dtype=np.float64), np.asarray(other_x, dtype=np.float64)])
    one, other = np.asarray(p, dtype=np.float64), np.asarray(other_p, dtype=np.float64)
    mass = np.concatenate([one / one.sum(), -other / other.sum()])
    order = np.argsort(points, kind="stable")
    between = np.diff(points[order])
    return float(np.abs(np.cumsum(mass[order])[:-1]) @ between)


def shuffled(
    reversal: npt.ArrayLike,
    tau: npt.ArrayLike,
    low: float,
    high: float,
    orders: npt.ArrayLike,
    *,
    smoothness: float = SMOOTHNESS,
) -> tuple[Decoded, ...]:
    """Decode with asymmetries shuffled among the units: the control to show beside every decoding.

    Parameters
    ----------
    orders
        int, shape (shuffles, units): permutations of the units.
    """
    t = np.asarray(tau, dtype=np.float64)
    return tuple(
        convex(reversal, t[order], low, high, smoothness=smoothness)
        for order in np.asarray(orders, dtype=np.int64)
    )


def checked_units(
    reversal: npt.ArrayLike, tau: npt.ArrayLike, low: float, high: float
) -> tuple[FloatArray, FloatArray]:
    """Return both as arrays; ValueError if they do not fit, are not finite, or the support is empty."""
    e, t = np.asarray(reversal, dtype=np.float64), np.asarray(tau, dtype=np.float64)
    if e.ndim != 1 or e.shape != t.shape or not e.size:
        raise ValueError(f"need a reversal point and an asymmetry for each unit, not {e.shape} and {t.shape}")
    if not (np.isfinite(e).all() and np.isfinite(t).all()):
        raise ValueError("a reversal point or an asymmetry is not finite; leave such units out")
    if not low < high:
        raise ValueError(f"the support from {low:g} to {high:g} is empty")
    return e, t
