"""Pearson's R of many paired rows at once, with both kinds of mean P."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from rig.estimate.counts import FloatArray

MIN_UNITS = 4
"""With fewer pairs a correlation says nothing."""
SMALLEST_P = 1e-300
LEAST_LEFT = 1e-300
"""Of the variance, where R is 1: keeps t finite."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation over units, from one pairing or averaged over many partitions.

    Attributes
    ----------
    r, r_sd
        Mean of Pearson's R over the partitions, and its SD (0 for one pairing).
    p_mean, p_geometric
        Arithmetic and geometric mean of the two-sided P values. A mean of P values is no P value: it is what
        the paper's figure is compared with.
    units
        Most units that entered.
    partitions
        How many pairings were averaged.
    """

    r: float
    r_sd: float
    p_mean: float
    p_geometric: float
    units: int
    partitions: int


def pearson(one: npt.ArrayLike, other: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Pearson's R along the last axis, over the pairs that are both finite.

    Returns
    -------
    r
        float64, shape of the leading axes; NaN with fewer than four pairs or without any spread.
    n
        int64: how many pairs entered.
    """
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    good = np.isfinite(a) & np.isfinite(b)
    n = good.sum(axis=-1)
    a, b = _centred(a, good, n), _centred(b, good, n)
    top = np.einsum("...i,...i->...", a, b)
    bottom = np.sqrt(np.einsum("...i,...i->...", a, a) * np.einsum("...i,...i->...", b, b))
    enough = (n >= MIN_UNITS) & (bottom > 0)
    r = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=enough)
    return np.clip(r, -1.0, 1.0), n


def _centred(values: FloatArray, good: npt.NDArray[np.bool_], n: npt.NDArray[np.int64]) -> FloatArray:
    kept = np.where(good, values, 0.0)
    mean = kept.sum(axis=-1) / np.maximum(n, 1)
    centred: FloatArray = np.where(good, kept - mean[..., None], 0.0)
    return centred


def two_sided_p(r: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
    """Return the P of Pearson's R under no correlation, by Student's t with n - 2 degrees of freedom.

    Examples
    --------
    >>> float(two_sided_p(0.6, 40).round(6))
    4.3e-05
    """
    values, dof = np.asarray(r, dtype=np.float64), np.asarray(n, dtype=np.float64) - 2.0
    t = np.abs(values) * np.sqrt(dof / np.maximum(1.0 - values**2, LEAST_LEFT))
    p: FloatArray = 2.0 * stdtr(dof, -t)
    return p


def correlate(one: npt.ArrayLike, other: npt.ArrayLike) -> Correlation | None:
    """Correlate rows (partitions x units, or one row) and average; None if no row has a correlation."""
    r, n = pearson(np.atleast_2d(one), np.atleast_2d(other))
    return averaged(r, n)


def averaged(r: FloatArray, n: npt.NDArray[np.int64]) -> Correlation | None:
    """Average the correlations of partitions; None if there is none."""
    told = np.isfinite(r)
    if not told.any():
        return None
    r, n = r[told], n[told]
    p = two_sided_p(r, n)
    return Correlation(
        r=float(r.mean()),
        r_sd=float(r.std(ddof=1)) if r.size > 1 else 0.0,
        p_mean=float(p.mean()),
        p_geometric=float(np.exp(np.log(np.maximum(p, SMALLEST_P)).mean())),
        units=int(n.max()),
        partitions=int(r.size),
    )
