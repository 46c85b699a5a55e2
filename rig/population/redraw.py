"""How sure a decoded distribution is: decode again and again with units redrawn from their posteriors.

The uniforms come in as arrays: nothing here draws.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import FloatArray
from rig.population.decoding import SMOOTHNESS, convex


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
    grid: npt.ArrayLike,
    mass: npt.ArrayLike,
    tau: npt.ArrayLike,
    uniform: npt.ArrayLike,
    *,
    spread: npt.ArrayLike = 0.0,
    normal: npt.ArrayLike = 0.0,
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
    spread
        float64, shape (units, points): SD of the asymmetry given the reversal point
        (`KinkedBayes.tau_spread`); 0 leaves it out.
    normal
        float64, shape (draws, units): standard normal.

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
    place = np.arange(units), index
    within = np.broadcast_to(np.asarray(spread, dtype=np.float64), weights.shape)[place]
    taus = np.asarray(tau, dtype=np.float64)[place] + within * np.asarray(normal, dtype=np.float64)
    return np.asarray(grid, dtype=np.float64)[index], taus
