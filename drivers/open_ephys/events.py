r"""The Event Broadcaster plugin (0.3.0) on the wire: two parts, a kind and a JSON text or raw binary.

::

    part 0   u16       0 TTL, 1 spike
    part 1   JSON      CR LF, two-space indent, no NUL               (output_format JSON)
             binary    u8 base type (1 event, 2 spike), u8 subtype, u16 source node, u16 stream id,
                       u16 channel index, i64 sample, f64 time stamp in s (-1 if not synchronised), then
                       TTL     u8 line, u8 state, u64 word of lines 0-63 after the change      34 bytes
                       spike   u16 sorted id, f32 threshold a channel, f32 waveform channel after channel

All little-endian. It sends every stream, without a message number: a loss cannot be seen here. So spikes that
responses are counted from should come through ZMQ Interface (`drivers.open_ephys.device`); this is for
watching. In JSON the source node is the broadcaster itself, in binary the real one; the raw form names no
stream and no electrode, only their numbers. `decode` tells the forms apart by themselves and never raises.

Source: open-ephys-plugins/event-broadcaster at c79d7f8, and packets captured from GUI 1.0.1.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.open_ephys.codec import number_text, quoted
from drivers.open_ephys.wire import Count, Malformed, Rate, Sample, SortedId
from rig.events import Spike, StreamEvent, Ttl, UnsortedSpike, WireNoise

TTL_KIND: Final = b"\x00\x00"
SPIKE_KIND: Final = b"\x01\x00"

HEAD: Final = struct.Struct("<BBHHHqd")
TTL_TAIL: Final = struct.Struct("<BBQ")
SORTED: Final = struct.Struct("<H")
EVENT_BASE: Final = 1
SPIKE_BASE: Final = 2
TTL_SUBTYPE: Final = 3
NO_TIME: Final = -1.0
FLOAT_BYTES: Final = 4
CHANNELS: Final = {1: 1, 2: 2, 3: 4, 4: 4}
"""Channels of an electrode, by its type."""

Line = Annotated[int, msgspec.Meta(ge=0, le=255)]


class TtlText(msgspec.Struct, frozen=True, tag_field="event_type", tag="ttl"):
    """A TTL change in the JSON form; `line` counts from 0."""

    stream: str
    source_node: Count
    sample_rate: Rate
    channel_name: str
    sample_number: Sample
    line: Line
    state: bool


class SpikeText(msgspec.Struct, frozen=True, tag_field="event_type", tag="spike"):
    """A spike in the JSON form, without its amplitudes (`amp1`...): those are read by `amplitudes`."""

    stream: str
    source_node: Count
    electrode: str
    num_channels: Count
    sample_rate: Rate
    sample_number: Sample
    sorted_id: SortedId


class RawTtl(msgspec.Struct, frozen=True, kw_only=True):
    """A TTL change in the raw form."""

    source_node: int
    stream_id: int
    channel: int
    sample: int
    timestamp_s: float
    line: int
    state: bool
    word: int


class RawSpike(msgspec.Struct, frozen=True, kw_only=True):
    """A spike in the raw form.

    Parameters
    ----------
    electrode_type
        1 single electrode, 2 stereotrode, 3 or 4 tetrode (it depends on the GUI).
    channel
        Number of the electrode in its stream.
    body
        Thresholds and waveform as they came; see `waveform`.
    """

    electrode_type: int
    source_node: int
    stream_id: int
    channel: int
    sample: int
    timestamp_s: float
    sorted_id: int
    body: bytes

    def waveform(self) -> NDArray[np.float64] | None:
        """Return the waveform in microvolts, shape (channels, samples); None if the size fits none."""
        channels, floats = CHANNELS.get(self.electrode_type, 0), len(self.body) // FLOAT_BYTES
        if not channels or floats % channels or floats <= channels:
            return None
        with np.errstate(invalid="ignore"):  # noise may hold numbers that are none
            values = np.frombuffer(self.body, "<f4").astype(np.float64)
        return values[channels:].reshape(channels, -1)


Broadcast: TypeAlias = TtlText | SpikeText | RawTtl | RawSpike

_TEXT: Final = msgspec.json.Decoder(TtlText | SpikeText)
_UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)


def decode(parts: Sequence[bytes]) -> Broadcast | Malformed:
    """Read one message of either form; never raises."""
    if len(parts) != 2:
        return _bad(parts, f"{len(parts)} parts where a broadcast has 2")
    kind, body = parts
    if kind not in (TTL_KIND, SPIKE_KIND):
        return _bad(parts, f"unknown kind {kind[:8]!r}")
    found = _from_text(body) if body[:1] == b"{" else _from_raw(body)
    if isinstance(found, str):
        return _bad(parts, found)
    if isinstance(found, TtlText | RawTtl) != (kind == TTL_KIND):
        return _bad(parts, f"a message of another sort under the kind {kind!r}")
    return found


def _from_text(body: bytes) -> TtlText | SpikeText | str:
    try:
        told: TtlText | SpikeText = _TEXT.decode(body)
    except _UNREADABLE as problem:
        return f"unreadable text: {problem}"
    return told


def _from_raw(body: bytes) -> RawTtl | RawSpike | str:
    if len(body) < HEAD.size:
        return f"{len(body)} bytes are no event"
    base, subtype, node, stream, channel, sample, stamp = HEAD.unpack_from(body)
    rest = body[HEAD.size :]
    if base == EVENT_BASE and subtype == TTL_SUBTYPE:
        if len(rest) < TTL_TAIL.size or rest[1] > 1:
            return "a TTL event whose body is no line, state and word"
        line, state, word = TTL_TAIL.unpack_from(rest)  # what may follow is metadata
        return RawTtl(
            source_node=node, stream_id=stream, channel=channel, sample=sample, timestamp_s=stamp,
            line=line, state=bool(state), word=word,
        )  # fmt: skip
    if base == SPIKE_BASE:
        if len(rest) < SORTED.size or (len(rest) - SORTED.size) % FLOAT_BYTES:
            return f"a spike in {len(body)} bytes"
        return RawSpike(
            electrode_type=subtype, source_node=node, stream_id=stream, channel=channel, sample=sample,
            timestamp_s=stamp, sorted_id=SORTED.unpack_from(rest)[0], body=rest[SORTED.size :],
        )  # fmt: skip
    return f"an event of base type {base}, subtype {subtype}"


def _bad(parts: Sequence[bytes], reason: str) -> Malformed:
    return Malformed(None, sum(len(part) for part in parts), reason)


def amplitudes(body: bytes) -> tuple[float, ...]:
    """Return `amp1`, `amp2`, ... of a spike's JSON text: minus the sample at the peak, in microvolts."""
    try:
        told = msgspec.json.decode(body, type=dict[str, object])
    except _UNREADABLE:
        return ()
    found = []
    for number in range(1, 1 + len(told)):
        value = told.get(f"amp{number}")
        if not isinstance(value, int | float):
            break
        found.append(float(value))
    return tuple(found)


# --- writing --------------------------------------------------------------------------------------


def encode(message: Broadcast, amps: Sequence[float] = ()) -> list[bytes]:
    """Write one message as the plugin does; `amps` are the amplitudes of a spike in JSON."""
    match message:
        case TtlText():
            return [TTL_KIND, _ttl_text(message)]
        case SpikeText():
            return [SPIKE_KIND, _spike_text(message, amps)]
        case RawTtl():
            head = HEAD.pack(
                EVENT_BASE, TTL_SUBTYPE, message.source_node, message.stream_id, message.channel,
                message.sample, message.timestamp_s,
            )  # fmt: skip
            return [TTL_KIND, head + TTL_TAIL.pack(message.line, message.state, message.word)]
        case RawSpike():
            head = HEAD.pack(
                SPIKE_BASE, message.electrode_type, message.source_node, message.stream_id,
                message.channel, message.sample, message.timestamp_s,
            )  # fmt: skip
            return [SPIKE_KIND, head + SORTED.pack(message.sorted_id) + message.body]


def _object(pairs: Sequence[tuple[str, str]]) -> bytes:
    inside = ",\r\n".join(f'  "{key}": {text}' for key, text in pairs)
    return f"{{\r\n{inside}\r\n}}".encode()


def _ttl_text(event: TtlText) -> bytes:
    return _object(
        [
            ("event_type", '"ttl"'),
            ("stream", quoted(event.stream)),
            ("source_node", str(event.source_node)),
            ("sample_rate", number_text(event.sample_rate)),
            ("channel_name", quoted(event.channel_name)),
            ("sample_number", str(event.sample_number)),
            ("line", str(event.line)),
            ("state", "true" if event.state else "false"),
        ]
    )


def _spike_text(spike: SpikeText, amps: Sequence[float]) -> bytes:
    return _object(
        [
            ("event_type", '"spike"'),
            ("stream", quoted(spike.stream)),
            ("source_node", str(spike.source_node)),
            ("electrode", quoted(spike.electrode)),
            ("num_channels", str(spike.num_channels)),
            ("sample_rate", number_text(spike.sample_rate)),
            ("sample_number", str(spike.sample_number)),
            ("sorted_id", str(spike.sorted_id)),
            *((f"amp{number}", _amplitude_text(amp)) for number, amp in enumerate(amps, start=1)),
        ]
    )


def _amplitude_text(amplitude: float) -> str:
    """Write an amplitude as the plugin does: 15 decimals, noughts at the end trimmed."""
    text = f"{amplitude:.15f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


# --- as events -------------------------------------------------------------------------------------


class BroadcastFeed:
    """One stream of the Event Broadcaster (fulfils `rig.device.Feed`): spikes and TTLs, and nothing else.

    It tells no `Progress`: nothing on this channel says how far a stream has come, so windows counted from
    it close by the decision deadline only.

    Parameters
    ----------
    stream
        JSON form: the stream's name; others are left out. Empty: the first one seen.
    stream_id
        Raw form: the stream's number; None: the first one seen.

    Attributes
    ----------
    messages, noise, ignored
        Read, unreadable, and of other streams.
    """

    def __init__(self, stream: str = "", stream_id: int | None = None) -> None:
        self.stream = stream
        self.stream_id = stream_id
        self.sample_rate_hz: float | None = None
        self.messages = self.noise = self.ignored = 0

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[StreamEvent]:
        """Take one multipart message; return what it means. Never raises on noise."""
        message = decode(parts)
        if isinstance(message, Malformed):
            self.noise += 1
            return [WireNoise(source=self.stream, dropped=message.dropped, reason=message.reason)]
        self.messages += 1
        if not self._is_ours(message):
            self.ignored += 1
            return []
        match message:
            case TtlText():
                return [Ttl(line=message.line, rising=message.state, sample=message.sample_number)]
            case RawTtl():
                return [Ttl(line=message.line, rising=message.state, sample=message.sample)]
            case SpikeText():
                return [_spike(message.electrode, message.sorted_id, message.sample_number)]
            case RawSpike():
                # The raw form has no names: the electrode is told by its number.
                return [_spike(f"Electrode {message.channel}", message.sorted_id, message.sample)]

    def _is_ours(self, message: Broadcast) -> bool:
        if isinstance(message, RawTtl | RawSpike):
            if self.stream_id is None:
                self.stream_id = message.stream_id
            return message.stream_id == self.stream_id
        if not self.stream:
            self.stream = message.stream
        if message.stream == self.stream:
            self.sample_rate_hz = message.sample_rate
        return message.stream == self.stream


def _spike(electrode: str, sorted_id: int, sample: int) -> StreamEvent:
    if sorted_id == 0:
        return UnsortedSpike(electrode=electrode, sample=sample)
    return Spike(unit=f"{electrode}:{sorted_id}", sample=sample)
