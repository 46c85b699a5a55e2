"""What a protocol author writes: a parameter class and three methods.

`decide` says what the next trial shall be, `table` turns that into states for the board, `describe`
gives one line for the log. A protocol touches no device and no clock. One file runs on hardware, on
the emulated rig and in pure simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, overload

from rig.design.draws import Draws
from rig.design.epochs import Epoch, declared
from rig.design.params import Params
from rig.design.schedule import Schedule, TrialType
from rig.documents import CueRoles
from rig.errors import ConfigError
from rig.estimate.online import ReversalEstimator
from rig.machine.build import StateMachine
from rig.trial.spec import ResponseWindow, TrialRecord, TrialSpec


class History:
    """What took place so far in this session; read-only for protocols."""

    def __init__(self) -> None:
        self._records: list[TrialRecord] = []
        self._rewarded = 0
        self._frozen: dict[str, ReversalEstimator] = {}
        self._epoch, self._epoch_from, self._rewarded_before = 0, 0, 0

    def add(self, record: TrialRecord) -> None:
        """Append a finished trial (the session does this)."""
        self._records.append(record)
        self._rewarded += record.reward_us is not None

    def begin_epoch(self, ended: str, estimates: ReversalEstimator | None) -> None:
        """Begin the next epoch: keep what was known at the end of `ended` (the session does this)."""
        if estimates is not None:
            self._frozen[ended] = estimates.frozen()
        self._epoch += 1
        self._epoch_from, self._rewarded_before = len(self._records), self._rewarded

    @property
    def records(self) -> Sequence[TrialRecord]:
        """All finished trials, oldest first."""
        return Records(self._records)

    @property
    def trials(self) -> int:
        """Number of finished trials, so also the number of the next one."""
        return len(self._records)

    @property
    def rewarded(self) -> int:
        """Number of finished trials with a reward."""
        return self._rewarded

    @property
    def delivered_ul(self) -> float:
        """Water given in finished trials, in uL."""
        return sum(record.delivered_ul for record in self._records)

    @property
    def epoch(self) -> int:
        """Number of the epoch that runs, 0 for the first (see `rig.design.epochs`)."""
        return self._epoch

    @property
    def epoch_records(self) -> Sequence[TrialRecord]:
        """The finished trials of the epoch that runs, oldest first."""
        return self._records[self._epoch_from :]

    @property
    def epoch_trials(self) -> int:
        """Number of finished trials of the epoch that runs."""
        return len(self._records) - self._epoch_from

    @property
    def epoch_rewarded(self) -> int:
        """Number of those with a reward."""
        return self._rewarded - self._rewarded_before

    @property
    def frozen(self) -> Mapping[str, ReversalEstimator]:
        """The estimates of the epochs that are over, by their names, as they stood at the end of each.

        An epoch in which nothing was recorded is not there.
        """
        return MappingProxyType(self._frozen)


class Records(Sequence[TrialRecord]):
    """The finished trials, to be read; nobody but the session adds to them."""

    def __init__(self, records: list[TrialRecord]) -> None:
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[TrialRecord]:
        return iter(self._records)

    @overload
    def __getitem__(self, index: int) -> TrialRecord: ...
    @overload
    def __getitem__(self, index: slice) -> list[TrialRecord]: ...
    def __getitem__(self, index: int | slice) -> TrialRecord | list[TrialRecord]:
        return self._records[index]


class Protocol:
    """Base of all protocols.

    Attributes
    ----------
    response
        Where a unit's response is counted, or None for a protocol that reads no neural stream.
    reversal_conditions
        Conditions whose rewards the units' reversal points are estimated from; None: every reward. A
        reversal point belongs to one reward distribution. Where cues promise different ones, name the
        conditions of one of them, or none: ``()``.
    cue_response
        Where a unit's response to the cue is counted, rewarded or not; start, stop and baseline are relative
        to the cue's onset. None: cue responses are not taken.
    declared_epochs
        What `epochs` returned when the protocol was made; it cannot change any more.
    """

    class Parameters(Params):
        """A protocol without parameters."""

    response: ClassVar[ResponseWindow | None] = ResponseWindow()
    cue_response: ClassVar[ResponseWindow | None] = None
    reversal_conditions: ClassVar[tuple[str, ...] | None] = None

    def __init__(self, parameters: Params | None = None, seed: int = 0) -> None:
        self.parameters = parameters if parameters is not None else self.Parameters()
        self.declared_epochs = declared(self.epochs(), self.reversal_conditions)
        first, *later = (epoch.block for epoch in self.declared_epochs)
        self.schedule = Schedule(first, seed, *later)
        self._check_cues()

    @property
    def cue_roles(self) -> CueRoles | None:
        """The conditions whose cues promise one reward seldom, half-way and often; None if there are none.

        With them the coding of the middle cue is told (docs/explanation/cue-responses.md). The odds of the
        middle one must lie half-way between the others: then classical units answer half-way, too. A protocol
        of fixed odds can say ``cue_roles = CueRoles(low=..., middle=..., high=...)``.
        """
        return None

    def _check_cues(self) -> None:
        roles = self.cue_roles
        if roles is None:
            return
        if self.cue_response is None:
            raise ConfigError("'cue_roles' needs a window: set 'cue_response' to a ResponseWindow")
        named = (roles.low, roles.middle, roles.high)
        if len(set(named)) < len(named):
            raise ConfigError("'cue_roles' names one condition twice; it needs three different ones")
        declared_kinds = (kind for block in self.schedule.blocks for kind in block)
        with_cue = {kind.condition for kind in declared_kinds if kind.cue is not None}
        unknown = [condition for condition in named if condition not in with_cue]
        if unknown:
            raise ConfigError(
                f"'cue_roles' names '{unknown[0]}', which is no condition with a cue in the declared block"
            )

    def tells_reversal(self, trial: TrialSpec) -> bool:
        """Whether the reward of this trial belongs to the distribution that reversal points are about."""
        conditions = self.declared_epochs[self.schedule.epoch].conditions
        return conditions is None or trial.condition in conditions

    def epochs(self) -> list[Epoch]:
        """Return the epochs of the session in their order: one that never ends, unless you say otherwise.

        Raises
        ------
        ConfigError
            If the parameters contradict each other.
        """
        return [Epoch("session", self.block())]

    def block(self) -> list[tuple[TrialType, int]]:
        """Return the declared block: (trial type, how often it comes in a block).

        Raises
        ------
        ConfigError
            If the parameters contradict each other.
        """
        raise NotImplementedError("a protocol must define 'block'")

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Return the next trial, or None to finish.

        Parameters
        ----------
        history
            The trials so far.
        estimates
            The units' reversal points so far in this epoch; None where nothing is recorded, and in an epoch
            with light. They may end the session or make it wait. They cannot choose a trial: the session
            runs what `self.schedule` declares, and nothing else (docs/explanation/closed-loop.md).
        rng
            Draws of this trial's own, seeded by the session's seed and the trial's number.
        """
        raise NotImplementedError("a protocol must define 'decide'")

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states of this trial."""
        raise NotImplementedError("a protocol must define 'table'")

    def describe(self, trial: TrialSpec) -> str:
        """Return one line for the log."""
        parts = [trial.condition, f"{trial.reward_ul:g} uL" if trial.reward_ul else "no reward"]
        if trial.stimulation:
            parts.append(trial.stimulation)
        if trial.timing_s.get("pause"):
            parts.append(f"after a pause of {trial.timing_s['pause']:g} s")
        return ", ".join(parts)
