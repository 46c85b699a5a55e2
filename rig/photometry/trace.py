"""The newest stretch of one fibre's dF/F, by sample number. What is not known is not a number in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Trace:
    """A sliding stretch of samples.

    Parameters
    ----------
    keep
        Samples that are kept at least.

    Attributes
    ----------
    next_sample
        Number of the sample after the newest; None before the first.
    settled_from
        Since which sample all have been settled; None while the newest is not.

    Examples
    --------
    >>> trace, settled = Trace(keep=100), np.array([True, True])
    >>> trace.append(10, np.array([1.0, 2.0]), settled)
    >>> trace.append(13, np.array([4.0, 5.0]), settled)
    >>> trace.between(9.5, 14.0).tolist(), trace.at(np.array([10.25])).tolist()
    ([1.0, 2.0, nan, 4.0], [1.25])
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._buffer: Floats = np.empty(3 * keep)
        self._filled = 0
        self.next_sample: int | None = None
        self.settled_from: int | None = None

    def clear(self) -> None:
        """Forget all: the source's numbers began again."""
        self._filled = 0
        self.next_sample = self.settled_from = None

    def append(self, first: int, values: Floats, settled: NDArray[np.bool_]) -> None:
        """Take the next samples; what lies between them and the newest ones is lost.

        Parameters
        ----------
        values, settled
            Shape (samples,): dF/F, and whether it means anything yet.
        """
        self._note_settled(first, settled)
        cut = max(len(values) - self._keep, 0)
        first, values = first + cut, values[cut:]
        if self.next_sample is None or cut or first - self.next_sample >= self._keep:
            self._filled, self.next_sample = 0, first
        gap = first - self.next_sample
        if self._filled + gap + len(values) > len(self._buffer):
            kept = min(self._keep, self._filled)
            self._buffer[:kept] = self._buffer[self._filled - kept : self._filled].copy()
            self._filled = kept
        begin = self._filled + gap
        self._buffer[self._filled : begin] = np.nan
        self._buffer[begin : begin + len(values)] = values
        self._filled = begin + len(values)
        self.next_sample = first + len(values)

    def _note_settled(self, first: int, settled: NDArray[np.bool_]) -> None:
        if settled.all():
            if self.settled_from is None:
                self.settled_from = first
            return
        after = len(settled) - int(settled[::-1].argmin())
        self.settled_from = first + after if after < len(settled) else None

    @property
    def oldest(self) -> int | None:
        """Number of the oldest sample kept; None before the first."""
        return None if self.next_sample is None else self.next_sample - self._filled

    def between(self, start: float, stop: float) -> Floats:
        """Return the samples with start <= number < stop; not a number where none is kept."""
        low, high = math.ceil(start), math.ceil(stop)
        found = np.full(max(high - low, 0), np.nan)
        if self.next_sample is None:
            return found
        oldest = self.next_sample - self._filled
        begin, end = max(low, oldest), min(high, self.next_sample)
        if begin < end:
            found[begin - low : end - low] = self._buffer[begin - oldest : end - oldest]
        return found

    def at(self, positions: Floats) -> Floats:
        """Return values between samples, by straight lines.

        Parameters
        ----------
        positions
            Sample numbers with fractions, ascending, shape (n,).
        """
        low = math.floor(positions[0])
        values = self.between(low, math.floor(positions[-1]) + 2)
        left = np.floor(positions - low).astype(np.int64)
        part = positions - low - left
        between: Floats = values[left] * (1.0 - part) + np.where(part > 0.0, values[left + 1], 0.0) * part
        return between
