"""The host's side of one ZMQ Interface plugin: multipart messages in, stream events out.

What the plugin tells and does not tell shapes this:

- `message_num` counts every message of the plugin, whatever its type. A gap is loss, but only for a
  subscriber to everything.
- Nothing marks a new acquisition except that `message_num` begins again, or that samples go back.
- Spikes and TTLs of a block come before the block's data, in no order. Spikes that peak in a block's
  last 100 samples or so come with the next block. So `Progress` means: all TTLs below `next_sample`
  are in, and all spikes a little below it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from drivers.open_ephys import codec
from drivers.open_ephys.wire import (
    TTL_BODY,
    TTL_TYPE,
    DataContent,
    DataHeader,
    EventContent,
    Malformed,
    SpikeContent,
    SpikeHeader,
)
from rig.description import StreamConfig
from rig.events import Progress, Spike, StreamEvent, StreamGap, StreamRestarted, Ttl, UnsortedSpike, WireNoise

NOMINAL_RATE_HZ = 30_000.0
"""Used to judge how far samples went back until the first data message tells the rate."""
LONGEST_DELAY_S = 1.0
"""A spike or TTL this far behind the delivered samples, right after a gap, is of a new acquisition."""
RECENT = 64
"""A message numbered up to this far behind the newest has come twice, or late."""
ANEW = 8
"""So many of those in a row, without one that is due, are a new acquisition."""
MAX_IGNORED = 64
"""Names of other streams that are counted one by one."""


class OpenEphysFeed:
    """One Open Ephys stream (fulfils `rig.device.Feed`).

    Parameters
    ----------
    config
        The stream's part of the rig file. If its name is empty, the first stream seen is taken;
        messages of other streams are counted and otherwise ignored.

    Attributes
    ----------
    messages
        Messages that could be read, of all types and streams.
    lost
        Messages missed, by the gaps in their numbers. A message so garbled that not even its number
        can be read is noise and, by its number, also lost.
    restarts
        Acquisitions that began while we listened; the first does not count.
    doubled
        Messages that came once more; they count once.
    noise, noise_bytes
        Messages that could not be read, and their bytes.
    sample_rate_hz
        As the last data message told it; None before the first.
    stream
        Name of the stream taken; empty until a nameless feed has taken one.
    ignored
        Messages of other streams, by name: a wrong name in a rig file shows here.
    """

    def __init__(self, config: StreamConfig) -> None:
        self.config = config
        self.messages = 0
        self.lost = 0
        self.restarts = 0
        self.doubled = 0
        self.noise = 0
        self.noise_bytes = 0
        self.sample_rate_hz: float | None = None
        self.stream = config.name
        self.ignored: dict[str, int] = {}
        self._due = 0  # number of the next message; 0 before the first
        self._next_sample: int | None = None
        self._after_gap = False  # no data message has told since the last gap where the samples stand
        self._names: dict[tuple[str, int], str] = {}
        self._seen: deque[int] = deque(maxlen=RECENT)
        self._behind = 0  # messages in a row that were behind

    reduce = staticmethod(codec.reduce)
    heartbeat_message = staticmethod(codec.heartbeat_message)

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[StreamEvent]:
        """Take one multipart message, whole or reduced; return what it means. Never raises on noise.

        Parameters
        ----------
        parts
            As they came from the socket, or as `reduce` left them.
        t_ns
            Host time; not used: only sample numbers say when something happened.
        """
        message = codec.decode(parts)
        if isinstance(message, Malformed):
            return self._take_noise(message)
        events: list[StreamEvent] = []
        header = message.header
        self.messages += 1
        number = header.message_num
        if number != self._due:
            if 1 < number < self._due <= number + RECENT and self._behind < ANEW - 1:
                return self._take_behind(number, sum(map(len, parts)))
            self._take_jump(number, events)
        self._due = number + 1
        self._behind = 0
        self._seen.append(number)
        if isinstance(header, SpikeHeader):
            self._take_spike(header.spike, events)
        elif isinstance(header, DataHeader):
            self._take_data(header.content, events)
        else:
            self._take_event(header.content, message.body, events)
        return events

    def _take_spike(self, spike: SpikeContent, events: list[StreamEvent]) -> None:
        if spike.stream != self.stream and not self._is_ours(spike.stream):
            return
        sample = spike.sample_num
        if self._after_gap:
            self._doubt(sample, events)
        if spike.sorted_id == 0:
            events.append(UnsortedSpike(electrode=spike.electrode, sample=sample))
            return
        key = (spike.electrode, spike.sorted_id)
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"{spike.electrode}:{spike.sorted_id}"
        events.append(Spike(unit=name, sample=sample))

    def _take_event(self, event: EventContent, body: bytes, events: list[StreamEvent]) -> None:
        if event.stream != self.stream and not self._is_ours(event.stream):
            return
        if event.type != TTL_TYPE:
            return
        if self._after_gap:
            self._doubt(event.sample_num, events)
        line, state, _word = TTL_BODY.unpack(body)
        events.append(Ttl(line=line, rising=bool(state), sample=event.sample_num))

    def _take_data(self, data: DataContent, events: list[StreamEvent]) -> None:
        if data.stream != self.stream and not self._is_ours(data.stream):
            return
        self._after_gap = False
        self.sample_rate_hz = data.sample_rate
        end = data.sample_num + data.num_samples
        if self._next_sample is not None and end < self._next_sample:
            self._restart(f"samples went back from {self._next_sample} to {data.sample_num}", events)
        # Every selected channel brings the same block: one Progress is enough.
        if self._next_sample is None or end > self._next_sample:
            self._next_sample = end
            events.append(Progress(next_sample=end, rate_hz=data.sample_rate))

    def _is_ours(self, stream: str) -> bool:
        """Take the first stream if none is named; count the others (a bounded number of names)."""
        if not self.stream:
            self.stream = stream
            return True
        if stream in self.ignored or len(self.ignored) < MAX_IGNORED:
            self.ignored[stream] = self.ignored.get(stream, 0) + 1
        return False

    def _take_behind(self, number: int, size: int) -> list[StreamEvent]:
        """Leave out a message that came twice, or after it was given up."""
        self._behind += 1
        if number in self._seen:
            self.doubled += 1
            return []
        reason = f"message {number} came after message {self._due - 1}"
        return [WireNoise(source=self.config.name, dropped=size, reason=reason)]

    def _take_jump(self, number: int, events: list[StreamEvent]) -> None:
        """Judge a message number that was not the one due."""
        if self._due == 0:
            return  # the first message: we joined late, and nothing that was ours is lost
        first = self._due
        if number < self._due:
            self._restart(f"message numbers began again at {number}", events)
            first = 1
        if number > first:
            self.lost += number - first
            self._after_gap = True
            events.append(StreamGap(first=first, last=number - 1))

    def _doubt(self, sample: int, events: list[StreamEvent]) -> None:
        """After a gap, find the restart whose numbers happen to go on above the last ones."""
        rate_hz = self.sample_rate_hz or NOMINAL_RATE_HZ
        if self._next_sample is not None and sample < self._next_sample - LONGEST_DELAY_S * rate_hz:
            self._restart(f"samples went back from {self._next_sample} to {sample}", events)

    def _restart(self, reason: str, events: list[StreamEvent]) -> None:
        self.restarts += 1
        self._seen.clear()
        self._next_sample = None
        events.append(StreamRestarted(reason=reason))

    def _take_noise(self, noise: Malformed) -> list[StreamEvent]:
        self.noise += 1
        self.noise_bytes += noise.dropped
        # Its number is believed only where it is the one due: noise must not feign a gap or a restart.
        if noise.message_num is not None and noise.message_num == self._due:
            self._due += 1
        return [WireNoise(source=self.config.name, dropped=noise.dropped, reason=noise.reason)]
