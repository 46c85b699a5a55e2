"""Counts of random halves, kept online: the raw material of split-half reliability.

There are many partitions of the session into two halves. To which half a trial belongs is one hash bit of
(trial number, partition), so nothing is drawn, nothing is stored per trial, and a session counted trial by
trial equals one counted at once. Halves are as equal as coin flips, not exactly equal: this changes a
split-half correlation by 0.006 at most.

Only the first half is stored; the other one is the total less it. Numbers are small types, in the order
(size, partition, unit), because a thousand units in a thousand partitions are seven million cells.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import ZERO_HZ, BoolArray, FloatArray, IntArray, SizeCounts

PARTITIONS: Final = 1000
PENDING: Final = 32
"""So many trials wait before they are counted in: one matrix product serves them all."""
STEPS_PER_HZ: Final = 512
"""Responses are summed in steps of 1/512 Hz. So sums below 32,768 Hz are exact in single precision, however
many trials are folded at a time."""
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLY: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))

Small = npt.NDArray[np.int16]
Single = npt.NDArray[np.float32]


def membership(trial: int, partitions: int) -> BoolArray:
    """Which partitions put a trial into their first half, shape (partitions,).

    Bits of the SplitMix64 hash (Steele, Lea and Flood 2014, OOPSLA) of the trial and the partition's word.

    Examples
    --------
    >>> bool((membership(7, 1000)[:64] == membership(7, 64)).all())
    True
    """
    words = np.arange(-(-partitions // 64), dtype=np.uint64)
    state = mix(np.full(words.shape, trial % 2**64, dtype=np.uint64))
    state = mix(state + words)
    bits = np.unpackbits(state.astype("<u8").view(np.uint8), bitorder="little")
    return bits[:partitions].astype(np.bool_)


def mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Hash 64-bit words, each by itself (the finisher of SplitMix64)."""
    state = state + _GOLDEN
    state = (state ^ (state >> np.uint64(30))) * _MULTIPLY[0]
    state = (state ^ (state >> np.uint64(27))) * _MULTIPLY[1]
    return state ^ (state >> np.uint64(31))


class HalfCounts:
    """Running counts of the first half of every partition, and of all trials.

    Parameters
    ----------
    sizes
        Number of reward sizes.
    units
        Number of units to begin with.
    partitions
        How many ways of halving the session are followed.

    Attributes
    ----------
    n, positives, negatives
        int16, shape (sizes, partitions, units): responses in the first half, those above zero and below.
    total
        float32, same shape: their sum in Hz, each to the nearest 1/512 Hz.
    all_trials
        Counts of both halves together.
    """

    def __init__(self, sizes: int, units: int = 0, partitions: int = PARTITIONS) -> None:
        self.all_trials = SizeCounts(sizes, units)
        self.partitions = partitions
        shape = (sizes, partitions, units)
        self.n: Small = np.zeros(shape, dtype=np.int16)
        self.positives: Small = np.zeros(shape, dtype=np.int16)
        self.negatives: Small = np.zeros(shape, dtype=np.int16)
        self.total: Single = np.zeros(shape, dtype=np.float32)
        self._waiting: list[tuple[int, npt.NDArray[np.int64], FloatArray]] = []

    @property
    def units(self) -> int:
        """Number of units."""
        return self.all_trials.units

    @property
    def sizes(self) -> int:
        """Number of reward sizes."""
        return self.all_trials.sizes

    def add_units(self, more: int) -> None:
        """Append `more` units that have no responses yet."""
        self.fold()
        self.all_trials.add_units(more)
        for name in ("n", "positives", "negatives", "total"):
            old = getattr(self, name)
            room = np.zeros((self.sizes, self.partitions, more), dtype=old.dtype)
            setattr(self, name, np.concatenate([old, room], axis=2))

    def rows(self, index: IntArray) -> HalfCounts:
        """Return a copy that holds the units `index` only."""
        self.fold()
        chosen = HalfCounts(self.sizes, 0, self.partitions)
        chosen.all_trials = self.all_trials.rows(index)
        for name in ("n", "positives", "negatives", "total"):
            setattr(chosen, name, getattr(self, name)[:, :, index].copy())
        return chosen

    def add(self, trial: int, size_index: npt.ArrayLike, response_hz: npt.ArrayLike) -> None:
        """Count one trial; the work is put off until `fold`, or until 32 trials wait.

        So a trial itself costs next to nothing; fold in idle time, or by evaluating, to keep it so.

        Parameters
        ----------
        trial
            Its number: decides the halves.
        size_index
            Which size was given, 0-based: a number, or one per unit (recordings of separate sessions).
        response_hz
            float64, shape (units,), in Hz; NaN where a unit's response is missing.

        Raises
        ------
        ValueError
            If the shape does not fit the units, a size does not exist, or a response is infinite.
        """
        y = np.asarray(response_hz, dtype=np.float64)
        size = np.asarray(size_index, dtype=np.int64)
        if y.shape != (self.units,):
            raise ValueError(f"{self.units} units, but responses of shape {y.shape}")
        if size.size and not 0 <= size.min() <= size.max() < self.sizes:
            raise ValueError(f"a size index is not among 0..{self.sizes - 1}")
        if np.isinf(y).any():
            raise ValueError("a response is infinite")
        self._waiting.append((trial, np.broadcast_to(size, y.shape), y.copy()))
        if len(self._waiting) >= PENDING:
            self.fold()

    def fold(self) -> None:
        """Count in the trials that wait."""
        if not self._waiting:
            return
        trials, sizes, responses = zip(*self._waiting, strict=True)
        self._waiting = []
        size, y = np.stack(sizes), np.stack(responses)
        first = np.stack([membership(trial, self.partitions) for trial in trials], axis=1).astype(np.float32)
        for j in range(self.sizes):
            given = (size == j) & ~np.isnan(y)
            rows = given.any(axis=1)
            if rows.any():
                self._count(j, first[:, rows], given[rows], np.where(given, y, 0.0)[rows])

    def _count(self, j: int, first: Single, given: BoolArray, y: FloatArray) -> None:
        positive, negative = y >= ZERO_HZ, y <= -ZERO_HZ
        rounded = np.round(y * STEPS_PER_HZ) / STEPS_PER_HZ
        for table, values in (
            (self.n, given),
            (self.positives, positive),
            (self.negatives, negative),
            (self.total, rounded),
        ):
            np.add(table[j], first @ values.astype(np.float32), out=table[j], casting="unsafe")
        whole = self.all_trials
        whole.n[:, j] += given.sum(axis=0)
        whole.positives[:, j] += positive.sum(axis=0)
        whole.negatives[:, j] += negative.sum(axis=0)
        # trial by trial, so that the sums do not depend on how many trials waited together
        for row in y:
            whole.total[:, j] += row
            whole.squares[:, j] += row * row
