"""The host's side of a sample stream: multipart messages in, samples and edges out.

Two counters tell of loss. `seq` counts messages: a gap is what the network or this host dropped. And
`first_sample` counts samples: where it jumps though no message is missing, the sender lost them itself.
Either going back is a sender that was started again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from drivers.samples import codec
from drivers.samples.wire import Header
from rig.events import (
    SampleEvent,
    Samples,
    SamplesLost,
    SourceReady,
    StreamRestarted,
    WireNoise,
)
from rig.photometry.digital import DigitalLines
from rig.photometry.settings import PhotometryConfig

MAX_IGNORED: Final = 64
RECENT: Final = 64
"""A message numbered up to this far behind the newest has come twice, or late."""
ANEW: Final = 8
"""So many of those in a row, without one that is due, are a sender that was started again."""


class SampleStream:
    """One stream (fulfils `rig.device.SampleFeed`).

    Parameters
    ----------
    config
        The source's part of the rig file; messages of streams of another name are counted and otherwise left.

    Attributes
    ----------
    messages, noise
        Messages read, and those that could not be.
    samples, lost
        Samples received, and samples that were counted but never came.
    doubled
        Messages that came once more; they count once.
    restarts
        How often the sender began again.
    ignored
        Messages of other streams, by name.
    """

    def __init__(self, config: PhotometryConfig) -> None:
        self.config = config
        self.messages = 0
        self.noise = 0
        self.samples = 0
        self.lost = 0
        self.doubled = 0
        self.restarts = 0
        self.ignored: dict[str, int] = {}
        self._last: Header | None = None
        self._next_sample = 0
        self._seen: deque[int] = deque(maxlen=RECENT)
        self._behind = 0  # messages in a row that were behind
        self._lines = DigitalLines()

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[SampleEvent]:
        """Take one multipart message; return what it means. Never raises on noise.

        Parameters
        ----------
        t_ns
            Not used: only sample numbers say when something was.
        """
        block = codec.decode(parts)
        if isinstance(block, codec.Malformed):
            self.noise += 1
            return [WireNoise(source=self.config.name, dropped=block.dropped, reason=block.reason)]
        header = block.header
        if header.stream != self.config.name:
            if header.stream in self.ignored or len(self.ignored) < MAX_IGNORED:
                self.ignored[header.stream] = self.ignored.get(header.stream, 0) + 1
            return []
        self.messages += 1
        if self._last is not None and 0 < header.seq <= self._last.seq < header.seq + RECENT:
            self._behind += 1
            if self._behind < ANEW:
                return self._leave_out(header.seq, self._last.seq, sum(map(len, parts)))
        told = self._judge(header)
        self._behind = 0
        self._seen.append(header.seq)
        after_gap = bool(told) and isinstance(told[-1], SamplesLost)
        self._last, self._next_sample = header, header.first_sample + len(block.values)
        self.samples += len(block.values)
        told += self._lines.take(header.first_sample, block.digital, after_gap=after_gap)
        told.append(Samples(first=header.first_sample, rate_hz=header.rate_hz, values=block.values))
        return told

    def _leave_out(self, seq: int, newest: int, size: int) -> list[SampleEvent]:
        """Leave out a message that came twice, or after it was given up."""
        if seq in self._seen:
            self.doubled += 1
            return []
        reason = f"message {seq} came after message {newest}"
        return [WireNoise(source=self.config.name, dropped=size, reason=reason)]

    def _judge(self, header: Header) -> list[SampleEvent]:
        """Say what lies between the last message and this one."""
        last = self._last
        if last is None:
            return [self._ready(header)]
        if header.seq <= last.seq or header.first_sample < self._next_sample:
            return self._restart(f"message {header.seq} came after {last.seq}", header)
        if (header.channels, header.rate_hz, header.digital) != (last.channels, last.rate_hz, last.digital):
            return self._restart("channels or rate have changed", header)
        gap = header.first_sample - self._next_sample
        if not gap:
            return []
        self.lost += gap
        messages = header.seq - last.seq - 1
        reason = f"{messages} messages never came" if messages else "the sender lost them"
        return [SamplesLost(first=self._next_sample, count=gap, reason=reason)]

    def _restart(self, reason: str, header: Header) -> list[SampleEvent]:
        self.restarts += 1
        self._seen.clear()
        self._lines.clear()
        return [StreamRestarted(reason=reason), self._ready(header)]

    def _ready(self, header: Header) -> SourceReady:
        return SourceReady(
            name=header.stream,
            serial="",
            channels=header.channels,
            rate_hz=header.rate_hz,
            detail=f"{header.dtype}, {header.digital} digital lines",
        )
