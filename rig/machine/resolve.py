"""Turn a declared trial into a table: names into numbers, volumes into open times, for one rig."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import NoReturn

import msgspec

from rig.description import OutputLine, RigDescription
from rig.errors import ConfigError, UnsafeTableError
from rig.machine.calibration import open_us
from rig.machine.conditions import End, Target, When
from rig.machine.table import (
    EXIT,
    NO_TIMER,
    Action,
    ActionKind,
    Condition,
    Counter,
    State,
    StateTable,
    Transition,
)
from rig.units import US_PER_S, us_to_cycles_up


class DeclaredState(msgspec.Struct, frozen=True, kw_only=True):
    """One state in the words of its author; see `rig.machine.build.StateMachine.state`."""

    name: str
    timer_cycles: int | None = None
    then: Target | None = None
    outputs: tuple[str, ...] = ()
    on: dict[When, Target] = {}
    deliver: tuple[str, float] | None = None
    pulses_s: dict[str, float] = {}
    start_timers: tuple[str, ...] = ()
    cancel_timers: tuple[str, ...] = ()
    reset_counters: tuple[str, ...] = ()


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A whole trial in the words of its author.

    Parameters
    ----------
    counters
        Name -> (edge, threshold).
    timers
        Name -> cycles.
    """

    name: str
    states: tuple[DeclaredState, ...]
    counters: dict[str, tuple[When, int]]
    timers: dict[str, int]


def resolve(declared: Declared, rig: RigDescription, where: str | None = None) -> StateTable:
    """Return the table of a declared trial.

    Raises
    ------
    UnsafeTableError
        If a name is unknown or a volume cannot be given; names the state and the nearest right name.
    """
    if not declared.states:
        raise UnsafeTableError(f"'{declared.name}' has no states", where)
    return _Resolver(declared, rig, where).table()


class _Resolver:
    def __init__(self, declared: Declared, rig: RigDescription, where: str | None) -> None:
        self._declared = declared
        self._rig = rig
        self._where = where
        self._numbers = [state.name for state in declared.states]
        self._timers = list(declared.timers)
        self._counters = list(declared.counters)
        self._place = ""

    def table(self) -> StateTable:
        declared = self._declared
        states = tuple(self._state(state) for state in declared.states)
        counters = []
        for name, (edge, threshold) in declared.counters.items():
            self._place = f"counter '{name}' of '{declared.name}'"
            counters.append(Counter(code=self._code(edge), threshold=threshold))
        return StateTable(
            name=declared.name,
            states=states,
            timers_cycles=tuple(declared.timers.values()),
            counters=tuple(counters),
        )

    def _state(self, state: DeclaredState) -> State:
        self._place = f"state '{state.name}' of '{self._declared.name}'"
        mask = 0
        for name in state.outputs:
            mask |= 1 << self._output(name).line
        pulses = [self._pulse(name, seconds) for name, seconds in state.pulses_s.items()]
        cycles = state.timer_cycles
        if state.deliver is not None:
            pulse = self._delivery(*state.deliver)
            pulses += [pulse] if pulse else []
            if cycles is None and state.then is not None:
                cycles = us_to_cycles_up(pulse.value) if pulse else 0
        ways = {self._code(when): self._target(target) for when, target in state.on.items()}
        if state.then is not None:
            ways[Condition.STATE_TIMER] = self._target(state.then)
        return State(
            name=state.name,
            timer_cycles=NO_TIMER if cycles is None else cycles,
            outputs=mask,
            transitions=tuple(Transition(code=int(code), target=ways[code]) for code in sorted(ways)),
            actions=(*self._bookkeeping(state), *pulses),
        )

    def _bookkeeping(self, state: DeclaredState) -> tuple[Action, ...]:
        timers, counters = self._timers, self._counters
        cancelled = [self._index("timer", name, timers) for name in state.cancel_timers]
        started = [self._index("timer", name, timers) for name in state.start_timers]
        reset = [self._index("counter", name, counters) for name in state.reset_counters]
        return (
            *(Action(kind=ActionKind.TIMER_CANCEL, index=index) for index in cancelled),
            *(Action(kind=ActionKind.TIMER_START, index=index) for index in started),
            *(Action(kind=ActionKind.COUNTER_RESET, index=index) for index in reset),
        )

    def _delivery(self, name: str, volume_ul: float) -> Action | None:
        valve = self._output(name)
        if valve.kind != "valve":
            self._refuse(f"output '{name}' is no valve, so it cannot deliver {volume_ul:g} uL")
        if volume_ul == 0:
            return None
        ceiling = self._rig.limits.max_drop_ul
        if volume_ul > ceiling:
            self._refuse(
                f"{volume_ul:g} uL is above the rig's limit of {ceiling:g} uL a drop (max_drop_ul) "
                "[rule: reward-limit]"
            )
        try:
            duration_us = open_us(valve, volume_ul, f"valve '{name}'")
        except ConfigError as error:
            self._refuse(str(error))
        return Action(kind=ActionKind.PULSE, index=valve.line, value=duration_us)

    def _pulse(self, name: str, seconds: float) -> Action:
        line = self._output(name)
        if line.kind == "valve":
            self._refuse(f"'{name}' is a valve; say how much, with deliver=('{name}', UL), not how long")
        return Action(kind=ActionKind.PULSE, index=line.line, value=round(seconds * US_PER_S))

    def _output(self, name: str) -> OutputLine:
        outputs = self._rig.board.outputs
        return outputs[name] if name in outputs else self._unknown("the rig has no output", name, outputs)

    def _code(self, when: When) -> int:
        match when.kind:
            case "soft":
                return Condition.SOFT + when.number - 1
            case "counter":
                return Condition.COUNTER + self._index("counter", when.name, self._counters)
            case "timer":
                return Condition.TIMER + self._index("timer", when.name, self._timers)
        inputs = self._rig.board.inputs
        if when.name not in inputs:
            self._unknown("the rig has no input", when.name, inputs)
        return Condition.INPUT + 2 * inputs[when.name].line + (when.kind == "rising")

    def _target(self, target: Target) -> int:
        if isinstance(target, End):
            return EXIT
        return self._index("state", target, self._numbers)

    def _index(self, kind: str, name: str, known: list[str]) -> int:
        return known.index(name) if name in known else self._unknown(f"there is no {kind}", name, known)

    def _unknown(self, what: str, name: str, known: Collection[str]) -> NoReturn:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known)) or 'none'}"
        self._refuse(f"{what} '{name}'; {hint}")

    def _refuse(self, message: str) -> NoReturn:
        raise UnsafeTableError(f"{self._place}: {message}", self._where)
