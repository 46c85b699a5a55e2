"""How well slopes about a place explain one unit's responses, whatever its gain and its constant.

The mean response to size j is modelled as

    m_j = max(g * s_j + o, floor)

where s_j is the expected response of a gain of one (negative below the place, positive above), g ~ N(2, 1)
the gain, o ~ N(0, s^2) the constant, and the floor minus the unit's baseline rate: a neuron cannot fire less
than not at all. Noise is Gaussian, with the variance that was seen. The marginal likelihood is the integral
over g and o.

Without a floor it has a closed form. With one it still has. s_j grows with the size, so the sizes at
the floor are the k smallest, for some k. For each k the model is linear in g and o, and what was
integrated must be cut to those (g, o) where just k sizes are at the floor:

    L_(k-1) <= 0 <= L_k        with   L_j = g s_j + o - floor

As L_k >= L_(k-1), the probability of that is P(L_(k-1) <= 0) - P(L_k <= 0): two values of the normal
distribution function. (Gains below zero, 2 % of the prior, are left out of the argument.) The evidence is the
sum over k. Without this, a floor bends a constant into something that looks like an expectile code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import logsumexp, ndtr

from rig.estimate.counts import BoolArray, FloatArray, SizeCounts
from rig.estimate.kinked_bayes import size_variances

GAIN_MEAN, GAIN_SD = 2.0, 1.0
NEAR: Final = (1.0, 3.0)
"""A size is near the floor if its mean response is within so many Hz and so many standard errors of it."""
_LEAST: Final = 1e-300


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of every size: its precision, and its precision times its mean response. Shape (units, sizes)."""

    weight: FloatArray
    response: FloatArray
    floor: FloatArray

    def rows(self, index: BoolArray) -> _Seen:
        return _Seen(self.weight[index], self.response[index], self.floor[index])


def unit_evidence(
    counts: SizeCounts, expected: FloatArray, offset_sd_hz: float, floor_hz: FloatArray
) -> FloatArray:
    """Integrate gain and constant out.

    Parameters
    ----------
    counts
        Counts of the units.
    expected
        float64, shape (sizes, places): expected response of a gain of one, in Hz, not falling with the size.
    offset_sd_hz
        Prior SD of the constant; 0: there is none.
    floor_hz
        float64, shape (units,): the lowest mean response that a unit can give (minus its baseline
        rate); NaN: not known, so there is none.

    Returns
    -------
    evidence
        float64, shape (units, places): log marginal likelihoods, up to a constant of each unit.
    """
    variance = size_variances(counts)
    seen = _Seen(counts.n / variance, counts.total / variance, floor_hz)
    log = _Line(seen, expected, offset_sd_hz, 0).log_evidence
    near = _near_the_floor(counts, variance, floor_hz)
    some: BoolArray = np.any(near, axis=1)
    if some.any():
        # a size that was never given may be at the floor too
        possible = np.any(near[some] | (counts.n[some] == 0), axis=0)
        most = int(np.flatnonzero(possible)[-1]) + 1
        log[some] = _floored(seen.rows(some), expected, offset_sd_hz, most)
    return log


def _near_the_floor(counts: SizeCounts, variance: FloatArray, floor_hz: FloatArray) -> BoolArray:
    n = np.maximum(counts.n, 1)
    hz, errors = NEAR
    mean = counts.total / n
    near: BoolArray = (counts.n > 0) & (mean - floor_hz[:, None] < hz + errors * np.sqrt(variance / n))
    return near


def _floored(seen: _Seen, expected: FloatArray, offset_sd_hz: float, most: int) -> FloatArray:
    """Sum over how many of the smallest sizes are at the floor, 0 to `most`."""
    floor = seen.floor[:, None]
    # of each size, were it at the floor
    silent = seen.response * floor - 0.5 * seen.weight * floor**2
    terms = []
    for k in range(most + 1):
        line = _Line(seen, expected, offset_sd_hz, k)
        at_floor = line.below(expected[k - 1], floor) if k else np.inf
        also = line.below(expected[k], floor) if k < expected.shape[0] else -np.inf
        log = line.log_evidence + np.log(np.maximum(_between(also, at_floor), _LEAST))
        terms.append(log + silent[:, :k].sum(axis=1, keepdims=True))
    evidence: FloatArray = logsumexp(np.array(terms), axis=0)
    return evidence


def _between(low: FloatArray | float, high: FloatArray | float) -> FloatArray:
    """Probability of a standard normal number between two; from the nearer tail, where it is precise."""
    upper = np.asarray(low) > 0
    probability: FloatArray = np.where(
        upper, ndtr(-np.asarray(low)) - ndtr(-np.asarray(high)), ndtr(high) - ndtr(low)
    )
    return probability


class _Line:
    """The linear model of all sizes from the `k`-th on: its evidence, and what gain and constant then are.

    Two coefficients with a Gaussian prior. The constant comes from the Schur complement of the 2 x 2
    precision matrix; the gain is Gaussian given the constant.
    """

    def __init__(self, seen: _Seen, expected: FloatArray, offset_sd_hz: float, k: int) -> None:
        weight, response, s = seen.weight[:, k:], seen.response[:, k:], expected[k:]
        precision = 1.0 / GAIN_SD**2
        self._a = a = weight @ s**2 + precision
        self._h = h = response @ s + GAIN_MEAN * precision
        log = 0.5 * (h**2 / a - np.log(a) + np.log(precision) - GAIN_MEAN**2 * precision)
        self._crossed: FloatArray | float = 0.0
        self._constant: FloatArray | float = 0.0
        self._constant_variance: FloatArray | float = 0.0
        if offset_sd_hz > 0:
            self._crossed = crossed = weight @ s
            d = weight.sum(axis=1, keepdims=True) + 1.0 / offset_sd_hz**2 - crossed**2 / a
            rest = response.sum(axis=1, keepdims=True) - crossed * h / a
            log = log + 0.5 * (rest**2 / d - np.log(d)) - np.log(offset_sd_hz)
            self._constant, self._constant_variance = rest / d, 1.0 / d
        self.log_evidence: FloatArray = log

    def below(self, expected: FloatArray, floor: FloatArray) -> FloatArray:
        """Return where the floor stands, in SDs, among the responses g * `expected` + o thought possible."""
        slope = expected / self._a
        mean = slope * (self._h - self._crossed * self._constant) + self._constant
        variance = slope * expected + (1.0 - self._crossed * slope) ** 2 * self._constant_variance
        place: FloatArray = (floor - mean) / np.sqrt(np.maximum(variance, 1e-12))
        return place
