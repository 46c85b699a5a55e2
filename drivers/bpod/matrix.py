"""A Bpod state matrix as a value, and as the bytes that are uploaded.

Bytes, after a header of three (use code 255 as *back* u8, length u16):

1.  states, timers, counters and conditions in use: u8 each;
2.  for each state, where its timer leads (itself: nowhere; the number of states: the end): u8;
3.  for each state, its transitions by input and soft code: count u8, then (event code, target) u8 each;
4.  for each state, its outputs: count, then (channel, value): u8 each, or u16 each on a 2+;
5.  for each state, transitions by timer starts; then for each, by timer ends; by counters; by conditions:
    count u8, then (number, target) u8 each;
6.  for each timer: channel; value on; value off (u8, u16 on a 2+); loops; whether it tells: one list after
    the other;
7.  for each counter: event code counted. For each condition: channel; then value;
8.  counter resets: count u8, then (state, counter + 1) u8 each;
9.  2+ only: analog thresholds to enable, then to disable: count u8, then (state, bits) u8 each;
10. for each state: bits of the timers that it triggers; that it cancels; then for each timer: of those that
    its onset triggers (u8, u16 or u32, as the machine has up to 8, 16 or more timers);
11. u32: state timers, in cycles; timers' durations, onset delays, loop intervals; counters' thresholds;
12. 0: no further commands packed behind (a 1 and a command otherwise).

Source: sanworks/Bpod_StateMachine_Firmware 23.10, and a matrix captured from bpod-core 0.1.0a15.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import msgspec

from rig.errors import EncodeError

NOTHING: Final = 254
"""Channel of a timer that switches nothing; event of a counter that counts nothing."""
MOST_STATES: Final = 255
MOST_BYTES: Final = 49_999

_HEADER: Final = struct.Struct("<?H")
Pairs = tuple[tuple[int, int], ...]


class MatrixError(ValueError):
    """Bytes that are no state matrix."""


class GlobalTimer(msgspec.Struct, frozen=True, kw_only=True):
    """One global timer; times in cycles."""

    duration: int = 0
    channel: int = NOTHING
    on: int = 0
    off: int = 0
    loops: int = 0
    tells: int = 1
    delay: int = 0
    interval: int = 0
    triggers: int = 0
    """Bits of the timers that its onset triggers."""


class EventCounter(msgspec.Struct, frozen=True, kw_only=True):
    """Counts one event code."""

    event: int = NOTHING
    threshold: int = 0


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A condition: true while a channel has a value."""

    channel: int
    value: int


class MatrixState(msgspec.Struct, frozen=True, kw_only=True):
    """One state.

    Parameters
    ----------
    timer
        Cycles.
    after
        Where its timer leads; None: nowhere.
    inputs
        (event code, target); `timer_starts`, `timer_ends`, `counters` and `conditions` the same by number.
    outputs
        (channel, value) of what is on.
    trigger, cancel
        Bits of global timers.
    reset
        Number of the counter to reset, plus 1; 0: none.
    """

    timer: int = 0
    after: int | None = None
    inputs: Pairs = ()
    outputs: Pairs = ()
    timer_starts: Pairs = ()
    timer_ends: Pairs = ()
    counters: Pairs = ()
    conditions: Pairs = ()
    trigger: int = 0
    cancel: int = 0
    reset: int = 0


class StateMatrix(msgspec.Struct, frozen=True, kw_only=True):
    """One state machine; a target that equals the number of states is the end."""

    states: tuple[MatrixState, ...]
    timers: tuple[GlobalTimer, ...] = ()
    counters: tuple[EventCounter, ...] = ()
    conditions: tuple[Level, ...] = ()

    @property
    def exit(self) -> int:
        """Target that ends the run."""
        return len(self.states)


_GROUPS: Final = ("timer_starts", "timer_ends", "counters", "conditions")


def _mask_format(timers: int) -> str:
    return "B" if timers <= 8 else "H" if timers <= 16 else "I"


# --- encode ------------------------------------------------------------------------------------------


def encode(matrix: StateMatrix, *, wide: bool, timers: int) -> bytes:
    """Return the bytes of a matrix, header included.

    Parameters
    ----------
    wide, timers
        The machine's: see `drivers.bpod.hardware.Hardware`.

    Raises
    ------
    EncodeError
        If a number does not fit.
    """
    states = matrix.states
    value, mask = "H" if wide else "B", _mask_format(timers)
    pack = _Packer()
    pack.add("B", len(states), len(matrix.timers), len(matrix.counters), len(matrix.conditions))
    pack.add("B", *(n if s.after is None else s.after for n, s in enumerate(states)))
    for state in states:
        pack.pairs("B", state.inputs)
    for state in states:
        pack.pairs(value, state.outputs)
    for group in _GROUPS:
        for state in states:
            pack.pairs("B", getattr(state, group))
    pack.add("B", *(t.channel for t in matrix.timers))
    pack.add(value, *(t.on for t in matrix.timers))
    pack.add(value, *(t.off for t in matrix.timers))
    pack.add("B", *(t.loops for t in matrix.timers), *(t.tells for t in matrix.timers))
    pack.add("B", *(c.event for c in matrix.counters))
    pack.add("B", *(c.channel for c in matrix.conditions), *(c.value for c in matrix.conditions))
    pack.pairs("B", tuple((number, s.reset) for number, s in enumerate(states) if s.reset))
    if wide:
        pack.add("B", 0, 0)
    pack.add(mask, *(s.trigger for s in states), *(s.cancel for s in states))
    pack.add(mask, *(t.triggers for t in matrix.timers))
    pack.add("I", *(s.timer for s in states))
    for times in ("duration", "delay", "interval"):
        pack.add("I", *(getattr(t, times) for t in matrix.timers))
    pack.add("I", *(c.threshold for c in matrix.counters))
    pack.add("B", 0)
    body = bytes(pack.data)
    if not 1 <= len(states) <= MOST_STATES or len(body) > MOST_BYTES:
        raise EncodeError(f"a Bpod state matrix of {len(states)} states and {len(body)} bytes is too big")
    return _HEADER.pack(False, len(body)) + body


class _Packer:
    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, letter: str, *values: int) -> None:
        try:
            self.data += struct.pack(f"<{len(values)}{letter}", *values)
        except struct.error as error:
            raise EncodeError(f"a number does not fit into a Bpod state matrix: {error}") from None

    def pairs(self, letter: str, pairs: Sequence[tuple[int, int]]) -> None:
        self.add(letter, len(pairs), *(number for pair in pairs for number in pair))


# --- decode ------------------------------------------------------------------------------------------


def body_size(header: bytes) -> int:
    """Return how many bytes follow a header."""
    return int(_HEADER.unpack(header)[1])


HEADER_BYTES: Final = _HEADER.size


def decode(body: bytes, *, wide: bool, timers: int) -> StateMatrix:
    """Read a matrix without its header, as the device does.

    Raises
    ------
    MatrixError
        If the bytes are none. Never anything else.
    """
    read = _Reader(body)
    value, mask = "H" if wide else "B", _mask_format(timers)
    n_states, n_timers, n_counters, n_conditions = read.take("B", 4)
    if not n_states or n_timers > timers:
        raise MatrixError(f"{n_states} states and {n_timers} timers")
    after = read.take("B", n_states)
    columns = {"inputs": [read.pairs("B") for _ in range(n_states)]}
    columns["outputs"] = [read.pairs(value) for _ in range(n_states)]
    for group in _GROUPS:
        columns[group] = [read.pairs("B") for _ in range(n_states)]
    channels, on, off, loops, tells = (
        read.take(letter, n_timers) for letter in ("B", value, value, "B", "B")
    )
    events = read.take("B", n_counters)
    levels = read.take("B", n_conditions), read.take("B", n_conditions)
    resets = dict(read.pairs("B"))
    if wide:
        read.pairs("B")
        read.pairs("B")
    triggers, cancels, onsets = (read.take(mask, n) for n in (n_states, n_states, n_timers))
    state_timers = read.take("I", n_states)
    durations, delays, intervals = (read.take("I", n_timers) for _ in range(3))
    thresholds = read.take("I", n_counters)
    read.rest()
    return StateMatrix(
        states=tuple(
            MatrixState(
                timer=state_timers[n],
                after=None if after[n] == n else after[n],
                trigger=triggers[n],
                cancel=cancels[n],
                reset=resets.get(n, 0),
                **{name: column[n] for name, column in columns.items()},
            )
            for n in range(n_states)
        ),
        timers=tuple(
            GlobalTimer(
                duration=durations[k], channel=channels[k], on=on[k], off=off[k], loops=loops[k],
                tells=tells[k], delay=delays[k], interval=intervals[k], triggers=onsets[k],
            )
            for k in range(n_timers)
        ),
        counters=tuple(EventCounter(event=e, threshold=t) for e, t in zip(events, thresholds, strict=True)),
        conditions=tuple(Level(channel=c, value=v) for c, v in zip(*levels, strict=True)),
    )  # fmt: skip


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, letter: str, count: int) -> tuple[int, ...]:
        try:
            values = struct.unpack_from(f"<{count}{letter}", self._data, self._at)
        except struct.error:
            raise MatrixError(f"it ends after {len(self._data)} bytes, too soon") from None
        self._at += struct.calcsize(f"<{count}{letter}")
        return values

    def pairs(self, letter: str) -> Pairs:
        (count,) = self.take(letter, 1)
        flat = self.take(letter, 2 * count)
        return tuple(zip(flat[::2], flat[1::2], strict=True))

    def rest(self) -> None:
        """Pass over the commands that may be packed behind: serial messages for modules."""
        while self.take("B", 1)[0]:
            (letter,) = self.take("B", 1)
            if letter != ord("L"):
                raise MatrixError(f"an unknown command {letter} is packed behind")
            _, messages = self.take("B", 2)
            for _ in range(messages):
                _, length = self.take("B", 2)
                self.take("B", length)
        if self._at != len(self._data):
            raise MatrixError(f"{len(self._data) - self._at} bytes are left over")
