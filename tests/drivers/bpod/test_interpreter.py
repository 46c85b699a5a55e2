"""The firmware's cycle where it is not what one would think."""

from __future__ import annotations

from drivers.bpod.hardware import R2
from drivers.bpod.interpreter import Runner
from drivers.bpod.matrix import EventCounter, GlobalTimer, Level, MatrixState, StateMatrix

PORT1, PORT2 = 9, 10
HIGH = R2.edge(PORT1, rising=True)


def run(matrix, until, levels=None, soft=None, before=0, **how):
    """Step every cycle; return the cycles with events, and those in which a state was entered."""
    runner, levels, soft = Runner(matrix, R2, levels=before, **how), levels or {}, soft or {}
    entered = [(0, runner.start().entered)]
    seen, pins = {}, []
    for cycle in range(1, until):
        step = runner.step(cycle, levels.get(cycle), (soft.get(cycle), None))
        if step.events:
            seen[cycle] = step.events
        pins += [(cycle, channel, value) for channel, value in step.pins.items()]
        if step.entered is not None:
            entered.append((cycle, step.entered))
        if step.ended:
            entered.append((cycle, None))
            break
    return seen, entered, pins


def matrix(*states, **more):
    return StateMatrix(states=states, **more)


def test_a_counter_is_told_one_cycle_after_the_event_that_fills_it():
    counting = matrix(
        MatrixState(counters=((0, 1),)),
        counters=(EventCounter(event=HIGH, threshold=1),),
    )
    seen, entered, _ = run(counting, 10, levels={3: 1 << PORT1})
    assert seen == {3: (HIGH,), 4: (R2.counter,)}
    assert entered == [(0, 0), (4, None)]


def test_no_transition_leads_from_a_state_to_itself():
    again = matrix(MatrixState(timer=5, after=1, inputs=((HIGH, 0),)))
    _, entered, _ = run(again, 10, levels={3: 1 << PORT1})
    assert entered == [(0, 0), (5, None)]


def test_a_timer_that_is_cancelled_tells_its_end_in_the_next_cycle():
    cancels = matrix(
        MatrixState(timer=3, after=1, trigger=1),
        MatrixState(timer=9, after=2, timer_ends=((0, 2),), cancel=1),
        timers=(GlobalTimer(duration=100),),
    )
    seen, entered, _ = run(cancels, 20)
    assert seen[4] == (R2.timer_end,)
    assert entered == [(0, 0), (3, 1), (4, None)]


def test_a_timer_that_is_triggered_again_goes_on_for_longer():
    longer = matrix(
        MatrixState(timer=3, after=1, trigger=1),
        MatrixState(timer=50, after=2, trigger=1),
        timers=(GlobalTimer(duration=10, channel=13, on=1),),
    )
    _, _, pins = run(longer, 60)
    assert pins == [(13, 13, 0)]  # on in cycle 0, off ten cycles after the second trigger


def test_a_held_line_goes_off_with_a_pulse_on_it():
    both = matrix(
        MatrixState(timer=20, after=1, outputs=((13, 1),), trigger=1),
        timers=(GlobalTimer(duration=5, channel=13, on=1),),
    )
    _, _, pins = run(both, 30)
    assert pins == [(5, 13, 0)]


def test_what_happens_at_once_is_told_in_the_firmwares_order():
    at_once = matrix(
        MatrixState(timer=3, after=1, trigger=1, conditions=((0, 1),)),
        timers=(GlobalTimer(duration=3),),
        counters=(EventCounter(event=HIGH, threshold=9),),
        conditions=(Level(channel=PORT1, value=1),),
    )
    seen, _, _ = run(at_once, 10, levels={3: 1 << PORT1 | 1 << PORT2}, soft={3: 2})
    assert seen[1] == (R2.timer_start,)
    assert seen[3] == (
        R2.condition, HIGH, R2.edge(PORT2, rising=True), R2.soft_event + 2, R2.timer_end, R2.state_timer,
    )  # fmt: skip


def test_inputs_that_are_not_enabled_are_not_looked_at():
    deaf = matrix(MatrixState(timer=5, after=1, inputs=((HIGH, 1),)))
    seen, entered, _ = run(deaf, 10, levels={3: 1 << PORT1}, enabled=1 << PORT2)
    assert seen == {5: (R2.state_timer,)}
    assert entered == [(0, 0), (5, None)]


def test_an_input_that_is_high_at_the_start_has_no_edge():
    high = matrix(MatrixState(timer=5, after=1, inputs=((HIGH, 1),)))
    _, entered, _ = run(high, 10, levels={1: 1 << PORT1}, before=1 << PORT1)
    assert entered == [(0, 0), (5, None)]


def test_only_ten_events_a_cycle_are_kept():
    crowded = matrix(
        MatrixState(timer=1, after=1, trigger=0xFFF),
        timers=tuple(GlobalTimer(duration=50) for _ in range(12)),
    )
    seen, entered, _ = run(crowded, 5)
    assert len(seen[1]) == 10  # twelve timers' starts were left over; the state timer is lost among them
    assert entered == [(0, 0), (2, None)]


def test_a_loop_of_pulses_ends_after_its_count():
    train = matrix(
        MatrixState(timer=100, after=1, trigger=1),
        timers=(GlobalTimer(duration=4, interval=6, loops=3, tells=0, channel=13, on=1),),
    )
    seen, _, pins = run(train, 110)
    assert [p[:1] + p[2:] for p in pins] == [(4, 0), (10, 1), (14, 0), (20, 1), (24, 0)]
    assert seen == {1: (R2.timer_start,), 100: (R2.state_timer,)}


def test_back_leads_to_the_state_before_if_the_matrix_says_so():
    back = matrix(MatrixState(timer=3, after=1), MatrixState(timer=2, after=255))
    _, entered, _ = run(back, 9, back=True)
    assert entered == [(0, 0), (3, 1), (5, 0), (8, 1)]
