"""What register `BoardEvent` means: ``tick_us u32``, then ``seq u16 | kind u8 | index u8``.

Both roles use this: the emulator makes the words of an event, the host makes the event of the words.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable
from typing import Final

import msgspec

from rig.events import (
    BoardEvent,
    BoardSafe,
    EndReason,
    InputEdge,
    OutputChange,
    PulseRefused,
    SoftEventSeen,
    StateEntered,
    SyncEdge,
    TrialEnded,
    TrialStarted,
)

SEQUENCE_WRAP: Final = 1 << 16
KEPT_EVENTS: Final = 64
"""How many events the board keeps for being read again."""

WORDS: Final = struct.Struct("<IHBB")
"""The payload of a `BoardEvent` frame."""


class EventKind(enum.IntEnum):
    """Kinds of board events; the numbers go over the wire, so they never change."""

    NONE = 0
    """Answer to a read of `BoardEvent` before there was any event."""
    INPUT_FALL = 1
    INPUT_RISE = 2
    OUTPUT_OFF = 3
    OUTPUT_ON = 4
    STATE = 5
    TRIAL_START = 6
    """Index: slot."""
    TRIAL_END = 7
    """Index: `rig.events.EndReason`."""
    SOFT = 8
    SYNC_FALL = 9
    SYNC_RISE = 10
    SAFE = 11
    """Index: `rig.events.EndReason`."""
    PULSE_REFUSED = 12
    """Index: output."""
    OVERRUN = 13
    """Index: how many events were lost before they could be sent, at most 255."""


class Overrun(msgspec.Struct, frozen=True, kw_only=True):
    """The board lost events because the line was full. Their numbers are missing in the sequence too."""

    t_us: int
    lost: int


Happening = (
    InputEdge | OutputChange | StateEntered | TrialStarted | TrialEnded | SoftEventSeen | SyncEdge
    | BoardSafe | PulseRefused | Overrun
)  # fmt: skip
"""Everything that a `BoardEvent` frame can mean."""


def _end_reason(index: int) -> EndReason:
    return EndReason(index) if index in EndReason._value2member_map_ else EndReason.FAULT


_DECODE: Final[dict[int, Callable[[int, int], Happening]]] = {
    EventKind.INPUT_FALL: lambda t, i: InputEdge(t_us=t, line=i, rising=False),
    EventKind.INPUT_RISE: lambda t, i: InputEdge(t_us=t, line=i, rising=True),
    EventKind.OUTPUT_OFF: lambda t, i: OutputChange(t_us=t, output=i, on=False),
    EventKind.OUTPUT_ON: lambda t, i: OutputChange(t_us=t, output=i, on=True),
    EventKind.STATE: lambda t, i: StateEntered(t_us=t, state=i),
    EventKind.TRIAL_START: lambda t, i: TrialStarted(t_us=t, slot=i),
    EventKind.TRIAL_END: lambda t, i: TrialEnded(t_us=t, reason=_end_reason(i)),
    EventKind.SOFT: lambda t, i: SoftEventSeen(t_us=t, number=i),
    EventKind.SYNC_FALL: lambda t, i: SyncEdge(t_us=t, rising=False),
    EventKind.SYNC_RISE: lambda t, i: SyncEdge(t_us=t, rising=True),
    EventKind.SAFE: lambda t, i: BoardSafe(t_us=t, reason=_end_reason(i)),
    EventKind.PULSE_REFUSED: lambda t, i: PulseRefused(t_us=t, output=i),
    EventKind.OVERRUN: lambda t, i: Overrun(t_us=t, lost=i),
}


def decode_event(kind: int, index: int, t_us: int) -> Happening | None:
    """Return the event at board time `t_us`, or None for a kind that is unknown here."""
    make = _DECODE.get(kind)
    return make(t_us, index) if make else None


def encode_event(event: BoardEvent) -> tuple[int, int]:
    """Return kind and index of an event that happened on the board.

    Raises
    ------
    TypeError
        If such an event does not come from a board's own work.
    """
    match event:
        case InputEdge(line=line, rising=rising):
            return (EventKind.INPUT_RISE if rising else EventKind.INPUT_FALL), line
        case OutputChange(output=output, on=on):
            return (EventKind.OUTPUT_ON if on else EventKind.OUTPUT_OFF), output
        case StateEntered(state=state):
            return EventKind.STATE, state
        case TrialStarted(slot=slot):
            return EventKind.TRIAL_START, slot
        case TrialEnded(reason=reason):
            return EventKind.TRIAL_END, reason
        case SoftEventSeen(number=number):
            return EventKind.SOFT, number
        case SyncEdge(rising=rising):
            return (EventKind.SYNC_RISE if rising else EventKind.SYNC_FALL), 0
        case BoardSafe(reason=reason):
            return EventKind.SAFE, reason
        case PulseRefused(output=output):
            return EventKind.PULSE_REFUSED, output
        case _:
            raise TypeError(f"{type(event).__name__} is no event of the board's own")
