"""Each rule is broken once, and what is near it but right passes."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.description import BoardConfig, InputLine, Limits, OutputLine, RigDescription
from rig.device import BoardLimits
from rig.errors import UnsafeTableError
from rig.events import PulseRefused
from rig.machine.build import END, StateMachine, counter, rising, soft, timer
from rig.machine.check import check, problems
from rig.machine.core import BoardCore
from rig.machine.image import encode
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

OWN = Condition.STATE_TIMER


def state(name="a", ways=None, timer=10, **more):
    transitions = tuple(
        Transition(code=int(c), target=t) for c, t in (ways if ways is not None else {OWN: EXIT}).items()
    )
    return State(name=name, timer_cycles=timer, transitions=transitions, **more)


def table(*states, timers=(), counters=()):
    return StateTable(name="t", states=states, timers_cycles=timers, counters=counters)


def broken(a_table, rig, kind="error", limits=None):
    """Return the broken rules as {(state, rule)}."""
    return {(p.state, p.rule) for p in problems(a_table, rig, limits) if p.kind == kind}


def pulse(output, us):
    return (Action(kind=ActionKind.PULSE, index=output, value=us),)


@pytest.mark.parametrize(
    ("a_table", "expected"),
    [
        (table(state(), state("lost")), ("lost", "unreachable")),
        (table(state("a", {}, NO_TIMER)), ("a", "no-way-out")),
        (table(state("a", {1: EXIT, OWN: 1}), state("b", {1: 1, OWN: 1})), ("b", "no-way-out")),
        (table(state("a", {1: EXIT, OWN: EXIT}, NO_TIMER)), ("a", "dead-condition")),
        (table(state("a", {Condition.TIMER: EXIT, OWN: EXIT}), timers=(5,)), ("a", "dead-condition")),
        (table(state(outputs=0b1)), ("a", "valve-held")),
        (table(state(outputs=1 << 9)), ("a", "unknown-output")),
        (table(state(actions=pulse(9, 100))), ("a", "unknown-output")),
        (table(state(actions=pulse(1, 100))), ("a", "pulse-forbidden")),
        (table(state(actions=pulse(2, 50_001))), ("a", "pulse-length")),
        (table(state(actions=pulse(2, 0))), ("a", "pulse-length")),
        (table(state(actions=pulse(0, 5_999))), ("a", "calibration")),
        (table(state(actions=pulse(0, 172_001))), ("a", "reward-limit")),
        (table(state(actions=pulse(0, 60_000) + pulse(0, 60_000))), ("a", "pulse-overlap")),
        (table(state("a", {4: EXIT, OWN: EXIT})), ("a", "unknown-input")),
        (table(state("a", {3: EXIT, OWN: EXIT})), ("a", "log-only")),
        (table(state(), counters=(Counter(code=3, threshold=1),)), (None, "log-only")),
        (table(state(), counters=(Counter(code=7, threshold=1),)), (None, "unknown-input")),
        (table(state(), counters=(Counter(code=16, threshold=1),)), (None, "unknown-input")),
        (table(state(), counters=(Counter(code=1, threshold=0),)), (None, "bad-number")),
        (table(state("a", {Condition.COUNTER: EXIT, OWN: EXIT})), ("a", "unknown-condition")),
        (table(state("a", {Condition.TIMER: EXIT, OWN: EXIT})), ("a", "unknown-condition")),
        (table(state("a", {OWN: EXIT, 33: EXIT})), ("a", "unknown-condition")),
        (table(state("a", {-1: EXIT, OWN: EXIT})), ("a", "unknown-input")),
        (table(state("a", {OWN: EXIT, 1: EXIT})), ("a", "bad-order")),
        (table(state("a", {1: 7, OWN: EXIT})), ("a", "bad-target")),
        (table(state(actions=(Action(kind=ActionKind.TIMER_START, index=0),))), ("a", "bad-action")),
        (table(state(actions=(Action(kind=ActionKind.COUNTER_RESET, index=0),))), ("a", "bad-action")),
        (table(state("a", {OWN: 1}), state("a")), ("a", "duplicate-name")),
        (table(state(timer=1 << 32)), (None, "bad-number")),
        (table(), (None, "board-limit")),
        (table(state("a", {1: EXIT, OWN: 0}, 0)), ("a", "zero-time-loop")),
        (table(state("a", {OWN: 1}, 1), state("b", {1: EXIT, OWN: 0}, 0)), ("a", "zero-time-loop")),
    ],
)
def test_each_rule_is_found_alone(a_rig, a_table, expected):
    assert broken(a_table, a_rig) >= {expected}
    assert {rule for _, rule in broken(a_table, a_rig)} == {expected[1]}
    name, rule = expected
    place = f"state '{name}' of 't'" if name else "table 't'"
    with pytest.raises(UnsafeTableError) as refused:
        check(a_table, a_rig, BoardLimits(), "my_task.py")
    assert str(refused.value).startswith(f"my_task.py: {place}: ")
    assert f"[rule: {rule}]" in str(refused.value)


def test_a_drop_of_exactly_the_limit_passes(a_rig):
    """25 uL lie between 60 ms (5 uL) and 200 ms (30 uL), at 172 ms."""
    assert broken(table(state(timer=2_000, actions=pulse(0, 172_000))), a_rig) == set()


def test_a_limit_below_the_calibrated_range_forbids_all(a_rig):
    strict = msgspec.structs.replace(a_rig, limits=Limits(max_drop_ul=0.05))
    assert broken(table(state(actions=pulse(0, 6_000))), strict) == {("a", "reward-limit")}


def test_a_valve_without_calibration_is_refused():
    rig = RigDescription(
        name="r",
        board=BoardConfig(port="p", outputs={"water": OutputLine(line=0, kind="valve", max_open_ms=100)}),
    )
    assert broken(table(state(actions=pulse(0, 6_000))), rig) == {("a", "calibration")}


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (BoardLimits(states=1), "2 states; the board holds 1"),
        (BoardLimits(transitions=1), "2 transitions"),
        (BoardLimits(timers=0), "1 global timers"),
        (BoardLimits(counters=0), "1 counters"),
        (BoardLimits(table_bytes=42), "43 bytes; the board holds 42"),
    ],
)
def test_a_table_above_the_boards_limits_is_refused(a_rig, limits, what):
    big = table(state("a", {OWN: 1}), state("b"), timers=(5,), counters=(Counter(code=1, threshold=1),))
    assert broken(big, a_rig) == set()
    (found,) = problems(big, a_rig, limits)
    assert found.rule == "board-limit"
    assert what in found.message


def test_a_wait_for_input_is_a_warning_only(a_rig):
    sm = StateMachine("t")
    sm.state("wait", on={rising("lick"): END, soft(1): END})
    waiting = sm.build(a_rig)
    check(waiting, a_rig)
    (warning,) = problems(waiting, a_rig)
    assert (warning.state, warning.rule, warning.kind) == ("wait", "waits-for-input", "warning")
    assert "lick rises, soft event 1" in warning.message


def built(rig, states, *, patience_s=10.0):
    sm = StateMachine("t")
    sm.timer("patience", seconds=patience_s)
    sm.counter("licks", edge=rising("lick"), threshold=3)
    for name, arguments in states.items():
        sm.state(name, **arguments)
    return sm.build(rig)


@pytest.mark.parametrize(
    "states",
    [
        # A pause of 50 ms with the valve closed, or a lick, a count or a soft event in the loop.
        {"a": {"deliver_ul": 5.0, "then": "b"}, "b": {"timer": 0.05, "then": "a", "on": {soft(1): END}}},
        {"a": {"deliver_ul": 5.0, "timer": 0.11, "then": "a", "on": {soft(1): END}}},
        {"a": {"deliver_ul": 5.0, "then": "b"}, "b": {"on": {rising("lick"): "a", soft(1): END}}},
        {"a": {"deliver_ul": 5.0, "then": "b"}, "b": {"on": {counter("licks"): "a", soft(1): END}}},
        # A train of light is no reward.
        {"a": {"pulses": {"led": 0.005}, "timer": 0.025, "then": "a", "on": {soft(1): END}}},
    ],
)
def test_rewards_may_repeat_with_a_pause_or_an_input_between(a_rig, states):
    assert broken(built(a_rig, states), a_rig) == set()


@pytest.mark.parametrize(
    "states",
    [
        {"a": {"deliver_ul": 5.0, "timer": 0.109, "then": "a", "on": {soft(1): END}}},
        {"a": {"deliver_ul": 5.0, "then": "b"}, "b": {"timer": 0.049, "then": "a", "on": {soft(1): END}}},
        {
            "a": {"deliver_ul": 0.1, "then": "b"},
            "b": {"timer": 0.04, "then": "c", "on": {soft(1): END}},
            "c": {"timer": 0.04, "then": "a"},
        },
        {
            "a": {"deliver_ul": 5.0, "then": "b", "start_timers": "patience"},
            "b": {"on": {timer("patience"): "a", soft(1): END}},
        },
        # A long timer that the valve outlasts is no pause.
        {
            "a": {"deliver_ul": 5.0, "timer": 0, "then": "b"},
            "b": {"timer": 0.061, "then": "a", "on": {soft(1): END}},
        },
    ],
)
def test_a_reward_that_repeats_by_itself_without_a_pause_is_refused(a_rig, states):
    assert broken(built(a_rig, states), a_rig) == {("a", "reward-loop")}


def test_pulses_that_would_be_refused_are_found_before_the_run(a_rig):
    twice = {"a": {"deliver_ul": 5.0, "then": "b"}, "b": {"deliver_ul": 1.2, "then": END}}
    assert broken(built(a_rig, twice), a_rig) == {("b", "pulse-overlap")}
    apart = {
        "a": {"deliver_ul": 5.0, "timer": 0.0601, "then": "b"},
        "b": {"deliver_ul": 1.2, "then": END},
    }
    assert broken(built(a_rig, apart), a_rig) == set()
    by_lick = {
        "a": {"deliver_ul": 5.0, "timer": 1, "then": END, "on": {rising("lick"): "b"}},
        "b": {"deliver_ul": 1.2, "then": END},
    }
    assert broken(built(a_rig, by_lick), a_rig) == set()
    assert broken(built(a_rig, by_lick), a_rig, "warning") == {("b", "pulse-overlap")}


def test_the_first_error_is_named_and_the_others_counted(a_rig):
    with pytest.raises(
        UnsafeTableError, match=r"^f\.py: state 'a' of 't': .*\[rule: valve-held\] \(1 more\)$"
    ):
        check(table(state(outputs=1), state("lost")), a_rig, BoardLimits(), "f.py")


OPEN_RIG = RigDescription(
    name="open",
    board=BoardConfig(
        port="none",
        inputs={f"in{line}": InputLine(line=line) for line in range(3)},
        outputs={f"out{line}": OutputLine(line=line, max_open_ms=2.5) for line in range(6)},
    ),
)


@settings(max_examples=300)
@given(data=st.data(), licks=st.lists(st.tuples(st.integers(1, 900), st.integers(0, 2), st.booleans())))
def test_no_pulse_is_refused_on_the_board_that_the_check_did_not_foresee(data, licks, tables):
    a_table = data.draw(tables)
    foreseen = any(problem.rule == "pulse-overlap" for problem in problems(a_table, OPEN_RIG))
    core = BoardCore()
    for line in OPEN_RIG.board.outputs.values():
        core.set_max_open(line.line, 2_500)
    core.load(0, encode(a_table))
    assert core.start(0)
    events = []
    for gap_us, line, up in licks:
        events += core.advance(core.now_us + gap_us)
        core.input_edge(line, up)
    events += core.advance(core.now_us + 20_000)
    assert foreseen or not any(isinstance(event, PulseRefused) for event in events)


NUMBERS = st.one_of(st.integers(-3, 40), st.integers(-(1 << 40), 1 << 40))
ODD_STATES = st.builds(
    State,
    name=st.text(max_size=3),
    timer_cycles=NUMBERS,
    outputs=NUMBERS,
    transitions=st.lists(st.builds(Transition, code=NUMBERS, target=NUMBERS), max_size=4).map(tuple),
    actions=st.lists(
        st.builds(Action, kind=st.sampled_from(ActionKind), index=NUMBERS, value=NUMBERS), max_size=4
    ).map(tuple),
)
ODD_TABLES = st.builds(
    StateTable,
    name=st.text(max_size=3),
    states=st.lists(ODD_STATES, max_size=5).map(tuple),
    timers_cycles=st.lists(NUMBERS, max_size=6).map(tuple),
    counters=st.lists(st.builds(Counter, code=NUMBERS, threshold=NUMBERS), max_size=6).map(tuple),
)


@settings(max_examples=300)
@given(odd=ODD_TABLES)
def test_the_check_never_crashes_and_passes_nothing_that_has_no_image(odd, a_rig):
    if not any(problem.kind == "error" for problem in problems(odd, a_rig)):
        encode(odd)
