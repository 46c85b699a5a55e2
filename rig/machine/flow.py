"""Rules about the way from state to state: it must get everywhere, come to an end, and not race."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rig.description import RigDescription
from rig.machine.graph import Edge, edges, in_loops, leading_to, reachable, soonest
from rig.machine.rules import Problem
from rig.machine.table import EXIT, ActionKind, Condition, StateTable
from rig.machine.words import Words, duration, milliseconds
from rig.units import us_to_cycles_up

LEAST_PAUSE_CYCLES: Final = 500
"""A reward that can repeat by itself needs 50 ms with the valve closed in between."""


class FlowRules:
    """Rules that need the whole table."""

    def __init__(self, table: StateTable, rig: RigDescription) -> None:
        self._table = table
        self._edges = edges(table)
        self._words = Words(table, rig)
        self._valves = {line.line for line in rig.board.outputs.values() if line.kind == "valve"}
        self._lasers = {line.line for line in rig.board.outputs.values() if line.kind == "laser"}
        self._reached = reachable(self._edges, 0)
        self._pulses = {
            number: {a.index: us_to_cycles_up(a.value) for a in state.actions if a.kind is ActionKind.PULSE}
            for number, state in enumerate(table.states)
        }

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the way through the table."""
        if not self._table.states:
            return
        yield from self._unreachable()
        yield from self._endless()
        yield from self._zero_time()
        yield from self._laser_loops()
        for number in sorted(self._reached - {EXIT}):
            yield from self._reward_loops(number)
            yield from self._overlaps(number)

    def _name(self, number: int) -> str:
        return self._table.states[number].name

    def _unreachable(self) -> Iterator[Problem]:
        for number, state in enumerate(self._table.states):
            if number not in self._reached:
                yield Problem(
                    state.name,
                    "unreachable",
                    f"no way leads to it from the first state, '{self._name(0)}'; add one, or remove it",
                )

    def _endless(self) -> Iterator[Problem]:
        ending = leading_to(self._edges, EXIT)
        for number in sorted(self._reached - {EXIT}):
            ways = [edge for edge in self._edges if edge.source == number]
            if not ways:
                yield Problem(
                    self._name(number),
                    "no-way-out",
                    "nothing ends it; give it a timer with then=..., or a condition in on={...}",
                )
            elif number not in ending:
                yield Problem(
                    self._name(number),
                    "no-way-out",
                    "no way from it leads to the end of the trial; lead one to END",
                )
            elif all(edge.from_outside for edge in ways):
                waits = ", ".join(self._words.condition(edge.code) for edge in ways)
                yield Problem(
                    self._name(number),
                    "waits-for-input",
                    f"it ends only if this happens: {waits}; without a timer it may wait for ever",
                    "warning",
                )

    def _zero_time(self) -> Iterator[Problem]:
        quick = [edge for edge in self._timed() if edge.cycles <= 1]
        for number in sorted(in_loops(quick) & self._reached):
            yield Problem(
                self._name(number),
                "zero-time-loop",
                "it comes round to itself through states that take no time; give one of them a timer",
            )

    def _laser_loops(self) -> Iterator[Problem]:
        """A laser's pulses in a trial can be counted beforehand only if none of them can come again."""
        lit = [number for number, pulses in self._pulses.items() if pulses.keys() & self._lasers]
        again = in_loops(self._edges) & self._reached if lit else set()
        for number in sorted(again.intersection(lit)):
            for output in sorted(self._pulses[number].keys() & self._lasers):
                yield Problem(
                    self._name(number),
                    "laser-loop",
                    f"it pulses laser '{self._words.output(output)}' and can come round again; write each "
                    "pulse of a train as a state of its own",
                )

    def _timed(self) -> list[Edge]:
        """Return the transitions by timers, with the soonest time they can take."""
        shortest = self._table.timers_cycles
        timed = []
        for edge in self._edges:
            if edge.code == Condition.STATE_TIMER:
                timed.append(edge)
            elif not edge.from_outside:
                index = edge.code - Condition.TIMER
                if index < len(shortest) and shortest[index] <= 1:
                    timed.append(edge)
        return timed

    # --- pulses ----------------------------------------------------------------------------------

    def _reward_loops(self, number: int) -> Iterator[Problem]:
        """Rewards that repeat without anything from outside, with too little time in between."""
        alone = [edge for edge in self._edges if not edge.from_outside]
        racing = [e for e in alone if e.code != Condition.STATE_TIMER or e.cycles < LEAST_PAUSE_CYCLES]
        for output, cycles in self._pulses[number].items():
            if output not in self._valves:
                continue
            again = soonest(alone, number, lambda state: state == number).get(number)
            if again is None:
                continue
            if number in soonest(racing, number) or again < cycles + LEAST_PAUSE_CYCLES:
                yield Problem(
                    self._name(number),
                    "reward-loop",
                    f"it can come round again after {duration(again)} and open "
                    f"'{self._words.output(output)}' once more without any input in between; after the valve "
                    "has closed, put a state with a timer of 50 ms or more",
                )

    def _overlaps(self, number: int) -> Iterator[Problem]:
        """Pulses that the board would refuse because the one before still runs."""
        for output, cycles in self._pulses[number].items():
            for graph, kind in ((self._timed(), "error"), (self._edges, "warning")):
                found = self._next_pulse(graph, number, output)
                if found is None or found[1] > cycles:
                    continue
                yield Problem(
                    self._name(found[0]),
                    "pulse-overlap",
                    f"it can pulse '{self._words.output(output)}' {duration(found[1])} after state "
                    f"'{self._name(number)}' began a pulse of {milliseconds(cycles * 100)} on it; the board "
                    "would refuse the second: leave a pause between them",
                    "error" if kind == "error" else "warning",
                )
                break

    def _next_pulse(self, graph: list[Edge], number: int, output: int) -> tuple[int, int] | None:
        """Return the state that can pulse `output` next, and how soon in cycles."""

        def pulses(state: int) -> bool:
            return state != EXIT and output in self._pulses[state]

        times = soonest(graph, number, pulses)
        return next(((state, cycles) for state, cycles in times.items() if pulses(state)), None)
