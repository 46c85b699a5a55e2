"""Rehearse a protocol's tables against the rig before the animal is in it."""

from __future__ import annotations

from collections.abc import Iterator

from rig.device import BoardLimits
from rig.errors import ConfigError, DopaloopError
from rig.machine.build import StateMachine
from rig.machine.check import check
from rig.machine.rehearse import Rehearsal
from rig.machine.table import StateTable
from rig.plan import SessionPlan
from rig.protocol import History, Protocol
from rig.protocol_errors import explain
from rig.trial.spec import TrialRecord, TrialSpec
from rig.units import US_PER_MS

MOST_TRIALS = 400
"""A block of the built-in protocols has 100 trials; four of them see every kind of trial."""


def preflight(plan: SessionPlan, limits: BoardLimits, protocol: Protocol | None = None) -> int:
    """Build and check every table that the schedule will ask for; return how many were checked.

    See `rehearsed`.
    """
    return sum(1 for _ in rehearsed(plan, limits, protocol))


def rehearsed(
    plan: SessionPlan, limits: BoardLimits, protocol: Protocol | None = None
) -> Iterator[tuple[TrialSpec, StateTable]]:
    """Yield every trial that the schedule will ask for, with its table, built and checked.

    The protocol sees a history in which every trial before took place as intended.

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
    water_ul = 0.0
    history = History()
    for number in range(trials):
        try:
            spec = decided(protocol.decide(history, None, plan.draws(number)))
            if spec is None:
                return
            water_ul += spec.reward_ul
            table = built(protocol, spec, plan)
            check(table, rig, limits, plan.where)
            hold_windows(table, spec, plan)
            protocol.describe(spec)
        except DopaloopError:
            raise
        except Exception as error:
            text = explain(error, plan.protocol_name, type(protocol).__module__)
            raise ConfigError(text) from error
        yield spec, table
        history.add(as_intended(number, spec))
    if plan.max_trials is not None and water_ul > rig.limits.max_session_ul:
        raise ConfigError(
            f"{trials} trials would give {water_ul:.0f} uL, more than the rig's ceiling of "
            f"{rig.limits.max_session_ul:g} uL a session; ask for fewer trials or raise "
            "[limits] max_session_ul"
        )


def hold_windows(table: StateTable, spec: TrialSpec, plan: SessionPlan) -> None:
    """See to it that the windows of the response lie within the trial (docs/decisions/0007).

    A trial whose reward hangs on what the animal does cannot be judged beforehand, and is let through.

    Raises
    ------
    ConfigError
        Saying which part of the trial is too short, and by how much.
    """
    window, rig = plan.protocol.response, plan.rig
    valves = [out.line for out in rig.board.outputs.values() if out.kind == "valve"]
    rehearsal = Rehearsal(table)
    rewards = [rehearsal.onsets_us[line] for line in valves if line in rehearsal.onsets_us]
    if window is None or not rewards:
        return
    reward_us = min(rewards)
    cue = rig.board.outputs.get(spec.cue) if spec.cue is not None else None
    first_us = min(reward_us, rehearsal.onsets_us.get(cue.line, reward_us) if cue is not None else reward_us)
    before_ms = first_us / US_PER_MS
    if before_ms < -window.baseline_start_ms:
        raise ConfigError(
            f"a '{spec.condition}' trial waits {before_ms:g} ms before its first event; the baseline window "
            f"needs {-window.baseline_start_ms} ms, so make the first state longer",
            plan.where,
        )
    after_ms = (rehearsal.end_us - reward_us) / US_PER_MS if rehearsal.end_us is not None else None
    if after_ms is not None and after_ms < window.stop_ms:
        raise ConfigError(
            f"a '{spec.condition}' trial ends {after_ms:g} ms after its reward; the response window needs "
            f"{window.stop_ms} ms, so make the last state longer",
            plan.where,
        )


def decided(answer: object) -> TrialSpec | None:
    """Return what `Protocol.decide` answered, if it is an answer.

    Raises
    ------
    ConfigError
        If it is anything but a trial or None.
    """
    if answer is None or isinstance(answer, TrialSpec):
        return answer
    raise ConfigError(f"the protocol's 'decide' must return a TrialSpec or None, not {_shown(answer)}")


def built(protocol: Protocol, spec: TrialSpec, plan: SessionPlan) -> StateTable:
    """Return the table of a trial.

    Raises
    ------
    ConfigError
        If the protocol makes none, or it cannot be built on this rig.
    """
    machine: object = protocol.table(spec)
    if not isinstance(machine, StateMachine):
        raise ConfigError(f"the protocol's 'table' must return a StateMachine, not {_shown(machine)}")
    return machine.build(plan.rig, plan.where)


def _shown(value: object) -> str:
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
