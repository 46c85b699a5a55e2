"""Samples held against sync pulses: what a device lost (or made twice) without saying so.

A pyPhotometry board numbers what it sends, not what it measures: if its program is late by a buffer, the
older samples are gone and no number tells. But the rig's pulses arrive in its samples, and the rig knows when
it gave them. So after a loss of k samples every pulse comes k samples too early.

A missing buffer shows at the first pulse behind the loss. If it is one single sample, that takes some dozen
pulses compared before; and if the pulse happens to fall so that both are possible, one of the next pulses
tells. Up to 0.2 s show at the second pulse, more at the fourth. The loss lies between the last pulse that was
right and the first that was not.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from rig.clock.pattern import MIN_EDGES, Pair, find_pairs
from rig.photometry.phase import RECENT, Phase
from rig.units import US_PER_S

TIGHT: Final = 2.5
"""In samples, or 1.2 buffers: a pulse this near to where it is expected is that pulse."""
SAME: Final = 1.5
"""In samples: two pulses that are off by the same."""
FAR_US: Final = 200_000
"""Pulses are 0.5 s apart or more, so one that is off by more than this says nothing by itself."""
WAITING: Final = 48


class Miscount(msgspec.Struct, frozen=True):
    """Samples that are missing between two pulses (or too many, if negative).

    Parameters
    ----------
    after, before
        Samples that saw the last pulse before the loss and the first one behind it, by the device's count.
    missing
        How many.
    """

    after: int
    before: int
    missing: int


class PulseCount:
    """Counts one source's samples between the rig's pulses.

    Parameters
    ----------
    rate_hz
        As the source states it.
    step
        The source loses samples in multiples of this (a board's buffer).

    Attributes
    ----------
    compared
        Pulses seen on both sides.
    missing, surplus
        Samples found missing, and too many, so far.
    offset
        What to add to the device's sample numbers of now, to count the missing ones too.
    """

    def __init__(self, rate_hz: float, step: int = 1) -> None:
        self._rate_hz = rate_hz
        self._per_us = rate_hz / US_PER_S
        self._tight = max(TIGHT, 1.2 * step)
        self._phase = Phase(rate_hz, step)
        self._board: deque[int] = deque(maxlen=WAITING)
        self._stream: deque[int] = deque(maxlen=WAITING)
        self._recent: deque[int] = deque(maxlen=RECENT + 1)  # pulses' samples, by the device's count
        self.compared = 0
        self.missing = 0
        self.surplus = 0
        self.offset = 0

    @property
    def locked(self) -> bool:
        """Whether it is known which pulse is which."""
        return not self._phase.empty

    def reset(self) -> None:
        """Begin anew: the device's sample numbers did."""
        self._stream.clear()
        self._phase.clear()
        self.offset = 0

    def restart_board(self) -> None:
        """Forget the rig's side: board time began again. What is known to be missing stays so."""
        self._board.clear()
        self._stream.clear()
        self._recent.clear()
        self._phase.clear()

    def add_board_pulse(self, t_us: int) -> list[Miscount]:
        """Tell that the rig gave a pulse at board time `t_us`; return what is found missing now."""
        self._board.append(t_us)
        return self._compare(newest_is_board=True)

    def add_stream_pulse(self, sample: int) -> list[Miscount]:
        """Tell that the source saw a pulse, first with sample `sample` by its own count."""
        self._stream.append(sample)
        return self._compare(newest_is_board=False)

    def _compare(self, *, newest_is_board: bool) -> list[Miscount]:
        found: list[Miscount] = []
        while pairs := self._partners(newest_is_board=newest_is_board):
            for sample, t_us in pairs:
                self._pair(sample, t_us, found)
        return found

    def _partners(self, *, newest_is_board: bool) -> list[Pair]:
        """Return the next pulses that are known to be the same, ascending; none if more must come first."""
        if self.locked:
            shifts = {
                (sample, t_us): (t_us - self._phase.expected_us(sample + self.offset)) * self._per_us
                for sample in self._stream
                for t_us in self._board
            }
            here = [pair for pair, shift in shifts.items() if abs(shift) <= self._tight]
            if here:
                first = min(t_us for _, t_us in here)
                return [min((pair for pair in here if pair[1] == first), key=lambda pair: abs(shifts[pair]))]
            near = {pair: shift for pair, shift in shifts.items() if abs(shift) <= FAR_US * self._per_us}
            for pair, shift in near.items():
                # After a larger loss: two pulses in a row that are off by the same.
                alike = [other for other, by in near.items() if other[0] > pair[0] and abs(by - shift) < SAME]
                if alike and self._in_a_row(pair, min(alike)):
                    return [pair, min(alike)]
        if len(self._stream) < MIN_EDGES or len(self._board) < MIN_EDGES:
            return []
        # Nothing is known, or the loss was long: ask the intervals.
        return find_pairs(self._board, self._stream, self._rate_hz, newest_is_board=newest_is_board) or []

    def _in_a_row(self, first: Pair, second: Pair) -> bool:
        """Whether no other pulse that waits lies between two, on either side."""
        between = [n for n in self._stream if first[0] < n < second[0]]
        between += [t_us for t_us in self._board if first[1] < t_us < second[1]]
        return not between and first[1] < second[1]

    def _pair(self, sample: int, t_us: int, found: list[Miscount]) -> None:
        """Take a pulse seen on both sides; those before it will find no partner any more."""
        off, behind = self._phase.off_by(sample + self.offset, t_us)
        if off:
            places = [*self._recent, sample]
            found.append(Miscount(places[-behind - 2], places[-behind - 1], off))
            self.offset += off
            self.missing += max(off, 0)
            self.surplus += max(-off, 0)
        self._phase.add(sample + self.offset, t_us)
        self._recent.append(sample)
        self.compared += 1
        self._board = deque((t for t in self._board if t > t_us), maxlen=WAITING)
        self._stream = deque((s for s in self._stream if s > sample), maxlen=WAITING)


def compare(board_us: Iterable[int], samples: Iterable[int], rate_hz: float, step: int = 1) -> list[Miscount]:
    """Hold a whole recording's pulses against the rig's.

    Parameters
    ----------
    board_us
        When the rig gave its pulses, microseconds, ascending.
    samples
        Samples that first saw a pulse, ascending.
    rate_hz, step
        As for `PulseCount`.

    Examples
    --------
    >>> times = [(k * 1_250 + 400 * (k * k % 11) // 10) * 1000 for k in range(40)]
    >>> seen = [t * 130 // 1_000_000 + 1 - (2 if k >= 30 else 0) for k, t in enumerate(times)]
    >>> [(miscount.missing, miscount.before == seen[30]) for miscount in compare(times, seen, 130.0)]
    [(2, True)]
    """
    count = PulseCount(rate_hz, step)
    found: list[Miscount] = []
    board, stream = list(board_us), list(samples)
    # In turn, about as they come live.
    for number in range(max(len(board), len(stream))):
        if number < len(board):
            found += count.add_board_pulse(board[number])
        if number < len(stream):
            found += count.add_stream_pulse(stream[number])
    return found
