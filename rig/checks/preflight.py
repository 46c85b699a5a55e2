"""Rehearse a protocol against the rig before the animal is in it: its tables, and what it gives."""

from __future__ import annotations

from collections.abc import Iterator

from rig.checks.board import check_board, check_cue
from rig.checks.foretelling import Foretelling
from rig.checks.independence import COURSES, WORLDS, Decision, DryRun, as_intended, decided, shown
from rig.design.audit import Auditor
from rig.design.light import LightLedger
from rig.design.plan import SessionPlan
from rig.design.protocol_errors import explain
from rig.device import BoardLimits
from rig.errors import ConfigError, DopaloopError
from rig.machine.build import StateMachine
from rig.machine.check import check
from rig.machine.rehearse import Rehearsal
from rig.machine.table import StateTable
from rig.protocol import Protocol
from rig.trial.holding import hold_windows
from rig.trial.spec import TrialSpec

__all__ = ["as_intended", "built", "decided", "hold_windows", "preflight", "rehearsed"]

MOST_TRIALS = 400
"""A block of the built-in protocols has 100 trials; four of them see every kind of trial."""
LATER_TRIALS = 200
"""Of each epoch, where there are several."""


def preflight(
    plan: SessionPlan, limits: BoardLimits, protocol: Protocol | None = None, *, brief: bool = False
) -> int:
    """Build and check every table that the schedule will ask for; return how many were checked.

    See `rehearsed`.
    """
    return sum(1 for _ in rehearsed(plan, limits, protocol, brief=brief))


def rehearsed(
    plan: SessionPlan, limits: BoardLimits, protocol: Protocol | None = None, *, brief: bool = False
) -> Iterator[tuple[TrialSpec, StateTable]]:
    """Yield every trial that the schedule will ask for, with its table, built and checked.

    The protocol sees a history in which every trial before took place as intended. After the last one it
    is rehearsed with made-up estimates, with a mouse that licks and with trials that go wrong, none of which
    may change what is given (`rig.checks.independence`); nor may what comes before a reward tell its size
    (`rig.checks.foretelling`).

    Parameters
    ----------
    protocol
        Rehearse this one (the same with other parameters) instead of the plan's.
    brief
        While a session waits for the answer: where not all goes as intended, only the tables with light.

    Raises
    ------
    ConfigError
        With one sentence that names the protocol, the trial, the state and the rule.
    """
    protocol, rig = protocol or plan.protocol, plan.rig
    trials = min(plan.max_trials or MOST_TRIALS, MOST_TRIALS)
    several = len(protocol.declared_epochs) > 1
    check_board(rig, limits)
    of_each = min(trials, LATER_TRIALS) if several else trials
    water_ul = 0.0
    for one, table in _took(plan, limits, DryRun(plan, protocol, of_each)):
        check_cue(rig, one.spec.cue, one.number)
        yield one.spec, table
        water_ul += one.spec.reward_ul * (one.number < trials)
    for world in (*COURSES, *(WORLDS if protocol.response is not None else ())):
        for _ in _took(plan, limits, DryRun(plan, protocol, of_each, world), brief=brief):
            pass
    if plan.max_trials is not None and water_ul > rig.limits.max_session_ul:
        raise ConfigError(
            f"{trials} trials would give {water_ul:.0f} uL, more than the rig's ceiling of "
            f"{rig.limits.max_session_ul:g} uL a session; ask for fewer trials or raise "
            "[limits] max_session_ul"
        )


def _took(
    plan: SessionPlan, limits: BoardLimits, run: DryRun, *, brief: bool = False
) -> Iterator[tuple[Decision, StateTable]]:
    """Yield the trials of one dry run with their tables; at its end, refuse what tells a size beforehand."""
    bench, foretold = _Bench(plan, limits, run.protocol), Foretelling(plan.rig)
    for one in run.decisions():
        if brief and not one.epoch.stimulated:
            continue
        try:
            table = bench.table(one)
        except ConfigError as error:
            # How much light there is may hang on the estimates, and then be too much.
            raise error if one.epoch.stimulated else run.blamed(error) from error
        foretold.take(one.epoch.name, one.spec, table)
        yield one, table
    foretold.check(plan.where)


class _Bench:
    """Where the tables of a dry run are built and checked, in the time that they would take."""

    def __init__(self, plan: SessionPlan, limits: BoardLimits, protocol: Protocol) -> None:
        self._plan, self._limits, self._protocol = plan, limits, protocol
        self._auditor = Auditor(protocol.schedule, plan.rig)
        self._light = LightLedger(plan.rig)
        self._now_us = 0

    def table(self, one: Decision) -> StateTable:
        """Return a trial's table, or refuse it."""
        plan, spec = self._plan, one.spec
        try:
            table = built(self._protocol, spec, plan)
            check(table, plan.rig, self._limits, plan.where)
            self._light.lock(one.number, spec, one.epoch, table, self._now_us)
            self._auditor.lock_table(one.number, spec, table)
            hold_windows(table, spec, plan)
            self._protocol.describe(spec)
        except DopaloopError:
            raise
        except Exception as error:
            text = explain(error, plan.protocol_name, type(self._protocol).__module__)
            raise ConfigError(text) from error
        if one.epoch.stimulated:
            self._light.intend(self._now_us)
            self._now_us += Rehearsal(table).end_us or 0
        return table


def built(protocol: Protocol, spec: TrialSpec, plan: SessionPlan) -> StateTable:
    """Return the table of a trial.

    Raises
    ------
    ConfigError
        If the protocol makes none, or it cannot be built on this rig.
    """
    machine: object = protocol.table(spec)
    if not isinstance(machine, StateMachine):
        raise ConfigError(f"the protocol's 'table' must return a StateMachine, not {shown(machine)}")
    return machine.build(plan.rig, plan.where)
