"""What a board cannot do becomes a rule for its tables, in a sentence."""

from __future__ import annotations

import pytest

from rig.description import BoardConfig, OutputLine, RigDescription
from rig.device import BoardLimits, Lack
from rig.errors import UnsafeTableError
from rig.machine.board_rules import BoardRules, timers_needed
from rig.machine.check import check
from rig.machine.table import (
    EXIT,
    NO_TIMER,
    Action,
    ActionKind,
    Condition,
    State,
    StateTable,
    Transition,
)

BOARD = BoardConfig(
    port="pty",
    outputs={
        "water": OutputLine(line=0, kind="valve", max_open_ms=100, calibration=((1, 0.1), (100, 20))),
        "odour": OutputLine(line=1),
        "puff": OutputLine(line=2, max_open_ms=100),
        "laser": OutputLine(line=3, kind="laser", max_open_ms=10, max_on_ms_per_minute=100),
    },
)
TUP, SOFT, LICK, TIMER = Condition.STATE_TIMER, Condition.SOFT, Condition.INPUT + 1, Condition.TIMER


def state(name, *ways, cycles=NO_TIMER, outputs=0, actions=()):
    transitions = tuple(Transition(code=code, target=target) for code, target in sorted(ways))
    return State(name=name, timer_cycles=cycles, outputs=outputs, transitions=transitions, actions=actions)


def pulse(line=0, us=10_000):
    return Action(kind=ActionKind.PULSE, index=line, value=us)


def act(kind, index):
    return Action(kind=kind, index=index)


def table(*states, timers=()):
    return StateTable(name="test", states=states, timers_cycles=timers)


def found(states, *lacks, **limits):
    limits = BoardLimits(lacks=frozenset(lacks), **limits)
    return [(p.rule, p.state) for p in BoardRules(states, BOARD, limits).problems()]


BAD = {
    "held for ever": (
        Lack.WATCHDOG,
        ("held-for-ever", "a"),
        table(state("a", (SOFT, EXIT), outputs=2)),
    ),
    "held with a timer that leads nowhere": (
        Lack.WATCHDOG,
        ("held-for-ever", "a"),
        table(state("a", (SOFT, EXIT), cycles=10, outputs=2)),
    ),
    "an odour that comes and goes by itself": (
        Lack.WATCHDOG,
        ("runs-alone", "on"),
        table(
            state("on", (TUP, 1), (LICK, EXIT), cycles=10, outputs=2),
            state("off", (TUP, 0), cycles=10),
        ),
    ),
    "a puff that comes again by a global timer": (
        Lack.WATCHDOG,
        ("runs-alone", "a"),
        table(
            state("a", (TIMER, 1), (LICK, EXIT), actions=(act(ActionKind.TIMER_START, 0), pulse(2))),
            state("b", (TUP, 0), cycles=10),
            timers=(50,),
        ),
    ),
    "a drop for every lick": (
        Lack.WATCHDOG,
        ("pulses-again", "drop"),
        table(
            state("wait", (LICK, 1), (TUP, EXIT), cycles=50_000),
            state("drop", (TUP, 0), cycles=1000, actions=(pulse(),)),
        ),
    ),
    "light for every lick": (
        Lack.WATCHDOG,
        ("pulses-again", "light"),
        table(
            state("wait", (LICK, 1), (TUP, EXIT), cycles=50_000),
            state("light", (TUP, 0), cycles=1000, actions=(pulse(3),)),
        ),
    ),
    "a trial that ends before its drop": (
        Lack.LASTING_PULSES,
        ("pulse-cut", "drop"),
        table(state("drop", (TUP, EXIT), cycles=99, actions=(pulse(),))),
    ),
    "a lick that ends the trial in its drop": (
        Lack.LASTING_PULSES,
        ("pulse-cut", "drop"),
        table(state("drop", (LICK, EXIT), (TUP, EXIT), cycles=500, actions=(pulse(),))),
    ),
    "a second drop that a lick can bring too soon": (
        Lack.REFUSED_OVERLAPS,
        ("pulse-overlap", "second"),
        table(
            state("first", (LICK, 1), (TUP, EXIT), cycles=500, actions=(pulse(),)),
            state("second", (TUP, EXIT), cycles=500, actions=(pulse(us=5_000),)),
        ),
    ),
    "a state that can come again while its own pulse runs": (
        Lack.REFUSED_OVERLAPS,
        ("pulse-overlap", "a"),
        table(state("a", (LICK, 0), (TUP, EXIT), cycles=500, actions=(pulse(),))),
    ),
    "a line that is held and pulsed": (
        Lack.HELD_AND_PULSED,
        ("hold-and-pulse", "b"),
        table(
            state("a", (TUP, 1), cycles=500, outputs=4),
            state("b", (TUP, EXIT), cycles=500, actions=(pulse(2),)),
        ),
    ),
    "two counters at once": (
        Lack.SEVERAL_RESETS,
        ("counter-resets", "a"),
        table(
            state(
                "a",
                (TUP, EXIT),
                cycles=1,
                actions=(act(ActionKind.COUNTER_RESET, 0), act(ActionKind.COUNTER_RESET, 1)),
            )
        ),
    ),
    "cancel and wait": (
        Lack.QUIET_CANCEL,
        ("cancel-and-wait", "a"),
        table(
            state("a", (TIMER, EXIT), (TUP, EXIT), cycles=9, actions=(act(ActionKind.TIMER_CANCEL, 0),)),
            timers=(5,),
        ),
    ),
}

GOOD = {
    "dark and waiting": (Lack.WATCHDOG, table(state("a", (LICK, EXIT)))),
    "dark and going round": (Lack.WATCHDOG, table(state("a", (TUP, 0), (LICK, EXIT), cycles=10))),
    "an odour that ends": (Lack.WATCHDOG, table(state("a", (TUP, EXIT), cycles=10, outputs=2))),
    "a puff for every lick": (
        Lack.WATCHDOG,
        table(
            state("wait", (LICK, 1), (TUP, EXIT), cycles=50_000),
            state("puff", (TUP, 0), cycles=1000, actions=(pulse(2),)),
        ),
    ),
    "a trial as long as its drop": (
        Lack.LASTING_PULSES,
        table(state("drop", (TUP, EXIT), cycles=100, actions=(pulse(),))),
    ),
    "a second drop after the first": (
        Lack.REFUSED_OVERLAPS,
        table(
            state("first", (TUP, 1), cycles=101, actions=(pulse(),)),
            state("second", (TUP, EXIT), cycles=500, actions=(pulse(us=5_000),)),
        ),
    ),
    "a timer that is cancelled and started": (
        Lack.QUIET_CANCEL,
        table(
            state(
                "a",
                (TIMER, EXIT),
                actions=(act(ActionKind.TIMER_CANCEL, 0), act(ActionKind.TIMER_START, 0)),
            ),
            timers=(5,),
        ),
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_the_board_cannot_do_is_refused_there_and_nowhere_else(name):
    lack, problem, states = BAD[name]
    assert problem in found(states, lack)
    assert found(states) == []


@pytest.mark.parametrize("name", GOOD)
def test_what_is_safe_without_is_let_pass(name):
    lack, states = GOOD[name]
    assert found(states, lack) == []


def test_timers_that_are_shared_with_pulses_are_counted():
    states = table(
        state("a", (TUP, 1), cycles=500, actions=(pulse(us=1_000), pulse(2, 950))),
        state("b", (TUP, EXIT), cycles=500, actions=(pulse(us=1_000), pulse(2, 1_000))),
        timers=(5, 5),
    )
    assert timers_needed(states) == 4  # 950 us are ten cycles, as 1000 are
    assert found(states, shared_timers=4) == []
    assert found(states, shared_timers=3) == [("board-limit", None)]


def test_a_protocols_table_is_refused_before_the_animal_is_in_the_rig():
    rig = RigDescription(name="box", board=BOARD)
    waits = table(state("cue", (SOFT, EXIT), outputs=2))
    check(waits, rig)
    with pytest.raises(
        UnsafeTableError, match=r"state 'cue'.*keeps 'odour' on.*computer is gone.*held-for-ever"
    ):
        check(waits, rig, BoardLimits(lacks=frozenset({Lack.WATCHDOG})))


def test_no_table_makes_the_rules_raise():
    limits = BoardLimits(lacks=frozenset(Lack), shared_timers=2)
    odd = table(state("a", (TUP, 7), (99, 0), cycles=5, outputs=1 << 15, actions=(pulse(15, 0),)))
    assert isinstance(list(BoardRules(odd, BOARD, limits).problems()), list)
    assert list(BoardRules(table(), BOARD, limits).problems()) == []
