"""A stream's clock, chosen by its description, and who watches whether it can be trusted.

What cannot be trusted is told once, when it begins, and once when it is over. Responses are withheld by the
stream itself (`rig.stream.intake`), for the same reasons.
"""

from __future__ import annotations

from typing import Final, Literal

from rig.clock.coded import CodedClock
from rig.clock.health import ClockHealth, StreamClock
from rig.clock.host import HostClock
from rig.clock.model import ClockModel
from rig.description import StreamConfig
from rig.documents import Notice
from rig.units import US_PER_S

PATIENCE_S: Final = 20.0
"""A clock that was never known is not spoken of for so long: it takes some pulses to lock."""
LOST_S: Final = 2.0
LASTING_S: Final = 5.0
"""So long must it be lost, or otherwise change for better or worse, before it is told."""

NO_WIRE: Final = ' (without a wire, sync = "host" in the rig file takes this computer\'s stamps)'


def clock_for(config: StreamConfig) -> StreamClock:
    """Return the clock that a stream's description asks for."""
    if config.sync == "host":
        return HostClock()
    return CodedClock() if config.sync == "barcode" else ClockModel()


class ClockWatch:
    """Says when a device's clock can no longer be trusted, and when it can again.

    Parameters
    ----------
    name
        Of the stream or device: the source of the notices.

    Examples
    --------
    >>> watch = ClockWatch("probe")
    >>> lost = ClockHealth(source="barcodes", verdict="lost", reason="too early to say")
    >>> [watch.look(lost, second * 1_000_000) for second in (0, 10)]
    [None, None]
    >>> watch.look(lost, 30_000_000).text
    'times cannot be trusted, and responses are withheld: too early to say'
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._known = False
        self._told = "ok"
        self._verdict = "ok"
        self._since_us: int | None = None

    def look(self, now: ClockHealth, board_us: int) -> Notice | None:
        """Take how the clock stands at board time `board_us`, as far as its stream has come.

        Returns
        -------
        Notice or None
            What people should be told.
        """
        self._known |= now.verdict != "lost"
        if now.verdict != self._verdict or self._since_us is None or board_us < self._since_us:
            self._verdict, self._since_us = now.verdict, board_us
        if now.verdict == self._told or board_us - self._since_us < self._patience_s(now) * US_PER_S:
            return None
        self._told = now.verdict
        level, text = _words(now)
        if not self._known and now.source == "sync line":
            text += NO_WIRE
        return Notice(level=level, source=self._name, text=text, board_us=board_us)

    def _patience_s(self, now: ClockHealth) -> float:
        if now.verdict != "lost":
            return LASTING_S
        return LOST_S if self._known else PATIENCE_S


def _words(now: ClockHealth) -> tuple[Literal["warning", "info"], str]:
    match now.verdict:
        case "lost":
            return "warning", f"times cannot be trusted, and responses are withheld: {now.reason}"
        case "poor":
            return "warning", f"times are poor: {now.reason}"
        case _:
            return "info", f"times can be trusted again ({now.source}, {now.ppm or 0.0:+.0f} ppm)"
