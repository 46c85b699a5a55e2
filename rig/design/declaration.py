"""What holds a running session to what was declared before it: its epochs, its auditor, its light.

The session asks here at every decision and tells what took place. Here nothing is ordered and nothing sent
to a board.
"""

from __future__ import annotations

from collections.abc import Callable

from rig.design.audit import Auditor
from rig.design.epochs import LEAST_RESPONSES, Epoch, Until
from rig.design.lent import lend, warning
from rig.design.light import LightLedger
from rig.design.pacing import anticipated
from rig.design.plan import SessionPlan
from rig.documents import Audit, DeclaredEpoch, EpochStarted
from rig.estimate.online import ReversalEstimator
from rig.events import OutputChange
from rig.machine.table import StateTable
from rig.outbox import Outbox
from rig.protocol import History, Protocol
from rig.trial.reckoning import Reckoning
from rig.trial.spec import TrialRecord, TrialSpec


class Declaration:
    """The declared epochs of one session, and the guards that hold it to them.

    Attributes
    ----------
    light
        What there was of light.
    """

    def __init__(self, plan: SessionPlan, history: History, reckoning: Reckoning, out: Outbox) -> None:
        plan.protocol.schedule.restart()
        self.light = LightLedger(plan.rig)
        self._epochs = plan.protocol.declared_epochs
        self._auditor = Auditor(plan.protocol.schedule, plan.rig)
        self._plan = plan
        self._history = history
        self._reckoning = reckoning
        self._out = out
        self._problem: str | None = None
        self._warned = False

    @property
    def epoch(self) -> Epoch:
        """The epoch that runs."""
        return self._epochs[self._history.epoch]

    def told(self) -> tuple[DeclaredEpoch, ...]:
        """Return all epochs for `SessionStarted`; none where there is one that says nothing of its own."""
        schedule = self._plan.protocol.schedule
        told = tuple(
            DeclaredEpoch(
                name=epoch.name,
                declared=schedule.declared(number),
                until=epoch.until.words() if epoch.until is not None else "",
                discard=epoch.discard or 0,
                stimulated=epoch.stimulated,
            )
            for number, epoch in enumerate(self._epochs)
        )
        return told if len(told) > 1 or told[0].discard else ()

    # --- at a decision --------------------------------------------------------------------------------

    def turn(self, protocol: Protocol) -> str | None:
        """Begin the next epoch if this one is over; return why the session is, if it was the last one.

        Parameters
        ----------
        protocol
            The one that decides; its schedule learns of the switch.
        """
        until, ended = self.epoch.until, self.epoch.name
        if until is None:
            return None
        reason = why_over(until, self._history, self._reckoning.estimator)
        if reason is None:
            return None
        if self._history.epoch + 1 == len(self._epochs):
            return f"epoch '{ended}' is over, and it was the last: {reason}"
        self._begin_next(protocol, ended, reason)
        return None

    def _begin_next(self, protocol: Protocol, ended: str, reason: str) -> None:
        trial, reckoning = self._history.trials, self._reckoning
        self._history.begin_epoch(ended, reckoning.estimator)
        number, epoch = self._history.epoch, self.epoch
        protocol.schedule.begin_epoch(trial)
        self._auditor.begin_epoch(trial)
        self._problem = None
        reckoning.begin_epoch(number, trial)
        self._out.publish(
            EpochStarted(
                epoch=number,
                name=epoch.name,
                trial=trial,
                sizes_ul=reckoning.sizes_ul,
                utility_axis_hz=reckoning.axis_at_sizes_hz,
                declared=protocol.schedule.declared(number),
                reversal_conditions=epoch.conditions,
                discard=epoch.discard or 0,
                stimulated=epoch.stimulated,
                reason=f"'{ended}' is over: {reason}",
            )
        )

    @property
    def estimates(self) -> ReversalEstimator | None:
        """What `decide` may see of the running estimates."""
        return handed(self.epoch, self._reckoning.estimator, self._values_read)

    def _values_read(self, name: str) -> None:
        if not self._warned:
            self._warned = True
            self._out.notice("warning", "auditor", warning(name))

    def lock(self, number: int, trial: TrialSpec) -> None:
        """Refuse a trial that is not the declared one (`Auditor.lock`)."""
        self._auditor.lock(number, trial)

    def lock_table(self, number: int, trial: TrialSpec, table: StateTable, now_us: int) -> None:
        """Refuse a table that gives more, or shines where that is not declared."""
        self.light.lock(number, trial, self.epoch, table, now_us)
        self._auditor.lock_table(number, trial, table)

    # --- what took place --------------------------------------------------------------------------------

    def add(self, event: OutputChange) -> None:
        """Take an output change of the board."""
        self.light.add(event)

    def rewarded_between(self, rewards: int) -> None:
        """Take note of manual rewards that were given since the last trial ended."""
        self._auditor.reward_between(rewards)

    def keep(self, record: TrialRecord) -> None:
        """Count a finished trial and say how the delivered rewards stand to the declared ones."""
        audit: Audit = self._auditor.take(record)
        self._out.publish(audit)
        if audit.problem is not None and self._problem is None:
            self._problem = audit.problem
            self._out.notice("warning", "auditor", audit.problem)


def handed(
    epoch: Epoch, estimator: ReversalEstimator | None, asked: Callable[[str], None]
) -> ReversalEstimator | None:
    """Return the running estimates if a protocol may see them in this epoch; it can read them only.

    Where light is given, what may decide on it was known before: `History.frozen`.

    Parameters
    ----------
    asked
        Told what is read of them that is more than their precision (`rig.design.lent`).
    """
    return None if epoch.stimulated or estimator is None else lend(estimator, asked)


def why_over(until: Until, history: History, estimator: ReversalEstimator | None) -> str | None:
    """Return why the running epoch is over, or None if it goes on. No estimate's value is looked at.

    Parameters
    ----------
    until
        What ends it.
    estimator
        The epoch's own; None where nothing is recorded, and then nothing is precise.
    """
    trials = history.epoch_trials
    if trials < 1:
        return None
    enough = trials >= until.trials and history.epoch_rewarded >= until.rewarded_at_least
    asks = bool(until.trials or until.rewarded_at_least or until.precise or until.anticipating is not None)
    if asks and enough and _precise(until, estimator) and _anticipating(until, history):
        return until.words().partition(", or ")[0]
    if until.at_most is not None and trials >= until.at_most:
        return f"{until.at_most} trials are done, the most that was declared"
    return None


def _precise(until: Until, estimator: ReversalEstimator | None) -> bool:
    if not until.precise:
        return True
    if estimator is None:
        return False
    least = max(LEAST_RESPONSES, until.rewarded_at_least)
    good = estimator.precise(within_hz=until.within_hz, within_ul=until.within_ul, after_trials=least)
    return bool(good.size and good.sum() >= (until.units if until.units is not None else good.size))


def _anticipating(until: Until, history: History) -> bool:
    if until.anticipating is None:
        return True
    told: list[bool] = []
    for record in reversed(history.epoch_records):
        licked = anticipated(record)
        if licked is not None:
            told.append(licked)
        if len(told) == until.over:
            return sum(told) >= until.anticipating * until.over
    return False
