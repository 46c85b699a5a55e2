"""The wire of a rig without a wire: what stands for a board's bytes and a stream's messages.

A session runs here as it runs anywhere. `DirectBoard` and `DirectFeed` are drivers like any other; what
they call bytes is nothing but `rig.commands` and `rig.events` in msgpack, each with its length before
it. The other end is `rig.sim.virtual_rig`.

The stream's sample clock *is* board time (one sample a microsecond), and still the sync line is played
on it, so that the session's clock model locks here as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from rig.commands import Abort, BoardCommand, Command
from rig.device import BoardAbilities, BoardLimits
from rig.events import BoardEvent, Progress, Spike, StreamEvent, Ttl, WireNoise
from rig.machine.pulses import MOST_COUNTED
from rig.units import US_PER_S

RATE_HZ: Final = float(US_PER_S)
"""Sample rate of the direct stream: a sample is a microsecond."""
_LENGTH_BYTES: Final = 4


class Hello(Command, frozen=True, tag="hello"):
    """Asks the virtual board who it is."""


_event_decoder = msgspec.msgpack.Decoder(BoardEvent)
_encoder = msgspec.msgpack.Encoder()


def frame(value: object) -> bytes:
    """Encode a value with its length before it."""
    body = _encoder.encode(value)
    return len(body).to_bytes(_LENGTH_BYTES, "little") + body


class Frames:
    """Cuts a stream of bytes into frames, however it comes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; return the bodies that are complete."""
        rest = self._rest + data
        bodies, at = [], 0
        while at + _LENGTH_BYTES <= len(rest):
            end = at + _LENGTH_BYTES + int.from_bytes(rest[at : at + _LENGTH_BYTES], "little")
            if end > len(rest):
                break
            bodies.append(rest[at + _LENGTH_BYTES : end])
            at = end
        self._rest = rest[at:]
        return bodies


class DirectBoard:
    """The host's side of a virtual board: a `rig.device.Board`."""

    abilities: Final = BoardAbilities(title="simulation")

    def __init__(self, limits: BoardLimits | None = None) -> None:
        self._limits = limits if limits is not None else BoardLimits(counted=MOST_COUNTED)
        self._frames = Frames()
        self._out: list[bytes] = []

    @property
    def limits(self) -> BoardLimits:
        """What the board can hold."""
        return self._limits

    def connect(self, t_ns: int) -> None:
        """Ask the board who it is."""
        self._out.append(frame(Hello()))

    def send(self, command: BoardCommand, t_ns: int) -> None:
        """Queue a command; `Abort` goes to the front."""
        self._out.insert(0 if isinstance(command, Abort) else len(self._out), frame(command))

    def feed(self, data: bytes, t_ns: int) -> list[BoardEvent]:
        """Decode events; what is none is noise."""
        events: list[BoardEvent] = []
        for body in self._frames.feed(data):
            try:
                events.append(_event_decoder.decode(body))
            except msgspec.DecodeError as error:
                events.append(WireNoise(source="board", dropped=len(body), reason=str(error)))
        return events

    def idle(self, t_ns: int) -> list[BoardEvent]:
        """Nothing is ever late here."""
        return []

    def outgoing(self) -> bytes:
        """Hand out what is queued."""
        data, self._out = b"".join(self._out), []
        return data

    def deadline_ns(self) -> int | None:
        """Return None: there is nothing to wait for."""
        return None


class Block(msgspec.Struct, frozen=True, array_like=True):
    """One block of the direct stream; samples are board microseconds.

    Attributes
    ----------
    units, samples
        The spikes: little-endian int64 arrays, as bytes.
    sync
        Edges of the sync line: (sample, rising).
    next_sample
        All spikes below this sample have come.
    """

    units: bytes
    samples: bytes
    sync: tuple[tuple[int, bool], ...]
    next_sample: int


class DirectFeed:
    """The host's side of the direct stream: a `rig.device.Feed`.

    Parameters
    ----------
    names
        Unit names, in the order of the animal's unit indices.
    sync_line
        TTL line to report the sync pulses on.
    """

    _decoder = msgspec.msgpack.Decoder(Block)

    def __init__(self, names: Sequence[str], sync_line: int = 0) -> None:
        self._names = tuple(names)
        self._sync_line = sync_line

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[StreamEvent]:
        """Decode one block."""
        data = b"".join(parts)
        try:
            block = self._decoder.decode(data)
            units = np.frombuffer(block.units, "<i8").tolist()
            samples = np.frombuffer(block.samples, "<i8").tolist()
            names = [self._names[unit] for unit in units]
        except (msgspec.DecodeError, ValueError, IndexError) as error:
            return [WireNoise(source="direct", dropped=len(data), reason=str(error))]
        events: list[StreamEvent] = [Ttl(line=self._sync_line, rising=up, sample=at) for at, up in block.sync]
        events += [Spike(unit=name, sample=at) for name, at in zip(names, samples, strict=True)]
        events.append(Progress(next_sample=block.next_sample, rate_hz=RATE_HZ))
        return events
