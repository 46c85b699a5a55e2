"""Events in the order in which they happened, although the wire loses some.

The board numbers its events (16 bits, wrapping). While one is missing the later ones are held back;
the missing ones are asked for again, and what cannot be had becomes one `EventsLost` with its bounds.
"""

from __future__ import annotations

from typing import Final

from drivers.board.event_codes import KEPT_EVENTS, SEQUENCE_WRAP, Happening, Overrun
from rig.events import BoardEvent, EventsLost

_HALF: Final = SEQUENCE_WRAP // 2

_FAR: Final = 4 * KEPT_EVENTS
"""A number this far ahead is not believed from one frame alone: an 8-bit checksum lets one garbled
frame in 256 pass, and a wrong number would make all true ones look old."""

_MOST_HELD: Final = 512
"""With more events held back than this, what they wait for is given up."""


class EventOrder:
    """Puts numbered events in order; bounded."""

    def __init__(self) -> None:
        self._expected = 0
        self._held: dict[int, Happening | None] = {}  # None: cannot be had
        self._asked: set[int] = set()
        self._lost = 0
        self._last_us = 0

    def start(self, expected: int, t_us: int) -> None:
        """Begin anew: the next event has number `expected`; `t_us` is now."""
        self._expected = expected % SEQUENCE_WRAP
        self._held.clear()
        self._asked.clear()
        self._lost, self._last_us = 0, t_us

    @property
    def whole(self) -> bool:
        """Whether nothing is missing before an event that is already here."""
        return not self._held

    def is_far(self, seq: int) -> bool:
        """Whether `seq` is so far ahead that the board should be asked before it is believed."""
        return _FAR < self._ahead(seq) < _HALF

    def is_behind(self, seq: int) -> bool:
        """Whether the event of this number was told, or given up, already."""
        return self._ahead(seq) >= _HALF

    def take(self, seq: int, event: Happening) -> list[BoardEvent]:
        """Take an event as it came; return all that can be told now, in order."""
        ahead = self._ahead(seq)
        if ahead >= _HALF or self._held.get(seq) is not None:
            return []  # told or held already
        for gone in range(ahead - KEPT_EVENTS + 1):  # the board has forgotten these
            self._held.setdefault((self._expected + gone) % SEQUENCE_WRAP, None)
        self._held[seq] = event
        self._asked.discard(seq)
        told = self._flush()
        if len(self._held) > _MOST_HELD:
            self._held.update(dict.fromkeys(self._gaps()))
            told += self._flush()
        return told

    def give_up(self, seq: int) -> list[BoardEvent]:
        """Event `seq` cannot be had; return what waited for it."""
        if self._ahead(seq) < _HALF and seq not in self._held:
            self._held[seq] = None
        return self._flush()

    def to_ask(self) -> list[int]:
        """Numbers of missing events that were not asked for yet; each is returned once."""
        if not self._held:
            return []
        fresh = [seq for seq in self._gaps() if seq not in self._asked]
        self._asked.update(fresh)
        return fresh

    def ask_again(self) -> None:
        """What was asked for was not heard: let `to_ask` return it once more."""
        self._asked.clear()

    def _ahead(self, seq: int) -> int:
        return (seq - self._expected) % SEQUENCE_WRAP

    def _gaps(self) -> list[int]:
        furthest = max(self._ahead(seq) for seq in self._held)
        numbers = ((self._expected + ahead) % SEQUENCE_WRAP for ahead in range(furthest))
        return [seq for seq in numbers if seq not in self._held]

    def _flush(self) -> list[BoardEvent]:
        told: list[BoardEvent] = []
        while self._expected in self._held:
            event = self._held.pop(self._expected)
            self._asked.discard(self._expected)
            self._expected = (self._expected + 1) % SEQUENCE_WRAP
            if event is None:
                self._lost += 1
                continue
            if self._lost:
                told.append(EventsLost(count=self._lost, after_us=self._last_us, before_us=event.t_us))
                self._lost = 0
            self._last_us = event.t_us
            if not isinstance(event, Overrun):
                told.append(event)
        return told
