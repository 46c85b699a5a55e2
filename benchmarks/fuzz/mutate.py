"""Damage done to good input: seeded, by a dozen small blows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

LONGEST: Final = 1 << 16
NUMBERS: Final = (
    b"0", b"-1", b"1e999", b"-1e999", b"NaN", b"1e-320", b"9223372036854775808", b"-9223372036854775809",
    b"99999999999999999999999999999999", b"0.5", b"null", b"true", b"[]", b"{}", b'""',
)  # fmt: skip
WORDS: Final = (
    bytes(8), b"\xff" * 8, b"\x80", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(1000), b"A" * 1000,
    b"[" * 2000, b'{"a":' * 500, b"\r\n", b"\x00", b"\xed\xa0\x80", b"\xf0\x9f\x90\xad", b"__import__('os')",
    b"cos\nsystem\n(S'true'\ntR.", b"%s%n", b"../../x", b"' OR 1=1 --",
)  # fmt: skip


class Mutator:
    """Makes bad input out of good.

    Parameters
    ----------
    corpus
        Good inputs.
    seed
        Of all draws; the same seed gives the same inputs.
    tokens
        Words of the reader's own that are worth putting in.
    """

    def __init__(self, corpus: Sequence[bytes], seed: int, tokens: Sequence[bytes] = ()) -> None:
        self._corpus = list(corpus)
        self._tokens = (*tokens, *WORDS, *NUMBERS)
        self._draws = np.random.Generator(np.random.PCG64(seed))
        self._blows: tuple[Callable[[bytearray], None], ...] = (
            self._flip, self._flip, self._byte, self._byte, self._cut, self._drop, self._double, self._insert,
            self._number, self._splice, self._swap, self._noise,
        )  # fmt: skip

    def next(self) -> bytes:
        """Return one more bad input; now and then a good one, or nothing but noise."""
        kind = self._draws.random()
        if kind < 0.03:
            return self._draws.bytes(int(self._draws.integers(0, 400)))
        data = bytearray(self._corpus[self._below(len(self._corpus))])
        if kind < 0.05:
            return bytes(data)
        for _ in range(1 + min(int(self._draws.geometric(0.4)), 12)):
            self._blows[self._below(len(self._blows))](data)
        return bytes(data[:LONGEST])

    def _below(self, most: int) -> int:
        return int(self._draws.integers(max(1, most)))

    def _stretch(self, data: bytearray) -> tuple[int, int]:
        at = self._below(len(data) + 1)
        return at, min(len(data), at + int(self._draws.geometric(0.1)))

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._below(len(data))] ^= 1 << self._below(8)

    def _byte(self, data: bytearray) -> None:
        if data:
            data[self._below(len(data))] = self._below(256)

    def _cut(self, data: bytearray) -> None:
        del data[self._below(len(data) + 1) :]

    def _drop(self, data: bytearray) -> None:
        at, end = self._stretch(data)
        del data[at:end]

    def _double(self, data: bytearray) -> None:
        at, end = self._stretch(data)
        data[at:at] = data[at:end] * (1 + self._below(4))

    def _insert(self, data: bytearray) -> None:
        at = self._below(len(data) + 1)
        data[at:at] = self._tokens[self._below(len(self._tokens))]

    def _number(self, data: bytearray) -> None:
        """Replace a number in a text."""
        digits = [k for k, byte in enumerate(data) if 48 <= byte <= 57]
        if not digits:
            return
        at = end = digits[self._below(len(digits))]
        while end < len(data) and (48 <= data[end] <= 57 or data[end] in b".eE+-"):
            end += 1
        data[at:end] = NUMBERS[self._below(len(NUMBERS))]

    def _splice(self, data: bytearray) -> None:
        other = self._corpus[self._below(len(self._corpus))]
        data[self._below(len(data) + 1) :] = other[self._below(len(other) + 1) :]

    def _swap(self, data: bytearray) -> None:
        at, end = self._stretch(data)
        data[at:end] = data[at:end][::-1]

    def _noise(self, data: bytearray) -> None:
        at, end = self._stretch(data)
        data[at:end] = self._draws.bytes(end - at)
