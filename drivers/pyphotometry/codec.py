"""Bytes <-> chunks, in both roles, without a port or a clock of its own.

The host of the makers drops a chunk whose checksum fails together with all that lay in it. Here such a
place is passed by one byte, because a real chunk may begin inside. What a chunk's number means is judged
elsewhere (`drivers.pyphotometry.order`); here a *run* is a row of chunks that follow one another without
a stray byte.

Whole runs are decoded at once: a reading of 4 kB costs one pass of numpy, not 300 of Python.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from drivers.pyphotometry.wire import HEADER_BYTES, NUMBERS, START
from rig.units import NS_PER_S

IDLE_NS: Final = NS_PER_S
"""After this long without a byte, an unfinished chunk is noise. A busy reader's pause must not reach it."""

Words = NDArray[np.uint16]


class Run(msgspec.Struct, frozen=True, eq=False):
    """Good chunks in a row.

    Parameters
    ----------
    numbers
        uint16, shape (chunks,): as they were written.
    words
        uint16, shape (chunks, words).
    joined
        Whether the first of them follows the chunk before without a byte between.
    """

    numbers: Words
    words: Words
    joined: bool


class Stray(msgspec.Struct, frozen=True):
    """Bytes that were no part of a good chunk."""

    data: bytes


class ChunkCodec:
    """Incremental framer; the buffer never holds more than one unfinished chunk.

    Parameters
    ----------
    words
        Data words in a chunk (`Mode.chunk_words`).

    Attributes
    ----------
    chunks, dropped
        Chunks found and bytes dropped since the start.
    """

    def __init__(self, words: int) -> None:
        self.size = HEADER_BYTES + 2 * words
        self.chunks = 0
        self.dropped = 0
        self._rest = b""
        self._joined = True
        self._heard_ns = 0

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their chunk."""
        return len(self._rest)

    def deadline_ns(self) -> int | None:
        """When `idle` should be called next, or None."""
        return self._heard_ns + IDLE_NS if self._rest else None

    def reset(self) -> None:
        """Forget what is unfinished: the stream begins anew."""
        self._rest, self._joined = b"", True

    def feed(self, data: bytes, t_ns: int) -> list[Run | Stray]:
        """Take bytes as they came, cut anywhere; return the chunks and the noise among them, in order."""
        self._heard_ns = t_ns
        return self._scan(self._rest + data, final=False)

    def idle(self, t_ns: int) -> list[Run | Stray]:
        """Let time pass without a byte: what is unfinished after a second will not be finished."""
        if not self._rest or t_ns - self._heard_ns < IDLE_NS:
            return []
        return self._scan(self._rest, final=True)

    def _scan(self, data: bytes, *, final: bool) -> list[Run | Stray]:
        """Find all chunks; keep what may still become one, unless nothing more will come."""
        found: list[Run | Stray] = []
        size, at, done = self.size, 0, 0
        while (at := data.find(START, at)) >= 0:
            if at + size > len(data):
                if not final:
                    break
                at += 1
                continue
            if not self._is_chunk(data, at):
                at += 1
                continue
            if at > done:
                self._stray(data[done:at], found)
            run = self._run(data, at)
            found.append(run)
            self.chunks += len(run.numbers)
            at = done = at + size * len(run.numbers)
            self._joined = True
        end = len(data) if at < 0 or final else at
        if end > done:
            self._stray(data[done:end], found)
        self._rest = data[end:]
        return found

    def _stray(self, data: bytes, found: list[Run | Stray]) -> None:
        self.dropped += len(data)
        self._joined = False
        found.append(Stray(data))

    def _is_chunk(self, data: bytes, at: int) -> bool:
        words = np.frombuffer(data, "<u2", (self.size - 1) // 2, at + 1)
        return int(words[2:].sum(dtype=np.uint32)) % NUMBERS == int(words[1])

    def _run(self, data: bytes, at: int) -> Run:
        """Take the good chunks in a row from `at` on; the first is known to be good."""
        count = (len(data) - at) // self.size
        rows = np.frombuffer(data, np.uint8, count * self.size, at).reshape(count, self.size)
        words = np.ascontiguousarray(rows[:, 1:]).view("<u2")
        good = (rows[:, 0] == START) & (words[:, 2:].sum(axis=1, dtype=np.uint32) % NUMBERS == words[:, 1])
        if not good.all():
            words = words[: int(good.argmin())]
        return Run(words[:, 0].astype(np.uint16), words[:, 2:].astype(np.uint16), self._joined)


# --- writing ----------------------------------------------------------------------------------------


def encode(numbers: ArrayLike, words: Words) -> bytes:
    """Write chunks as the board does.

    Parameters
    ----------
    numbers
        Of the chunks, 0 to 65535, shape (chunks,).
    words
        Shape (chunks, words).

    Examples
    --------
    >>> words = np.array([[1000 << 1 | 1, 500 << 1, 2000 << 1, 700 << 1]], dtype=np.uint16)
    >>> encode([1], words).hex(" ")
    '07 01 00 d1 20 d1 07 e8 03 a0 0f 78 05'
    """
    chunks = len(words)
    head = np.empty((chunks, 2), dtype="<u2")
    head[:, 0] = numbers
    head[:, 1] = words.sum(axis=1, dtype=np.uint32) % NUMBERS
    rows = np.empty((chunks, HEADER_BYTES + 2 * words.shape[1]), dtype=np.uint8)
    rows[:, 0] = START
    rows[:, 1:HEADER_BYTES] = head.view(np.uint8)
    rows[:, HEADER_BYTES:] = np.ascontiguousarray(words, dtype="<u2").view(np.uint8)
    return rows.tobytes()
