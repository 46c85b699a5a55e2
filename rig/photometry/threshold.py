"""When dF/F rises above a value: sample by sample, so it does not matter how samples were cut into chunks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Threshold:
    """One value to be passed from below.

    Parameters
    ----------
    above
        The value.
    refractory_samples
        So many samples after one passing no other counts.

    Examples
    --------
    >>> threshold = Threshold(0.01, refractory_samples=3)
    >>> threshold.take(0, np.array([0.0, 0.02, 0.0, 0.02, 0.0, 0.02])), threshold.take(6, np.array([0.03]))
    ([1, 5], [])
    """

    def __init__(self, above: float, refractory_samples: float) -> None:
        self._above = above
        self._refractory = refractory_samples
        self._before = math.nan
        self._quiet_until = -math.inf

    def take(self, first: int, dff: Floats, *, armed: bool = True) -> list[int]:
        """Take the next samples; return the numbers of those that passed the value from below.

        What is not known (not a number) is neither above nor below: nothing is passed there.

        Parameters
        ----------
        armed
            False: look on, but nothing counts, and no refractory time begins.
        """
        if not len(dff):
            return []
        before = np.concatenate([[self._before], dff[:-1]])
        self._before = float(dff[-1])
        passed: list[int] = []
        if not armed:
            return passed
        for place in np.flatnonzero((before < self._above) & (dff >= self._above)).tolist():
            sample = first + int(place)
            if sample >= self._quiet_until:
                self._quiet_until = sample + self._refractory
                passed.append(sample)
        return passed

    def forget(self) -> None:
        """Forget the newest sample: samples are counted anew."""
        self._before, self._quiet_until = math.nan, -math.inf
