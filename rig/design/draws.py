"""Random draws for schedules: a PCG64 stream read through integer arithmetic of our own.

numpy promises that the raw bits of a bit generator stay the same for ever, but not what its
distributions make of them (NEP 19). A session must replay in ten years, so the few distributions
that a schedule needs are made here.
"""

from __future__ import annotations

import math
from collections.abc import MutableSequence

import numpy as np

from rig.errors import ConfigError


class Draws:
    """A seeded stream of draws, split by any number of integer keys.

    Parameters
    ----------
    seed
        The session's seed.
    *keys
        What the stream is for (a block number, a trial number). Streams of different keys are
        independent.

    Examples
    --------
    >>> Draws(1, 7).integer(100) == Draws(1, 7).integer(100)
    True
    """

    def __init__(self, seed: int, *keys: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, *keys]))

    def raw(self) -> int:
        """Return 64 random bits."""
        return int(self._bits.random_raw())

    def integer(self, below: int) -> int:
        """Return an integer in ``range(below)``, without bias (rejection).

        Raises
        ------
        ValueError
            If `below` is not positive.
        """
        if below <= 0:
            raise ValueError(f"below must be positive, not {below}")
        limit = (1 << 64) - (1 << 64) % below
        while (bits := self.raw()) >= limit:
            pass
        return bits % below

    def uniform(self) -> float:
        """Return a float in [0, 1) with 53 random bits."""
        return (self.raw() >> 11) * 2.0**-53

    def exponential(self, mean: float) -> float:
        """Return an exponentially distributed float."""
        return -mean * math.log1p(-self.uniform())

    def wait(self, minimum: float, mean: float, maximum: float) -> float:
        """Return a wait that gives nothing away: `minimum` and an exponential on top, at most `maximum`.

        Raises
        ------
        ConfigError
            If `maximum` is less than `minimum`.
        """
        if maximum < minimum:
            raise ConfigError(
                f"the shortest wait, {minimum:g} s, is longer than the longest one, {maximum:g} s; "
                "raise the longest"
            )
        return min(minimum + self.exponential(mean), maximum)

    def shuffle(self, items: MutableSequence[object]) -> None:
        """Shuffle in place (Fisher-Yates)."""
        for last in range(len(items) - 1, 0, -1):
            other = self.integer(last + 1)
            items[last], items[other] = items[other], items[last]
