"""Keyed draws: the number at a place depends on its key alone, not on what was drawn before it.

A simulated animal must do the same whether its rig runs in one process or in five, fast or slow, and
whether 4 or 400 of its units are looked at. So nothing here has a state. A draw is a hash of
(seed, purpose, trial, ...) and the counters (unit, bin, ...), made by chaining the finaliser of
SplitMix64 (Steele, Lea and Flood 2014, OOPSLA). numpy's generators are not used: their distributions
may change between versions (NEP 19).

Counts come by inverse CDF. Poisson, binomial and negative binomial all obey Panjer's recursion
``p[k] = p[k-1] * (a + b / k)``, so one loop serves all three.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

_MASK: Final = (1 << 64) - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_MULTIPLY: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_MAX_COUNT: Final = 10_000

Floats = NDArray[np.float64]
Bits = NDArray[np.uint64]


def _mix(value: int) -> int:
    """Finalise one 64-bit integer (SplitMix64, variant 13 of Stafford)."""
    value = ((value ^ (value >> 30)) * _MULTIPLY[0]) & _MASK
    value = ((value ^ (value >> 27)) * _MULTIPLY[1]) & _MASK
    return value ^ (value >> 31)


def key(*parts: int) -> int:
    """Return the 64-bit key of a tuple of integers; every part, and their order, matters.

    Examples
    --------
    >>> key(1, 2) == key(1, 2), key(1, 2) == key(2, 1)
    (True, False)
    >>> hex(_mix(_GOLDEN))  # the first output of SplitMix64 seeded with 0
    '0xe220a8397b1dcdaf'
    """
    state = 0
    for part in parts:
        state = _mix((state + (part + 1) * _GOLDEN) & _MASK)
    return state


def bits(base: int, *counters: ArrayLike) -> Bits:
    """Return 64 random bits for each element of the broadcast counters.

    Parameters
    ----------
    base
        From `key`.
    *counters
        Non-negative integer arrays that broadcast against each other (unit, bin, ...).

    Returns
    -------
    ndarray of uint64
        At least one-dimensional.
    """
    golden = np.uint64(_GOLDEN)
    state = np.full(1, base, dtype=np.uint64)
    for counter in counters:
        steps = np.atleast_1d(np.asarray(counter)).astype(np.uint64)
        steps += np.uint64(1)
        steps *= golden
        state = _mix_array(steps + state)
    return state


def _mix_array(state: Bits) -> Bits:
    """Finalise an array in place (the same function as `_mix`)."""
    state ^= state >> np.uint64(30)
    state *= np.uint64(_MULTIPLY[0])
    state ^= state >> np.uint64(27)
    state *= np.uint64(_MULTIPLY[1])
    state ^= state >> np.uint64(31)
    return state


def uniform(base: int, *counters: ArrayLike) -> Floats:
    """Return floats in the open interval (0, 1): 52 random bits, centred in their cells."""
    return ((bits(base, *counters) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def below(limit: int, base: int, *counters: ArrayLike) -> NDArray[np.int64]:
    """Return integers in ``range(limit)``; the bias is below ``limit / 2**32``."""
    high = bits(base, *counters) >> np.uint64(32)
    return ((high * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)


def normal(base: int, *counters: ArrayLike) -> Floats:
    """Return standard normal floats, by inverse CDF."""
    values: Floats = ndtri(uniform(base, *counters))
    return values


def beta33(base: int, *counters: ArrayLike) -> Floats:
    """Return Beta(3, 3) floats: the median of five uniforms has exactly that distribution."""
    last = [np.asarray(counter)[..., None] for counter in counters]
    middle: Floats = np.sort(uniform(base, *last, np.arange(5)), axis=-1)[..., 2]
    return middle


def poisson_count(u: Floats, mean: Floats) -> NDArray[np.int64]:
    """Turn uniforms into Poisson counts of the given means (same shape)."""
    return _panjer(u, np.exp(-mean), np.zeros_like(mean), mean)


def binomial_count(u: Floats, n: Floats, p: float) -> NDArray[np.int64]:
    """Turn uniforms into binomial counts: `n` tries (whole numbers) that succeed with `p` < 1."""
    odds = p / (1.0 - p)
    return _panjer(u, (1.0 - p) ** n, np.full_like(n, -odds), (n + 1.0) * odds)


def negative_binomial_count(u: Floats, mean: Floats, fano: float) -> NDArray[np.int64]:
    """Turn uniforms into negative-binomial counts of the given means and variance / mean `fano` > 1."""
    size = mean / (fano - 1.0)
    a = (fano - 1.0) / fano
    return _panjer(u, (1.0 - a) ** size, np.full_like(mean, a), (size - 1.0) * a)


def _panjer(u: Floats, first: Floats, a: Floats, b: Floats) -> NDArray[np.int64]:
    """Invert the CDF of a distribution with ``p[0] = first`` and Panjer's `a` and `b`."""
    count = np.zeros(u.shape, dtype=np.int64)
    flat = count.reshape(-1)
    # The rows: the uniform, the mass at k, the mass up to k, a and b.
    todo = np.flatnonzero(u.reshape(-1) >= first.reshape(-1))
    rows = np.stack([array.reshape(-1)[todo] for array in (u, first, first, a, b)])
    for k in range(1, _MAX_COUNT):
        if not todo.size:
            break
        flat[todo] = k
        rows[1] *= rows[3] + rows[4] / k
        rows[2] += rows[1]
        # A mass of nothing left over (rounding at the far tail) ends the count as well.
        more = (rows[0] >= rows[2]) & (rows[1] > 0.0)
        todo, rows = todo[more], rows[:, more]
    return count
