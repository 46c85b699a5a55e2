"""Units and light in a session: trains into the book, and from there to what the world is told.

A train is worked on in small portions, a few milliseconds each, since the board wants a sign of life from the
same thread. The next trial waits until it is told, at most as long as a decision waits for a response; it
decides nothing from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rig.description import RigDescription
from rig.design.plan import SessionPlan
from rig.documents import AlignedSpikes, Document, TagConfirmed, TagsUpdated
from rig.errors import ConfigError
from rig.operator import Tag
from rig.stream.intake import StreamIntake
from rig.tagging.book import TagBook
from rig.tagging.live import LiveTagging
from rig.tagging.told import Confirmation
from rig.tagging.trains import Train
from rig.trial.spec import TrialRecord
from rig.units import NS_PER_S, US_PER_MS

PULSES_A_TURN: Final = 200
"""Pulses times units that are put into the book in one portion: about 4 ms."""
UNITS_A_TURN: Final = 10
"""Units that are tested in one portion: about 4 ms."""
LASER: Final = "laser"
BEFORE_MS: Final = 500
AFTER_MS: Final = 100
"""The raster of a train shows so much before its first pulse and after its last one."""
OF_RIG: Final = "rig file"


class Tags:
    """What is known of units and light.

    Parameters
    ----------
    streams
        The session's streams, by name.
    name
        Names a unit in this session, by stream and unit.

    Attributes
    ----------
    book
        Trackers and confirmations.
    """

    def __init__(
        self, plan: SessionPlan, streams: Mapping[str, StreamIntake], name: Callable[[StreamIntake, str], str]
    ) -> None:
        self.book = TagBook()
        self._plan = plan
        self._streams = streams
        self._name = name
        laser = laser_of(plan.rig)
        self._live = LiveTagging(self.book, streams, laser, name) if laser and streams else None
        self._telling: Train | None = None
        self._deadline_ns: int | None = None
        self._now_ns = 0
        self.known = (*self._of_rig(), *plan.tags)
        for word in self.known:
            self.book.restore(word)

    def _of_rig(self) -> Iterator[Confirmation]:
        for stream in self._streams.values():
            for unit in stream.config.tagged:
                yield Confirmation(unit=self._name(stream, unit), tagged=True, by="", source=OF_RIG)

    @property
    def expected(self) -> bool:
        """Whether the protocol declares light, and there is somebody to hear what it does."""
        return self._live is not None and any(e.stimulated for e in self._plan.protocol.declared_epochs)

    # --- trains -----------------------------------------------------------------------------------

    def open(self, record: TrialRecord, now_ns: int) -> None:
        """Take a finished trial."""
        if self._live is None or not self._live.open(record):
            return
        self._deadline_ns = now_ns + round(self._plan.rig.neural.decision_deadline_s * NS_PER_S)

    @property
    def waiting(self) -> bool:
        """Whether the next trial must wait for what light did in the last one."""
        return self._deadline_ns is not None

    @property
    def deadline_ns(self) -> int | None:
        """When to be asked again: at once if there is something to do, else when waiting ends; or None."""
        return self._now_ns if self._busy else self._deadline_ns

    @property
    def _busy(self) -> bool:
        return self._telling is not None or (self._live is not None and self._live.due)

    def settle(self, now_ns: int) -> list[Document]:
        """Do one portion of what is due; return what is new."""
        self._now_ns = now_ns
        if self._live is None:
            return []
        told = self._turn(self._live) if self._busy else []
        over = self._deadline_ns is not None and now_ns >= self._deadline_ns
        if not self._busy and (over or not self._live.waiting):
            self._deadline_ns = None
        return told

    def close(self) -> list[Document]:
        """Tell what waits, as far as it has come: the session is over."""
        if self._live is None:
            return []
        told: list[Document] = []
        while self._telling is not None or self._live.waiting:
            told += self._turn(self._live, force=True)
        return told

    def _turn(self, live: LiveTagging, *, force: bool = False) -> list[Document]:
        if self._telling is None:
            most = max(PULSES_A_TURN // max(len(self.book.units), 1), 1)
            self._telling = live.force(most) if force else live.turn(most)
            return list(self._spikes(self._telling)) if self._telling is not None else []
        if not self.book.refresh(UNITS_A_TURN):
            return []
        train, self._telling = self._telling, None
        return [
            TagsUpdated(
                trial=train.trial,
                rate_hz=train.rate_hz,
                sham=train.sham,
                pulses_us=train.pulses_us,
                units=self.book.view(),
                withheld=dict(live.withheld),
            )
        ]

    def _spikes(self, train: Train) -> Iterator[AlignedSpikes]:
        """Spikes around a train, for rasters; a stream with a hole in it shows none."""
        zero_us = train.pulses_us[0]
        stop_ms = -(-(train.pulses_us[-1] - zero_us) // US_PER_MS) + AFTER_MS
        stretch_us = -BEFORE_MS * US_PER_MS, stop_ms * US_PER_MS
        found = [
            (self._name(stream, unit), times)
            for stream in self._streams.values()
            if stream.why_not_around(zero_us, *stretch_us) is None
            for unit, times in stream.aligned(zero_us, -BEFORE_MS, stop_ms)
        ]
        yield AlignedSpikes(
            trial=train.trial,
            reward_ul=0.0,
            signalled=False,
            start_ms=-BEFORE_MS,
            stop_ms=stop_ms,
            units=tuple(unit for unit, _ in found),
            times=tuple(times for _, times in found),
            aligned_to="light",
        )

    def void(self, why: str) -> None:
        """Give up trains that wait: the board time that they lie in is no more."""
        if self._live is not None:
            self._live.void(why)

    # --- people -----------------------------------------------------------------------------------

    def confirm(self, who: str, command: Tag, board_us: int) -> TagConfirmed:
        """Write down a person's word on a unit.

        Raises
        ------
        ConfigError
            If no unit of that name was ever heard of.
        """
        units = [self._name(stream, unit) for stream in self._streams.values() for unit in stream.units]
        if command.unit not in units and command.unit not in self.book.confirmations:
            known = ", ".join(units[:5]) + (", ..." if len(units) > 5 else "")
            raise ConfigError(
                f"no unit '{command.unit}' was heard in this session; there are {known or 'none'}"
            )
        word = self.book.confirm(
            command.unit, tagged=command.tagged, by=who, board_us=board_us, note=command.note
        )
        return TagConfirmed(word=word)


def laser_of(rig: RigDescription) -> str | None:
    """Name of the laser that tags: the one called ``laser``, else the first of its kind; None without one."""
    lasers = [name for name, output in rig.board.outputs.items() if output.kind == "laser"]
    return LASER if LASER in lasers else next(iter(lasers), None)
