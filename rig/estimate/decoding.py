"""The reward distribution that a population of reversal points and asymmetries would encode.

If unit i stands at the tau_i expectile e_i of the rewards, then for every unit the pulls up and down cancel:

    sum_x p(x) |tau_i - 1(x <= e_i)| (x - e_i) = 0

`convex` solves that for the probabilities p on a grid by non-negative least squares, with a pull towards
smoothness: one answer, no start, under a millisecond. `imputed` is the published way (Dabney et al. 2020,
Methods): a hundred samples x_m moved to make the squared pulls small, from many random starts.

A close fit alone proves little: a smooth answer with the right mean already lies near the truth. The evidence
is the gap to decodings with the asymmetries shuffled among the units (`convex` once per shuffle). Never take
"all asymmetries one half" as the null: it only fixes the mean.

Nothing here draws: starts, shuffles and redrawn units come in as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, minimize, nnls

from rig.estimate.counts import FloatArray

GRID_POINTS: Final = 60
SMOOTHNESS: Final = 1.0
SUM_WEIGHT: Final = 100.0
TAU_RANGE: Final = (0.01, 0.99)
SAMPLES: Final = 100


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
    e, t = _units(reversal, tau, low, high)
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


def imputed(
    reversal: npt.ArrayLike, tau: npt.ArrayLike, low: float, high: float, starts: npt.ArrayLike
) -> Decoded:
    """Decode as published: samples moved from a random start until every unit's pulls cancel.

    Parameters
    ----------
    reversal, tau, low, high
        As for `convex`; tau is taken as it is.
    starts
        float64, shape (starts, samples), uniform in 0..1: random sample sets. The best of them begins (the
        published code tries 1,000 sets of 100 samples).

    Returns
    -------
    The samples, each of probability 1 / samples.

    Notes
    -----
    ``g_i = mean_m(-|tau_i - 1(x_m <= e_i)| (x_m - e_i) / 2)``, loss ``mean_i g_i^2``, minimised with its
    gradient by the truncated Newton method (scipy's TNC) inside the bounds.
    """
    e, t = _units(reversal, tau, low, high)
    samples = low + (high - low) * np.asarray(starts, dtype=np.float64)
    if samples.ndim != 2 or not samples.size:
        raise ValueError(f"starts of shape {samples.shape}; need (starts, samples)")
    losses = [_loss(start, e, t)[0] for start in samples]
    best = samples[int(np.argmin(losses))]
    size = best.size
    found = minimize(
        _loss,
        best,
        args=(e, t),
        jac=True,
        method="TNC",
        bounds=Bounds(np.full(size, low), np.full(size, high)),
    )
    return Decoded(np.sort(found.x), np.full(size, 1.0 / size), float(found.fun))


def _loss(x: FloatArray, e: FloatArray, tau: FloatArray) -> tuple[float, FloatArray]:
    """Return the loss of a sample set, and its gradient."""
    below = x <= e[:, None]
    steep = -0.5 * np.abs(tau[:, None] - below)
    g = (steep * (x - e[:, None])).mean(axis=1)
    gradient: FloatArray = (2.0 / e.size) * (g @ steep) / x.size
    return float(np.mean(g * g)), gradient


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


@dataclass(frozen=True, slots=True)
class Band:
    """Decodings of redrawn units, on one grid; every array float64, shape (points,).

    Attributes
    ----------
    mean, low, high
        Mean and 2.5 % and 97.5 % points of each probability.
    """

    x: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray


def redrawn(
    reversals: npt.ArrayLike,
    taus: npt.ArrayLike,
    low: float,
    high: float,
    *,
    smoothness: float = SMOOTHNESS,
) -> Band:
    """Spread the units' uncertainty to the distribution.

    Parameters
    ----------
    reversals, taus
        float64, shape (draws, units): draws from the units' posteriors (see `posterior_draws`).
    """
    pairs = zip(np.asarray(reversals, dtype=np.float64), np.asarray(taus, dtype=np.float64), strict=True)
    made = [convex(e, t, low, high, smoothness=smoothness) for e, t in pairs]
    p = np.stack([one.p for one in made])
    ends = np.quantile(p, (0.025, 0.975), axis=0)
    return Band(made[0].x, p.mean(axis=0), ends[0], ends[1])


def posterior_draws(
    grid: npt.ArrayLike, mass: npt.ArrayLike, tau: npt.ArrayLike, uniform: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Draw (reversal, asymmetry) pairs from grid posteriors.

    Parameters
    ----------
    grid
        float64, shape (points,): the reversal points.
    mass, tau
        float64, shape (units, points): posterior mass, and expected asymmetry given the reversal point.
    uniform
        float64, shape (draws, units), in 0..1.

    Returns
    -------
    reversals, taus : float64, shape (draws, units).
    """
    weights, at = np.asarray(mass, dtype=np.float64), np.asarray(uniform, dtype=np.float64)
    cumulated = np.cumsum(weights, axis=1)
    cumulated /= cumulated[:, -1:]
    units = weights.shape[0]
    index = np.stack([np.searchsorted(cumulated[i], at[:, i]) for i in range(units)], axis=1)
    index = np.minimum(index, weights.shape[1] - 1)
    taus = np.asarray(tau, dtype=np.float64)[np.arange(units), index]
    return np.asarray(grid, dtype=np.float64)[index], taus


def _units(
    reversal: npt.ArrayLike, tau: npt.ArrayLike, low: float, high: float
) -> tuple[FloatArray, FloatArray]:
    e, t = np.asarray(reversal, dtype=np.float64), np.asarray(tau, dtype=np.float64)
    if e.ndim != 1 or e.shape != t.shape or not e.size:
        raise ValueError(f"need a reversal point and an asymmetry for each unit, not {e.shape} and {t.shape}")
    if not (np.isfinite(e).all() and np.isfinite(t).all()):
        raise ValueError("a reversal point or an asymmetry is not finite; leave such units out")
    if not low < high:
        raise ValueError(f"the support from {low:g} to {high:g} is empty")
    return e, t
