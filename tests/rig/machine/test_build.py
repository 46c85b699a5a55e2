"""The builder: what a protocol author writes becomes the table that was meant."""

import pytest

from rig.errors import ConfigError, UnsafeTableError
from rig.machine.build import END, StateMachine, counter, falling, rising, soft, timer
from rig.machine.check import problems
from rig.machine.table import EXIT, NO_TIMER, Action, ActionKind, Condition, Counter, Transition


def way(code, target):
    return Transition(code=int(code), target=target)


def test_a_whole_trial(a_rig):
    sm = StateMachine("variable magnitude")
    sm.state("iti", timer=3.2, then="cue")
    sm.state("cue", timer=1.0, outputs=["odour_a", "led"], then="delay", on={rising("lick"): "cue"})
    sm.state("delay", timer=0.5, then="reward")
    sm.state("reward", deliver_ul=5.0, then="drink")
    sm.state("drink", timer=2.0, then=END)
    table = sm.build(a_rig)
    iti, cue, delay, reward, drink = table.states
    assert table.name == "variable magnitude"
    assert [state.name for state in table.states] == ["iti", "cue", "delay", "reward", "drink"]
    assert (iti.timer_cycles, iti.transitions) == (32_000, (way(Condition.STATE_TIMER, 1),))
    assert (cue.outputs, cue.transitions) == (0b110, (way(1, 1), way(Condition.STATE_TIMER, 2)))
    assert delay.timer_cycles == 5_000
    assert reward.actions == (Action(kind=ActionKind.PULSE, index=0, value=60_000),)
    assert reward.timer_cycles == 600  # as long as the valve is open
    assert (drink.timer_cycles, drink.transitions) == (20_000, (way(Condition.STATE_TIMER, EXIT),))
    assert problems(table, a_rig) == []


def test_timers_counters_soft_events_and_every_condition(a_rig):
    sm = StateMachine("all")
    sm.counter("licks", edge=rising("lick"), threshold=3)
    sm.counter("ends", edge=falling("lick"), threshold=9)
    sm.timer("response", seconds=2.0)
    sm.timer("trial", seconds=60)
    sm.state("begin", timer=0, then="wait", start_timers=["response", "trial"], cancel_timers="trial")
    sm.state(
        "wait",
        reset_counters=["ends", "licks"],
        on={
            timer("trial"): END, timer("response"): END, counter("ends"): "begin", counter("licks"): "give",
            soft(1): "give", soft(8): END, rising("lick"): "wait", falling("lick"): "begin",
        },
    )  # fmt: skip
    sm.state("give", deliver=("milk", 10.0), pulses={"led": 0.0125}, timer=1.0, then=END)
    table = sm.build(a_rig)
    begin, wait, give = table.states
    assert table.timers_cycles == (20_000, 600_000)
    assert table.counters == (Counter(code=1, threshold=3), Counter(code=0, threshold=9))
    assert begin.timer_cycles == 0
    assert [(a.kind, a.index) for a in begin.actions] == [
        (ActionKind.TIMER_CANCEL, 1), (ActionKind.TIMER_START, 0), (ActionKind.TIMER_START, 1),
    ]  # fmt: skip
    assert wait.timer_cycles == NO_TIMER
    assert wait.transitions == (
        way(0, 0), way(1, 1), way(Condition.SOFT, 2), way(Condition.SOFT + 7, EXIT),
        way(Condition.COUNTER, 2), way(Condition.COUNTER + 1, 0),
        way(Condition.TIMER, EXIT), way(Condition.TIMER + 1, EXIT),
    )  # fmt: skip
    assert [(a.kind, a.index) for a in wait.actions] == [
        (ActionKind.COUNTER_RESET, 1), (ActionKind.COUNTER_RESET, 0),
    ]  # fmt: skip
    assert give.actions == (
        Action(kind=ActionKind.PULSE, index=2, value=12_500),
        Action(kind=ActionKind.PULSE, index=3, value=100_000),
    )
    assert give.timer_cycles == 10_000


def test_no_reward_is_no_pulse_and_no_time(a_rig):
    sm = StateMachine("nothing")
    sm.state("reward", deliver_ul=0.0, then=END)
    (reward,) = sm.build(a_rig).states
    assert (reward.actions, reward.timer_cycles) == ((), 0)


def test_a_reward_may_wait_for_input_without_a_timer(a_rig):
    sm = StateMachine("t")
    sm.state("reward", deliver_ul=1.2, on={rising("lick"): END})
    (reward,) = sm.build(a_rig).states
    assert reward.timer_cycles == NO_TIMER
    assert reward.transitions == (way(1, EXIT),)


def one(**arguments):
    sm = StateMachine("task")
    sm.timer("response", seconds=1)
    sm.counter("licks", edge=rising("lick"), threshold=2)
    sm.state("cue", **arguments)
    return sm


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"outputs": ["odor_a"]}, "has no output 'odor_a'; did you mean 'odour_a'"),
        ({"outputs": "xyz"}, "has no output 'xyz'; known: led, milk, odour_a, water"),
        ({"on": {rising("lik"): END}}, "has no input 'lik'; did you mean 'lick'"),
        ({"on": {rising("lick"): "que"}}, "no state 'que'; did you mean 'cue'"),
        ({"timer": 1, "then": "cu"}, "no state 'cu'; did you mean 'cue'"),
        ({"on": {timer("respons"): END}}, "no timer 'respons'; did you mean 'response'"),
        ({"on": {counter("lick"): END}}, "no counter 'lick'; did you mean 'licks'"),
        ({"start_timers": "reponse"}, "no timer 'reponse'; did you mean 'response'"),
        ({"cancel_timers": ["x"]}, "no timer 'x'; known: response"),
        ({"reset_counters": ["lickss"]}, "no counter 'lickss'; did you mean 'licks'"),
        ({"pulses": {"ledd": 0.01}}, "no output 'ledd'; did you mean 'led'"),
        ({"pulses": {"water": 0.01}}, "'water' is a valve; say how much"),
        ({"deliver": ("watr", 5.0)}, "no output 'watr'; did you mean 'water'"),
        ({"deliver": ("led", 5.0)}, "'led' is no valve"),
        ({"deliver_ul": 0.05}, r"valve 'water' is calibrated from 0\.1 to 30 uL; 0\.05 uL is outside"),
        ({"deliver_ul": -1.0}, "outside that range"),
        ({"deliver_ul": 25.5}, r"25\.5 uL is above the rig's limit of 25 uL a drop \(max_drop_ul\)"),
    ],
)
def test_a_wrong_name_or_volume_is_refused_with_state_and_nearest_name(a_rig, arguments, words):
    with pytest.raises(UnsafeTableError, match=rf"^my_task\.py: state 'cue' of 'task': .*{words}"):
        one(**arguments).build(a_rig, "my_task.py")


def test_a_counter_of_an_unknown_input_is_refused(a_rig):
    sm = one()
    sm.counter("more", edge=rising("licks"), threshold=2)
    with pytest.raises(UnsafeTableError, match="counter 'more' of 'task': the rig has no input 'licks'"):
        sm.build(a_rig)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"timer": 1.0}, "has a timer; say where it leads"),
        ({"then": END}, "needs a time to wait for"),
        ({"timer": -0.1, "then": END}, r"from 0 to 429496 seconds, not -0\.1"),
        ({"timer": float("nan"), "then": END}, "not nan"),
        ({"timer": 5e5, "then": END}, "not 500000"),
        ({"deliver_ul": 1.0, "deliver": ("milk", 1.0)}, "not both"),
        ({"pulses": {"led": 0.0}}, "pulse on 'led' must be above 0"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused_at_once(arguments, words):
    with pytest.raises(ConfigError, match=f"state 'cue' of 'task': .*{words}"):
        one(**arguments)


def test_names_are_declared_once():
    sm = one()
    with pytest.raises(ConfigError, match="state 'cue' of 'task': declared twice"):
        sm.state("cue")
    with pytest.raises(ConfigError, match="timer 'response' of 'task': declared twice"):
        sm.timer("response", seconds=1)
    with pytest.raises(ConfigError, match="counter 'licks' of 'task': declared twice"):
        sm.counter("licks", edge=rising("lick"), threshold=1)


def test_counters_and_soft_events_have_bounds():
    sm = StateMachine("task")
    with pytest.raises(ConfigError, match="count rising"):
        sm.counter("a", edge=soft(1), threshold=1)
    for threshold in (0, 65_536):
        with pytest.raises(ConfigError, match="from 1 to 65535"):
            sm.counter("a", edge=rising("lick"), threshold=threshold)
    for number in (0, 9):
        with pytest.raises(ConfigError, match="numbered 1 to 8"):
            soft(number)


def test_a_machine_without_states_is_refused(a_rig):
    with pytest.raises(UnsafeTableError, match="'empty' has no states"):
        StateMachine("empty").build(a_rig)
