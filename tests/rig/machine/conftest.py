"""Shared: random valid tables, random input trains, a rig, and a second interpreter to compare with."""

import pytest
from hypothesis import strategies as st

from rig.description import BoardConfig, InputLine, OutputLine, RigDescription
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


@st.composite
def valid_tables(draw):
    """Tables that have an image; short timers, so that much happens within a few hundred cycles."""
    n_states = draw(st.integers(1, 6))
    n_timers, n_counters = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    codes = [*range(6), Condition.SOFT, Condition.SOFT + 7, Condition.STATE_TIMER]
    codes += [Condition.COUNTER + k for k in range(n_counters)]
    codes += [Condition.TIMER + k for k in range(n_timers)]
    target = st.one_of(st.integers(0, n_states - 1), st.just(EXIT))
    actions = [st.builds(_pulse, st.integers(0, 3), st.integers(1, 2_500))]
    if n_timers:
        kinds = st.sampled_from([ActionKind.TIMER_START, ActionKind.TIMER_START, ActionKind.TIMER_CANCEL])
        actions.append(st.builds(_plain, kinds, st.integers(0, n_timers - 1)))
    if n_counters:
        actions.append(st.builds(_plain, st.just(ActionKind.COUNTER_RESET), st.integers(0, n_counters - 1)))
    states = []
    for number in range(n_states):
        ways = draw(st.dictionaries(st.sampled_from(codes), target, max_size=6))
        states.append(
            State(
                name=f"s{number}",
                timer_cycles=draw(st.one_of(st.integers(0, 30), st.just(NO_TIMER))),
                outputs=draw(st.integers(0, 63)),
                transitions=tuple(Transition(code=int(code), target=ways[code]) for code in sorted(ways)),
                actions=tuple(draw(st.lists(st.one_of(actions), max_size=3))),
            )
        )
    return StateTable(
        name="image",
        states=tuple(states),
        timers_cycles=tuple(draw(st.lists(st.integers(0, 40), min_size=n_timers, max_size=n_timers))),
        counters=tuple(
            Counter(code=draw(st.integers(0, 5)), threshold=draw(st.integers(1, 4)))
            for _ in range(n_counters)
        ),
    )


def _pulse(index, value):
    return Action(kind=ActionKind.PULSE, index=index, value=value)


def _plain(kind, index):
    return Action(kind=kind, index=index)


_SEEN = st.sampled_from([*range(6), Condition.SOFT, Condition.SOFT + 7])


@pytest.fixture(scope="session")
def tables():
    """A strategy for valid tables."""
    return valid_tables()


@pytest.fixture(scope="session")
def trains():
    """A strategy for input trains: {cycle: set of true input and soft codes}, cycles from 1 on."""
    return st.dictionaries(st.integers(1, 150), st.sets(_SEEN, min_size=1, max_size=3), max_size=40)


def naive(table, train, cycles):
    """Run a table by looking at every cycle with counted-down timers; an own reading of the rules.

    Returns [(cycle, state entered or EXIT)].
    """
    left = [None] * len(table.timers_cycles)
    counts = [0] * len(table.counters)
    entered = []
    state_left = None

    def enter(cycle, number):
        nonlocal state_left
        entered.append((cycle, number))
        if number == EXIT:
            return EXIT
        state = table.states[number]
        state_left = None if state.timer_cycles == NO_TIMER else max(1, state.timer_cycles)
        for action in state.actions:
            if action.kind == ActionKind.TIMER_START:
                left[action.index] = max(1, table.timers_cycles[action.index])
            elif action.kind == ActionKind.TIMER_CANCEL:
                left[action.index] = None
            elif action.kind == ActionKind.COUNTER_RESET:
                counts[action.index] = 0
        return number

    state = enter(0, 0)
    for cycle in range(1, cycles):
        if state == EXIT:
            break
        true = set(train.get(cycle, ()))
        for k, counter in enumerate(table.counters):
            if counter.code in train.get(cycle, ()):
                counts[k] += 1
                if counts[k] == counter.threshold:
                    true.add(Condition.COUNTER + k)
        for k in range(len(left)):
            if left[k] is not None:
                left[k] -= 1
                if left[k] == 0:
                    left[k] = None
                    true.add(Condition.TIMER + k)
        if state_left is not None:
            state_left -= 1
            if state_left == 0:
                state_left = None
                true.add(Condition.STATE_TIMER)
        for transition in table.states[state].transitions:
            if transition.code in true:
                state = enter(cycle, transition.target)
                break
    return entered


@pytest.fixture(scope="session")
def slow_machine():
    """The second interpreter."""
    return naive


@pytest.fixture(scope="session")
def a_rig():
    """A rig with a lick sensor, a camera that is only recorded, two valves, an odour and an LED."""
    return RigDescription(
        name="test",
        board=BoardConfig(
            port="none",
            inputs={"lick": InputLine(line=0), "camera": InputLine(line=1, log_only=True)},
            outputs={
                "water": OutputLine(
                    line=0,
                    kind="valve",
                    max_open_ms=200.0,
                    calibration=((6.0, 0.1), (20.0, 1.2), (60.0, 5.0), (200.0, 30.0)),
                ),
                "milk": OutputLine(
                    line=3, kind="valve", max_open_ms=100.0, calibration=((10.0, 1.0), (100.0, 10.0))
                ),
                "odour_a": OutputLine(line=1),
                "led": OutputLine(line=2, max_open_ms=50.0),
            },
        ),
    )
