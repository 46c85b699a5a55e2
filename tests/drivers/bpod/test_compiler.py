"""Tables as matrices: what has no counterpart on a Bpod, and what cannot be."""

from __future__ import annotations

import pytest

from drivers.bpod.compiler import compile_table
from drivers.bpod.matrix import encode
from drivers.bpod.wire import upload
from rig.errors import EncodeError
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

TUP = Condition.STATE_TIMER


def way(code, target):
    return Transition(code=code, target=target)


def state(name, *ways, cycles=NO_TIMER, outputs=0, actions=()):
    return State(name=name, timer_cycles=cycles, outputs=outputs, transitions=ways, actions=actions)


def table(*states, timers=(), counters=()):
    return StateTable(name="test", states=states, timers_cycles=timers, counters=counters)


def test_a_cue_and_a_reward_give_the_captured_bytes(wiring):
    """The captured machine without its soft code, which we never send."""
    compiled = compile_table(
        table(
            state("cue", way(TUP, 1), cycles=500, outputs=1 << 4),
            state("reward", way(Condition.INPUT + 2 * 2 + 1, 0), way(TUP, EXIT), cycles=300, outputs=1),
        ),
        wiring,
    )
    assert upload(encode(compiled.matrix, wide=False, timers=16)) == bytes.fromhex(
        "43 01 00 2A 00 02 00 00 00 01 02 00 01 6D 00 01 09 FF 01 0D 01"
        " 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 F4 01 00 00 2C 01 00 00 00"
    )


def test_a_pulse_is_a_timer_on_the_outputs_channel_and_equal_pulses_share_it(wiring):
    pulse = Action(kind=ActionKind.PULSE, index=0, value=30_010)
    other = Action(kind=ActionKind.PULSE, index=0, value=500)
    light = Action(kind=ActionKind.PULSE, index=4, value=500)
    compiled = compile_table(
        table(
            state("a", way(TUP, 1), cycles=1000, actions=(pulse,)),
            state("b", way(TUP, 2), cycles=1000, actions=(other, light)),
            state("c", way(TUP, EXIT), cycles=1000, actions=(pulse,)),
            timers=(70,),
        ),
        wiring,
    )
    own, *pulses = compiled.matrix.timers
    assert (own.duration, own.channel) == (70, 254)
    assert [(t.duration, t.channel, t.on) for t in pulses] == [(301, 13, 1), (5, 13, 1), (5, 9, 255)]
    assert [s.trigger for s in compiled.matrix.states] == [0b10, 0b1100, 0b10]
    assert compiled.pulses == (None, 0, 0, 4)


def test_a_state_that_leads_to_itself_is_there_twice(wiring):
    lick = Condition.INPUT + 5
    compiled = compile_table(
        table(
            state("first", way(TUP, 1), cycles=10),
            state("again", way(lick, 1), way(TUP, EXIT), cycles=100, outputs=1 << 4),
        ),
        wiring,
    )
    matrix = compiled.matrix
    assert compiled.states == (0, 1, 1)
    assert matrix.states[1].inputs == ((0x6D, 2),)
    assert matrix.states[2].inputs == ((0x6D, 1),)
    assert [s.after for s in matrix.states] == [1, 3, 3]
    assert matrix.exit == 3


def test_of_cancelling_and_starting_a_timer_the_last_counts(wiring):
    start, cancel = (Action(kind=kind, index=1) for kind in (ActionKind.TIMER_START, ActionKind.TIMER_CANCEL))
    compiled = compile_table(
        table(
            state("restart", way(TUP, 1), cycles=1, actions=(cancel, start)),
            state("stop", way(TUP, EXIT), cycles=1, actions=(start, cancel)),
            timers=(5, 5),
        ),
        wiring,
    )
    assert [(s.trigger, s.cancel) for s in compiled.matrix.states] == [(0b10, 0), (0, 0b10)]


def test_soft_events_counters_and_timers_have_their_own_numbers(wiring):
    compiled = compile_table(
        table(
            state(
                "all",
                way(Condition.SOFT + 2, EXIT),
                way(Condition.COUNTER + 1, EXIT),
                way(Condition.TIMER, EXIT),
                actions=(
                    Action(kind=ActionKind.TIMER_START, index=0),
                    Action(kind=ActionKind.COUNTER_RESET, index=1),
                ),
            ),
            timers=(0,),
            counters=(Counter(code=4, threshold=1), Counter(code=5, threshold=3)),
        ),
        wiring,
    )
    (only,) = compiled.matrix.states
    assert only.inputs == ((77, 1),)
    assert only.counters == ((1, 1),)
    assert only.timer_ends == ((0, 1),)
    assert (only.after, only.reset) == (None, 2)
    assert [(c.event, c.threshold) for c in compiled.matrix.counters] == [(0x6E, 1), (0x6D, 3)]
    assert compiled.matrix.timers[0].duration == 1  # as ours: never in the cycle of its start


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (table(state("a", way(TUP, EXIT), cycles=1, outputs=1 << 12)), "output line 12"),
        (table(state("a", way(Condition.INPUT + 14, EXIT))), "input line 7"),
        (
            table(
                state(
                    "a",
                    way(TUP, EXIT),
                    cycles=1,
                    actions=tuple(
                        Action(kind=ActionKind.PULSE, index=0, value=100 * n) for n in range(1, 18)
                    ),
                )
            ),
            "needs 17 timers",
        ),
        (table(*(state(f"s{n}", way(0, n), way(TUP, EXIT), cycles=1) for n in range(130))), "260 states"),
    ],
)
def test_what_the_machine_does_not_have_is_an_encode_error(bad, says, wiring):
    with pytest.raises(EncodeError, match=says):
        compile_table(bad, wiring)
