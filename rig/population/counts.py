"""Everything that is counted for the statistics of a population, trial by trial.

A trial costs the same at any length of the session, and counts reached trial by trial equal those of the
whole recording at once. What is made of them is in `population_view`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import FloatArray, IntArray, SizeCounts
from rig.estimate.drift import DriftWatch
from rig.population.asymmetry_folds import FoldCounts
from rig.population.half_counts import PARTITIONS, membership
from rig.population.reliability import ReliabilityTracker


class PopulationCounts:
    """Counts of all units, for one reward distribution.

    Parameters
    ----------
    utility_hz
        float64, shape (sizes,), ascending: the axis at the sizes, in Hz.
    sizes_ul
        The sizes in uL.
    partitions
        How many ways of halving the trials are followed.

    Attributes
    ----------
    reliability
        Random halves and halves in time.
    first, second
        Both halves of partition 0, with sums of squares, so that every estimator can work on them.
    drift, folds
        Forgetting counts beside the full ones; disjoint folds.

    Examples
    --------
    >>> counts = PopulationCounts([-1.0, 1.0], [2.0, 8.0], partitions=4)
    >>> counts.add_units(2)
    >>> counts.add(0, 1, [3.0, float("nan")], [5.0, float("nan")])
    >>> counts.whole.n.tolist(), counts.baseline_hz.tolist()
    ([[0, 1], [0, 0]], [5.0, nan])
    """

    def __init__(
        self, utility_hz: npt.ArrayLike, sizes_ul: Sequence[float], partitions: int = PARTITIONS
    ) -> None:
        self.utility_hz: FloatArray = np.asarray(utility_hz, dtype=np.float64)
        self.sizes_ul = tuple(sizes_ul)
        sizes = len(self.sizes_ul)
        self.reliability = ReliabilityTracker(self.utility_hz, 0, partitions)
        self.first, self.second = SizeCounts(sizes), SizeCounts(sizes)
        self.drift = DriftWatch(self.utility_hz)
        self.folds = FoldCounts(sizes)
        self._baseline_sum: FloatArray = np.zeros(0)
        self._baseline_n: FloatArray = np.zeros(0)

    @property
    def units(self) -> int:
        """Number of units."""
        return self.first.units

    @property
    def whole(self) -> SizeCounts:
        """Counts of all trials."""
        self.reliability.halves.fold()
        return self.reliability.halves.all_trials

    @property
    def baseline_hz(self) -> FloatArray:
        """Mean baseline rate of each unit, shape (units,), in Hz; NaN where none is known."""
        known = self._baseline_n > 0
        nothing: FloatArray = np.full(known.shape, np.nan)
        return np.divide(self._baseline_sum, self._baseline_n, out=nothing, where=known)

    def add_units(self, more: int) -> None:
        """Append `more` units that have no responses yet."""
        for part in (self.reliability, self.first, self.second, self.drift, self.folds):
            part.add_units(more)
        self._baseline_sum = np.concatenate([self._baseline_sum, np.zeros(more)])
        self._baseline_n = np.concatenate([self._baseline_n, np.zeros(more)])

    def add(
        self,
        trial: int,
        size_index: npt.ArrayLike,
        response_hz: npt.ArrayLike,
        baseline_hz: npt.ArrayLike | None = None,
    ) -> None:
        """Count one trial, or the units of it that were not counted before.

        Parameters
        ----------
        trial
            Its number: decides the halves.
        size_index
            Which size was given, 0-based: a number, or one per unit (recordings of separate sessions).
        response_hz
            float64, shape (units,), in Hz; NaN where a unit's response is missing.
        baseline_hz
            Rate before the stimulus, same shape; None if unknown.

        Raises
        ------
        ValueError
            If a shape does not fit the units, a size does not exist, or a response is infinite.
        """
        y = np.asarray(response_hz, dtype=np.float64)
        self.reliability.add(trial, size_index, y)  # checks the shapes
        self.folds.add(size_index, y)
        half = self.first if membership(trial, 1)[0] else self.second
        size = np.broadcast_to(np.asarray(size_index, dtype=np.int64), y.shape)
        for j in np.unique(size[~np.isnan(y)]).tolist():
            own = np.where(size == j, y, np.nan)
            half.add(j, own)
            self.drift.add(j, own)
        if baseline_hz is not None:
            rate = np.where(np.isnan(y), np.nan, np.asarray(baseline_hz, dtype=np.float64))
            known = np.isfinite(rate)
            self._baseline_sum += np.where(known, rate, 0.0)
            self._baseline_n += known

    def rows(self, index: IntArray) -> PopulationCounts:
        """Return a copy that holds the units `index` only."""
        chosen = PopulationCounts(self.utility_hz, self.sizes_ul, 1)
        chosen.reliability = self.reliability.rows(index)
        chosen.first, chosen.second = self.first.rows(index), self.second.rows(index)
        chosen.drift, chosen.folds = self.drift.rows(index), self.folds.rows(index)
        chosen._baseline_sum, chosen._baseline_n = self._baseline_sum[index], self._baseline_n[index]
        return chosen

    def copy(self) -> Self:
        """Return an independent copy (a checkpoint)."""
        return copy.deepcopy(self)
