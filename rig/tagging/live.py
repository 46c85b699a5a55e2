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

    def open(self, record: TrialRecord) -> bool:
        """Take a finished trial; return whether it gave light or sham light."""
        train = train_of(record, self._laser)
        if train is None or not train.pulses_us:
            return False
        self._waiting.append(train)
        return True

    def settle(self) -> bool:
        """Put into the book what can be put; return whether that was anything."""
        done = False
        while self._waiting and (len(self._waiting) > MOST_WAITING or self._arrived(self._waiting[0])):
            self._take(self._waiting.popleft())
            done = True
        return done

    def close(self) -> bool:
        """Take all that waits, whether it has arrived or not: the session is over."""
        waited = bool(self._waiting)
        while self._waiting:
            self._take(self._waiting.popleft())
        return waited

    def _arrived(self, train: Train) -> bool:
        end_us = train.pulses_us[-1] + self.book.reach_us()[1]
        # A stream without a clock says None: nobody waits for that.
        return all(stream.covers(end_us) is not False for stream in self._streams.values())

    def _take(self, train: Train) -> None:
        reach = self.book.reach_us()
        for t_us in train.pulses_us:
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
