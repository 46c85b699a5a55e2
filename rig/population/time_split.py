"""First half of the session against its second half, kept online, each unit by its own responses.

Where "half" is moves with every second response: the oldest response of the second half goes over to the
first. So responses are remembered in order, and two tables of counts are kept. A trial costs the same at any
length of the session.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import ZERO_HZ, FloatArray, IntArray, SizeCounts


class TimeSplit:
    """Counts of the first and of the second half of each unit's responses.

    Parameters
    ----------
    sizes
        Number of reward sizes.
    units
        Number of units to begin with.

    Attributes
    ----------
    first, second
        The counts; of an odd number of responses the middle one is in the second half.

    Examples
    --------
    >>> split = TimeSplit(sizes=1, units=1)
    >>> for response in (1.0, 2.0, 3.0):
    ...     split.add(0, [response])
    >>> split.first.total.tolist(), split.second.total.tolist()
    ([[1.0]], [[5.0]])
    """

    def __init__(self, sizes: int, units: int = 0) -> None:
        self.first, self.second = SizeCounts(sizes, units), SizeCounts(sizes, units)
        self._seen: IntArray = np.zeros(units, dtype=np.int64)
        self._size: IntArray = np.zeros((units, 64), dtype=np.int64)
        self._response: FloatArray = np.zeros((units, 64))

    def add_units(self, more: int) -> None:
        """Append `more` units that have no responses yet."""
        self.first.add_units(more)
        self.second.add_units(more)
        room = self._size.shape[1]
        self._seen = np.concatenate([self._seen, np.zeros(more, dtype=np.int64)])
        self._size = np.concatenate([self._size, np.zeros((more, room), dtype=np.int64)])
        self._response = np.concatenate([self._response, np.zeros((more, room))])

    def rows(self, index: IntArray) -> TimeSplit:
        """Return a copy that holds the units `index` only."""
        chosen = TimeSplit(self.first.sizes)
        chosen.first, chosen.second = self.first.rows(index), self.second.rows(index)
        chosen._seen, chosen._size = self._seen[index].copy(), self._size[index].copy()
        chosen._response = self._response[index].copy()
        return chosen

    def add(self, size_index: npt.ArrayLike, response_hz: npt.ArrayLike) -> None:
        """Count one trial.

        Parameters
        ----------
        size_index
            Which size was given, 0-based: a number, or one per unit.
        response_hz
            float64, shape (units,), in Hz; NaN where a unit's response is missing.
        """
        y = np.asarray(response_hz, dtype=np.float64)
        size = np.broadcast_to(np.asarray(size_index, dtype=np.int64), y.shape)
        unit = np.flatnonzero(~np.isnan(y))
        if not unit.size:
            return
        if self._seen.max() >= self._size.shape[1]:
            self._size = np.concatenate([self._size, np.zeros_like(self._size)], axis=1)
            self._response = np.concatenate([self._response, np.zeros_like(self._response)], axis=1)
        self._size[unit, self._seen[unit]] = size[unit]
        self._response[unit, self._seen[unit]] = y[unit]
        _move(self.second, unit, size[unit], y[unit], 1)
        self._seen[unit] += 1
        even = unit[self._seen[unit] % 2 == 0]
        oldest = self._seen[even] // 2 - 1
        size, y = self._size[even, oldest], self._response[even, oldest]
        _move(self.second, even, size, y, -1)
        _move(self.first, even, size, y, 1)


def _move(counts: SizeCounts, unit: npt.NDArray[np.intp], size: IntArray, y: FloatArray, sign: int) -> None:
    """Add one response to each of the units (each named once), or take it out again."""
    counts.n[unit, size] += sign
    counts.total[unit, size] += sign * y
    counts.squares[unit, size] += sign * y * y
    counts.positives[unit, size] += sign * (y >= ZERO_HZ)
    counts.negatives[unit, size] += sign * (y <= -ZERO_HZ)
