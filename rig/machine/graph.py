"""A state table as a graph: who can follow whom, and how soon."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping

import msgspec

from rig.machine.table import EXIT, NO_TIMER, ActionKind, Condition, State, StateTable


class Edge(msgspec.Struct, frozen=True, gc=False):
    """A transition that can be taken.

    Parameters
    ----------
    target
        A state number or `EXIT`.
    cycles
        The soonest that it can be taken after the entry into `source`.
    """

    source: int
    code: int
    target: int
    cycles: int

    @property
    def from_outside(self) -> bool:
        """Whether an input, a soft event or a count of inputs must come first."""
        return self.code < Condition.TIMER


def can_come_true(table: StateTable, state: State, code: int) -> bool:
    """Whether the condition can ever be true in `state`: its timer exists and something starts it."""
    if code == Condition.STATE_TIMER:
        return state.timer_cycles != NO_TIMER
    if Condition.TIMER <= code < Condition.STATE_TIMER:
        return any(
            action.kind is ActionKind.TIMER_START and action.index == code - Condition.TIMER
            for other in table.states
            for action in other.actions
        )
    if Condition.COUNTER <= code < Condition.TIMER:
        return code - Condition.COUNTER < len(table.counters)
    return 0 <= code < Condition.COUNTER


def edges(table: StateTable) -> list[Edge]:
    """Return all transitions that can be taken and lead to a state that is there, or to `EXIT`."""
    found = []
    for number, state in enumerate(table.states):
        for transition in state.transitions:
            code, target = transition.code, transition.target
            known = target == EXIT or 0 <= target < len(table.states)
            if known and can_come_true(table, state, code):
                cycles = max(1, state.timer_cycles) if code == Condition.STATE_TIMER else 1
                found.append(Edge(number, code, target, cycles))
    return found


def reachable(graph: Iterable[Edge], start: int) -> set[int]:
    """Return everything that can follow `start`, itself included."""
    return {start, *soonest(graph, start)}


def leading_to(graph: Iterable[Edge], goal: int) -> set[int]:
    """Return everything from which `goal` can be reached, itself included."""
    return reachable([Edge(e.target, e.code, e.source, 1) for e in graph], goal)


def soonest(graph: Iterable[Edge], start: int, goal: Callable[[int], bool] | None = None) -> dict[int, int]:
    """Return for each state that can follow `start` after one transition or more, how soon in cycles.

    `start` itself is in the answer only if it can come round again. With a `goal`, the search ends at
    the first state that fulfils it.
    """
    ways: dict[int, list[Edge]] = {}
    for edge in graph:
        ways.setdefault(edge.source, []).append(edge)
    best: dict[int, int] = {}
    queue = [(edge.cycles, edge.target) for edge in ways.get(start, ())]
    heapq.heapify(queue)
    while queue:
        cycles, state = heapq.heappop(queue)
        if state in best:
            continue
        best[state] = cycles
        if goal is not None and goal(state):
            return best
        for edge in ways.get(state, ()):
            if edge.target not in best:
                heapq.heappush(queue, (cycles + edge.cycles, edge.target))
    return best


def in_loops(graph: Iterable[Edge]) -> set[int]:
    """Return the states that can come round to themselves."""
    kept = list(graph)
    return {state for state in {e.source for e in kept} if state in soonest(kept, state)}


def heaviest(graph: Iterable[Edge], start: int, weights: Mapping[int, float]) -> float:
    """Return the most that one way through can gather, from `start` on, itself included.

    Parameters
    ----------
    weights
        What a state adds each time it is entered; those that are not there add nothing.

    Returns
    -------
    float
        Infinite if a state with a weight can come round again.
    """
    kept = list(graph)
    follows = {state: weights.keys() & soonest(kept, state).keys() for state in {start, *weights}}
    if any(state in follows[state] for state in follows[start] | (weights.keys() & {start})):
        return math.inf

    def most(state: int) -> float:
        return weights.get(state, 0.0) + max((most(later) for later in follows[state]), default=0.0)

    return most(start)
