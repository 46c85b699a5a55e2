"""The board's own account of water: what is refused, what stops a table, what is spent."""

from __future__ import annotations

import pytest

from rig.commands import NO_LIMIT, PulseCost
from rig.events import BoardSafe, EndReason, OutputChange, PulseRefused, StateEntered, SyncEdge, TrialEnded
from rig.machine.core import BoardCore
from rig.machine.image import encode
from rig.machine.table import EXIT, Action, ActionKind, Condition, State, StateTable, Transition

PER_CYCLE = PulseCost(per_cycle=10)
"""A pulse of 1000 us costs 100."""
NEXT = int(Condition.STATE_TIMER)


def state(timer, target, pulses=(), outputs=0):
    return State(
        name="s",
        timer_cycles=timer,
        outputs=outputs,
        transitions=(Transition(code=NEXT, target=target),),
        actions=tuple(Action(kind=ActionKind.PULSE, index=index, value=us) for index, us in pulses),
    )


def board(*states, per_minute=NO_LIMIT, per_session=NO_LIMIT, costs=None, now_us=0):
    core = BoardCore(now_us=now_us)
    for output in range(8):
        core.set_max_open(output, 500_000)
    for output, price in (costs or {0: PER_CYCLE}).items():
        assert core.set_cost(output, price)
    core.set_budget(per_minute, per_session)
    if states:
        core.load(0, encode(StateTable(name="t", states=states)))
    return core


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_a_pulse_is_spent_when_it_ends_and_set_aside_until_then():
    core = board(per_session=250)
    assert core.pulse(0, 1_000)
    core.advance(500)
    assert core.spent == (0, 0)
    core.set_cost(1, PER_CYCLE)
    assert not core.pulse(1, 1_600)  # 100 are set aside
    assert core.pulse(1, 1_500)
    core.advance(5_000)
    assert core.spent == (250, 250)
    assert not core.pulse(0, 100)


def test_what_is_refused_is_told_and_costs_nothing():
    core = board(per_session=99)
    assert not core.pulse(0, 1_000)
    assert core.advance(0) == [PulseRefused(t_us=0, output=0)]
    assert core.pulse(0, 900)
    assert not core.safe
    core.advance(10_000)
    assert core.spent == (90, 90)


def test_a_pulse_cut_short_costs_the_cycles_that_began():
    core = board()
    core.pulse(0, 100_000)
    core.advance(2_150)
    core.abort()
    assert core.spent == (220, 220)


def test_two_pulses_of_the_host_in_one_cycle_share_what_is_left():
    core = board(per_session=150, costs={0: PER_CYCLE, 1: PER_CYCLE})
    core.advance(50)
    assert core.pulse(1, 1_000)
    assert core.pulse(0, 1_000)  # nothing has begun yet
    events = core.advance(5_000)
    assert [event.output for event in of(events, OutputChange) if event.on] == [0]
    assert [event.output for event in of(events, PulseRefused)] == [1]
    assert core.spent[1] == 100


def test_a_table_that_asks_for_too_much_ends_in_that_cycle_and_the_board_is_safe():
    core = board(
        state(100, 1, outputs=0b1000),
        state(100, 0, pulses=((0, 3_000), (2, 9_000)), outputs=0b10000),
        per_session=650,
    )
    core.start(0)
    events = core.advance(1_000_000)
    assert len(of(events, StateEntered)) == 6  # two drops were given, the third is beyond
    assert events[-4:] == [
        PulseRefused(t_us=50_000, output=0),
        OutputChange(t_us=50_000, output=3, on=False),
        TrialEnded(t_us=50_000, reason=EndReason.BUDGET),
        BoardSafe(t_us=50_000, reason=EndReason.BUDGET),
    ]
    assert (core.levels, core.running, core.safe, core.spent[1]) == (0, False, True, 600)
    assert not core.start(0)
    core.arm()
    assert core.start(0), "arming gives no water back"
    assert of(core.advance(2_000_000), TrialEnded)[0].reason is EndReason.BUDGET
    assert core.spent[1] == 600


def test_a_pulse_that_began_in_the_same_entry_is_undone():
    core = board(state(10, EXIT, pulses=((2, 900), (0, 1_000))), per_session=99)
    core.start(0)
    events = core.advance(5_000)
    assert not of(events, OutputChange)
    assert of(events, TrialEnded)[0].reason is EndReason.BUDGET


def test_the_sync_line_goes_on_when_a_table_is_stopped():
    core = board(state(1, 0, pulses=((0, 100),)), per_session=5)
    core.set_sync_seed(7)
    core.start(0)
    assert of(core.advance(3_000_000), SyncEdge)


@pytest.mark.parametrize("held", [0b1, 0b101])
def test_a_counted_output_is_opened_by_pulses_only(held):
    core = board(state(100, EXIT, outputs=held))
    core.start(0)
    events = core.advance(20_000)
    assert not [event for event in of(events, OutputChange) if event.output == 0]
    assert PulseRefused(t_us=0, output=0) in events
    assert of(events, BoardSafe) == [BoardSafe(t_us=0, reason=EndReason.BUDGET)]


def test_a_line_that_gets_a_cost_while_a_state_holds_it_goes_off():
    core = board(state(1_000, EXIT, outputs=0b100))
    core.start(0)
    core.advance(500)
    assert core.levels == 0b100
    core.set_cost(2, PER_CYCLE)
    assert core.levels == 0


def test_the_minute_comes_back_and_the_session_does_not():
    core = board(per_minute=100, per_session=250)
    assert core.pulse(0, 1_000)
    core.advance(2_000)
    assert not core.pulse(0, 1_000)
    core.advance(64_999_000)
    assert not core.pulse(0, 1_000)
    core.advance(65_000_000)
    assert core.pulse(0, 1_000)
    core.advance(140_000_000)
    assert not core.pulse(0, 1_000), "50 are left of the session"
    assert core.pulse(0, 500)


def test_a_host_that_is_here_again_does_not_begin_the_session_again():
    core = board(per_session=100)
    core.pulse(0, 1_000)
    core.advance(5_000)
    core.set_budget(NO_LIMIT, 100, begin=False)
    assert not core.pulse(0, 100)
    core.set_budget(NO_LIMIT, 100, begin=True)
    assert core.pulse(0, 1_000)


def test_at_most_four_outputs_are_counted():
    core = board(costs=dict.fromkeys(range(4), PER_CYCLE))
    assert not core.set_cost(4, PER_CYCLE)
    assert core.set_cost(3, PulseCost(per_cycle=5)), "one that is counted already"
    assert core.set_cost(0, PulseCost())
    assert core.set_cost(4, PER_CYCLE)
    with pytest.raises(ValueError, match="no output 16"):
        core.set_cost(16, PER_CYCLE)


def test_a_board_that_was_told_nothing_counts_nothing():
    core = BoardCore()
    core.set_max_open(0, 10_000)
    for k in range(1, 200):
        assert core.pulse(0, 10_000)
        core.advance(k * 11_000)
    assert core.spent == (0, 0)
