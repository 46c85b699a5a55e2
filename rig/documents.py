"""What the world is told. Plain values with schema and version inside; they refer to no Python type.

Documents are published on the *events* channel, stored in the session file, and are what `inspect`
reads. The *state* channel carries the newest `SessionState`.

A long file of short classes: who follows a session finds everything that can be said here, in one place.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from rig.clock.health import ClockHealth
from rig.description import HarpValue
from rig.photometry.settings import PhotometryConfig
from rig.photometry.told import FibreTold, LoopLatency, SourceHealth
from rig.tagging.told import Confirmation, UnitTag
from rig.trial.spec import ResponseWindow, TrialRecord, TrialResponse

SCHEMA_VERSION = 1


class _Document(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema"):
    """Base of all documents."""

    version: int = SCHEMA_VERSION


class DeclaredTrial(msgspec.Struct, frozen=True, kw_only=True):
    """One trial type of the declared block, and how often a block holds it."""

    condition: str
    reward_ul: float
    signalled: bool
    count: int
    cue: str | None = None


class ParameterInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a form needs to know about one protocol parameter.

    Attributes
    ----------
    kind
        ``number``, ``integer``, ``flag``, ``text`` or ``numbers``.
    """

    name: str
    kind: str
    doc: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None


class DeclaredEpoch(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch of a session that has several, as declared before the first trial.

    Attributes
    ----------
    until
        What ends it, in words; empty if it lasts as long as the session.
    """

    name: str
    declared: tuple[DeclaredTrial, ...]
    until: str = ""
    discard: int = 0
    stimulated: bool = False


class CueRoles(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions whose cues promise a reward seldom, half of the time, and nearly always."""

    low: str
    middle: str
    high: str


class SessionStarted(_Document, frozen=True, kw_only=True, tag="session_started"):
    """The first document of a session.

    Attributes
    ----------
    window, cue_window
        Where the responses to the reward and to the cue are counted; None: not at all.
    cue_roles
        What the diversity of cue coding is read from, or None.
    unsignalled_shift_hz
        Added to responses to unsignalled rewards before they are estimated from; a constant of the session.
    reversal_conditions
        Conditions whose rewards the reversal points are estimated from; None: every reward.
    epochs
        All epochs that are declared, the first included; empty where there is only one.
    tags
        What was said of units by light before this session, in an earlier one or in the rig file.
    stimulated
        Whether light may be given in any epoch.
    photometry
        The photometry sources, their fibres, and how dF/F is made and measured.
    """

    subject: str
    protocol: str
    rig: str
    seed: int
    parameters: dict[str, object]
    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]
    declared: tuple[DeclaredTrial, ...] = ()
    about: tuple[ParameterInfo, ...] = ()
    window: ResponseWindow | None = None
    max_drop_ul: float = 0.0
    max_session_ul: float = 0.0
    unsignalled_shift_hz: float = 0.0
    reversal_conditions: tuple[str, ...] | None = None
    cue_window: ResponseWindow | None = None
    cue_roles: CueRoles | None = None
    epochs: tuple[DeclaredEpoch, ...] = ()
    tags: tuple[Confirmation, ...] = ()
    stimulated: bool = False
    photometry: tuple[PhotometryConfig, ...] = ()


class EpochStarted(_Document, frozen=True, kw_only=True, tag="epoch"):
    """A later epoch of the session begins: another declared distribution, estimates from nothing.

    An epoch is a stretch of a session with one declared reward distribution. `SessionStarted` begins the
    first one (number 0). Estimates of the epochs before stay as they were last told.

    Attributes
    ----------
    epoch, name
        Its number and what the protocol calls it.
    trial
        The first trial of it, 0-based.
    discard
        So many trials at its beginning are not estimated from: the animal is learning anew.
    reason
        Which declared criterion ended the epoch before.
    stimulated
        Whether light may be given in it. Then its reversal points are new ones, not the old measured again.
    """

    epoch: int
    name: str
    trial: int
    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]
    declared: tuple[DeclaredTrial, ...]
    reversal_conditions: tuple[str, ...] | None = None
    discard: int = 0
    stimulated: bool = False
    reason: str = ""


class Audit(_Document, frozen=True, kw_only=True, tag="audit"):
    """What was delivered so far in this epoch, held against what was declared.

    Attributes
    ----------
    declared, delivered
        The trial types, and how often each took place as declared.
    astray
        Trials that did not: aborted, incomplete, or another volume than meant.
    g, dof, p
        G-test of the delivered counts against the declared shares; p null while they are too few.
    exact
        Whether every finished block held each trial type exactly as often as declared.
    problem
        One sentence if the delivered distribution is no longer the declared one, else null.
    """

    epoch: int
    trial: int
    declared: tuple[DeclaredTrial, ...]
    delivered: tuple[int, ...]
    astray: int
    g: float | None
    dof: int
    p: float | None
    exact: bool
    problem: str | None = None


class TrialDone(_Document, frozen=True, kw_only=True, tag="trial"):
    """One trial as it took place."""

    record: TrialRecord


class ResponseTaken(_Document, frozen=True, kw_only=True, tag="response"):
    """The units' responses in one trial. A late response comes again with `revised` true."""

    response: TrialResponse
    revised: bool = False


class CueResponseTaken(_Document, frozen=True, kw_only=True, tag="cue_response"):
    """The units' responses to the cue of one trial, rewarded or not. A late one comes again, `revised`."""

    response: TrialResponse
    revised: bool = False


class AlignedSpikes(_Document, frozen=True, kw_only=True, tag="aligned_spikes"):
    """The spikes around one reward (or one cue, or one train of light), for rasters and PSTHs.

    Attributes
    ----------
    aligned_to
        What time zero is; ``light``: the first pulse of a train, or of a sham train (see `TagsUpdated`).
    start_ms, stop_ms
        The stretch that was looked at, relative to time zero.
    times
        Per unit, in units of 0.1 ms relative to time zero; empty where the stream was withheld.
    """

    trial: int
    reward_ul: float
    signalled: bool
    start_ms: int
    stop_ms: int
    units: tuple[str, ...]
    times: tuple[tuple[int, ...], ...]
    aligned_to: Literal["reward", "cue", "light"] = "reward"


class Happening(msgspec.Struct, frozen=True, array_like=True):
    """One thing that the board did or saw: kind ``state``, ``input``, ``output``, ``start`` or ``end``."""

    kind: str
    name: str
    on: bool
    board_us: int


class BoardActivity(_Document, frozen=True, kw_only=True, tag="activity"):
    """What the board just did, for live views. Not kept in the session file: trials hold the same."""

    trial: int
    happened: tuple[Happening, ...]


class UnitEstimate(msgspec.Struct, frozen=True, kw_only=True):
    """One unit's reversal point by the three estimators, on the utility axis and in uL.

    Attributes
    ----------
    n
        Trials per size, in the order of the declared sizes.
    flags
        ``not settled``, ``at edge``, ``off axis`` and the like.
    """

    unit: str
    n: tuple[int, ...]
    paper_hz: float | None
    paper_ul: float | None
    isotonic_hz: float | None
    isotonic_ul: float | None
    bayes_hz: float | None
    bayes_sd_hz: float | None
    bayes_ci95_hz: tuple[float, float] | None
    bayes_ul: float | None
    bayes_ci95_ul: tuple[float, float] | None
    asymmetry_paper: float | None
    asymmetry_bayes: float | None
    flags: tuple[str, ...] = ()
    reason: str | None = None


class EstimatesUpdated(_Document, frozen=True, kw_only=True, tag="estimates"):
    """All units' estimates after one trial; `rewarded` counts from the epoch's beginning."""

    trial: int
    rewarded: int
    units: tuple[UnitEstimate, ...]
    epoch: int = 0


class TagsUpdated(_Document, frozen=True, kw_only=True, tag="tags"):
    """What light did to every unit, after one train of pulses. It suggests; `TagConfirmed` tags.

    Attributes
    ----------
    trial
        The trial that gave the train.
    rate_hz, sham
        Its rate, and whether no light came.
    pulses_us
        When its pulses came, board time.
    units
        Units that were listened to, in the order they were met.
    withheld
        Pulses so far that a stream did not hear as a whole, by the reason.
    """

    trial: int
    rate_hz: float
    sham: bool
    pulses_us: tuple[int, ...]
    units: tuple[UnitTag, ...]
    withheld: dict[str, int] = {}


class TagConfirmed(_Document, frozen=True, kw_only=True, tag="tag_confirmed"):
    """A person has said whether a unit is tagged; the newest word on a unit counts."""

    word: Confirmation


class UnitPresence(_Document, frozen=True, kw_only=True, tag="unit_presence"):
    """A unit has appeared on its stream, or vanished from it.

    Attributes
    ----------
    there
        True: it fired for the first time, or (`again`) after it had vanished. False: it has been silent for
        `silent_s`, far longer than chance makes it.
    board_us
        Of that spike, or of its last one; None while the stream's clock is not known.
    """

    unit: str
    there: bool
    again: bool = False
    silent_s: float | None = None
    board_us: int | None = None


class FibreResponseTaken(_Document, frozen=True, kw_only=True, tag="fibre_response"):
    """What one fibre said about one event: a population's signal. It comes when its samples have come.

    Attributes
    ----------
    source, fibre
        Names in the rig file.
    aligned_to
        What the response follows: the reward or the cue.
    reward_ul, signalled, condition
        Of the trial.
    dff, baseline_dff
        Mean dF/F after the event minus that before the trial's first stimulus, and the latter; a fraction
        (0.01 is 1 %). None where withheld.
    lost
        Samples that were lost in the two windows.
    reason
        Why it was withheld, else null.
    start_ms, step_ms, trace
        dF/F around the event, from `start_ms` on; null where unknown. The filter's delay is made up for.
    """

    trial: int
    source: str
    fibre: str
    aligned_to: Literal["reward", "cue"]
    condition: str
    reward_ul: float
    signalled: bool
    dff: float | None
    baseline_dff: float | None
    lost: int = 0
    reason: str | None = None
    start_ms: int = 0
    step_ms: int = 0
    trace: tuple[float | None, ...] = ()


class FibreEstimatesUpdated(_Document, frozen=True, kw_only=True, tag="fibre_estimates"):
    """All fibres' reversal points, from the epoch's beginning. They are of populations, not of units."""

    trial: int
    epoch: int
    fibres: tuple[FibreTold, ...]


class LoopsMeasured(_Document, frozen=True, kw_only=True, tag="loops"):
    """How long loops on fibres took from light to action, so far; each ten seconds, and at the end."""

    board_us: int
    loops: tuple[LoopLatency, ...]


class DeviceClock(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of one stream, or of one photometry device, against the board's."""

    name: str
    health: ClockHealth


class ClocksRead(_Document, frozen=True, kw_only=True, tag="clocks"):
    """How every device's clock stands, each five seconds and whenever one is no longer to be trusted."""

    board_us: int
    devices: tuple[DeviceClock, ...]


class HarpEvent(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One register as a Harp device told it: name, the device's time, the board's, whether it answers us.

    Attributes
    ----------
    harp_us
        The device's own clock, microseconds (in steps of 32).
    board_us
        The same moment by the board's clock; None while the device's clock was not known.
    asked
        True: an answer to a write. False: sent by the device itself.
    value
        In the words of its `device.yml`.
    """

    register: str
    harp_us: int
    board_us: int | None
    asked: bool
    value: HarpValue


class HarpEvents(_Document, frozen=True, kw_only=True, tag="harp_events"):
    """What a Harp device beside the board told: answers to writes, and the events that the rig file names."""

    device: str
    events: tuple[HarpEvent, ...]


class Notice(_Document, frozen=True, kw_only=True, tag="notice"):
    """Something people should know: a refused command, noise, a gap, a note of the operator's."""

    level: Literal["info", "warning", "error", "note"]
    source: str
    text: str
    board_us: int | None = None


class SessionEnded(_Document, frozen=True, kw_only=True, tag="session_ended"):
    """The last document of a session."""

    reason: str
    ok: bool
    trials: int
    delivered_ul: float
    decision_digest: str
    deadlines_expired: int


class StreamState(msgspec.Struct, frozen=True, kw_only=True):
    """Health of one neural stream; `clock` says whether its times can be trusted, and why not."""

    name: str
    messages: int
    lost: int
    noise_bytes: int
    restarts: int
    clock_sigma_us: float | None
    clock_pulses: int
    units: int
    clock: ClockHealth | None = None


class SessionState(_Document, frozen=True, kw_only=True, tag="state"):
    """Where the session stands; the newest one wins."""

    phase: Literal[
        "connecting", "warming up", "deciding", "uploading", "running", "closing", "paused", "ended"
    ]
    subject: str
    protocol: str
    rig: str
    trial: int
    trials: int | None
    rewarded: int
    delivered_ul: float
    board_us: int
    settled: int
    units: int
    streams: tuple[StreamState, ...] = ()
    sources: tuple[SourceHealth, ...] = ()
    events_lost: int = 0
    accepts: tuple[str, ...] = ()
    last_line: str = ""


Document = (
    SessionStarted
    | EpochStarted
    | Audit
    | TrialDone
    | ResponseTaken
    | CueResponseTaken
    | EstimatesUpdated
    | AlignedSpikes
    | BoardActivity
    | TagsUpdated
    | TagConfirmed
    | UnitPresence
    | FibreResponseTaken
    | FibreEstimatesUpdated
    | LoopsMeasured
    | ClocksRead
    | HarpEvents
    | Notice
    | SessionEnded
    | SessionState
)
