"""A driver for a home-made spike stream: every ZeroMQ message is one line of JSON.

::

    {"n": 1, "unit": "e1:1", "sample": 30412}              a spike
    {"n": 2, "line": 0, "up": true, "sample": 30500}       a TTL line changed
    {"n": 3, "next": 31000, "rate": 30000.0}               all samples below 31000 have come
"""

from collections.abc import Sequence

import msgspec

from rig.description import StreamConfig
from rig.events import Progress, Spike, StreamEvent, StreamGap, StreamRestarted, Ttl, WireNoise


class Message(msgspec.Struct):
    """One line; what does not apply is left out."""

    n: int
    sample: int = 0
    unit: str | None = None
    line: int | None = None
    up: bool = False
    next: int | None = None
    rate: float = 0.0


class LineFeed:
    """One stream; made once a session, with the stream's part of the rig file."""

    def __init__(self, config: StreamConfig) -> None:
        self._name = config.name
        self._decoder = msgspec.json.Decoder(Message)
        self._due = 0  # number of the next message; 0 before the first

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[StreamEvent]:
        """Take one message; return what it means. Never raises on noise."""
        body = b"".join(parts)
        try:
            message = self._decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return [WireNoise(source=self._name, dropped=len(body), reason=str(error))]
        events: list[StreamEvent] = []
        if 0 < message.n < self._due:
            events.append(StreamRestarted(reason=f"message numbers began again at {message.n}"))
        elif self._due and message.n > self._due:
            events.append(StreamGap(first=self._due, last=message.n - 1))
        self._due = message.n + 1
        if message.unit is not None:
            events.append(Spike(unit=message.unit, sample=message.sample))
        elif message.line is not None:
            events.append(Ttl(line=message.line, rising=message.up, sample=message.sample))
        elif message.next is not None:
            events.append(Progress(next_sample=message.next, rate_hz=message.rate))
        return events

    def reduce(self, parts: Sequence[bytes]) -> Sequence[bytes]:
        """Every byte is read, so there is nothing to leave out of the session file."""
        return parts

    def heartbeat_message(self, application: str, uuid_text: str) -> bytes:
        """Return nothing: this sender wants no sign of life."""
        return b""
