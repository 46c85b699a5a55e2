"""What was lost of a source's samples, said so that people can bear it: at once, then as sums.

The first loss of its kind is told at once; what follows within five seconds is told as one sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rig.events import LinkLost, SampleEvent, SamplesLost, StreamRestarted, WireNoise
from rig.outbox import Outbox
from rig.units import NS_PER_S

if TYPE_CHECKING:
    from rig.photometry.intake import SampleIntake

AGAIN_NS: Final = 5 * NS_PER_S

_Kind = Literal["lost", "missing", "surplus", "noise", "restart", "link"]


@dataclass(slots=True)
class _Sum:
    """What has not been told yet of one kind."""

    said_ns: int
    times: int = 0
    count: int = 0
    text: str = ""


class SampleLosses:
    """Keeps the sums of all sources.

    Parameters
    ----------
    out
        Where notices go.
    """

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._sums: dict[tuple[str, _Kind], _Sum] = {}

    def take(self, source: str, notable: Iterable[SampleEvent]) -> None:
        """Take what a source's driver found notable."""
        for event in notable:
            match event:
                case SamplesLost():
                    self._add(source, "lost", event.count, event.reason)
                case WireNoise():
                    self._add(source, "noise", event.dropped, event.reason)
                case StreamRestarted():
                    self._add(source, "restart", 1, event.reason)
                case LinkLost():
                    self._add(source, "link", 1, event.reason)
                case _:
                    pass

    def miscounted(self, source: str, intake: SampleIntake) -> None:
        """Take what the sync pulses have told of samples that have no numbers."""
        for miscount in intake.miscounts:
            where = f"between samples {miscount.after} and {miscount.before}"
            self._add(source, "missing" if miscount.missing > 0 else "surplus", abs(miscount.missing), where)
        intake.miscounts.clear()

    def tell(self, *, over: bool = False) -> None:
        """Tell the sums that are due; all of them if the session is over."""
        for (source, kind), waiting in list(self._sums.items()):
            if waiting.times and (over or self._out.now_ns - waiting.said_ns >= AGAIN_NS):
                self._say(source, kind, waiting)

    def deadline_ns(self) -> int | None:
        """When `tell` has something to say; None: never."""
        return min((s.said_ns + AGAIN_NS for s in self._sums.values() if s.times), default=None)

    def _add(self, source: str, kind: _Kind, count: int, text: str) -> None:
        now_ns = self._out.now_ns
        waiting = self._sums.setdefault((source, kind), _Sum(now_ns - AGAIN_NS))
        waiting.text = waiting.text if waiting.times else text
        waiting.times += 1
        waiting.count += count
        if now_ns - waiting.said_ns >= AGAIN_NS:
            self._say(source, kind, waiting)

    def _say(self, source: str, kind: _Kind, told: _Sum) -> None:
        self._out.notice("info" if kind == "noise" else "warning", source, _words(kind, told))
        self._sums[source, kind] = _Sum(self._out.now_ns)


def _words(kind: _Kind, told: _Sum) -> str:
    more = f", and {told.times - 1} times more like it" if told.times > 1 else ""
    match kind:
        case "lost":
            return f"{told.count} samples were lost ({told.text}{more})"
        case "missing":
            return (
                f"{told.count} samples were lost without a number, {told.text}{more}: the sync pulses tell; "
                "responses there are withheld, later samples have their right numbers again"
            )
        case "surplus":
            return f"{told.count} samples came twice, {told.text}{more}: the sync pulses tell"
        case "noise":
            return f"{told.count} bytes of noise: {told.text}{more}"
        case "restart":
            return f"the samples began anew ({told.text}){more}; clock and baseline must be found again"
        case "link":
            return f"{told.text}{more}"
