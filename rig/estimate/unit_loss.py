"""Units that fall silent: the drive has moved, a channel broke, or the sorter lost the waveform.

The recent rate of a unit (a trial's spikes lose half of their weight in 10 trials) is held against its mean
rate of all trials. A unit is *lost* when at least 15 spikes should have come and less than a fifth of them
did. Chance alone hardly does that to Poisson spikes: with 15 expected, 2 or fewer come once in 25,000 times.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import BoolArray, FloatArray

HALF_LIFE: Final = 10.0
EXPECTED: Final = 15.0
LEFT: Final = 0.2


class LossWatch:
    """Spikes of every unit, trial by trial.

    Parameters
    ----------
    units
        Number of units to begin with.

    Examples
    --------
    >>> watch = LossWatch(units=1)
    >>> for _ in range(50):
    ...     watch.add([5], 1.4)
    >>> for _ in range(40):
    ...     watch.add([0], 1.4)
    >>> watch.lost.tolist()
    [True]
    """

    def __init__(self, units: int = 0) -> None:
        self._keep = 0.5 ** (1.0 / HALF_LIFE)
        self._spikes: FloatArray = np.zeros(units)
        self._seconds: FloatArray = np.zeros(units)
        self._recent_spikes: FloatArray = np.zeros(units)
        self._recent_seconds: FloatArray = np.zeros(units)

    def add_units(self, more: int) -> None:
        """Append `more` units that have not been listened to yet."""
        for name in ("_spikes", "_seconds", "_recent_spikes", "_recent_seconds"):
            setattr(self, name, np.concatenate([getattr(self, name), np.zeros(more)]))

    def add(self, spikes: npt.ArrayLike, seconds: float) -> None:
        """Count one trial.

        Parameters
        ----------
        spikes
            Spikes of each unit in the trial's windows, shape (units,); NaN where it was not listened to.
        seconds
            Length of those windows together.
        """
        count = np.asarray(spikes, dtype=np.float64)
        heard = ~np.isnan(count)
        count, time = np.where(heard, count, 0.0), np.where(heard, seconds, 0.0)
        keep = np.where(heard, self._keep, 1.0)
        self._spikes += count
        self._seconds += time
        self._recent_spikes = self._recent_spikes * keep + count
        self._recent_seconds = self._recent_seconds * keep + time

    @property
    def rate_hz(self) -> FloatArray:
        """Mean rate of each unit over all trials, shape (units,), in Hz; NaN before the first."""
        return _rate(self._spikes, self._seconds)

    @property
    def recent_hz(self) -> FloatArray:
        """Recent rate of each unit, shape (units,), in Hz; NaN before the first trial."""
        return _rate(self._recent_spikes, self._recent_seconds)

    @property
    def lost(self) -> BoolArray:
        """Which units have fallen silent, shape (units,)."""
        expected = np.nan_to_num(self.rate_hz) * self._recent_seconds
        lost: BoolArray = (expected >= EXPECTED) & (self._recent_spikes < LEFT * expected)
        return lost


def _rate(spikes: FloatArray, seconds: FloatArray) -> FloatArray:
    rate: FloatArray = np.divide(spikes, seconds, out=np.full(spikes.shape, np.nan), where=seconds > 0)
    return rate
