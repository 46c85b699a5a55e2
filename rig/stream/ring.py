"""The last spikes of every unit of one stream, by sample number, ready to be counted in any window.

Spikes come nearly in order: those of one block in any order, those near a block's end a block later.
Each unit's train is kept sorted, so a count is two bisections whatever came when.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort

KEEP_SAMPLES = 600 * 30_000
"""Kept of each unit if nobody says what may be forgotten: ten minutes at 30 kHz."""
_PRUNE_EVERY = 30_000
_NEVER = -(2**63)


class SpikeRing:
    """Spike trains of one stream.

    Parameters
    ----------
    keep_samples
        Of each unit, spikes this far behind its newest are kept; older ones go sooner or later. So
        memory is bounded even on a stream that never tells how far it has come.

    Attributes
    ----------
    disordered
        Spikes that came after a later spike of the same unit: normal within a block.
    late
        Spikes that came below the mark of `settle` (or `forget_before`): too late for the windows
        already counted.

    Examples
    --------
    >>> ring = SpikeRing()
    >>> for sample in (100, 300, 200):
    ...     ring.add("Tetrode 1:1", sample)
    >>> ring.units, ring.count(100, 300.5)
    (('Tetrode 1:1',), [2])
    """

    def __init__(self, keep_samples: int = KEEP_SAMPLES) -> None:
        self.keep_samples = keep_samples
        self.disordered = 0
        self.late = 0
        self._trains: dict[str, array[int]] = {}
        self._first: dict[str, int] = {}
        self._units: tuple[str, ...] = ()
        self._settled = self._forgotten = self._prune_at = _NEVER

    @property
    def units(self) -> tuple[str, ...]:
        """All units known, in the order in which they became known."""
        return self._units

    def add_unit(self, unit: str) -> None:
        """Make a unit known before its first spike."""
        if unit not in self._trains:
            self._trains[unit] = array("q")
            self._units = (*self._units, unit)

    def add(self, unit: str, sample: int) -> None:
        """Take one spike; an unknown unit becomes known by it."""
        train = self._trains.get(unit)
        if train and train[-1] <= sample and self._settled <= sample:
            train.append(sample)
            if sample - train[0] > 2 * self.keep_samples:
                del train[: bisect_left(train, sample - self.keep_samples)]
        else:
            self._add_rarely(unit, sample)

    def count(self, lo_sample: float, hi_sample: float) -> list[int]:
        """Count each unit's spikes strictly between two samples.

        Returns
        -------
        list of int
            In the order of `units`.
        """
        return [
            max(bisect_left(train, hi_sample) - bisect_right(train, lo_sample), 0)
            for train in self._trains.values()
        ]

    def count_unit(self, unit: str, lo_sample: float, hi_sample: float) -> int:
        """Count one unit's spikes strictly between two samples; none if the unit is unknown."""
        train = self._trains.get(unit, ())
        return max(bisect_left(train, hi_sample) - bisect_right(train, lo_sample), 0)

    def samples(self, unit: str, lo_sample: float, hi_sample: float) -> list[int]:
        """Return one unit's spikes strictly between two samples, ascending; none for an unknown unit."""
        train = self._trains.get(unit, array("q"))
        return train[bisect_right(train, lo_sample) : bisect_left(train, hi_sample)].tolist()

    def first_seen(self, unit: str) -> int | None:
        """Return the earliest sample at which the unit fired since the ring was cleared, or None."""
        return self._first.get(unit)

    def settle(self, sample: int) -> None:
        """Tell that windows up to `sample` have been counted: what comes below it counts as late."""
        self._settled = max(self._settled, sample)

    def forget_before(self, sample: int) -> None:
        """Allow spikes before `sample` to go; they do in batches, and none comes in there any more."""
        self._forgotten = max(self._forgotten, sample)
        self.settle(sample)
        if sample < self._prune_at:
            return
        newest = sample
        for train in self._trains.values():
            if train:
                newest = max(newest, train[-1])
                del train[: bisect_left(train, sample)]
        self._prune_at = sample + max((newest - sample) // 4, _PRUNE_EVERY)

    def clear(self) -> None:
        """Forget all spikes and marks (the sample clock began again); the units stay known."""
        for train in self._trains.values():
            del train[:]
        self._first.clear()
        self._settled = self._forgotten = self._prune_at = _NEVER

    def _add_rarely(self, unit: str, sample: int) -> None:
        """Take a unit's first spike, one out of order, or one that comes late."""
        if sample < self._settled:
            self.late += 1
            if sample < self._forgotten:
                return
        self.add_unit(unit)
        train = self._trains[unit]
        if train and sample < train[-1]:
            self.disordered += 1
        insort(train, sample)
        self._first[unit] = min(sample, self._first.get(unit, sample))
