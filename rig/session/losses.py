"""What was lost on the wires, said so that people can bear it.

A bad cable loses something a thousand times a minute. The first loss of its kind is told at once, with its
bounds; what follows within five seconds is told as one sum. Each loss stands in the input log all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from rig.events import EventsLost, LinkLost, StreamEvent, StreamGap, WireNoise
from rig.outbox import Outbox
from rig.units import NS_PER_S

AGAIN_NS: Final = 5 * NS_PER_S
"""Losses of one kind are told no more often than this (wall time)."""
SETTLE_NS: Final = 2 * NS_PER_S
"""So long (wall time) after the last lost event, or after it came back, a board is believed to tell
everything: what is missing has been asked for as often as it is asked for."""

_Kind = Literal["events", "noise", "gap", "unreadable", "restart", "link"]
_LEVELS: Final[dict[_Kind, Literal["info", "warning"]]] = {"noise": "info"}


@dataclass(slots=True)
class _Sum:
    """What has not been told yet of one kind."""

    said_ns: int
    times: int = 0
    count: int = 0
    first: int = 0
    last: int = 0
    text: str = ""


class Losses:
    """Keeps the sums.

    Parameters
    ----------
    out
        Where notices go.

    Attributes
    ----------
    events
        Board events lost so far.
    """

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._sums: dict[tuple[str, _Kind], _Sum] = {}
        self._lost_ns: int | None = None
        self.events = 0

    def board(self, source: str, event: EventsLost | WireNoise) -> None:
        """Take a loss on the board's wire."""
        if isinstance(event, EventsLost):
            self.events += event.count
            self._lost_ns = self._out.now_ns
            self._add(source, "events", event.count, bounds=(event.after_us, event.before_us))
        else:
            self._add(source, "noise", event.dropped, text=event.reason)

    def stream(self, source: str, event: StreamEvent) -> None:
        """Take what a stream's driver found notable."""
        match event:
            case StreamGap():
                self._add(source, "gap", event.last - event.first + 1, bounds=(event.first, event.last))
            case WireNoise():
                self._add(source, "unreadable", event.dropped, text=event.reason)
            case LinkLost():
                self._add(source, "link", 1, text=event.reason)
            case _:
                self._add(source, "restart", 1, text=getattr(event, "reason", ""))

    def tell(self, *, over: bool = False) -> None:
        """Tell the sums that are due; all of them if the session is over."""
        for (source, kind), waiting in self._sums.items():
            if waiting.times and (over or self._out.now_ns - waiting.said_ns >= AGAIN_NS):
                self._say(source, kind, waiting)

    def shaken(self) -> None:
        """The board came back: what happened meanwhile is only now being asked for."""
        self._lost_ns = self._out.now_ns

    def unsettled(self, now_ns: int) -> bool:
        """Whether board events were lost just now, so that a trial that began would be lost too."""
        return self._lost_ns is not None and now_ns - self._lost_ns < SETTLE_NS

    def deadline_ns(self) -> int | None:
        """When `tell` has something to say, or the board is believed again; None: never."""
        due = [waiting.said_ns + AGAIN_NS for waiting in self._sums.values() if waiting.times]
        if self.unsettled(self._out.now_ns) and self._lost_ns is not None:
            due.append(self._lost_ns + SETTLE_NS)
        return min(due, default=None)

    def _add(
        self, source: str, kind: _Kind, count: int, *, bounds: tuple[int, int] = (0, 0), text: str = ""
    ) -> None:
        key, now_ns = (source, kind), self._out.now_ns
        waiting = self._sums.get(key)
        if waiting is None:
            waiting = self._sums[key] = _Sum(now_ns - AGAIN_NS)
        if not waiting.times:
            waiting.first, waiting.text = bounds[0], text
        waiting.times += 1
        waiting.count += count
        waiting.last = bounds[1]
        if now_ns - waiting.said_ns >= AGAIN_NS:
            self._say(source, kind, waiting)

    def _say(self, source: str, kind: _Kind, told: _Sum) -> None:
        self._out.notice(_LEVELS.get(kind, "warning"), source, _words(kind, told))
        self._sums[source, kind] = _Sum(self._out.now_ns)


def _words(kind: _Kind, told: _Sum) -> str:
    """Put a sum into words, with its bounds."""
    more = f", and {told.times - 1} times more like it" if told.times > 1 else ""
    match kind:
        case "events":
            times = f", {told.times} times" if told.times > 1 else ""
            bounds = f"between board times {told.first} and {told.last} us"
            return f"{told.count} board events were lost {bounds}{times}"
        case "noise":
            return f"{told.count} bytes of noise: {told.text}{more}"
        case "gap":
            times = f", in {told.times} gaps" if told.times > 1 else ""
            return f"messages were lost: {told.count} of numbers {told.first} to {told.last}{times}"
        case "unreadable":
            return f"a message could not be read ({told.text}){more}; {told.count} bytes in all"
        case "link":
            return f"the stream is lost: {told.text}{more}"
        case "restart":
            return f"the stream began anew ({told.text}){more}; its clock must be found again"
