"""The run-time stream of a Bpod, cut into what it says; for the computer's side.

Nothing marks where a message begins, and the byte 1 alone means three things: "accepted", "events", and the
beginning of an end. So it is read by what was asked before: how many state machines were sent and are not yet
accepted (`expected`), and how many exits were asked for whose end has not come (`exits`). An exit that is
asked for while nothing runs is answered by an end, too.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Final

import msgspec

from drivers.bpod import wire


class Accepted(msgspec.Struct, frozen=True):
    """The next run is about to begin; not `ok`: its matrix had not come whole."""

    ok: bool


class Begun(msgspec.Struct, frozen=True):
    """The first state was entered at `t_us` of the session clock."""

    t_us: int


class Cycle(msgspec.Struct, frozen=True):
    """Events of one cycle of the run."""

    number: int
    events: tuple[int, ...]


class SoftCode(msgspec.Struct, frozen=True):
    """A soft code, or the answer to an echo."""

    code: int


class Ended(msgspec.Struct, frozen=True):
    """The run ended in cycle `number`, at `t_us` of the session clock. `stray`: nothing was running."""

    number: int
    t_us: int
    stray: bool = False


class Discovery(msgspec.Struct, frozen=True):
    """The device knows of no computer: it was reset."""


class Farewell(msgspec.Struct, frozen=True):
    """The device took a good-bye."""


class Noise(msgspec.Struct, frozen=True):
    """A byte that means nothing here."""

    byte: int


Item = Accepted | Begun | Cycle | SoftCode | Ended | Discovery | Farewell | Noise

_SINGLE: Final[dict[int, Item]] = {wire.DISCOVERY: Discovery(), wire.GOODBYE_REPLY: Farewell()}
_START_BYTES: Final = wire.START.size
_END_BYTES: Final = wire.END.size
_MARK_BYTES: Final = len(wire.END_MARK)
_NOT_YET: Final = wire.END_MARK + bytes(wire.CYCLE_COUNT.size)
"""How an end begins of a run that never came to its first cycle."""


class _Place(enum.Enum):
    BETWEEN = enum.auto()
    ACCEPTED = enum.auto()
    RUNNING = enum.auto()


class RunStream:
    """Incremental reader of the run-time stream.

    Attributes
    ----------
    expected
        State machines that were sent and are not yet accepted.
    exits
        Exits that were asked for and have not been answered.
    """

    def __init__(self) -> None:
        self.expected = 0
        self.exits = 0
        self._buffer = bytearray()
        self._place = _Place.BETWEEN
        self._last = wire.CYCLE_COUNT.pack(0)

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of what they are."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[Item]:
        """Take bytes as they came; yield what is whole.

        One by one, because what an item means for `exits` decides how the bytes after it are read.
        """
        self._buffer += data
        while self._buffer:
            found = self._next()
            if found is None:
                return
            item, size = found
            del self._buffer[:size]
            yield item

    def _next(self) -> tuple[Item, int] | None:
        """Return the next item and its size; None if more bytes are needed."""
        first = self._buffer[0]
        if self._place is _Place.ACCEPTED:
            return self._begin()
        if first == wire.SOFT_CODE:
            return (SoftCode(self._buffer[1]), 2) if len(self._buffer) > 1 else None
        if first in _SINGLE:
            return _SINGLE[first], 1
        if self._place is _Place.RUNNING:
            return self._run()
        if first == 0 and self.expected:
            self.expected -= 1
            return Accepted(ok=False), 1
        if first == wire.DONE:
            return self._between()
        return Noise(first), 1

    def _between(self) -> tuple[Item, int] | None:
        """An end although nothing runs, or the acceptance of a run."""
        if not self.expected:
            return self._end(stray=True)
        if self.exits:
            whole = wire.END_MARK + self._last  # such an end repeats the last one's cycle
            seen = bytes(self._buffer[: len(whole)])
            if seen == whole:
                return self._end(stray=True)
            if whole.startswith(seen):
                return None
        self.expected -= 1
        self._place = _Place.ACCEPTED
        return Accepted(ok=True), 1

    def _begin(self) -> tuple[Item, int] | None:
        if self.exits and self._buffer[: len(_NOT_YET)] == _NOT_YET:
            return self._end(stray=False)
        if len(self._buffer) < _START_BYTES:
            return None
        (t_us,) = wire.START.unpack_from(self._buffer)
        self._place = _Place.RUNNING
        return Begun(t_us), _START_BYTES

    def _run(self) -> tuple[Item, int] | None:
        buffer = self._buffer
        if buffer[0] != wire.EVENTS:
            return Noise(buffer[0]), 1
        if len(buffer) < _MARK_BYTES:
            return None
        count = buffer[1]
        if buffer[:_MARK_BYTES] == wire.END_MARK:
            return self._end(stray=False)
        size = 2 + count + wire.CYCLE_COUNT.size
        if count == 0:
            return Noise(buffer[0]), 1
        if len(buffer) < size:
            return None
        (number,) = wire.CYCLE_COUNT.unpack_from(buffer, 2 + count)
        return Cycle(number, tuple(buffer[2 : 2 + count])), size

    def _end(self, *, stray: bool) -> tuple[Item, int] | None:
        if not wire.END_MARK.startswith(bytes(self._buffer[:_MARK_BYTES])):
            return Noise(self._buffer[0]), 1
        if len(self._buffer) < _END_BYTES:
            return None
        _, number, _, t_us = wire.END.unpack_from(self._buffer)
        self._last = wire.CYCLE_COUNT.pack(number)
        self._place = _Place.BETWEEN
        return Ended(number, t_us, stray), _END_BYTES
