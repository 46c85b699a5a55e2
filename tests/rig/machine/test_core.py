"""The board without bytes: the grid, the stamps, pulses, abort, safe state, slots.

Long because each sentence at the top of `rig.machine.core` is one test here.
"""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.device import BoardLimits
from rig.events import (
    BoardSafe,
    EndReason,
    InputEdge,
    OutputChange,
    PulseRefused,
    SoftEventSeen,
    StateEntered,
    TrialEnded,
    TrialStarted,
)
from rig.machine.core import BoardCore
from rig.machine.image import encode
from rig.machine.refusal import Refusal, TableRefused
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

RISE, OWN = 1, Condition.STATE_TIMER


def state(name, ways=None, timer=NO_TIMER, pulses=(), outputs=0):
    return State(
        name=name,
        timer_cycles=timer,
        outputs=outputs,
        transitions=tuple(Transition(code=int(c), target=t) for c, t in sorted((ways or {}).items())),
        actions=tuple(Action(kind=ActionKind.PULSE, index=index, value=us) for index, us in pulses),
    )


def core_with(*states, now_us=0, max_open_us=50_000):
    core = BoardCore(now_us=now_us)
    for output in range(16):
        core.set_max_open(output, max_open_us)
    core.load(0, encode(StateTable(name="t", states=states)))
    return core


def on(t_us, output):
    return OutputChange(t_us=t_us, output=output, on=True)


def off(t_us, output):
    return OutputChange(t_us=t_us, output=output, on=False)


def entered(t_us, number):
    return StateEntered(t_us=t_us, state=number)


def started(t_us, slot=0):
    return TrialStarted(t_us=t_us, slot=slot)


def ended(t_us, reason=EndReason.COMPLETE):
    return TrialEnded(t_us=t_us, reason=reason)


@pytest.mark.parametrize("base", [0, 5_000, (1 << 32) - 250, (1 << 64) + 50])
def test_a_trial_is_stamped_on_the_grid_at_any_board_time(base):
    core = core_with(
        state("a", {OWN: 1}, 10, outputs=0b10), state("b", {OWN: EXIT}, 5, outputs=0b100), now_us=base
    )
    grid = -(-base // 100) * 100
    assert core.start(0)
    assert core.running
    assert core.state is None
    assert core.next_due_us() == grid
    assert core.advance(grid + 10_000) == [
        started(grid), entered(grid, 0), on(grid, 1),
        entered(grid + 1_000, 1), off(grid + 1_000, 1), on(grid + 1_000, 2),
        off(grid + 1_500, 2), ended(grid + 1_500),
    ]  # fmt: skip
    assert not core.running
    assert core.levels == 0
    assert core.next_due_us() is None
    assert core.now_us == grid + 10_000


def test_an_edge_is_stamped_as_it_comes_and_acts_in_the_next_cycle():
    core = core_with(state("a", {RISE: EXIT}))
    core.start(0)
    core.advance(1_234)
    core.input_edge(0, rising=True)
    assert core.next_due_us() == 1_234  # an event waits to be fetched
    assert core.advance(1_234) == [InputEdge(t_us=1_234, line=0, rising=True)]
    assert core.next_due_us() == 1_300
    assert core.advance(2_000) == [ended(1_300)]


def test_an_edge_at_the_instant_of_a_cycle_acts_in_the_one_after():
    core = core_with(state("a", {RISE: EXIT}))
    core.start(0)
    core.advance(1_200)
    core.input_edge(0, rising=True)
    assert core.advance(5_000) == [InputEdge(t_us=1_200, line=0, rising=True), ended(1_300)]


def test_edges_within_one_cycle_are_latched_together_falling_before_rising():
    core = core_with(state("a", {0: 1, RISE: 2}), state("fell"), state("rose"))
    core.start(0)
    core.advance(110)
    core.input_edge(0, rising=True)
    assert core.advance(150) == [InputEdge(t_us=110, line=0, rising=True)]
    core.input_edge(0, rising=False)
    assert core.advance(300) == [InputEdge(t_us=150, line=0, rising=False), entered(200, 1)]
    assert core.state == 1


def test_equal_edges_within_one_cycle_count_once():
    core = BoardCore()
    way = Transition(code=Condition.COUNTER, target=EXIT)
    counting = StateTable(
        name="t",
        states=(State(name="a", transitions=(way,)),),
        counters=(Counter(code=RISE, threshold=2),),
    )
    core.load(0, encode(counting))
    core.start(0)
    core.advance(110)
    for rising in (True, False, True):
        core.input_edge(0, rising)
    core.advance(500)
    assert core.running
    core.input_edge(0, rising=True)
    assert core.advance(700)[-1] == ended(600)


def test_edges_are_recorded_but_not_kept_for_a_table_that_is_not_running():
    core = core_with(state("a", {RISE: EXIT}))
    core.advance(50)
    core.input_edge(0, rising=True)
    core.start(0)
    core.input_edge(0, rising=True)
    assert core.advance(1_000) == [
        InputEdge(t_us=50, line=0, rising=True), InputEdge(t_us=50, line=0, rising=True),
        started(100), entered(100, 0),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no input line 8"):
        core.input_edge(8, rising=True)


def test_soft_events_are_taken_by_a_running_table_only():
    core = core_with(state("a", {Condition.SOFT + 2: EXIT}))
    assert not core.soft(3)
    core.start(0)
    assert core.soft(8)  # before the start's own cycle: seen in the one after
    assert core.advance(150) == [started(0), entered(0, 0), SoftEventSeen(t_us=100, number=8)]
    assert not core.soft(0)
    assert not core.soft(9)
    assert core.soft(3)
    assert core.advance(400) == [SoftEventSeen(t_us=200, number=3), ended(200)]


def test_a_pulse_outlives_its_state_and_its_trial():
    core = core_with(state("a", {OWN: EXIT}, 5, pulses=((3, 2_050),)))
    core.start(0)
    assert core.advance(10_000) == [started(0), entered(0, 0), on(0, 3), ended(500), off(2_100, 3)]


def test_a_line_is_on_while_a_state_or_a_pulse_holds_it():
    core = core_with(
        state("a", {OWN: 1}, 10, outputs=0b1, pulses=((0, 1_500),)),
        state("b", {OWN: 2}, 10),
        state("c", {OWN: EXIT}, 10, outputs=0b1),
    )
    core.start(0)
    changes = [e for e in core.advance(10_000) if isinstance(e, OutputChange)]
    assert changes == [on(0, 0), off(1_500, 0), on(2_000, 0), off(3_000, 0)]


def test_a_pulse_of_the_host_is_timed_by_the_board_from_the_next_cycle():
    core = core_with(state("a"))
    core.advance(1_010)
    assert core.pulse(4, 250)
    assert core.next_due_us() == 1_100
    assert core.advance(1_150) == [on(1_100, 4)]
    assert core.levels == 1 << 4
    assert core.advance(2_000) == [off(1_400, 4)]


def test_pulses_are_refused_above_the_limit_while_one_runs_and_without_a_limit():
    core = core_with(state("a"), max_open_us=1_000)
    core.set_max_open(5, 0)
    core.advance(10)
    refused = [PulseRefused(t_us=10, output=output) for output in (0, 0, 5, 1)]
    assert not core.pulse(0, 1_001)
    assert not core.pulse(0, 0)
    assert not core.pulse(5, 1)
    assert core.pulse(1, 1_000)
    assert not core.pulse(1, 10)  # asked for already
    assert not core.pulse(16, 10)  # no such output, so no event can name it
    assert core.advance(600) == [*refused, on(100, 1)]
    assert not core.pulse(1, 10)
    assert core.advance(1_100) == [PulseRefused(t_us=600, output=1), off(1_100, 1)]
    assert core.pulse(1, 10)  # at the instant it closed: opens a cycle later
    assert core.advance(1_300) == [on(1_200, 1), off(1_300, 1)]


def test_pulses_of_a_table_do_not_extend_each_other_even_end_to_end():
    core = core_with(
        state("a", {OWN: 1}, 10, pulses=((2, 1_000),)), state("b", {OWN: EXIT}, 10, pulses=((2, 1_000),))
    )
    core.start(0)
    assert core.advance(5_000) == [
        started(0), entered(0, 0), on(0, 2),
        entered(1_000, 1), PulseRefused(t_us=1_000, output=2), off(1_000, 2),
        ended(2_000),
    ]  # fmt: skip


def test_a_table_and_the_host_ask_at_once_and_the_table_gets_it():
    core = core_with(state("a", {OWN: 1}, 10), state("b", pulses=((2, 500),)))
    core.start(0)
    core.advance(950)
    assert core.pulse(2, 5_000)
    assert core.advance(9_000) == [
        entered(1_000, 1), PulseRefused(t_us=1_000, output=2), on(1_000, 2), off(1_500, 2)
    ]  # fmt: skip


def test_a_limit_that_came_after_the_table_still_holds():
    core = core_with(state("a", {OWN: EXIT}, 10, pulses=((2, 500),)))
    core.set_max_open(2, 400)
    core.start(0)
    assert core.advance(9_000) == [started(0), entered(0, 0), PulseRefused(t_us=0, output=2), ended(1_000)]


def test_abort_puts_everything_low_at_once():
    core = core_with(state("a", outputs=0b1010, pulses=((2, 50_000),)))
    core.start(0)
    core.advance(1_000)
    core.pulse(5, 100)
    core.soft(1)
    core.advance(1_033)
    core.abort()
    assert core.levels == 0
    assert not core.running
    assert core.advance(100_000) == [
        off(1_033, 1),
        off(1_033, 2),
        off(1_033, 3),
        ended(1_033, EndReason.ABORTED),
    ]
    assert not core.safe
    assert core.start(0)
    core.abort()
    assert core.advance(200_000) == [started(100_000), ended(100_000, EndReason.ABORTED)]
    core.abort()
    assert core.advance(300_000) == []


def test_nothing_reopens_in_the_instant_of_an_abort():
    core = core_with(state("a", outputs=1))
    core.start(0)
    core.advance(1_000)
    core.abort()
    assert core.start(0)
    assert core.advance(2_000) == [
        off(1_000, 0), ended(1_000, EndReason.ABORTED), started(1_100), entered(1_100, 0), on(1_100, 0),
    ]  # fmt: skip


def test_what_was_latched_for_an_aborted_trial_is_not_seen_by_the_next():
    core = core_with(state("a", {RISE: EXIT, Condition.SOFT: EXIT}))
    core.start(0)
    core.advance(1_010)
    core.soft(1)
    core.input_edge(0, rising=True)
    core.abort()
    core.start(0)
    core.advance(1_120)
    core.soft(2)
    assert core.advance(2_000) == [SoftEventSeen(t_us=1_200, number=2)]
    assert core.state == 0


@pytest.mark.parametrize("reason", [EndReason.HOST_LOST, EndReason.FAULT])
def test_a_lost_host_leaves_the_board_safe_until_it_is_armed(reason):
    core = core_with(state("a", outputs=1, pulses=((2, 50_000),)))
    core.start(0)
    core.advance(777)
    core.abort(reason)
    core.abort(reason)
    assert core.safe
    assert not core.start(0)
    assert not core.pulse(2, 100)
    assert core.advance(1_000) == [
        off(777, 0), off(777, 2), ended(777, reason), BoardSafe(t_us=777, reason=reason),
        PulseRefused(t_us=777, output=2),
    ]  # fmt: skip
    core.arm()
    assert core.pulse(2, 100)
    assert core.start(0)
    core.abort(reason)
    assert BoardSafe(t_us=1_000, reason=reason) in core.advance(1_000)


def test_a_lost_host_with_nothing_running_is_told_too():
    core = BoardCore()
    core.abort(EndReason.HOST_LOST)
    assert core.advance(0) == [BoardSafe(t_us=0, reason=EndReason.HOST_LOST)]


def test_the_next_table_is_loaded_while_one_runs():
    core = core_with(state("a", {OWN: EXIT}, 10))
    core.start(0)
    core.advance(100)
    second = encode(StateTable(name="t", states=(state("b", {OWN: EXIT}, 20), state("c"))))
    core.load(1, second)
    assert not core.start(1)
    core.advance(1_000)
    assert core.start(1)  # at the instant the first one ended: a cycle later
    assert core.advance(5_000) == [started(1_100, 1), entered(1_100, 0), ended(3_100)]
    assert len(core.table(1).states) == 2
    assert len(core.table(0).states) == 1


def refusal(core, slot, image):
    with pytest.raises(TableRefused) as refused:
        core.load(slot, image)
    return refused.value.code


def test_a_refused_table_leaves_the_slot_as_it_was():
    core = core_with(state("a", {OWN: EXIT}, 10))
    image = encode(core.table(0))
    before = core.table(0)
    assert refusal(core, 2, image) == Refusal.SLOT
    assert refusal(core, -1, image) == Refusal.SLOT
    assert refusal(core, 0, image[:-1]) == Refusal.LENGTH
    long = encode(StateTable(name="t", states=(state("a", {OWN: EXIT}, 10, pulses=((1, 50_001),)),)))
    assert refusal(core, 0, long) == Refusal.PULSE
    assert core.table(0) is before
    assert core.start(0)
    assert core.slot == 0
    assert refusal(core, 0, image) == Refusal.BUSY
    core.advance(10_000)
    core.load(0, image)
    assert core.table(0) is not before


def test_starts_are_refused_where_there_is_nothing_to_run():
    core = core_with(state("a"))
    assert not core.start(1)
    assert not core.start(-1)
    assert not core.start(2)
    assert core.table(1) is core.table(7) is None
    assert core.start(0)
    assert not core.start(0)


def test_time_does_not_go_back():
    core = BoardCore(now_us=500)
    with pytest.raises(ValueError, match="cannot go back"):
        core.advance(499)
    assert core.advance(500) == []


def test_limits_of_a_smaller_board_hold():
    core = BoardCore(BoardLimits(outputs=4, inputs=1, slots=1))
    with pytest.raises(ValueError, match="no output 4"):
        core.set_max_open(4, 1)
    with pytest.raises(ValueError, match="no input line 1"):
        core.input_edge(1, rising=True)
    assert not core.start(1)


EDGES = st.lists(
    st.tuples(st.integers(1, 900), st.integers(0, 2), st.booleans()), min_size=1, max_size=40
)  # (gap in us, line, rising)


def drive(core, edges, stops):
    """Give the edges at their times, with extra calls of `advance` at `stops`; return all events."""
    events, t_us = [], 0
    for gap_us, line, rising in edges:
        t_us += gap_us
        for stop in sorted(s for s in stops if core.now_us < s < t_us):
            events += core.advance(stop)
        events += core.advance(t_us)
        core.input_edge(line, rising)
    return events + core.advance(t_us + 5_000)


@settings(max_examples=150)
@given(data=st.data(), edges=EDGES, stops=st.sets(st.integers(1, 20_000), max_size=30))
def test_the_core_equals_the_slow_interpreter_and_extra_looks_change_nothing(
    data, edges, stops, tables, slow_machine
):
    image = encode(data.draw(tables))

    def fresh():
        core = BoardCore()
        for output in range(4):
            core.set_max_open(output, 3_000)
        core.load(0, image)
        core.start(0)
        core.advance(0)
        return core

    core = fresh()
    events = drive(core, edges, ())
    assert events == drive(fresh(), edges, stops)
    assert [e.t_us for e in events] == sorted(e.t_us for e in events)
    train, t_us = {}, 0
    for gap_us, line, rising in edges:
        t_us += gap_us
        train.setdefault(t_us // 100 + 1, set()).add(2 * line + rising)
    expected = [(c * 100, s) for c, s in slow_machine(core.table(0), train, t_us // 100 + 51)]
    seen = [
        (e.t_us, EXIT if isinstance(e, TrialEnded) else e.state)
        for e in events
        if isinstance(e, StateEntered | TrialEnded)
    ]
    assert [(0, 0), *seen] == expected


@settings(max_examples=150)
@given(data=st.data(), edges=EDGES, abort_at=st.integers(1, 10_000), held=st.booleans())
def test_outputs_alternate_keep_their_limit_and_are_low_after_an_abort(data, edges, abort_at, held, tables):
    table = data.draw(tables)
    if not held:  # pulses only, so that the longest open time can be seen
        states = tuple(msgspec.structs.replace(state, outputs=0) for state in table.states)
        table = msgspec.structs.replace(table, states=states)
    core = BoardCore()
    for output in range(4):
        core.set_max_open(output, 2_500)
    core.load(0, encode(table))
    core.start(0)
    events = drive(core, edges, ())
    events += core.advance(core.now_us + abort_at)
    core.abort(EndReason.HOST_LOST)
    assert core.levels == 0
    events += core.advance(core.now_us + 100_000)
    assert core.levels == 0
    opened = {}
    for event in events:
        if isinstance(event, OutputChange):
            assert event.on != (event.output in opened)
            if event.on:
                opened[event.output] = event.t_us
            else:
                open_us = event.t_us - opened.pop(event.output)
                assert held or open_us <= 2_500
    assert not opened
    assert sum(isinstance(e, TrialStarted) for e in events) == 1
    assert sum(isinstance(e, TrialEnded) for e in events) == 1
