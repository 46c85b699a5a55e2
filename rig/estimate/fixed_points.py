"""Where learning ends: expectiles and quantiles of a declared reward distribution.

A unit whose value grows by ``alpha_plus * error`` after good news and shrinks by ``alpha_minus * error``
after bad news settles at the expectile ``tau = alpha_plus / (alpha_plus + alpha_minus)``; with
``sign(error)`` in place of the error it settles at the quantile (Dabney et al. 2020, Nature 577).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BISECTIONS = 80
"""Halvings of the support: far below one unit in the last place of a float."""


def expectiles(tau: ArrayLike, values: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the expectiles of a discrete distribution.

    The root of ``sum |tau - 1(x <= e)| p (x - e)``, which falls monotonically in e, by bisection.

    Parameters
    ----------
    tau
        Asymmetries in (0, 1); any shape.
    values, probabilities
        Support points and their weights (need not sum to one); shape (n,).

    Returns
    -------
    ndarray
        In the unit of `values`, shape of `tau` (at least one-dimensional).

    Raises
    ------
    ValueError
        If the distribution is empty, negative or all zero, or a tau lies outside (0, 1).

    Examples
    --------
    A reward of 6 in half of the trials: the expectile is ``tau * 6``.

    >>> expectiles([0.25, 0.5], [0.0, 6.0], [0.5, 0.5]).round(6).tolist()
    [1.5, 3.0]
    """
    tau, x, p = _checked(tau, values, probabilities)
    low, high = np.full(tau.shape, x.min()), np.full(tau.shape, x.max())
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        error = x - middle[..., None]
        gain = np.where(error > 0, tau[..., None], 1.0 - tau[..., None])
        above = (gain * p * error).sum(axis=-1) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    settled: NDArray[np.float64] = 0.5 * (low + high)
    return settled


def quantiles(tau: ArrayLike, values: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the lowest support point whose cumulative probability reaches each tau.

    Parameters and errors as for `expectiles`.

    Examples
    --------
    A reward of 6 in half of the trials: 6 if tau is more than one half, else nothing.

    >>> quantiles([0.4, 0.5, 0.6], [0.0, 6.0], [0.5, 0.5]).tolist()
    [0.0, 0.0, 6.0]
    """
    tau, x, p = _checked(tau, values, probabilities)
    order = np.argsort(x)
    cumulative = np.cumsum(p[order]) / p.sum()
    index = np.searchsorted(cumulative, tau, side="left")
    points: NDArray[np.float64] = x[order][np.minimum(index, x.size - 1)]
    return points


def bernoulli_expectiles(tau: ArrayLike, probability: float, reward: float) -> NDArray[np.float64]:
    """Return the expectiles of a cue that brings `reward` with a probability and nothing otherwise.

    In closed form: ``reward * p tau / (p tau + (1 - p) (1 - tau))``.

    Parameters
    ----------
    tau
        Asymmetries in (0, 1); any shape.
    probability
        Of the reward, 0 to 1.
    reward
        Its size; the expectiles are in the same unit.

    Raises
    ------
    ValueError
        If the probability or a tau is out of range.

    Examples
    --------
    >>> bernoulli_expectiles([0.25, 0.75], 0.5, 4.0).tolist()
    [1.0, 3.0]
    """
    taus = np.asarray(tau, dtype=np.float64)
    if not 0 <= probability <= 1 or ((taus <= 0) | (taus >= 1)).any():
        raise ValueError("probability must lie in 0..1, and tau strictly between 0 and 1")
    up, down = probability * taus, (1.0 - probability) * (1.0 - taus)
    settled: NDArray[np.float64] = reward * up / (up + down)
    return settled


def _checked(
    tau: ArrayLike, values: ArrayLike, probabilities: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    taus = np.atleast_1d(np.asarray(tau, dtype=np.float64))
    x = np.asarray(values, dtype=np.float64)
    p = np.asarray(probabilities, dtype=np.float64)
    if x.ndim != 1 or x.shape != p.shape or not x.size:
        raise ValueError(f"need one probability a value, not {p.shape} for {x.shape}")
    if (p < 0).any() or p.sum() <= 0:
        raise ValueError("probabilities must not be negative, nor all zero")
    if ((taus <= 0) | (taus >= 1)).any():
        raise ValueError("tau must lie strictly between 0 and 1")
    return taus, x, p
