"""The window's picture of a session: documents in, plain values out. Knows no Qt, reads no clock.

Panels never see a document. They read this model when it says that something of theirs has changed
(`Aspect`), so that replay, attach and live run are the same to them.
"""

from __future__ import annotations

import enum
from collections import deque

import msgspec
import numpy as np
import numpy.typing as npt

from gui.client import HealthSeen, LinkChanged, Missed, Update
from rig.documents import (
    AlignedSpikes,
    BoardActivity,
    EstimatesUpdated,
    Happening,
    Notice,
    ResponseTaken,
    SessionEnded,
    SessionStarted,
    SessionState,
    TrialDone,
    UnitEstimate,
)
from rig.trial.spec import TrialRecord


class Aspect(enum.Flag):
    """What of the picture has changed."""

    NOTHING = 0
    SESSION = enum.auto()
    STATE = enum.auto()
    TRIALS = enum.auto()
    ACTIVITY = enum.auto()
    ESTIMATES = enum.auto()
    RESPONSES = enum.auto()
    SPIKES = enum.auto()
    NOTICES = enum.auto()
    HEALTH = enum.auto()
    SELECTION = enum.auto()
    EVERYTHING = (1 << 10) - 1


MOST_HAPPENINGS = 4000
MOST_NOTICES = 500


class UnitResponse(msgspec.Struct, frozen=True):
    """One unit's answer to one reward: `hz` as estimated from (unsignalled ones not yet shifted)."""

    trial: int
    reward_ul: float
    signalled: bool
    hz: float


class SessionModel:
    """Everything the panels draw.

    Attributes
    ----------
    started, state, ended
        The newest documents of their kind, or None.
    records
        Finished trials, oldest first.
    happened
        What the board did lately, oldest first (live views only).
    estimates
        Unit name -> newest estimate, in roster order.
    settling
        Unit name -> list of (rewarded trials so far, estimate Hz, low Hz, high Hz).
    responses
        Unit name -> answers, oldest first.
    spikes
        Trials with aligned spikes, oldest first.
    selected
        The unit that the unit panels show, or None.
    tagged
        Units that are identified (optotagging fills this in).
    """

    def __init__(self) -> None:
        self.started: SessionStarted | None = None
        self.state: SessionState | None = None
        self.ended: SessionEnded | None = None
        self.records: list[TrialRecord] = []
        self.happened: deque[Happening] = deque(maxlen=MOST_HAPPENINGS)
        self.estimates: dict[str, UnitEstimate] = {}
        self.rewarded = 0
        self.settling: dict[str, list[tuple[int, float, float, float]]] = {}
        self.responses: dict[str, list[UnitResponse]] = {}
        self.spikes: list[AlignedSpikes] = []
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self.health: HealthSeen | None = None
        self.link_reason: str | None = None
        self.missed = 0
        self.selected: str | None = None
        self.tagged: set[str] = set()
        self._by_number: dict[int, TrialRecord] = {}

    def take(self, update: Update) -> Aspect:
        """Take one update; return what has changed."""
        match update:
            case SessionStarted():
                self.started = update
                return Aspect.SESSION
            case SessionState():
                self.state = update
                return Aspect.STATE
            case SessionEnded():
                self.ended = update
                return Aspect.SESSION | Aspect.STATE
            case TrialDone():
                return self._trial(update.record)
            case BoardActivity():
                self.happened.extend(update.happened)
                return Aspect.ACTIVITY
            case ResponseTaken():
                return self._response(update)
            case EstimatesUpdated():
                return self._estimates(update)
            case AlignedSpikes():
                self.spikes.append(update)
                return Aspect.SPIKES
            case Notice():
                self.notices.append(update)
                return Aspect.NOTICES
            case HealthSeen():
                self.health = update
                return Aspect.HEALTH
            case LinkChanged():
                self.link_reason = update.reason
                return Aspect.HEALTH | Aspect.STATE
            case Missed():
                self.missed += update.count
                return Aspect.HEALTH

    def select(self, unit: str | None) -> Aspect:
        """Choose the unit that the unit panels show."""
        if unit == self.selected or (unit is not None and unit not in self.estimates):
            return Aspect.NOTHING
        self.selected = unit
        return Aspect.SELECTION

    # --- what panels ask --------------------------------------------------------------------------

    @property
    def sizes_ul(self) -> tuple[float, ...]:
        """The declared reward sizes, ascending."""
        return self.started.sizes_ul if self.started else ()

    @property
    def axis_hz(self) -> tuple[float, ...]:
        """Utility of each declared size, in Hz."""
        return self.started.utility_axis_hz if self.started else ()

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return self.ended is not None

    def record(self, trial: int) -> TrialRecord | None:
        """Return the record of trial `trial` (0-based), if it is known."""
        return self._by_number.get(trial)

    def counts_by_size(self) -> dict[float, int]:
        """How often each size was really given, over finished trials."""
        counts = dict.fromkeys(self.sizes_ul, 0)
        for record in self.records:
            if record.reward_us is not None and record.spec.reward_ul in counts:
                counts[record.spec.reward_ul] += 1
        return counts

    def unit_spikes(
        self, unit: str, reward_ul: float | None = None, *, signalled: bool | None = None
    ) -> list[npt.NDArray[np.float64]]:
        """Return one unit's spike times around rewards, in ms, one array a trial, oldest first."""
        found = []
        for trial in self.spikes:
            if reward_ul is not None and trial.reward_ul != reward_ul:
                continue
            if signalled is not None and trial.signalled != signalled:
                continue
            if unit in trial.units:
                found.append(np.asarray(trial.times[trial.units.index(unit)], dtype=np.float64) / 10.0)
        return found

    # --- how --------------------------------------------------------------------------------------

    def _trial(self, record: TrialRecord) -> Aspect:
        if record.number in self._by_number:
            return Aspect.NOTHING
        self._by_number[record.number] = record
        self.records.append(record)
        return Aspect.TRIALS

    def _response(self, update: ResponseTaken) -> Aspect:
        response = update.response
        record = self._by_number.get(response.trial)
        if record is None:
            return Aspect.NOTHING
        for unit, hz in zip(response.units, response.response_hz, strict=True):
            if hz is not None:
                answers = self.responses.setdefault(unit, [])
                answers.append(UnitResponse(response.trial, record.spec.reward_ul, record.spec.signalled, hz))
        return Aspect.RESPONSES

    def _estimates(self, update: EstimatesUpdated) -> Aspect:
        self.rewarded = update.rewarded
        changed = Aspect.ESTIMATES
        for unit in update.units:
            self.estimates[unit.unit] = unit
            if unit.bayes_hz is not None and unit.bayes_ci95_hz is not None:
                low, high = unit.bayes_ci95_hz
                self.settling.setdefault(unit.unit, []).append((update.rewarded, unit.bayes_hz, low, high))
        if self.selected is None and update.units:
            self.selected = update.units[0].unit
            changed |= Aspect.SELECTION
        return changed
