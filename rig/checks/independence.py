"""Before the animal: what a protocol gives must not depend on what the units say, nor on the animal.

`decide` is rehearsed in several worlds. In one nothing is recorded, and all goes as intended. In some the
estimates are real estimators, fed with made-up responses: all units optimistic, all pessimistic, and some of
each. In others nothing is recorded, but the mouse licks, or trials go wrong. In all of them condition, size,
cue and promise must be the declared schedule's. How long to wait, whether there is light, and when to stop
may differ.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final, Literal, TypeAlias

import msgspec

from rig.design.audit import Auditor
from rig.design.declaration import handed, why_over
from rig.design.epochs import Epoch
from rig.design.pacing import SPOUT
from rig.design.plan import SessionPlan
from rig.design.protocol_errors import explain
from rig.design.told import PAGE
from rig.errors import ConfigError
from rig.estimate.online import ReversalEstimator
from rig.protocol import History, Protocol
from rig.trial.spec import LineChange, TrialRecord, TrialSpec
from rig.units import US_PER_S

World: TypeAlias = Literal["optimistic", "pessimistic", "of both kinds", "licking", "unlucky"]
WORLDS: Final[tuple[World, ...]] = ("optimistic", "pessimistic", "of both kinds")
COURSES: Final[tuple[World, ...]] = ("licking", "unlucky")
"""Worlds in which nothing is recorded, and not all goes as intended."""
_HANGS: Final[dict[World, str]] = {
    "optimistic": "what is given hangs on the estimates (rehearsed with all units optimistic)",
    "pessimistic": "what is given hangs on the estimates (rehearsed with all units pessimistic)",
    "of both kinds": "what is given hangs on the estimates (rehearsed with units of both kinds)",
    "licking": "what is given hangs on what the animal does (rehearsed with a mouse that licks)",
    "unlucky": "what is given hangs on how trials went (rehearsed with some that were aborted, incomplete or "
    "had a manual reward)",
}
MOST_UNITS: Final = 8
KNOWN: Final = 1
"""Responses to each size that the made-up units begin with: enough for an estimate, a very wide one. Over the
dry run it becomes narrow, so that a protocol meets every degree of precision."""
STRETCH: Final = 20
"""Trials that a made-up mouse licks in, or does not."""
NOT_THERE: Final = (
    "; 'estimates' is None while nothing is recorded, and in an epoch with light, where "
    f"history.frozen[...] tells what was known before ({PAGE})"
)
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
        What the units seem to say, or what else befalls; None: nothing is recorded, all goes as intended.

    Attributes
    ----------
    protocol
        The copy.
    values_read
        What it read of the estimates that is more than how precise they are (`rig.design.lent`).
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
        self.values_read: list[str] = []

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
                history.add(as_it_went(history.trials, spec, self._world))
                if self._made_up is not None:
                    self._made_up.answer(spec)

    def blamed(self, error: ConfigError) -> ConfigError:
        """Return the error with its file and what it hangs on: the plain world was rehearsed first."""
        if self._world is not None:
            text = str(error).removeprefix(f"{error.where}: ")
            return ConfigError(f"{_HANGS[self._world]}: {text}", self._plan.where)
        return error if error.where or not self._plan.where else ConfigError(str(error), self._plan.where)

    def _over(self, epoch: Epoch) -> bool:
        """Whether numbers alone end the epoch: as if nothing were recorded."""
        return epoch.until is not None and why_over(epoch.until, self._history, None) is not None

    def _units(self, epoch: int) -> _MadeUp | None:
        sizes = tuple(self.protocol.schedule.distribution(epoch))
        if self._world not in WORLDS or self.protocol.response is None or not sizes:
            return None
        return _MadeUp(self._plan, sizes, self._world)

    def _decide(self, number: int, epoch: Epoch) -> TrialSpec | None:
        made_up = self._made_up.estimator if self._made_up else None
        estimator = handed(epoch, made_up, self.values_read.append)
        try:
            spec = decided(self.protocol.decide(self._history, estimator, self._plan.draws(number)))
            if spec is not None:
                self._auditor.lock(number, spec)
        except ConfigError as error:
            raise self.blamed(error) from None
        except Exception as error:
            text = explain(error, self._plan.protocol_name, type(self.protocol).__module__)
            if estimator is None and "'NoneType'" in text:
                text += NOT_THERE
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


def as_it_went(number: int, spec: TrialSpec, world: World | None) -> TrialRecord:
    """Return the record of a trial that nobody ran, as it goes in a world."""
    record = as_intended(number, spec)
    if world not in COURSES:
        return record
    # A mouse that licks in some stretches and not in others; seconds that pass.
    timed = {
        "start_us": (number + 1) * 8 * US_PER_S,
        "duration_us": 6 * US_PER_S,
        "cue_us": 2 * US_PER_S if spec.cue is not None else None,
        "reward_us": 3_500_000 if spec.reward_ul > 0 else None,
        "stimulus_us": 2 * US_PER_S if spec.cue is not None else 3_500_000 if spec.reward_ul > 0 else None,
    }
    if world == "licking":
        times = range(100_000, 6 * US_PER_S, 400_000 if number // STRETCH % 2 == 0 else 5 * US_PER_S)
        edges = (LineChange(SPOUT, on, at_us + 40_000 * (not on)) for at_us in times for on in (True, False))
        return msgspec.structs.replace(record, inputs=tuple(edges), **timed)
    wrong: list[dict[str, object]] = [
        {"outcome": "aborted", "delivered_ul": 0.0, "reward_us": None},
        {"outcome": "incomplete"},
        {"delivered_ul": record.delivered_ul + 5.0},
    ]
    went = wrong[number // 3 % 3] if number % 3 == 2 else {}
    return msgspec.structs.replace(record, **(timed | went))


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
