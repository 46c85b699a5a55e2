"""Each sentence of the table's semantics, then the reference interpreter against a second one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.machine.run import Machine, mask
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

FALL, RISE = 0, 1
SOFT, COUNTER, TIMER, OWN = Condition.SOFT, Condition.COUNTER, Condition.TIMER, Condition.STATE_TIMER


def state(name, ways=None, timer=NO_TIMER, actions=(), outputs=0):
    transitions = tuple(Transition(code=int(c), target=t) for c, t in sorted((ways or {}).items()))
    return State(name=name, timer_cycles=timer, transitions=transitions, actions=actions, outputs=outputs)


def do(kind, index, value=0):
    return Action(kind=kind, index=index, value=value)


def machine(*states, timers=(), counters=()):
    return Machine(StateTable(name="t", states=states, timers_cycles=timers, counters=counters))


def follow(runner, train, cycles, first=0):
    """Step the cycles that matter; return [(cycle, entered)]."""
    entered = [(first, runner.start(first).state)]
    cycle = first
    while runner.state is not None:
        due = runner.next_cycle()
        with_input = min((c for c in train if c > cycle), default=None)
        ahead = [c for c in (due, with_input) if c is not None]
        if not ahead or min(ahead) >= cycles:
            break
        cycle = min(ahead)
        entry = runner.step(cycle, mask(*train.get(cycle, ())))
        if entry is not None:
            entered.append((cycle, entry.state))
    return entered


ALL_AT_ONCE = [FALL, RISE, 2, 3, SOFT, SOFT + 7, COUNTER, COUNTER + 1, TIMER, TIMER + 1, OWN]


@pytest.mark.parametrize("first", range(len(ALL_AT_ONCE)))
def test_of_all_that_is_true_in_a_cycle_the_lowest_code_wins(first):
    codes = ALL_AT_ONCE[first:]
    ways = {code: number + 1 for number, code in enumerate(codes)}
    others = [state(f"after {code}") for code in codes]
    start = state("a", ways, timer=5, actions=(do(ActionKind.TIMER_START, 0), do(ActionKind.TIMER_START, 1)))
    runner = machine(
        start,
        *others,
        timers=(5, 5),
        counters=(Counter(code=FALL, threshold=1), Counter(code=RISE, threshold=1)),
    )
    runner.start(0)
    entry = runner.step(5, mask(FALL, RISE, 2, 3, SOFT, SOFT + 7))
    assert entry.state == 1


def test_falling_goes_before_rising_and_lower_lines_before_higher():
    runner = machine(state("a", {FALL: 1, RISE: 2, 2: 3}), state("fell"), state("rose"), state("other line"))
    runner.start(0)
    assert runner.step(1, mask(RISE, FALL, 2)).state == 1
    runner.start(2)
    assert runner.step(3, mask(RISE, 2)).state == 2


def test_at_most_one_transition_a_cycle_and_the_rest_is_spent():
    runner = machine(state("a", {RISE: 1}, timer=3), state("b", {OWN: EXIT, SOFT: EXIT}))
    runner.start(0)
    assert runner.step(3, mask(RISE, SOFT)).state == 1
    assert runner.next_cycle() is None
    assert runner.step(4) is None
    assert runner.state == 1


def test_a_transition_to_the_own_state_restarts_its_timer_and_its_actions():
    runner = machine(
        state("a", {RISE: 0, OWN: EXIT}, timer=10, actions=(do(ActionKind.PULSE, 2, 300),), outputs=4)
    )
    assert runner.start(0).pulses == ((2, 300),)
    again = runner.step(7, mask(RISE))
    assert (again.state, again.outputs, again.pulses) == (0, 4, ((2, 300),))
    assert runner.next_cycle() == 17
    assert runner.step(17).state == EXIT


@pytest.mark.parametrize(("timer", "out"), [(0, 1), (1, 1), (2, 2), (400, 400)])
def test_a_state_timer_runs_out_that_many_cycles_after_the_entry_but_not_in_it(timer, out):
    runner = machine(state("a", {OWN: EXIT}, timer=timer))
    runner.start(1000)
    assert runner.next_cycle() == 1000 + out
    assert runner.step(1000 + out).state == EXIT
    assert runner.state is None
    assert runner.next_cycle() is None


def test_a_state_timer_without_a_way_runs_out_once_and_unseen():
    runner = machine(state("a", {RISE: EXIT}, timer=4))
    runner.start(0)
    assert runner.step(4) is None
    assert runner.next_cycle() is None


def test_a_counter_is_true_only_in_the_cycle_in_which_it_reaches_its_threshold():
    runner = machine(
        state("a", {SOFT: 1}), state("b", {COUNTER: EXIT}), counters=(Counter(code=RISE, threshold=2),)
    )
    runner.start(0)
    for cycle in (1, 2, 3):
        assert runner.step(cycle, mask(RISE)) is None  # reached in cycle 2, while nobody waits for it
    assert runner.step(4, mask(SOFT)).state == 1
    assert runner.step(5, mask(RISE)) is None


def test_a_counter_counts_from_the_start_and_across_states():
    runner = machine(
        state("a", {SOFT: 1}), state("b", {COUNTER: EXIT}), counters=(Counter(code=RISE, threshold=3),)
    )
    assert follow(runner, {1: {RISE}, 2: {SOFT}, 5: {RISE}, 9: {RISE}}, 100) == [(0, 0), (2, 1), (9, EXIT)]


def test_a_new_trial_begins_with_empty_counters_and_stopped_timers():
    runner = machine(
        state("a", {SOFT: 1}, actions=(do(ActionKind.TIMER_START, 0),)),
        state("b", {COUNTER: EXIT, TIMER: EXIT}),
        timers=(50,),
        counters=(Counter(code=RISE, threshold=2),),
    )
    runner.start(0)
    runner.step(1, mask(RISE))
    runner.stop()
    assert follow(runner, {101: {SOFT}, 102: {RISE}}, 1000, first=100) == [(100, 0), (101, 1), (150, EXIT)]


def test_an_entry_resets_a_counter_after_the_edge_of_its_own_cycle():
    runner = machine(
        state("a", {RISE: 1}),
        state("b", {COUNTER: EXIT}, actions=(do(ActionKind.COUNTER_RESET, 0),)),
        counters=(Counter(code=RISE, threshold=2),),
    )
    assert follow(runner, {c: {RISE} for c in (1, 2, 3)}, 10) == [(0, 0), (1, 1), (3, EXIT)]


def test_a_global_timer_runs_across_states_and_is_true_in_one_cycle():
    runner = machine(
        state("a", {RISE: 1}, actions=(do(ActionKind.TIMER_START, 0),)),
        state("b", {TIMER: EXIT}),
        timers=(20,),
    )
    assert follow(runner, {3: {RISE}}, 100) == [(0, 0), (3, 1), (20, EXIT)]
    assert follow(runner, {25: {RISE}}, 100) == [(0, 0), (25, 1)]  # it ran out unseen


@pytest.mark.parametrize(("duration", "out"), [(0, 1), (1, 1), (2, 2)])
def test_a_global_timer_runs_out_one_cycle_after_its_start_at_least(duration, out):
    start = do(ActionKind.TIMER_START, 0)
    runner = machine(state("a", {TIMER: EXIT}, actions=(start,)), timers=(duration,))
    assert follow(runner, {}, 100) == [(0, 0), (out, EXIT)]


def test_a_global_timer_is_cancelled_and_restarted_by_entries():
    cancel, begin = do(ActionKind.TIMER_CANCEL, 0), do(ActionKind.TIMER_START, 0)
    runner = machine(
        state("a", {RISE: 1, SOFT: 2}, actions=(begin,)),
        state("cancelled", {TIMER: EXIT}, actions=(cancel,)),
        state("restarted", {TIMER: EXIT}, actions=(begin,)),
        timers=(20,),
    )
    assert follow(runner, {5: {RISE}}, 100) == [(0, 0), (5, 1)]
    assert follow(runner, {5: {SOFT}}, 100) == [(0, 0), (5, 2), (25, EXIT)]


def test_input_in_the_cycle_of_the_start_is_spent():
    runner = machine(state("a", {RISE: EXIT}))
    assert follow(runner, {0: {RISE}}, 100) == [(0, 0)]


def test_bits_that_do_not_come_from_outside_are_ignored():
    runner = machine(state("a", {OWN: EXIT, TIMER: EXIT}, timer=10), timers=(5,))
    runner.start(0)
    assert runner.step(1, mask(OWN, TIMER)) is None


def test_cycles_out_of_turn_are_refused():
    runner = machine(state("a", {OWN: EXIT}, timer=10))
    with pytest.raises(ValueError, match="no table"):
        runner.step(1)
    runner.start(5)
    for cycle in (5, 4, 16):
        with pytest.raises(ValueError, match="out of turn"):
            runner.step(cycle)


@settings(max_examples=400)
@given(data=st.data())
def test_event_driven_equals_every_cycle_equals_a_second_interpreter(data, tables, trains, slow_machine):
    table, train = data.draw(tables), data.draw(trains)
    cycles = 200
    expected = slow_machine(table, train, cycles)
    assert follow(Machine(table), train, cycles) == expected
    dense = Machine(table)
    entered = [(0, dense.start(0).state)]
    for cycle in range(1, cycles):
        if dense.state is None:
            break
        entry = dense.step(cycle, mask(*train.get(cycle, ())))
        if entry is not None:
            entered.append((cycle, entry.state))
    assert entered == expected
