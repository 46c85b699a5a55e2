"""Which responses of a session count, read from what it told: the rules of its own estimator.

A session tells its responses trial by trial, and late ones again (`revised`). Here every unit's response of
a trial is handed on once, shifted as the session shifts it, with the size it counts for. It counts for the
reversal points if the reward is one of the epoch's sizes, belongs to the epoch's reward distribution, and
the epoch's first trials, in which the animal learns anew, are over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from rig.documents import (
    CueResponseTaken,
    CueRoles,
    DeclaredTrial,
    Document,
    EpochStarted,
    ResponseTaken,
    SessionStarted,
    TrialDone,
)
from rig.trial.spec import ResponseWindow, TrialResponse, TrialSpec

KEPT_TRIALS: Final = 64
"""Trials that a late response can still belong to; a session waits for far fewer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What units said in one trial and had not said before.

    Attributes
    ----------
    units
        All units of the stream, also those without a response.
    response_hz, baseline_hz
        Unit -> its response, shifted as the session shifts it, and its rate before the stimulus; of the units
        that are new in this trial. No baselines where the windows are not known.
    spikes, seconds
        Unit -> spikes in both windows, and the length of both together.
    size_index
        Which of the epoch's sizes it counts for; None: it does not count for the reversal points.
    first
        It is the first that the trial counts by.
    """

    trial: int
    spec: TrialSpec
    units: tuple[str, ...]
    response_hz: dict[str, float]
    baseline_hz: dict[str, float]
    spikes: dict[str, int]
    seconds: float
    size_index: int | None
    first: bool


@dataclass(frozen=True, slots=True)
class CueAnswer:
    """The same for the cue of a trial: 0 promises a reward seldom, 1 half of the time, 2 nearly always."""

    trial: int
    units: tuple[str, ...]
    response_hz: dict[str, float]
    cue_index: int


@dataclass(slots=True)
class _Trial:
    spec: TrialSpec
    told: set[str] = field(default_factory=set)
    told_cue: set[str] = field(default_factory=set)


class SessionResponses:
    """Follows the documents of one session.

    Parameters
    ----------
    shift_hz
        Add this to responses to unsignalled rewards; None: what the session adds.

    Attributes
    ----------
    started
        The session's first document; None before it.
    epoch
        The epoch that runs: its first document, None in the first one.
    """

    def __init__(self, shift_hz: float | None = None) -> None:
        self._shift_hz = shift_hz
        self.started: SessionStarted | None = None
        self.epoch: EpochStarted | None = None
        self._trials: dict[int, _Trial] = {}
        self._counted: set[int] = set()

    @property
    def number(self) -> int:
        """Number of the epoch that runs."""
        return self.epoch.epoch if self.epoch else 0

    @property
    def sizes_ul(self) -> tuple[float, ...]:
        """Reward sizes of the epoch, ascending."""
        begun = self.epoch or self.started
        return begun.sizes_ul if begun else ()

    @property
    def utility_axis_hz(self) -> tuple[float, ...]:
        """Their utilities; empty where no responses are taken."""
        begun = self.epoch or self.started
        return begun.utility_axis_hz if begun else ()

    @property
    def conditions(self) -> tuple[str, ...] | None:
        """Conditions whose rewards the reversal points are about; None: all."""
        begun = self.epoch or self.started
        return begun.reversal_conditions if begun else None

    @property
    def declared(self) -> tuple[DeclaredTrial, ...]:
        """The trial types of the epoch's block."""
        begun = self.epoch or self.started
        return begun.declared if begun else ()

    @property
    def _counts_from(self) -> int:
        """Number of the first trial that counts."""
        if self.epoch is not None:
            return self.epoch.trial + self.epoch.discard
        return self.started.epochs[0].discard if self.started and self.started.epochs else 0

    @property
    def roles(self) -> CueRoles | None:
        """What the diversity of cue coding is read from."""
        return self.started.cue_roles if self.started else None

    def take(self, document: Document) -> Answer | CueAnswer | None:
        """Take one document, in the session's order; return what is new in it, if anything."""
        match document:
            case SessionStarted():
                self.started, self.epoch = document, None
                self._trials, self._counted = {}, set()
            case EpochStarted():
                self.epoch = document
                self._counted = set()
            case TrialDone():
                self._trials[document.record.number] = _Trial(document.record.spec)
                for old in list(self._trials)[:-KEPT_TRIALS]:
                    del self._trials[old]
                    self._counted.discard(old)
            case ResponseTaken():
                return self._answer(document.response)
            case CueResponseTaken():
                return self._cue_answer(document.response)
            case _:
                pass
        return None

    def _answer(self, response: TrialResponse) -> Answer | None:
        trial = self._trials.get(response.trial)
        if trial is None or self.started is None:
            return None
        size = self._size(response.trial, trial.spec)
        own = self.started.unsignalled_shift_hz if self._shift_hz is None else self._shift_hz
        shift = 0.0 if trial.spec.signalled else own
        fresh = _fresh(response, trial.told)
        counts = {
            unit: pair
            for unit, pair in zip(response.units, response.counts, strict=True)
            if pair is not None and unit in fresh
        }
        after_s, before_s = _lengths_s(self.started.window)
        first = size is not None and bool(fresh) and response.trial not in self._counted
        if first:
            self._counted.add(response.trial)
        return Answer(
            trial=response.trial,
            spec=trial.spec,
            units=response.units,
            response_hz={unit: y + shift for unit, y in fresh.items()},
            baseline_hz={unit: pair[1] / before_s for unit, pair in counts.items()} if before_s else {},
            spikes={unit: sum(pair) for unit, pair in counts.items()},
            seconds=after_s + before_s,
            size_index=size,
            first=first,
        )

    def _size(self, number: int, spec: TrialSpec) -> int | None:
        """Which size the trial counts for, by the rules of the epoch."""
        if number < self._counts_from:
            return None
        if spec.reward_ul not in self.sizes_ul:
            return None
        if self.conditions is not None and spec.condition not in self.conditions:
            return None
        return self.sizes_ul.index(spec.reward_ul)

    def _cue_answer(self, response: TrialResponse) -> CueAnswer | None:
        trial, roles = self._trials.get(response.trial), self.roles
        if trial is None or roles is None:
            return None
        conditions = (roles.low, roles.middle, roles.high)
        if trial.spec.condition not in conditions:
            return None
        fresh = _fresh(response, trial.told_cue)
        return CueAnswer(response.trial, response.units, fresh, conditions.index(trial.spec.condition))


def _fresh(response: TrialResponse, told: set[str]) -> dict[str, float]:
    """Responses of the units that have not told any in this trial; they are marked as told."""
    fresh = {
        unit: y
        for unit, y in zip(response.units, response.response_hz, strict=True)
        if y is not None and unit not in told
    }
    told.update(fresh)
    return fresh


def _lengths_s(window: ResponseWindow | None) -> tuple[float, float]:
    """Length of the window after the reward and of the one before the stimulus; 0 where not known."""
    if window is None:
        return 0.0, 0.0
    after = (window.stop_ms - window.start_ms) / 1000.0
    return after, (window.baseline_stop_ms - window.baseline_start_ms) / 1000.0
