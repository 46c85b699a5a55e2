"""The newest stretch of one fibre's live samples, and as many points of it as a picture can show. No Qt."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gui.fibre_samples import COLUMNS, FibreSamples

Floats = NDArray[np.float64]

KEPT_S: Final = 32.0
MOST_POINTS: Final = 1200


class LiveTrace:
    """A sliding stretch of signal, control and dF/F.

    Attributes
    ----------
    rate_hz
        Samples per second; 0 before the first.
    next_sample
        Number of the sample after the newest.
    """

    def __init__(self) -> None:
        self.rate_hz = 0.0
        self.next_sample = 0
        self._buffer = np.empty((0, COLUMNS), dtype=np.float32)
        self._filled = 0

    def take(self, samples: FibreSamples) -> None:
        """Take new samples; what was lost before them is a gap, and numbers that go back begin anew."""
        if samples.rate_hz != self.rate_hz or samples.first < self.next_sample:
            self.rate_hz = samples.rate_hz
            keep = max(math.ceil(KEPT_S * samples.rate_hz), 1)
            self._buffer = np.empty((3 * keep, COLUMNS), dtype=np.float32)
            self._filled, self.next_sample = 0, samples.first
        keep = len(self._buffer) // 3
        values = samples.values[-keep:]
        first = samples.first + len(samples.values) - len(values)
        gap = first - self.next_sample
        if gap >= keep:
            self._filled, gap = 0, 0
        if self._filled + gap + len(values) > len(self._buffer):
            kept = min(keep, self._filled)
            self._buffer[:kept] = self._buffer[self._filled - kept : self._filled].copy()
            self._filled = kept
        begin = self._filled + gap
        self._buffer[self._filled : begin] = np.nan
        self._buffer[begin : begin + len(values)] = values
        self._filled = begin + len(values)
        self.next_sample = first + len(values)

    def newest(self, seconds: float) -> tuple[Floats, Floats]:
        """Return the newest stretch, thinned out to means of neighbours where there is too much to show.

        Returns
        -------
        tuple
            Seconds before the newest sample (0 at the end), shape (points,); and the values there, shape
            (points, 3), not a number where nothing is known.
        """
        if not self._filled:
            return np.empty(0), np.empty((0, COLUMNS))
        count = min(math.ceil(seconds * self.rate_hz), self._filled)
        values = self._buffer[self._filled - count : self._filled].astype(np.float64)
        step = max(1, -(-count // MOST_POINTS))
        # Groups are counted by sample numbers, so a point keeps its samples while the picture moves.
        skip = (-(self.next_sample - count)) % step
        values = values[skip : skip + (count - skip) // step * step]
        thinned: Floats = values.reshape(-1, step, COLUMNS).mean(axis=1)
        numbers = skip + (np.arange(len(thinned)) + 0.5) * step
        at_s = np.asarray((numbers - count) / self.rate_hz, dtype=np.float64)
        return at_s, thinned
