"""What the devices tell the session. Every event is a frozen value with a good repr.

Board times are `t_us`: microseconds of the board's own counter, unwrapped to a plain growing
integer. That counter *is* rig time. Stream positions are `sample`: the stream's own sample number.
"""

from __future__ import annotations

import enum

import msgspec


class EndReason(enum.IntEnum):
    """Why a trial ended on the board."""

    COMPLETE = 0
    ABORTED = 1
    HOST_LOST = 2
    FAULT = 3


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Base of all events."""


# --- from the board: things that happened at a board time --------------------------------------


class InputEdge(Event, frozen=True, tag="input"):
    """An input line changed; stamped to the microsecond as it came."""

    t_us: int
    line: int
    rising: bool


class OutputChange(Event, frozen=True, tag="output"):
    """An output line really changed, whatever made it change (state, pulse, abort)."""

    t_us: int
    output: int
    on: bool


class StateEntered(Event, frozen=True, tag="state"):
    """The running table entered state number `state`."""

    t_us: int
    state: int


class TrialStarted(Event, frozen=True, tag="start"):
    """A table began to run in `slot`."""

    t_us: int
    slot: int


class TrialEnded(Event, frozen=True, tag="end"):
    """The running table ended."""

    t_us: int
    reason: EndReason


class SoftEventSeen(Event, frozen=True, tag="soft"):
    """The board took soft event `number` (1-8) into the running table."""

    t_us: int
    number: int


class SyncEdge(Event, frozen=True, tag="sync"):
    """The board drove its sync line."""

    t_us: int
    rising: bool


class BoardSafe(Event, frozen=True, tag="safe"):
    """The board fell into its safe state by itself (all outputs off)."""

    t_us: int
    reason: EndReason


class PulseRefused(Event, frozen=True, tag="pulse_refused"):
    """A pulse was asked for on an output that was already pulsing, or above its limit."""

    t_us: int
    output: int


class Heartbeat(Event, frozen=True, tag="heartbeat"):
    """The board's once-a-second sign of life."""

    t_us: int


# --- from the board: the link itself -------------------------------------------------------------


class BoardReady(Event, frozen=True, tag="ready"):
    """The board answered, was identified and configured.

    Parameters
    ----------
    name, serial
        As the board reports them.
    time_scale
        0 for real hardware; an emulator's speed ceiling otherwise.
    """

    name: str
    serial: str
    firmware: str
    time_scale: int
    t_us: int


class TableAccepted(Event, frozen=True, tag="table_accepted"):
    """A table upload was committed as a whole."""

    slot: int
    crc32: int


class CommandRefused(Event, frozen=True, tag="refused"):
    """The board refused a command; `reason` is for people."""

    command: str
    reason: str


class EventsLost(Event, frozen=True, tag="events_lost"):
    """Board events that could not be had again: `count` of them before board time `before_us`."""

    count: int
    after_us: int
    before_us: int


class WireNoise(Event, frozen=True, tag="noise"):
    """Bytes that were no part of a good frame, dropped and counted."""

    source: str
    dropped: int
    reason: str


class LinkLost(Event, frozen=True, tag="link_lost"):
    """A device no longer answers."""

    source: str
    reason: str


# --- from a neural stream --------------------------------------------------------------------------


class Spike(Event, frozen=True, tag="spike"):
    """One sorted spike. `unit` is `electrode:sorted_id`."""

    unit: str
    sample: int


class UnsortedSpike(Event, frozen=True, tag="unsorted"):
    """A spike that no sorter claimed (sorted id 0): counted, never a unit."""

    electrode: str
    sample: int


class Ttl(Event, frozen=True, tag="ttl"):
    """A TTL line of the stream changed."""

    line: int
    rising: bool
    sample: int


class Progress(Event, frozen=True, tag="progress"):
    """The stream has delivered all samples below `next_sample` at `rate_hz`."""

    next_sample: int
    rate_hz: float


class StreamGap(Event, frozen=True, tag="gap"):
    """Messages `first`..`last` of the stream never arrived."""

    first: int
    last: int


class StreamRestarted(Event, frozen=True, tag="restarted"):
    """The stream's counters began again: a new acquisition, so a new sample clock."""

    reason: str


BoardEvent = (
    InputEdge | OutputChange | StateEntered | TrialStarted | TrialEnded | SoftEventSeen | SyncEdge
    | BoardSafe | PulseRefused | Heartbeat | BoardReady | TableAccepted | CommandRefused | EventsLost
    | WireNoise | LinkLost
)  # fmt: skip

StreamEvent = (
    Spike | UnsortedSpike | Ttl | Progress | StreamGap | StreamRestarted | WireNoise | LinkLost
)  # fmt: skip
