"""What every board does, whatever it is made of; each within the limits that its driver declares.

Line 0 is a water valve, 1 and 2 are further outputs; inputs are 0 and 1. All times are the board's.
"""

from __future__ import annotations

import itertools

import pytest

from rig.commands import Abort, Pulse, SendSoftEvent, StartTrial
from rig.device import BoardLimits, Lack
from rig.events import (
    BoardReady,
    BoardSafe,
    CommandRefused,
    EndReason,
    Heartbeat,
    InputEdge,
    LinkLost,
    OutputChange,
    PulseRefused,
    SoftEventSeen,
    StateEntered,
    SyncEdge,
    TableAccepted,
    TrialEnded,
    TrialStarted,
    WireNoise,
)
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

VALVE, LIGHT, LED = 0, 1, 2
CYCLE_US = 100
WIRED = ["emulator", "pty", "chip", "bpod"]
"""Backends with a wire and pins."""


def way(code, target):
    return Transition(code=code, target=target)


def timed(name, cycles, target, *more, **what):
    ways = sorted([*more, way(Condition.STATE_TIMER, target)], key=lambda t: t.code)
    return State(name=name, timer_cycles=cycles, transitions=tuple(ways), **what)


def pulse(us, line=VALVE):
    return Action(kind=ActionKind.PULSE, index=line, value=us)


def table(*states, **more):
    return StateTable(name="conformance", states=states, **more)


def rising(line):
    return Condition.INPUT + 2 * line + 1


REWARD = table(
    timed("cue", 200, 1, outputs=1 << LIGHT),
    timed("drop", 400, 2, actions=(pulse(30_000),)),
    timed("pause", 100, EXIT),
)


def run_table(board, what, slot=0, limit_us=10_000_000):
    """Upload, start, and run to the end of the trial; return the trial's events."""
    assert isinstance(board.upload(what, slot), TableAccepted)
    since = len(board.told)
    board.send(StartTrial(slot=slot))
    board.until(TrialEnded, limit_us, since=since)
    board.run(5_000)
    return board.trial(since)


# --- hello ---------------------------------------------------------------------------------------------


def test_it_is_found_says_who_it_is_and_holds_what_its_driver_declares(bench):
    bench.ready()
    (ready,) = bench.of(BoardReady)
    assert ready.name
    assert ready.serial
    assert ready.firmware
    declared, holds = bench.board.abilities.limits, bench.limits
    for name in ("states", "transitions", "inputs", "outputs", "timers", "counters", "slots", "counted"):
        assert getattr(holds, name) >= getattr(declared, name), name
    assert holds.cycle_us == declared.cycle_us
    assert holds.resolution_us <= declared.resolution_us
    assert holds.lacks <= declared.lacks
    assert type(bench.board).abilities is bench.board.abilities
    least = BoardLimits()
    assert all(
        getattr(declared, name) >= getattr(least, name)
        for name in ("states", "transitions", "timers", "counters", "slots")
    )
    assert not bench.of(LinkLost, WireNoise, CommandRefused)


def test_it_gives_signs_of_life_by_its_own_clock(board):
    board.run(9_200_000)
    beats = [event.t_us for event in board.of(Heartbeat)]
    assert len(beats) >= 3
    assert all(0 < later - earlier < 4_000_000 for earlier, later in itertools.pairwise(beats))


# --- tables --------------------------------------------------------------------------------------------


def broken_tables():
    image = encode(REWARD)
    yield "a byte short", image[:-1]
    yield "no image", bytes(len(image))
    yield "a way to a state that is not there", _with_target(image)


def _with_target(image):
    spoilt = StateTable(name="x", states=(timed("a", 10, 7), timed("b", 10, EXIT)))
    try:
        return encode(spoilt)
    except Exception:  # noqa: BLE001 - our own encoder refuses it: spoil the image instead
        at = image.index(bytes([Condition.STATE_TIMER, 1]))
        return image[: at + 1] + b"\x07" + image[at + 2 :]


@pytest.mark.parametrize("why", [name for name, _ in broken_tables()])
def test_a_table_is_taken_as_a_whole_or_refused_as_a_whole(board, why):
    run_table(board, REWARD)
    refused = board.upload(dict(broken_tables())[why])
    assert isinstance(refused, CommandRefused)
    assert refused.command == "upload"
    assert refused.reason
    since = len(board.told)
    board.send(StartTrial(slot=0))  # what was there is there still
    board.until(TrialEnded, since=since)
    assert [state for state, _ in board.states()] == [0, 1, 2]


def test_a_pulse_beyond_its_limit_is_refused_with_its_table(board):
    too_long = table(timed("drop", 4_000, EXIT, actions=(pulse(200_100),)))
    assert isinstance(board.upload(too_long), CommandRefused)


def test_an_empty_slot_does_not_start(board):
    board.send(StartTrial(slot=1))
    assert board.until(CommandRefused).command == "start"
    assert not board.of(TrialStarted)


def test_a_running_trial_is_not_started_again(board):
    board.upload(REWARD)
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    board.send(StartTrial(slot=0))
    assert board.until(CommandRefused).command == "start"
    board.until(TrialEnded)
    assert len(board.of(TrialStarted)) == 1


def test_the_next_table_comes_while_one_runs(board, without):
    without(Lack.NEXT_TABLE)
    first, second = table(timed("a", 3_000, EXIT)), table(timed("a", 10, 1), timed("b", 10, EXIT))
    board.upload(first, 0)
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    assert isinstance(board.upload(second, 1), TableAccepted)
    assert not board.of(TrialEnded)
    board.until(TrialEnded)
    since = len(board.told)
    board.send(StartTrial(slot=1))
    board.until(TrialEnded, since=since)
    trial = board.trial(since)
    assert trial[0].slot == 1
    assert [e.state for e in trial if isinstance(e, StateEntered)] == [0, 1]


# --- states and time -------------------------------------------------------------------------------------


def test_states_last_exactly_so_many_cycles(board):
    trial = run_table(board, REWARD)
    assert board.states() == [(0, 0), (1, 200), (2, 600)]
    assert (trial[-1].t_us - trial[0].t_us) / CYCLE_US == 700
    assert trial[-1].reason is EndReason.COMPLETE


def test_a_trial_is_told_in_order_from_its_start_to_its_end(board):
    trial = run_table(board, REWARD)
    times = [event.t_us for event in trial if hasattr(event, "t_us")]
    assert times == sorted(times)
    assert isinstance(trial[0], TrialStarted)
    assert isinstance(trial[1], StateEntered)
    assert sum(isinstance(event, TrialStarted | TrialEnded) for event in trial) == 2
    assert all(t % CYCLE_US == times[0] % CYCLE_US for t in times)
    before = [type(event) for event in trial]
    assert before.index(OutputChange) > before.index(StateEntered)


def test_an_output_is_on_exactly_while_its_state_runs(board):
    run_table(
        board,
        table(timed("a", 100, 1), timed("b", 50, 2, outputs=1 << LIGHT | 1 << LED), timed("c", 20, EXIT)),
    )
    assert board.changes(LIGHT) == [(100, True), (150, False)]
    assert board.changes(LED) == [(100, True), (150, False)]


def test_the_last_state_leaves_nothing_on(board):
    trial = run_table(board, table(timed("a", 50, EXIT, outputs=1 << LIGHT)))
    assert board.changes(LIGHT) == [(0, True), (50, False)]
    assert isinstance(trial[-1], TrialEnded)


def test_a_state_that_leads_to_itself_begins_anew(board):
    again = table(
        timed("wait", 500, EXIT, way(rising(0), 0), outputs=1 << LIGHT),
    )
    board.upload(again)
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    board.run(20_000)
    board.edge(0, True)
    board.until(TrialEnded)
    states = board.states()
    assert [state for state, _ in states] == [0, 0]
    end = (board.trial()[-1].t_us - board.trial()[0].t_us) / CYCLE_US
    assert end - states[1][1] == 500


# --- inputs, counters, timers, soft events -------------------------------------------------------------


def test_an_input_ends_a_state_within_two_cycles_and_is_stamped(board):
    board.upload(table(timed("wait", 5_000, EXIT, way(rising(1), 1)), timed("seen", 50, EXIT)))
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    board.run(30_000)
    board.edge(0, True)  # not this one
    board.run(10_000)
    board.edge(1, True)
    board.until(TrialEnded)
    trial = board.trial()
    (other, edge) = [event for event in trial if isinstance(event, InputEdge)]
    entered = [event for event in trial if isinstance(event, StateEntered)][1]
    assert [(e.line, e.rising) for e in (other, edge)] == [(0, True), (1, True)]
    assert edge.t_us % board.limits.resolution_us == 0
    assert 0 <= entered.t_us - edge.t_us <= 2 * CYCLE_US
    assert entered.t_us - other.t_us > 9_000
    assert trial.index(edge) < trial.index(entered)


def test_the_first_condition_wins_and_a_falling_edge_is_another(board):
    what = table(
        timed("wait", 5_000, EXIT, way(rising(0), 1), way(rising(1), 2)),
        State(name="zero", transitions=(way(Condition.INPUT, 3),), timer_cycles=NO_TIMER),
        timed("one", 10, EXIT),
        timed("fell", 10, EXIT),
    )
    if board.lacks(Lack.WATCHDOG):  # every state must end by itself there
        what = table(
            *(s if s.name != "zero" else timed("zero", 2_000, EXIT, *s.transitions) for s in what.states)
        )
    board.upload(what)
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    board.run(20_000)
    board.edge(0, True)
    board.edge(1, True)
    board.run(20_000)
    board.edge(0, False)
    board.until(TrialEnded)
    assert [state for state, _ in board.states()] == [0, 1, 3]


def test_a_counter_counts_to_its_threshold(board):
    what = table(
        timed("wait", 20_000, EXIT, way(Condition.COUNTER, 1)),
        timed("third", 50, EXIT),
        counters=(Counter(code=rising(0), threshold=3),),
    )
    board.upload(what)
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    for _ in range(3):
        board.run(10_000)
        board.edge(0, True)
        board.run(10_000)
        board.edge(0, False)
    board.until(TrialEnded, since=0)
    rises = [event.t_us for event in board.trial() if isinstance(event, InputEdge) and event.rising]
    entered = [event for event in board.trial() if isinstance(event, StateEntered)][1]
    late = CYCLE_US if board.lacks(Lack.PROMPT_COUNTERS) else 0
    assert 0 <= entered.t_us - rises[2] <= 2 * CYCLE_US + late


def test_a_global_timer_runs_over_states_and_can_be_cancelled(board):
    def start(kind):
        return Action(kind=kind, index=0)

    goes_on = table(
        timed("begin", 100, 1, actions=(start(ActionKind.TIMER_START),)),
        timed("next", 10_000, EXIT, way(Condition.TIMER, 2)),
        timed("over", 10, EXIT),
        timers_cycles=(1_000,),
    )
    run_table(board, goes_on)
    assert board.states() == [(0, 0), (1, 100), (2, 1_000)]
    cancelled = table(
        timed("begin", 100, 1, actions=(start(ActionKind.TIMER_START),)),
        timed("stop", 50, 2, actions=(start(ActionKind.TIMER_CANCEL),)),
        timed("next", 2_000, EXIT, way(Condition.TIMER, 3)),
        timed("over", 10, EXIT),
        timers_cycles=(1_000,),
    )
    run_table(board, cancelled)
    assert board.states() == [(0, 0), (1, 100), (2, 150)]


@pytest.mark.parametrize("number", [1, 8])
def test_a_soft_event_reaches_the_running_table(board, without, number):
    without(Lack.SOFT_EVENTS)
    board.upload(
        table(timed("wait", 10_000, EXIT, way(Condition.SOFT + number - 1, 1)), timed("told", 50, EXIT))
    )
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    board.run(20_000)
    board.send(SendSoftEvent(number=number))
    board.until(TrialEnded)
    assert [state for state, _ in board.states()] == [0, 1]
    (seen,) = [event for event in board.trial() if isinstance(event, SoftEventSeen)]
    assert seen.number == number


# --- pulses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("us", "cycles"), [(100, 1), (30_000, 300), (30_050, 301), (200_000, 2_000)])
def test_the_board_times_a_pulse_of_a_table(board, us, cycles):
    run_table(board, table(timed("cue", 20, 1), timed("drop", 2_500, EXIT, actions=(pulse(us),))))
    assert board.changes(VALVE) == [(20, True), (20 + cycles, False)]


def test_a_pulse_goes_on_when_its_state_ends(board):
    run_table(board, table(timed("drop", 20, 1, actions=(pulse(30_000),)), timed("drink", 500, EXIT)))
    assert board.changes(VALVE) == [(0, True), (300, False)]


def test_a_pulse_goes_on_when_its_trial_ends_or_such_a_table_is_refused(board):
    short = table(timed("drop", 20, EXIT, actions=(pulse(30_000),)))
    answer = board.upload(short)
    if board.lacks(Lack.LASTING_PULSES):
        assert isinstance(answer, CommandRefused)
        assert "[rule: pulse-cut]" in answer.reason
        return
    board.send(StartTrial(slot=0))
    board.until(TrialEnded)
    board.run(50_000)
    assert board.changes(VALVE) == [(0, True), (300, False)]


def test_a_second_pulse_never_makes_an_opening_longer(board):
    twice = table(
        timed("drop", 100, 1, actions=(pulse(30_000),)), timed("again", 1_000, EXIT, actions=(pulse(30_000),))
    )
    answer = board.upload(twice)
    if board.lacks(Lack.REFUSED_OVERLAPS):
        assert isinstance(answer, CommandRefused)
        assert "[rule: pulse-overlap]" in answer.reason
        return
    board.send(StartTrial(slot=0))
    board.until(TrialEnded)
    assert board.changes(VALVE) == [(0, True), (300, False)]
    (refused,) = board.of(PulseRefused)
    assert refused.output == VALVE


def test_the_host_is_given_one_timed_pulse_between_trials(board):
    board.send(Pulse(output=VALVE, duration_us=25_000))
    board.run(200_000)
    on, off = [event for event in board.of(OutputChange) if event.output == VALVE]
    assert (on.on, off.on) == (True, False)
    assert off.t_us - on.t_us == 25_000
    assert not board.of(PulseRefused)


@pytest.mark.parametrize("us", [200_001, 1_000_000])
def test_the_host_is_given_none_beyond_the_limit(board, us):
    board.send(Pulse(output=VALVE, duration_us=us))
    board.run(300_000)
    assert [event.output for event in board.of(PulseRefused)] == [VALVE]
    assert not board.of(OutputChange)


def test_a_pulse_of_the_hosts_in_a_trial_is_given_or_refused(board):
    board.upload(table(timed("long", 5_000, EXIT)))
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    board.send(Pulse(output=VALVE, duration_us=25_000))
    board.until(TrialEnded)
    given = [event for event in board.of(OutputChange) if event.output == VALVE]
    if board.lacks(Lack.PULSES_IN_TRIAL):
        assert not given
        assert [event.output for event in board.of(PulseRefused)] == [VALVE]
    else:
        assert given[1].t_us - given[0].t_us == 25_000


# --- what makes it safe ----------------------------------------------------------------------------------


def test_an_abort_closes_everything_at_once(board):
    board.upload(table(timed("long", 50_000, EXIT, outputs=1 << LIGHT, actions=(pulse(190_000),))))
    board.send(StartTrial(slot=0))
    board.until(StateEntered)
    board.run(20_000)
    asked_us = board.now_us
    board.send(Abort())
    ended = board.until(TrialEnded)
    assert board.now_us - asked_us < 20_000
    assert ended.reason is EndReason.ABORTED
    board.run(10_000)
    last = {event.output: event.on for event in board.of(OutputChange)}
    assert last == {VALVE: False, LIGHT: False}
    run_table(board, REWARD)  # and it goes on
    assert [state for state, _ in board.states()] == [0, 1, 2]


@pytest.mark.parametrize("bench", WIRED, indirect=True)
def test_a_silent_host_makes_it_safe_or_the_trial_comes_to_rest_by_itself(board):
    long = table(timed("long", 9_000, EXIT, outputs=1 << LIGHT, actions=(pulse(190_000),)))
    board.upload(long)
    board.run(100_000)
    board.send(StartTrial(slot=0))
    begun = board.until(StateEntered)
    board.beating = False
    ended = board.until(TrialEnded)
    board.run(20_000)
    last = {event.output: event.on for event in board.of(OutputChange)}
    assert last == {VALVE: False, LIGHT: False}
    if board.lacks(Lack.WATCHDOG):
        assert ended.reason is EndReason.COMPLETE
        assert ended.t_us - begun.t_us == 900_000
        return
    assert ended.reason is EndReason.HOST_LOST
    assert 150_000 < ended.t_us - begun.t_us < 600_000
    assert [event.reason for event in board.of(BoardSafe)] == [EndReason.HOST_LOST]
    board.beating = True
    board.run(50_000)
    since = len(board.told)
    board.send(StartTrial(slot=0))
    assert board.until(CommandRefused, since=since).command == "start"
    board.configure()
    run_table(board, REWARD)
    assert [state for state, _ in board.states()] == [0, 1, 2]


def test_a_table_that_nobody_would_stop_is_refused_where_there_is_no_watchdog(board):
    for_ever = table(
        State(name="held", timer_cycles=NO_TIMER, outputs=1 << LIGHT, transitions=(way(rising(0), EXIT),))
    )
    answer = board.upload(for_ever)
    if board.lacks(Lack.WATCHDOG):
        assert isinstance(answer, CommandRefused)
        assert "[rule: held-for-ever]" in answer.reason
    else:
        assert isinstance(answer, TableAccepted)


# --- the record ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bench", WIRED, indirect=True)
def test_what_the_cable_loses_is_asked_for_again(board, without):
    without(Lack.REREADS)
    board.upload(table(*(timed(f"s{k}", 100, k + 1 if k < 19 else EXIT) for k in range(20))))
    board.run(50_000)
    lost = []

    def spoil(data):
        """Every fifth time that something comes, nothing does."""
        lost.append(bool(data))
        return b"" if sum(lost) % 5 == 4 and len(lost) < 400 else data

    board.spoil = spoil
    board.send(StartTrial(slot=0))
    board.until(TrialEnded)
    assert sum(lost) > 20
    assert board.states() == [(k, 100 * k) for k in range(20)]
    assert not board.of(LinkLost)


@pytest.mark.parametrize("bench", WIRED, indirect=True)
def test_what_is_told_of_outputs_is_what_they_did(board):
    run_table(board, REWARD)
    board.send(Pulse(output=VALVE, duration_us=25_000))
    board.run(100_000)
    told = [(event.output, event.on, event.t_us) for event in board.of(OutputChange)]
    did = [(output, on, t_us) for t_us, output, on in board.pins if output in {VALVE, LIGHT, LED}]
    assert [step[:2] for step in sorted(told, key=lambda s: s[2])] == [
        step[:2] for step in sorted(did, key=lambda s: s[2])
    ]
    shift = {t - d for (_, _, t), (_, _, d) in zip(sorted(told), sorted(did), strict=True)}
    # The board's own time may begin elsewhere, and its outputs change at the end of a cycle.
    assert max(shift) - min(shift) <= 2 * CYCLE_US
    assert len(told) == 6


def test_sync_pulses_come_at_random_intervals_of_half_a_second_to_two(bench):
    if bench.lacks(Lack.SYNC_LINE):
        pytest.skip(f"this board: {Lack.SYNC_LINE.value}")
    bench.ready(sync_seed=12345)
    bench.run(12_000_000)
    rises = [event.t_us for event in bench.of(SyncEdge) if event.rising]
    gaps = [later - earlier for earlier, later in itertools.pairwise(rises)]
    assert len(gaps) >= 5
    assert all(400_000 <= gap <= 2_100_000 for gap in gaps)
    assert len(set(gaps)) == len(gaps)


def test_every_trial_of_a_row_is_whole_and_nothing_is_lost(board):
    for number in range(5):
        slot = number % board.limits.slots
        trial = run_table(board, table(timed("a", 40 + number, 1), timed("b", 60, EXIT)), slot)
        assert trial[0].slot == slot
        assert board.states() == [(0, 0), (1, 40 + number)]
    assert len(board.of(TrialStarted)) == len(board.of(TrialEnded)) == 5
    assert not board.of(LinkLost, WireNoise, CommandRefused)
