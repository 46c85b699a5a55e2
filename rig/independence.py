"""Before the animal: what a protocol gives must not depend on what the units say.

`decide` is rehearsed in several worlds. In one nothing is recorded; in the others the estimates are real
estimators, fed with made-up responses: all units optimistic, all pessimistic, and some of each. In all of
them condition, size, cue and promise must be the declared schedule's. How long to wait, whether there is
light, and when to stop may differ.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from rig.audit import Auditor
from rig.declaration import handed, why_over
from rig.epochs import Epoch
from rig.errors import ConfigError, DopaloopError
from rig.estimate.online import ReversalEstimator
from rig.plan import SessionPlan
from rig.protocol import History, Protocol
from rig.protocol_errors import explain
from rig.trial.spec import TrialRecord, TrialSpec

World: TypeAlias = Literal["optimistic", "pessimistic", "of both kinds"]
WORLDS: Final[tuple[World, ...]] = ("optimistic", "pessimistic", "of both kinds")
MOST_UNITS: Final = 8
KNOWN: Final = 1
"""Responses to each size that the made-up units begin with: enough for an estimate, a very wide one. Over the
dry run it becomes narrow, so that a protocol meets every degree of precision."""
GAIN: Final = 2.0
WIGGLE: Final = 2.5


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One trial of a dry run."""

    number: int
    epoch: Epoch
    spec: TrialSpec


class DryRun:
    """A protocol that decides trial after trial, each of which takes place as intended.

    It is a copy that decides, so nothing of this remains with the protocol.

    Parameters
    ----------
    protocol
        What is rehearsed.
    trials
        How many of each epoch, at most; one that numbers end sooner does so.
    world
        What the units seem to say; None: nothing is recorded.

    Attributes
    ----------
    protocol
        The copy.
    """

    def __init__(
        self, plan: SessionPlan, protocol: Protocol, trials: int, world: World | None = None
    ) -> None:
        self._plan = plan
        self.protocol = copy.deepcopy(protocol)
        self.protocol.schedule.restart()
        self._auditor = Auditor(protocol.schedule, plan.rig)
        self._trials = trials
        self._world = world
        self._history = History()
        self._made_up: _MadeUp | None = None

    def decisions(self) -> Iterator[Decision]:
        """Yield every decision until the protocol is done.

        Raises
        ------
        ConfigError
            If a trial is not the declared one; with made-up estimates the sentence says so.
        """
        history = self._history
        for number, epoch in enumerate(self.protocol.declared_epochs):
            if number:
                self.protocol.schedule.begin_epoch(history.trials)
                self._auditor.begin_epoch(history.trials)
                ended = self.protocol.declared_epochs[number - 1].name
                history.begin_epoch(ended, self._made_up.estimator if self._made_up else None)
            self._made_up = self._units(number)
            while history.epoch_trials < self._trials and not self._over(epoch):
                spec = self._decide(history.trials, epoch)
                if spec is None:
                    return
                yield Decision(number=history.trials, epoch=epoch, spec=spec)
                history.add(as_intended(history.trials, spec))
                if self._made_up is not None:
                    self._made_up.answer(spec)

    def _over(self, epoch: Epoch) -> bool:
        """Whether numbers alone end the epoch: as if nothing were recorded."""
        return epoch.until is not None and why_over(epoch.until, self._history, None) is not None

    def _units(self, epoch: int) -> _MadeUp | None:
        sizes = tuple(self.protocol.schedule.distribution(epoch))
        if self._world is None or self.protocol.response is None or not sizes:
            return None
        return _MadeUp(self._plan, sizes, self._world)

    def _decide(self, number: int, epoch: Epoch) -> TrialSpec | None:
        estimator = handed(epoch, self._made_up.estimator if self._made_up else None)
        try:
            spec = decided(self.protocol.decide(self._history, estimator, self._plan.draws(number)))
            if spec is not None:
                self._auditor.lock(number, spec)
        except DopaloopError as error:
            if self._world is None:
                raise
            # Without estimates it was the declared trial, or that would have been found before.
            text = f"what is given hangs on the estimates (rehearsed with all units {self._world}): {error}"
            raise ConfigError(text, self._plan.where) from None
        except Exception as error:
            text = explain(error, self._plan.protocol_name, type(self.protocol).__module__)
            raise ConfigError(text) from error
        return spec


class _MadeUp:
    """Units that answer as their world says, the same in every run."""

    def __init__(self, plan: SessionPlan, sizes_ul: tuple[float, ...], world: World) -> None:
        self.estimator = ReversalEstimator(sizes_ul, plan.axis())
        self._names = _unit_names(plan)
        u = self.estimator.placed.utility_hz
        low, high = (3 * u[0] + u[-1]) / 4, (u[0] + 3 * u[-1]) / 4
        turns = {"optimistic": [high], "pessimistic": [low], "of both kinds": [low, high]}[world]
        self._turns_hz = [turns[k % len(turns)] for k in range(len(self._names))]
        self._count = 0
        for size in list(range(len(sizes_ul))) * KNOWN:
            self._take(size)

    def answer(self, spec: TrialSpec) -> None:
        """Answer the reward of a trial, if there is one."""
        if spec.reward_ul in self.estimator.sizes_ul:
            self._take(self.estimator.sizes_ul.index(spec.reward_ul))

    def _take(self, size: int) -> None:
        self._count += 1
        error = [self.estimator.placed.utility_hz[size] - turn for turn in self._turns_hz]
        wiggle = [WIGGLE * ((7 * self._count + 3 * k) % 5 - 2) for k in range(len(error))]
        responses = [GAIN * e + w for e, w in zip(error, wiggle, strict=True)]
        self.estimator.update(size, dict(zip(self._names, responses, strict=True)))


def _unit_names(plan: SessionPlan) -> list[str]:
    several = len(plan.rig.streams) > 1
    rosters = [f"{s.name}/{unit}" if several else unit for s in plan.rig.streams for unit in s.roster]
    return rosters[:MOST_UNITS] or [f"made up:{k + 1}" for k in range(MOST_UNITS)]


def decided(answer: object) -> TrialSpec | None:
    """Return what `Protocol.decide` answered, if it is an answer.

    Raises
    ------
    ConfigError
        If it is anything but a trial or None.
    """
    if answer is None or isinstance(answer, TrialSpec):
        return answer
    raise ConfigError(f"the protocol's 'decide' must return a TrialSpec or None, not {shown(answer)}")


def shown(value: object) -> str:
    """Say what a value is, in an error."""
    return "None" if value is None else f"a value of type '{type(value).__name__}'"


def as_intended(number: int, spec: TrialSpec) -> TrialRecord:
    """Return the record of a trial that nobody ran."""
    cue_us = 0 if spec.cue is not None else None
    reward_us = 0 if spec.reward_ul > 0 else None
    return TrialRecord(
        number=number,
        spec=spec,
        outcome="complete",
        start_us=0,
        duration_us=0,
        states=(),
        outputs=(),
        inputs=(),
        cue_us=cue_us,
        reward_us=reward_us,
        stimulus_us=cue_us if cue_us is not None else reward_us,
        delivered_ul=spec.reward_ul,
        table_hash="",
    )
