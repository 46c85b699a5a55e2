"""What the world is told. Plain values with schema and version inside; they refer to no Python type.

Documents are published on the *events* channel, stored in the session file, and are what `inspect`
reads. The *state* channel carries the newest `SessionState`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

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


class SessionStarted(_Document, frozen=True, kw_only=True, tag="session_started"):
    """The first document of a session.

    Attributes
    ----------
    unsignalled_shift_hz
        Added to responses to unsignalled rewards before they are estimated from; a constant of the session.
    reversal_conditions
        Conditions whose rewards the reversal points are estimated from; None: every reward.
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


class TrialDone(_Document, frozen=True, kw_only=True, tag="trial"):
    """One trial as it took place."""

    record: TrialRecord


class ResponseTaken(_Document, frozen=True, kw_only=True, tag="response"):
    """The units' responses in one trial. A late response comes again with `revised` true."""

    response: TrialResponse
    revised: bool = False


class AlignedSpikes(_Document, frozen=True, kw_only=True, tag="aligned_spikes"):
    """The spikes around one reward, for rasters and PSTHs.

    Attributes
    ----------
    start_ms, stop_ms
        The stretch that was looked at, relative to the reward.
    times
        Per unit, in units of 0.1 ms relative to the reward; empty where the stream was withheld.
    """

    trial: int
    reward_ul: float
    signalled: bool
    start_ms: int
    stop_ms: int
    units: tuple[str, ...]
    times: tuple[tuple[int, ...], ...]


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
    """All units' estimates after one trial."""

    trial: int
    rewarded: int
    units: tuple[UnitEstimate, ...]


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
    """Health of one neural stream."""

    name: str
    messages: int
    lost: int
    noise_bytes: int
    restarts: int
    clock_sigma_us: float | None
    clock_pulses: int
    units: int


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
    events_lost: int = 0
    accepts: tuple[str, ...] = ()
    last_line: str = ""


Document = (
    SessionStarted
    | TrialDone
    | ResponseTaken
    | EstimatesUpdated
    | AlignedSpikes
    | BoardActivity
    | Notice
    | SessionEnded
    | SessionState
)
