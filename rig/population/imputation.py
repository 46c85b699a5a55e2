"""The published decoding: samples moved about until every unit's pulls cancel.

Dabney et al. 2020 (Nature 577:671, Methods) impute a hundred rewards x_m such that the units stand at their
expectiles. Many minima are as good as each other, so it is repeated from several starts and pooled;
`decoding.convex` answers the same question once. Starts come in as arrays: nothing here draws.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, minimize

from rig.estimate.counts import FloatArray
from rig.population.decoding import Decoded, checked_units


def imputed(
    reversal: npt.ArrayLike, tau: npt.ArrayLike, low: float, high: float, starts: npt.ArrayLike
) -> Decoded:
    """Decode as published: samples moved from a random start until every unit's pulls cancel.

    Parameters
    ----------
    reversal, tau, low, high
        As for `decoding.convex`; tau is taken as it is.
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
    e, t = checked_units(reversal, tau, low, high)
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
