"""Whole frames or messages dropped, doubled, garbled and out of order; without time, seeded.

For what travels in pieces: Harp frames, multipart messages. What happens to which piece depends on the seed
and on its place alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

import msgspec
import numpy as np

_Piece = TypeVar("_Piece")


class PieceFaults(msgspec.Struct, frozen=True, kw_only=True):
    """Probability of each fate for a single piece; a swapped piece changes places with the next one."""

    drop: float = 0.0
    double: float = 0.0
    garble: float = 0.0
    swap: float = 0.0


class FaultyPieces(Generic[_Piece]):
    """What one direction does to its pieces.

    Parameters
    ----------
    garble
        Returns a damaged copy of a piece; draws from the generator it is given.

    Attributes
    ----------
    passed, dropped, doubled, garbled, swapped
        How many came, and how many met each fate.
    """

    def __init__(
        self, faults: PieceFaults, seed: int, garble: Callable[[_Piece, np.random.Generator], _Piece]
    ) -> None:
        self._faults = faults
        self._garble = garble
        self._draws = np.random.Generator(np.random.PCG64(seed))
        self._held: list[_Piece] = []  # swapped: waits for the piece after it
        self.passed = self.dropped = self.doubled = self.garbled = self.swapped = 0

    @property
    def spoilt(self) -> int:
        """How many pieces met any fate."""
        return self.dropped + self.doubled + self.garbled + self.swapped

    def apply(self, pieces: Iterable[_Piece]) -> list[_Piece]:
        """Return what becomes of `pieces`."""
        out: list[_Piece] = []
        for piece in pieces:
            self.passed += 1
            out += self._one(piece)
        return out

    def _one(self, piece: _Piece) -> list[_Piece]:
        faults, fate = self._faults, float(self._draws.random())
        if fate < faults.drop:
            self.dropped += 1
            return []
        if (fate := fate - faults.drop) < faults.double:
            self.doubled += 1
            found = [piece, piece]
        elif (fate := fate - faults.double) < faults.garble:
            self.garbled += 1
            found = [self._garble(piece, self._draws)]
        elif fate - faults.garble < faults.swap and not self._held:
            self.swapped += 1
            self._held = [piece]
            return []
        else:
            found = [piece]
        found, self._held = found + self._held, []
        return found
