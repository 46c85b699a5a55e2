"""The sync line: pulses at random intervals, so that other clocks can be fitted to the board's.

Onsets are 0.5-2 s apart on the machine's grid, each pulse is 20 ms wide. The intervals come from a
32-bit xorshift generator (Marsaglia 2003, Journal of Statistical Software 8:14), which an 8-bit chip
computes with shifts alone; the seed is logged, so the sequence is known.
"""

from __future__ import annotations

from typing import Final

WIDTH_CYCLES: Final = 200
SHORTEST_CYCLES: Final = 5_000
LONGEST_CYCLES: Final = 20_000
_WORD: Final = 0xFFFF_FFFF


def xorshift32(x: int) -> int:
    """Return the next of the 2**32 - 1 non-zero words; 0 stays 0.

    Examples
    --------
    >>> xorshift32(1)
    270369
    """
    x ^= x << 13 & _WORD
    x ^= x >> 17
    return x ^ (x << 5 & _WORD)


class SyncLine:
    """The line's level and its next edge.

    Attributes
    ----------
    next_cycle
        Cycle of the next edge, or None while the line is off.
    """

    def __init__(self) -> None:
        self.level = False
        self.next_cycle: int | None = None
        self._word = 0

    def begin(self, seed: int, cycle: int) -> None:
        """Begin the sequence of `seed` in `cycle`, with the line low; seed 0 keeps it low."""
        self.level = False
        self._word = seed & _WORD
        self.next_cycle = cycle + self._interval() if self._word else None

    def toggle(self) -> bool:
        """Take the edge that is due; return the new level."""
        if self.next_cycle is not None:
            self.level = not self.level
            gap = WIDTH_CYCLES if self.level else self._interval() - WIDTH_CYCLES
            self.next_cycle += gap
        return self.level

    def _interval(self) -> int:
        self._word = xorshift32(self._word)
        return SHORTEST_CYCLES + self._word % (LONGEST_CYCLES - SHORTEST_CYCLES + 1)
