"""The window's picture of a session: documents in, plain values out. Knows no Qt, reads no clock.

Longer than most: everything that panels may ask stands in this one place.

Panels never see a document. They read this model when it says that something of theirs has changed
(`Aspect`), so that replay, attach and live run are the same to them.
"""

from __future__ import annotations

import array
import enum
import math
import re
from collections import deque

import msgspec
import numpy as np
import numpy.typing as npt

from gui.answers import CueResponse, EpochMark, UnitResponse, put
from gui.client import Begun, HealthSeen, LinkChanged, Missed, PopulationSeen, Update
from gui.clock_book import ClockBook
from gui.declared import Declared
from gui.fibre_book import FibreBook
from gui.fibre_samples import FibreSamples
from gui.light_book import LightBook
from gui.live_trial import LiveTrial
from rig.documents import (
    AlignedSpikes,
    Audit,
    BoardActivity,
    ClocksRead,
    CueResponseTaken,
    EpochStarted,
    EstimatesUpdated,
    FibreEstimatesUpdated,
    FibreResponseTaken,
    Happening,
    LoopsMeasured,
    Notice,
    ResponseTaken,
    SessionEnded,
    SessionStarted,
    SessionState,
    TagConfirmed,
    TagsUpdated,
    TrialDone,
    UnitEstimate,
    UnitPresence,
)
from rig.population.shapes import PopulationView
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
    POPULATION = enum.auto()
    FIBRES = enum.auto()
    LIVE_FIBRES = enum.auto()
    LIGHT = enum.auto()
    CLOCKS = enum.auto()
    EVERYTHING = (1 << 15) - 1


MOST_HAPPENINGS = 4000
MOST_NOTICES = 500
LATE_TRIALS = 16
"""So many trials back the spikes of a stream may still come that was late."""

_CHANGED = re.compile(r"(\w+) = (.*) from the next trial on")
"""How the session says that it took a new value for a parameter (`rig.session.desk`)."""


class SessionModel(Declared):
    """Everything the panels draw.

    What belongs to one declared distribution (sizes, estimates, responses, spikes) is that of the newest
    epoch; trials, water and the paths of the estimates are those of the whole session.

    Attributes
    ----------
    state, ended
        The newest documents of their kind, or None.
    records
        Finished trials, oldest first.
    happened
        What the board did lately, oldest first (live views only).
    live
        The newest trial that was seen to begin (live views only), also after its end.
    changed
        Parameter name -> its newest value as text, where it was changed since the start.
    notices_seen
        Notices so far, also those that `notices` no longer holds.
    session_file
        Where the session is recorded; empty if that is not known. The window fills it in.
    estimates
        Unit name -> newest estimate, in roster order.
    epoch_marks
        Where later epochs began on the axis of `settling`.
    audits
        Epoch -> the newest audit of what was delivered in it.
    population, population_note
        The newest view of all units together (None until there is one); what is wrong with it, else empty.
    fibres
        Photometry: live traces, averages, reversal points, loops.
    settling
        Unit name -> list of (rewarded trials so far in the session, estimate Hz, low Hz, high Hz).
    settling_ul
        Unit name -> estimate, low and high in uL, one after the other, for each entry of `settling`.
    responses
        Unit name -> answers, oldest first.
    cue_responses
        Unit name -> answers to cues, oldest first.
    spikes, cue_spikes
        Trials with spikes around the reward, and around the cue, oldest first.
    selected
        The unit that the unit panels show, or None.
    tagged
        Units that a person has confirmed as tagged.
    vanished
        Units that have fallen silent, and since when (board time in microseconds, or None).
    light, clocks
        What light did to the units; how the devices' clocks went.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state: SessionState | None = None
        self.ended: SessionEnded | None = None
        self.records: list[TrialRecord] = []
        self.happened: deque[Happening] = deque(maxlen=MOST_HAPPENINGS)
        self.live: LiveTrial | None = None
        self.changed: dict[str, str] = {}
        self.notices_seen = 0
        self.session_file = ""
        self.estimates: dict[str, UnitEstimate] = {}
        self.rewarded = 0
        self.settling: dict[str, list[tuple[int, float, float, float]]] = {}
        self.settling_ul: dict[str, array.array[float]] = {}
        self.responses: dict[str, list[UnitResponse]] = {}
        self.cue_responses: dict[str, list[CueResponse]] = {}
        self.spikes: list[AlignedSpikes] = []
        self.cue_spikes: list[AlignedSpikes] = []
        self.epoch_marks: list[EpochMark] = []
        self.audits: dict[int, Audit] = {}
        self.fibres = FibreBook()
        self.population: PopulationView | None = None
        self.population_note = ""
        self.notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self.health: HealthSeen | None = None
        self.link_reason: str | None = None
        self.missed = 0
        self.selected: str | None = None
        self.tagged: set[str] = set()
        self.vanished: dict[str, int | None] = {}
        self.light = LightBook()
        self.clocks = ClockBook()
        self._by_number: dict[int, TrialRecord] = {}
        self._numbers: dict[int, int] = {}
        self._wanted: str | None = None
        self._rewarded_before = 0

    def reset(self) -> None:
        """Forget the session; the unit that was chosen is chosen again as soon as it is known."""
        link, wanted, file = self.link_reason, self.selected or self._wanted, self.session_file
        self.__init__()  # type: ignore[misc]  # everything that the constructor sets, and nothing else
        self.link_reason, self._wanted, self.session_file = link, wanted, file

    def take(self, update: Update) -> Aspect:
        """Take one update; return what has changed."""
        match update:
            case SessionStarted():
                self.started = update
                self.light.begin(update)
                self.tagged = self.light.tagged
                return Aspect.SESSION
            case SessionState():
                self.state = update
                self.clocks.state(update)
                return Aspect.STATE
            case SessionEnded():
                self.ended = update
                return Aspect.SESSION | Aspect.STATE
            case TrialDone():
                self.light.trial(update)
                return self._trial(update.record)
            case BoardActivity():
                return self._activity(update)
            case ResponseTaken():
                return self._response(update)
            case EstimatesUpdated():
                return self._estimates(update)
            case AlignedSpikes():
                return self._spikes(update)
            case EpochStarted():
                return self._epoch(update)
            case Audit():
                self.audits[update.epoch] = update
                return Aspect.TRIALS
            case CueResponseTaken():
                return self._cue_response(update)
            case Notice():
                return self._notice(update)
            case TagsUpdated():
                return self._tags(update)
            case TagConfirmed():
                self.light.confirmed(update)
                self.tagged = self.light.tagged
                return Aspect.LIGHT | Aspect.ESTIMATES | Aspect.SELECTION
            case UnitPresence():
                self.vanished.pop(update.unit, None)
                if not update.there:
                    self.vanished[update.unit] = update.board_us
                return Aspect.ESTIMATES | Aspect.SELECTION
            case ClocksRead():
                self.clocks.read(update)
                return Aspect.CLOCKS
            case FibreSamples():
                self.fibres.samples(update)
                return Aspect.LIVE_FIBRES
            case FibreResponseTaken():
                self.fibres.response(update)
                return Aspect.FIBRES
            case FibreEstimatesUpdated():
                if update.epoch == self.epoch_number:
                    self.fibres.estimates(update)
                return Aspect.FIBRES
            case LoopsMeasured():
                self.fibres.measured(update)
                return Aspect.FIBRES
            case PopulationSeen():
                self.population, self.population_note = update.view, update.note
                return Aspect.POPULATION
            case HealthSeen():
                self.health = update
                return Aspect.HEALTH
            case LinkChanged():
                self.link_reason = update.reason
                return Aspect.HEALTH | Aspect.STATE
            case Missed():
                self.missed += update.count
                return Aspect.HEALTH
            case Begun():
                self.reset()
                return Aspect.EVERYTHING
            case _:
                return Aspect.NOTHING  # of no panel's concern

    def select(self, unit: str | None) -> Aspect:
        """Choose the unit that the unit panels show."""
        known = unit is None or unit in self.estimates or unit in self.light.units
        if unit == self.selected or not known:
            return Aspect.NOTHING
        self.selected = unit
        return Aspect.SELECTION

    # --- what panels ask --------------------------------------------------------------------------

    @property
    def audit(self) -> Audit | None:
        """What was delivered in the newest epoch against what was declared; None if nothing was told yet."""
        return self.audits.get(self.epoch_number)

    @property
    def unsignalled_shift_hz(self) -> float:
        """What is added to unsignalled responses before they are estimated from, in Hz."""
        return self.started.unsignalled_shift_hz if self.started else 0.0

    def settled_path(self, unit: str) -> npt.NDArray[np.float64]:
        """How one unit's estimate went.

        Returns
        -------
        ndarray
            Shape (estimates, 4): rewarded trials so far, estimate, low and high end of its interval in uL.
        """
        trials = np.array([entry[0] for entry in self.settling.get(unit, ())], dtype=np.float64)
        values = np.array(self.settling_ul.get(unit, ()), dtype=np.float64).reshape(-1, 3)
        return np.column_stack([trials, values])

    @property
    def over(self) -> bool:
        """Whether the session has ended."""
        return self.ended is not None

    def record(self, trial: int) -> TrialRecord | None:
        """Return the record of trial `trial` (0-based), if it is known."""
        return self._by_number.get(trial)

    def counts_by_size(self) -> dict[float, int]:
        """How often each size was really given, over finished trials of the newest epoch."""
        counts, first = dict.fromkeys(self.sizes_ul, 0), self.first_trial
        for record in reversed(self.records):
            if record.number < first:
                break
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

    def _activity(self, update: BoardActivity) -> Aspect:
        self.happened.extend(update.happened)
        for happening in update.happened:
            if happening.kind == "start":
                self.live = LiveTrial(update.trial, happening.board_us)
            elif self.live is not None and self.live.end_us is None:
                self.live.take(happening)
        return Aspect.ACTIVITY

    def _epoch(self, update: EpochStarted) -> Aspect:
        """Begin a new epoch: what is about one distribution begins from nothing, the rest goes on."""
        if self.epochs and update.epoch <= self.epochs[-1].epoch:
            return Aspect.NOTHING
        self.epochs.append(update)
        self._rewarded_before += self.rewarded
        self.rewarded = 0
        self.epoch_marks.append(EpochMark(self._rewarded_before, update.name))
        self.estimates, self.responses, self.cue_responses = {}, {}, {}
        self.spikes, self.cue_spikes = [], []
        self.fibres.begin_epoch()
        for unit, path in self.settling.items():  # a gap: the old path ends, another one begins
            path.append((self._rewarded_before, math.nan, math.nan, math.nan))
            self.settling_ul[unit].extend((math.nan,) * 3)
        return ~(Aspect.STATE | Aspect.HEALTH | Aspect.POPULATION)

    def _spikes(self, update: AlignedSpikes) -> Aspect:
        """Keep a trial's spikes, every number and the units' names once: a quarter of the memory."""
        if update.aligned_to == "light":
            self.light.spikes(update)
            return Aspect.NOTHING  # the train is told in a moment
        if update.trial < self.first_trial:
            return Aspect.NOTHING  # they came late, and belong to an epoch that is over
        reward = update.aligned_to == "reward"
        kept = self.spikes if reward else self.cue_spikes
        units = update.units
        if kept and kept[-1].units == units:
            units = kept[-1].units
        shared = self._numbers.setdefault
        times = tuple(tuple([shared(time, time) for time in unit]) for unit in update.times)
        found = msgspec.structs.replace(update, units=units, times=times)
        if any(trial.trial == update.trial for trial in kept[-LATE_TRIALS:]):
            # A stream came late: told again, with what was there before. A new list says that it is one.
            kept = [found if trial.trial == update.trial else trial for trial in kept]
        else:
            kept.append(found)
        if reward:
            self.spikes = kept
        else:
            self.cue_spikes = kept
        return Aspect.SPIKES

    def notices_since(self, seen: int) -> list[Notice]:
        """Return the notices after the first `seen`, as far as they are kept; all if the count began anew."""
        fresh = self.notices_seen - seen if self.notices_seen >= seen else self.notices_seen
        return list(self.notices)[max(0, len(self.notices) - fresh) :]

    def _notice(self, notice: Notice) -> Aspect:
        self.notices.append(notice)
        self.notices_seen += 1
        found = _CHANGED.fullmatch(notice.text) if notice.level == "note" else None
        if found and self.started is not None and found[1] in self.started.parameters:
            self.changed[found[1]] = found[2]
        return Aspect.NOTICES

    def _response(self, update: ResponseTaken) -> Aspect:
        response = update.response
        record = self._by_number.get(response.trial)
        if record is None or response.trial < self.first_trial:
            return Aspect.NOTHING
        spec, epoch = record.spec, self.epoch
        discarded = epoch is not None and response.trial < epoch.trial + epoch.discard
        counts = self.counts(spec.condition) and not discarded
        for unit, hz in zip(response.units, response.response_hz, strict=True):
            if hz is not None:
                answer = UnitResponse(response.trial, spec.reward_ul, spec.signalled, hz, counts)
                put(self.responses.setdefault(unit, []), answer)
        return Aspect.RESPONSES

    def _cue_response(self, update: CueResponseTaken) -> Aspect:
        response = update.response
        record = self._by_number.get(response.trial)
        if record is None or response.trial < self.first_trial:
            return Aspect.NOTHING
        for unit, hz in zip(response.units, response.response_hz, strict=True):
            if hz is not None:
                answer = CueResponse(response.trial, record.spec.condition, hz)
                put(self.cue_responses.setdefault(unit, []), answer)
        return Aspect.RESPONSES

    def _tags(self, update: TagsUpdated) -> Aspect:
        self.light.updated(update)
        changed = Aspect.LIGHT
        if self.selected is None and update.units:
            known = self._wanted in self.light.units
            self.selected = self._wanted if known else update.units[0].unit
            changed |= Aspect.SELECTION
        return changed

    def _estimates(self, update: EstimatesUpdated) -> Aspect:
        if update.epoch < self.epoch_number:
            return Aspect.NOTHING  # late data of an epoch that is over: its estimates are frozen here
        self.rewarded = update.rewarded
        changed = Aspect.ESTIMATES
        rewarded = self._rewarded_before + update.rewarded
        for unit in update.units:
            self.estimates[unit.unit] = unit
            if unit.bayes_hz is not None and unit.bayes_ci95_hz is not None:
                low, high = unit.bayes_ci95_hz
                self.settling.setdefault(unit.unit, []).append((rewarded, unit.bayes_hz, low, high))
                low, high = unit.bayes_ci95_ul or (math.nan, math.nan)
                middle = math.nan if unit.bayes_ul is None else unit.bayes_ul
                self.settling_ul.setdefault(unit.unit, array.array("d")).extend((middle, low, high))
        if self.selected is None and update.units:
            known = self._wanted in self.estimates
            self.selected = self._wanted if known else update.units[0].unit
            changed |= Aspect.SELECTION
        return changed
