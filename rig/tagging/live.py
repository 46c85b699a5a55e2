"""Light as it is given: finished trains are put into the book as soon as the streams have come past them.

What a stream lost around a pulse is no silence: its units do not hear of that pulse at all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from rig.stream.intake import StreamIntake
from rig.tagging.book import TagBook
from rig.tagging.trains import Train, train_of
from rig.trial.spec import TrialRecord

MOST_WAITING: Final = 8
"""Trains that may wait for a stream; the oldest is taken without it (spikes are kept for two minutes)."""


class LiveTagging:
    """Feeds a `TagBook` from a session's trials and streams.

    Parameters
    ----------
    book
        Where to.
    streams
        The session's streams; they know their clocks.
    laser
        Name of the laser's output.
    name
        Names a unit in this session, by stream and unit; the unit's own name unless given.

    Attributes
    ----------
    withheld
        Pulses that a stream did not hear, by the reason.
    """

    def __init__(
        self,
        book: TagBook,
        streams: Mapping[str, StreamIntake],
        laser: str,
        name: Callable[[StreamIntake, str], str] = lambda _, unit: unit,
    ) -> None:
        self.book = book
        self.withheld: dict[str, int] = {}
        self._streams = streams
        self._laser = laser
        self._name = name
        self._waiting: deque[Train] = deque()
        self._taken = 0  # pulses of the oldest one that are in the book

    @property
    def waiting(self) -> bool:
        """Whether a train has not been put into the book as a whole."""
        return bool(self._waiting)

    def open(self, record: TrialRecord) -> bool:
        """Take a finished trial; return whether it gave light or sham light."""
        train = train_of(record, self._laser)
        if train is None or not train.pulses_us:
            return False
        self._waiting.append(train)
        return True

    @property
    def due(self) -> bool:
        """Whether the oldest train can be put into the book now."""
        if not self._waiting:
            return False
        return bool(self._taken) or len(self._waiting) > MOST_WAITING or self._arrived(self._waiting[0])

    def turn(self, most: int) -> Train | None:
        """Put up to `most` pulses of the oldest train into the book, if that is due; return it when it is in.

        A pulse costs about 20 us a unit, so a caller that must not pause takes a few at a time.
        """
        return self._turn(most) if self.due else None

    def force(self, most: int) -> Train | None:
        """Do the same though the streams have not come past it."""
        return self._turn(most) if self._waiting else None

    def void(self, why: str) -> None:
        """Give up what waits: the board time that it lies in is no more."""
        lost = sum(len(train.pulses_us) for train in self._waiting) - self._taken
        if lost:
            self.withheld[why] = self.withheld.get(why, 0) + lost
        self._waiting.clear()
        self._taken = 0

    def settle(self) -> bool:
        """Put into the book what can be put; return whether that was anything."""
        done = False
        while self.due:
            self._turn(len(self._waiting[0].pulses_us))
            done = True
        return done

    def close(self) -> bool:
        """Take all that waits, whether it has arrived or not: the session is over."""
        waited = bool(self._waiting)
        while self._waiting:
            self._turn(len(self._waiting[0].pulses_us))
        return waited

    def _turn(self, most: int) -> Train | None:
        train = self._waiting[0]
        for t_us in train.pulses_us[self._taken : self._taken + most]:
            self._take(t_us, train)
        self._taken += most
        if self._taken < len(train.pulses_us):
            return None
        self._taken = 0
        return self._waiting.popleft()

    def _arrived(self, train: Train) -> bool:
        end_us = train.pulses_us[-1] + self.book.reach_us()[1]
        # A stream without a clock says None: nobody waits for that.
        return all(stream.covers(end_us) is not False for stream in self._streams.values())

    def _take(self, t_us: int, train: Train) -> None:
        reach = self.book.reach_us()
        heard: dict[str, list[float]] = {}
        for stream in self._streams.values():
            why = stream.why_not_around(t_us, *reach)
            if why is None and stream.covers(t_us + reach[1]) is False:
                why = "the stream had not come so far"
            if why is not None:
                self.withheld[why] = self.withheld.get(why, 0) + 1
                continue
            for unit, times in stream.around(t_us, *reach).items():
                heard[self._name(stream, unit)] = times
        self.book.add_pulse(t_us, train, heard)
