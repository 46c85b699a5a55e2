"""The contracts a driver fulfils. A driver is sans-io: bytes go in, events come out, and back.

The session owns one `Board`, and any number of `Feed`, `SampleDevice` and `SampleFeed` objects. It never
opens a port: the runtime moves the bytes. A visiting lab's driver fulfils the same contracts and is named in
the rig file as `package.module:Class`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from rig.commands import BoardCommand
from rig.events import BoardEvent, SampleEvent, StreamEvent


class BoardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a board can hold and do. The defaults are the least that every board must have."""

    states: int = 64
    transitions: int = 256
    inputs: int = 8
    outputs: int = 16
    timers: int = 4
    counters: int = 4
    table_bytes: int = 1536
    slots: int = 2
    cycle_us: int = 100


class Board(Protocol):
    """The host's side of a state-machine board.

    All methods are called from one thread. None blocks, none raises on noise. Time is given as
    `t_ns`, the host's clock in nanoseconds; it is used for retries and idle resynchronisation only.
    """

    @property
    def limits(self) -> BoardLimits:
        """What this board can hold."""
        ...

    def connect(self, t_ns: int) -> None:
        """Begin the hello; retried until `BoardReady` is returned by `feed`."""
        ...

    def send(self, command: BoardCommand, t_ns: int) -> None:
        """Queue a command. `Abort` goes to the front of everything.

        Raises
        ------
        EncodeError
            If the wire cannot carry it.
        """
        ...

    def feed(self, data: bytes, t_ns: int) -> list[BoardEvent]:
        """Take the bytes that came, whole or in pieces; return what they mean."""
        ...

    def idle(self, t_ns: int) -> list[BoardEvent]:
        """Let time pass: resend what was not answered, give up on what cannot be had."""
        ...

    def outgoing(self) -> bytes:
        """Bytes to write now (empty if none); each byte is handed out once."""
        ...

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        ...


class Feed(Protocol):
    """The host's side of one neural stream of multipart messages."""

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[StreamEvent]:
        """Take one multipart message; return what it means. Never raises on noise."""
        ...


class WiredBoard(Board, Protocol):
    """A board on a real port: it also makes the frames that the runtime's guard writes by itself.

    Both are called from the guard's thread, so they must not touch the driver's state.
    """

    def alive_frame(self, counter: int) -> bytes:
        """Return the frame that keeps the board alive; written every 10 ms, past the session."""
        ...

    def abort_frame(self) -> bytes:
        """Return the frame that makes the board safe at once."""
        ...


class WiredFeed(Feed, Protocol):
    """A feed on a real socket."""

    def reduce(self, parts: Sequence[bytes]) -> Sequence[bytes]:
        """Replace bodies that `feed` never reads by their length and CRC-32; called in the socket thread."""
        ...

    def heartbeat_message(self, application: str, uuid_text: str) -> bytes:
        """Return the request that shows our name to the sender."""
        ...


class SampleDevice(Protocol):
    """The host's side of a device on a serial port that streams samples (a photometry board).

    As with `Board`: one thread, nothing blocks, nothing raises on noise, `t_ns` is for retries and
    time-outs only. Sample numbers count lost samples too, as far as the device numbers them.
    """

    def connect(self, t_ns: int) -> None:
        """Begin the hello and start the stream; retried until `feed` has returned `SourceReady`."""
        ...

    def feed(self, data: bytes, t_ns: int) -> list[SampleEvent]:
        """Take the bytes that came, whole or in pieces; return what they mean.

        `Ttl` events of a stretch of samples come before its `Samples`.
        """
        ...

    def idle(self, t_ns: int) -> list[SampleEvent]:
        """Let time pass: resend what was not answered, notice a dead link."""
        ...

    def outgoing(self) -> bytes:
        """Bytes to write now (empty if none); each byte is handed out once."""
        ...

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        ...

    def stop(self) -> None:
        """Stop the stream and switch the lights off: `outgoing` then has the last bytes to write."""
        ...


class SampleFeed(Protocol):
    """The host's side of a source of samples that sends multipart messages."""

    def feed(self, parts: Sequence[bytes], t_ns: int) -> list[SampleEvent]:
        """Take one multipart message; return what it means. Never raises on noise."""
        ...
