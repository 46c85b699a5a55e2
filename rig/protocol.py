"""What a protocol author writes: a parameter class and three methods.

`decide` says what the next trial shall be, `table` turns that into states for the board, `describe`
gives one line for the log. A protocol touches no device and no clock. One file runs on hardware, on
the emulated rig and in pure simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rig.draws import Draws
from rig.errors import ConfigError
from rig.estimate.online import ReversalEstimator
from rig.machine.build import StateMachine
from rig.params import Params
from rig.schedule import Schedule, TrialType
from rig.trial.spec import ResponseWindow, TrialRecord, TrialSpec


class History:
    """What took place so far in this session; read-only for protocols."""

    def __init__(self) -> None:
        self._records: list[TrialRecord] = []

    def add(self, record: TrialRecord) -> None:
        """Append a finished trial (the session does this)."""
        self._records.append(record)

    @property
    def records(self) -> Sequence[TrialRecord]:
        """All finished trials, oldest first."""
        return self._records

    @property
    def trials(self) -> int:
        """Number of finished trials, so also the number of the next one."""
        return len(self._records)

    @property
    def rewarded(self) -> int:
        """Number of finished trials with a reward."""
        return sum(record.reward_us is not None for record in self._records)

    @property
    def delivered_ul(self) -> float:
        """Water given in finished trials, in uL."""
        return sum(record.delivered_ul for record in self._records)


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
    """

    class Parameters(Params):
        """A protocol without parameters."""

    response: ClassVar[ResponseWindow | None] = ResponseWindow()
    reversal_conditions: ClassVar[tuple[str, ...] | None] = None

    def __init__(self, parameters: Params | None = None, seed: int = 0) -> None:
        self.parameters = parameters if parameters is not None else self.Parameters()
        block = self.block()
        self.schedule = Schedule(block, seed)
        unknown = set(self.reversal_conditions or ()) - {kind.condition for kind, _ in block}
        if unknown:
            raise ConfigError(
                f"'reversal_conditions' names '{min(unknown)}', which is no condition of the declared block"
            )

    def tells_reversal(self, trial: TrialSpec) -> bool:
        """Whether the reward of this trial belongs to the distribution that reversal points are about."""
        return self.reversal_conditions is None or trial.condition in self.reversal_conditions

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
            The units' reversal points so far; None where nothing is recorded.
        rng
            Draws of this trial's own, seeded by the session's seed and the trial's number.
        """
        raise NotImplementedError("a protocol must define 'decide'")

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states of this trial."""
        raise NotImplementedError("a protocol must define 'table'")

    def describe(self, trial: TrialSpec) -> str:
        """Return one line for the log."""
        reward = f"{trial.reward_ul:g} uL" if trial.reward_ul else "no reward"
        return f"{trial.condition}, {reward}"
