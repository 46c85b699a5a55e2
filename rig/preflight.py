"""Rehearse a protocol against the rig before the animal is in it: its tables, and what it gives."""

from __future__ import annotations

from collections.abc import Iterator

from rig.audit import Auditor
from rig.board_checks import check_board, check_cue
from rig.device import BoardLimits
from rig.errors import ConfigError, DopaloopError
from rig.independence import WORLDS, Decision, DryRun, as_intended, decided, shown
from rig.light import LightLedger
from rig.machine.build import StateMachine
from rig.machine.check import check
from rig.machine.rehearse import Rehearsal
from rig.machine.table import StateTable
from rig.plan import SessionPlan
from rig.protocol import Protocol
from rig.protocol_errors import explain
from rig.trial.holding import hold_windows
from rig.trial.spec import TrialSpec

__all__ = ["as_intended", "built", "decided", "hold_windows", "preflight", "rehearsed"]

MOST_TRIALS = 400
"""A block of the built-in protocols has 100 trials; four of them see every kind of trial."""
LATER_TRIALS = 200
"""Of each epoch, where there are several; and of each world of made-up estimates."""


def preflight(plan: SessionPlan, limits: BoardLimits, protocol: Protocol | None = None) -> int:
    """Build and check every table that the schedule will ask for; return how many were checked.

    See `rehearsed`.
    """
    return sum(1 for _ in rehearsed(plan, limits, protocol))


def rehearsed(
    plan: SessionPlan, limits: BoardLimits, protocol: Protocol | None = None
) -> Iterator[tuple[TrialSpec, StateTable]]:
    """Yield every trial that the schedule will ask for, with its table, built and checked.

    The protocol sees a history in which every trial before took place as intended. After the last one it
    is rehearsed with made-up estimates, which must not change what is given (`rig.independence`).

    Parameters
    ----------
    protocol
        Rehearse this one (the same with other parameters) instead of the plan's.

    Raises
    ------
    ConfigError
        With one sentence that names the protocol, the trial, the state and the rule.
    """
    protocol, rig = protocol or plan.protocol, plan.rig
    trials = min(plan.max_trials or MOST_TRIALS, MOST_TRIALS)
    several = len(protocol.declared_epochs) > 1
    check_board(rig, limits)
    run = DryRun(plan, protocol, min(trials, LATER_TRIALS) if several else trials)
    bench = _Bench(plan, limits, run.protocol)
    water_ul = 0.0
    for one in run.decisions():
        check_cue(rig, one.spec.cue, one.number)
        yield one.spec, bench.table(one)
        water_ul += one.spec.reward_ul * (one.number < trials)
    for world in WORLDS if protocol.response is not None else ():
        run = DryRun(plan, protocol, min(trials, LATER_TRIALS), world)
        bench = _Bench(plan, limits, run.protocol)
        for one in run.decisions():
            if one.epoch.stimulated:
                bench.table(one)
    if plan.max_trials is not None and water_ul > rig.limits.max_session_ul:
        raise ConfigError(
            f"{trials} trials would give {water_ul:.0f} uL, more than the rig's ceiling of "
            f"{rig.limits.max_session_ul:g} uL a session; ask for fewer trials or raise "
            "[limits] max_session_ul"
        )


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
            self._auditor.lock_table(one.number, spec, table)
            self._light.lock(one.number, spec, one.epoch, table, self._now_us)
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
