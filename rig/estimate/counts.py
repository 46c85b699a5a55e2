"""The sufficient numbers: everything an estimator may know about a unit is in these five tables.

Per unit and reward size they hold how many responses there were, their sum, their sum of squares,
and how many were positive and negative. Every estimator in this room is a function of them, so a
value reached trial by trial equals the value from the whole recording at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

ZERO_HZ = 1e-9
"""A response smaller than this is zero: it counts on neither side."""


class SizeCounts:
    """Running counts of responses, units x sizes.

    Parameters
    ----------
    sizes
        Number of reward sizes.
    units
        Number of units to begin with.

    Attributes
    ----------
    n, positives, negatives
        int64, shape (units, sizes): all responses, those above zero, those below.
    total, squares
        float64, shape (units, sizes): sum of the responses in Hz, sum of their squares in Hz^2.

    Examples
    --------
    >>> counts = SizeCounts(sizes=2, units=1)
    >>> counts.add(1, np.array([3.0]))
    >>> counts.add(1, np.array([np.nan]))
    >>> counts.n.tolist(), counts.total.tolist()
    ([[0, 1]], [[0.0, 3.0]])
    """

    __slots__ = ("n", "negatives", "positives", "squares", "total")

    def __init__(self, sizes: int, units: int = 0) -> None:
        self.n: IntArray = np.zeros((units, sizes), dtype=np.int64)
        self.positives: IntArray = np.zeros_like(self.n)
        self.negatives: IntArray = np.zeros_like(self.n)
        self.total: FloatArray = np.zeros((units, sizes))
        self.squares: FloatArray = np.zeros((units, sizes))

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.n.shape[0])

    @property
    def sizes(self) -> int:
        """Number of reward sizes."""
        return int(self.n.shape[1])

    @property
    def rewarded(self) -> IntArray:
        """Responses per unit over all sizes, shape (units,)."""
        rewarded: IntArray = self.n.sum(axis=1)
        return rewarded

    def add_units(self, more: int) -> None:
        """Append `more` units that have no responses yet."""
        for name in self.__slots__:
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros((more, self.sizes), dtype=old.dtype)]))

    def add(self, size_index: int, response_hz: npt.ArrayLike) -> None:
        """Count one trial.

        Parameters
        ----------
        size_index
            Which size was given, 0-based.
        response_hz
            float64, shape (units,), in Hz; NaN where a unit's response is missing.

        Raises
        ------
        ValueError
            If the shape does not fit the units, the size does not exist, or a response is infinite.
        """
        y = np.asarray(response_hz, dtype=np.float64)
        if y.shape != (self.units,):
            raise ValueError(f"{self.units} units, but responses of shape {y.shape}")
        if not 0 <= size_index < self.sizes:
            raise ValueError(f"size index {size_index} is not among 0..{self.sizes - 1}")
        if np.isinf(y).any():
            raise ValueError("a response is infinite")
        seen = ~np.isnan(y)
        y = np.where(seen, y, 0.0)
        self.n[:, size_index] += seen
        self.total[:, size_index] += y
        self.squares[:, size_index] += y * y
        self.positives[:, size_index] += y >= ZERO_HZ
        self.negatives[:, size_index] += y <= -ZERO_HZ

    @classmethod
    def from_trials(
        cls,
        unit: npt.ArrayLike,
        size_index: npt.ArrayLike,
        response_hz: npt.ArrayLike,
        *,
        units: int,
        sizes: int,
    ) -> SizeCounts:
        """Count a whole recording at once.

        Parameters
        ----------
        unit, size_index
            int, shape (responses,): which unit answered which size.
        response_hz
            float64, shape (responses,), in Hz; NaN where missing.
        """
        y = np.asarray(response_hz, dtype=np.float64)
        cell = np.asarray(unit, dtype=np.int64) * sizes + np.asarray(size_index, dtype=np.int64)
        seen = ~np.isnan(y)
        cell, y = cell[seen], y[seen]

        def table(weights: FloatArray | BoolArray | None) -> FloatArray:
            flat = np.bincount(cell, weights=weights, minlength=units * sizes)
            return flat.astype(np.float64).reshape(units, sizes)

        counts = cls(sizes)
        counts.n = table(None).astype(np.int64)
        counts.positives = table(y >= ZERO_HZ).astype(np.int64)
        counts.negatives = table(y <= -ZERO_HZ).astype(np.int64)
        counts.total = table(y)
        counts.squares = table(y * y)
        return counts

    def rows(self, index: Sequence[int] | IntArray | BoolArray) -> SizeCounts:
        """Return a copy that holds the units `index` only."""
        chosen = SizeCounts(self.sizes)
        for name in self.__slots__:
            setattr(chosen, name, getattr(self, name)[np.asarray(index)].copy())
        return chosen

    def copy(self) -> SizeCounts:
        """Return an independent copy."""
        return self.rows(np.arange(self.units))
