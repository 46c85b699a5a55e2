"""What the devices tell the session. Every event is a frozen value with a good repr.

Board times are `t_us`: microseconds of the board's own counter, unwrapped to a plain growing
integer. That counter *is* rig time. Stream positions are `sample`: the stream's own sample number.
"""

from __future__ import annotations

import enum

import msgspec
import numpy as np
from numpy.typing import NDArray

from rig.description import HarpValue


class EndReason(enum.IntEnum):
    """Why a trial ended on the board."""

    COMPLETE = 0
    ABORTED = 1
    HOST_LOST = 2
    FAULT = 3
    BUDGET = 4
    """The table asked for more than the board may give within a minute, or in the session."""


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
    """A pulse was asked for on an output that was already pulsing, or above its limit or its budget."""

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
    anew
        It was ready before and has been reset since: its time and its events' numbers began again.
    """

    name: str
    serial: str
    firmware: str
    time_scale: int
    t_us: int
    anew: bool = False


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
    """A TTL line of the stream changed.

    Parameters
    ----------
    after_gap
        The samples before were lost, so it may have changed earlier: not to be used for a clock.
    """

    line: int
    rising: bool
    sample: int
    after_gap: bool = False


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


class UnitAppeared(Event, frozen=True, tag="unit_appeared"):
    """A sorted unit fired for the first time, or again after it had vanished (`again`)."""

    unit: str
    sample: int
    again: bool = False


class UnitVanished(Event, frozen=True, tag="unit_vanished"):
    """A unit that used to fire has been silent for `silent_s` on a stream that goes on."""

    unit: str
    sample: int
    silent_s: float


# --- from a source of samples (photometry) -----------------------------------------------------------


class SourceReady(Event, frozen=True, tag="source_ready"):
    """A source of samples was identified, or told of itself for the first time.

    Parameters
    ----------
    name, serial
        As the device reports them; empty where it has none.
    channels
        Names of the columns of `Samples.values`.
    rate_hz
        Samples of one channel per second, by the source's own clock.
    detail
        What else people should know, in one line (mode, light).
    """

    name: str
    serial: str
    channels: tuple[str, ...]
    rate_hz: float
    detail: str = ""


class Samples(Event, frozen=True, eq=False, tag="samples"):
    """Consecutive samples of all channels of a source.

    Parameters
    ----------
    first
        Number of the first sample; lost samples are counted, so numbers tell time.
    values
        float64, shape (samples, channels), in volts or whatever the source measures. Not a number: unknown.
    clipped
        Samples of these in which some channel was at the end of its range.
    """

    first: int
    rate_hz: float
    values: NDArray[np.float64]
    clipped: int = 0

    @property
    def end(self) -> int:
        """Number of the sample after the last."""
        return self.first + len(self.values)


class SamplesLost(Event, frozen=True, tag="samples_lost"):
    """Samples `first` to `first + count - 1` never came; those after them have their right numbers."""

    first: int
    count: int
    reason: str


class Marker(Event, frozen=True, tag="marker"):
    """A text from another program; `t_ns` is when it was sent, as well as the host's clock can tell."""

    source: str
    text: str
    t_ns: int


# --- from a Harp device beside the board ------------------------------------------------------------------


class DeviceReady(Event, frozen=True, tag="device_ready"):
    """A device beside the board was identified; nothing was written to it yet but its mode."""

    name: str
    firmware: str
    stamp_us: int


class RegisterTold(Event, frozen=True, tag="register"):
    """A register's value, as a device beside the board told it.

    Parameters
    ----------
    asked
        It answers a write of ours; otherwise the device sent it by itself.
    kept
        Of an answer: the register holds what was written.
    stamp_us
        The device's own clock, microseconds.
    """

    register: str
    value: HarpValue
    stamp_us: int
    asked: bool = False
    kept: bool = True


class RegisterRefused(Event, frozen=True, tag="register_refused"):
    """A device beside the board did not take a write; `reason` is for people."""

    register: str
    reason: str


BoardEvent = (
    InputEdge | OutputChange | StateEntered | TrialStarted | TrialEnded | SoftEventSeen | SyncEdge
    | BoardSafe | PulseRefused | Heartbeat | BoardReady | TableAccepted | CommandRefused | EventsLost
    | WireNoise | LinkLost
)  # fmt: skip

StreamEvent = (
    Spike | UnsortedSpike | Ttl | Progress | StreamGap | StreamRestarted | UnitAppeared | UnitVanished
    | WireNoise | LinkLost
)  # fmt: skip

DeviceEvent = DeviceReady | RegisterTold | RegisterRefused | WireNoise | LinkLost

SampleEvent = SourceReady | Samples | SamplesLost | Ttl | Marker | StreamRestarted | WireNoise | LinkLost
