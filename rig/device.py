"""The contracts a driver fulfils. A driver is sans-io: bytes go in, events come out, and back.

The session owns one `Board`, and any number of `Feed`, `SampleDevice` and `SampleFeed` objects. It never
opens a port: the runtime moves the bytes. A visiting lab's driver fulfils the same contracts and is named in
the rig file as `package.module:Class`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from rig.commands import BoardCommand
from rig.description import HarpValue
from rig.events import BoardEvent, DeviceEvent, SampleEvent, StreamEvent


class Lack(enum.Enum):
    """What a board cannot do that our own can. Its tables must do without (`rig.machine.board_rules`)."""

    WATCHDOG = "it does not notice that its computer is gone: what runs goes on"
    LASTING_PULSES = "at the end of a trial everything closes, also a pulse that is not over"
    REFUSED_OVERLAPS = "a second pulse on an output that pulses already makes the first one longer"
    HELD_AND_PULSED = "a line cannot be held by states and be pulsed in one trial: after a pulse it is off"
    SEVERAL_RESETS = "a state resets one counter at most"
    QUIET_CANCEL = "a timer that is cancelled tells that it ran out"
    PULSES_IN_TRIAL = "while a trial runs the computer cannot open an output"
    OWN_MAX_OPEN = "the longest opening is kept by the computer, which checks every table before it is sent"
    PROMPT_COUNTERS = "a counter's condition comes a cycle late, and after those of timers"
    SOFT_EVENTS = "a running table takes no soft events from the computer"
    NEXT_TABLE = "the next table cannot be sent while one runs"
    SYNC_LINE = "it drives no sync line"
    REREADS = "what the cable loses of its events is lost"


class BoardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a board can hold and do. The defaults are the least that every board must have.

    Parameters
    ----------
    counted
        Outputs whose openings the board can count against a budget; 0: it keeps no budget.
    shared_timers
        Timers that a table's global timers and its pulses share (one for each output and length); 0: pulses
        have timers of their own.
    resolution_us
        To how many microseconds an input's edge is stamped.
    outputs_inferred
        Whether output changes are worked out from the states, instead of told by the board.
    lacks
        What it cannot do.
    """

    states: int = 64
    transitions: int = 256
    inputs: int = 8
    outputs: int = 16
    timers: int = 4
    counters: int = 4
    table_bytes: int = 1536
    slots: int = 2
    cycle_us: int = 100
    counted: int = 0
    shared_timers: int = 0
    resolution_us: int = 1
    outputs_inferred: bool = False
    lacks: frozenset[Lack] = frozenset()


class BoardAbilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a kind of board holds and does, declared by its driver as data: `abilities` of its class.

    The conformance suite holds every board to it, the table of boards in the documentation is made from it,
    and a protocol is checked against it before the animal is in the rig.

    Parameters
    ----------
    title
        What people call this kind of board.
    limits
        The least that every board of this kind holds, and what it lacks; a connected one says what it holds.
    """

    title: str
    limits: BoardLimits = BoardLimits()


class Board(Protocol):
    """The host's side of a state-machine board.

    All methods are called from one thread. None blocks, none raises on noise. Time is given as
    `t_ns`, the host's clock in nanoseconds; it is used for retries and idle resynchronisation only.
    """

    @property
    def limits(self) -> BoardLimits:
        """What this board can hold."""
        ...

    @property
    def abilities(self) -> BoardAbilities:
        """What this kind of board does; the same for the class as for the object."""
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


class Auxiliary(Protocol):
    """The host's side of a Harp device beside the board.

    As with `Board`: one thread, nothing blocks, nothing raises on noise, `t_ns` is for retries and time-outs.
    """

    @property
    def described(self) -> Mapping[str, object]:
        """The device's description as plain values; the session file keeps it, for a replay."""
        ...

    @property
    def settled(self) -> bool:
        """Whether the device is there and every write was answered."""
        ...

    def connect(self, t_ns: int) -> None:
        """Begin the hello; retried until `feed` has returned `DeviceReady`."""
        ...

    def write(self, values: Mapping[str, HarpValue], t_ns: int) -> None:
        """Queue writes, register by register; each is answered by `RegisterTold` or `RegisterRefused`.

        A write is never sent twice. One that is not answered is a lost link.
        """
        ...

    def farewell(self) -> bytes:
        """Return what is written last, whatever happened: what the rig file wants at the end."""
        ...

    def feed(self, data: bytes, t_ns: int) -> list[DeviceEvent]:
        """Take the bytes that came, whole or in pieces; return what they mean."""
        ...

    def idle(self, t_ns: int) -> list[DeviceEvent]:
        """Let time pass: ask again who is there, notice a dead link."""
        ...

    def outgoing(self) -> bytes:
        """Bytes to write now (empty if none); each byte is handed out once."""
        ...

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        ...


class SampleDevice(Protocol):
    """The host's side of a device on a serial port that streams samples (a photometry board).

    As with `Board`: one thread, nothing blocks, nothing raises on noise, `t_ns` is for retries and
    time-outs only. Sample numbers count lost samples too, as far as the device numbers them.
    """

    @property
    def buffer_samples(self) -> int:
        """Samples that it sends together; if it is late, it loses multiples of this."""
        ...

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
