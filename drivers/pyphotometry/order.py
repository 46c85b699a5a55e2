"""Which chunks are missing. A chunk's number is not covered by its checksum, so it is not simply believed.

A chunk that bears the expected number is taken at once. Any other one is held until the next has come,
which costs one chunk's length of delay and only then: if the next one counts on from it, chunks were
lost before it; if the next one counts on from what was expected, its number was damaged on the way.
A chunk that lies behind the expected number (sent twice, or false) is dropped, but eight of those in a
row are a board that counts anew.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from drivers.pyphotometry.codec import Run, Words
from drivers.pyphotometry.wire import NUMBERS

FARTHEST_ALONE: Final = 1024
"""A single chunk between two places of noise is believed if it is at most this far ahead."""
AHEAD: Final = NUMBERS // 2
ANEW: Final = 8


class Taken(msgspec.Struct, frozen=True, eq=False):
    """Chunks `first`, `first` + 1, ... (counted from 0 and without end); words of shape (chunks, words)."""

    first: int
    words: Words


class Missing(msgspec.Struct, frozen=True):
    """Chunks `first` to `first + count - 1` were numbered, but never came."""

    first: int
    count: int


class Dropped(msgspec.Struct, frozen=True):
    """Chunks that were whole but have no place in the sequence."""

    count: int
    reason: str


class CountedAnew(msgspec.Struct, frozen=True):
    """The board began to count from the start again; chunks are counted from 0 again."""

    number: int


Verdict = Taken | Missing | Dropped | CountedAnew


class ChunkOrder:
    """Judge of chunk numbers.

    Attributes
    ----------
    due
        The chunk expected next, counted from 0 without end. After a start that is chunk 0, which bears
        the number 1.
    missing, damaged, astray
        Chunks that never came, numbers that were damaged, chunks that had no place.
    """

    def __init__(self) -> None:
        self.due = 0
        self.missing = 0
        self.damaged = 0
        self.astray = 0
        self._held: tuple[int, Words, bool] | None = None
        self._behind: list[int] = []

    @property
    def waiting(self) -> bool:
        """Whether a chunk waits to be judged."""
        return self._held is not None

    def reset(self) -> None:
        """Forget where the board was: it begins anew with number 1."""
        self.due, self._held = 0, None
        self._behind.clear()

    def take(self, run: Run) -> list[Verdict]:
        """Take chunks in a row; return what is known of them now, in order."""
        told: list[Verdict] = []
        if not run.joined:
            self.settle(told)
        at, count, joined = 0, len(run.numbers), run.joined
        while at < count:
            if self._held is None:
                at = self._take_row(run, at, told)
                if at == count:
                    break
                self._held = (int(run.numbers[at]), run.words[at], joined or at > 0)
            else:
                self._judge(int(run.numbers[at]), told)
                continue  # the held one is settled, this chunk is looked at anew
            at += 1
        return told

    def settle(self, told: list[Verdict]) -> None:
        """Judge the chunk that waits: nothing follows it."""
        if self._held is None:
            return
        number, words, _ = self._held
        self._held = None
        ahead = self._ahead(number)
        if ahead <= FARTHEST_ALONE:
            self._accept(ahead, words, told)
        else:
            self._drop(1, f"a chunk numbered {number} where {self._number()} was due", told)

    def _take_row(self, run: Run, at: int, told: list[Verdict]) -> int:
        """Take the chunks that bear the expected numbers; return where that ends."""
        rest = run.numbers[at:].astype(np.int64)
        expected = (self._number() + np.arange(len(rest))) % NUMBERS
        same = rest == expected
        row = len(rest) if same.all() else int(same.argmin())
        if row:
            self._append(run.words[at : at + row], told)
        return at + row

    def _append(self, words: Words, told: list[Verdict]) -> None:
        last = told[-1] if told else None
        if isinstance(last, Taken) and last.first + len(last.words) == self.due:
            told[-1] = Taken(last.first, np.concatenate([last.words, words]))
        else:
            told.append(Taken(self.due, words))
        self.due += len(words)
        self._behind.clear()

    def _judge(self, following: int, told: list[Verdict]) -> None:
        """Judge the chunk that waits by the number of the one behind it."""
        number, words, joined = self._held or (0, np.zeros(0, np.uint16), False)
        self._held = None
        ahead, step = self._ahead(number), (following - number) % NUMBERS
        if joined and self._ahead(following) == 1 and not (step == 1 and ahead < AHEAD):
            self.damaged += 1
            self._accept(0, words, told)
        elif ahead < AHEAD and (step == 1 or (ahead <= FARTHEST_ALONE and 0 < step <= FARTHEST_ALONE)):
            self._accept(ahead, words, told)
        elif ahead >= AHEAD and self._counts_anew(number):
            told.append(CountedAnew(number))
            self.due = (number - 1) % NUMBERS
            self._append(words[None], told)
        else:
            self._drop(1, f"a chunk numbered {number} where {self._number()} was due", told)

    def _counts_anew(self, number: int) -> bool:
        """Say whether the chunks behind the expected number have become a row of their own."""
        if self._behind and (number - self._behind[-1]) % NUMBERS != 1:
            self._behind.clear()
        self._behind.append(number)
        return len(self._behind) >= ANEW

    def _accept(self, ahead: int, words: Words, told: list[Verdict]) -> None:
        if ahead:
            self.missing += ahead
            told.append(Missing(self.due, ahead))
            self.due += ahead
        self._append(words[None], told)

    def _drop(self, count: int, reason: str, told: list[Verdict]) -> None:
        self.astray += count
        told.append(Dropped(count, reason))

    def _number(self) -> int:
        """The number that the expected chunk bears."""
        return (self.due + 1) % NUMBERS

    def _ahead(self, number: int) -> int:
        """How many chunks lie between the expected one and this one, modulo 65536."""
        return (number - self._number()) % NUMBERS
