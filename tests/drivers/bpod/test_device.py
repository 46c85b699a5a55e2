"""The driver and the emulated device, in virtual time."""

from __future__ import annotations

import itertools
import zlib

import msgspec
import pytest

from drivers.bpod import wire
from drivers.bpod.device import BpodBoard
from drivers.bpod.example import EXAMPLE
from drivers.bpod.hardware import R2, R2_PLUS
from drivers.bpod.limits import LIMITS
from rig.commands import Abort, Configure, Pulse, SendSoftEvent, StartTrial, UploadTable
from rig.description import OutputLine
from rig.device import Lack
from rig.events import (
    BoardReady,
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
from rig.machine.table import EXIT, NO_TIMER, Condition, State, StateTable, Transition

TUP = Condition.STATE_TIMER


def way(code, target):
    return Transition(code=code, target=target)


def waiting(*ways, outputs=0):
    return StateTable(
        name="waits",
        states=(
            State(name="wait", timer_cycles=50_000, outputs=outputs, transitions=(*ways, way(TUP, EXIT))),
        ),
    )


def start(loop, table, slot=0):
    loop.send(UploadTable(slot=slot, image=encode(table)))
    loop.until(TableAccepted)
    loop.send(StartTrial(slot=slot))
    return loop.until(TrialStarted)[0]


def trial(loop, table):
    begun = start(loop, table)
    (ended,) = loop.until(TrialEnded)
    return begun, ended


# --- hello ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hardware", [R2, R2_PLUS], ids=["r2", "r2+"])
def test_it_is_greeted_and_known_within_half_a_second(make_loop, hardware, table):
    loop = make_loop(hardware=hardware)
    loop.board.connect(0)
    (ready,) = loop.until(BoardReady)
    assert loop.now_us < 500_000
    assert ready.name == hardware.name
    assert (loop.board.limits.inputs, loop.board.limits.outputs) == ((6, 10) if hardware is R2 else (7, 12))
    assert (ready.firmware, ready.t_us, ready.anew, ready.time_scale) == ("23.10", 0, False, 1)
    loop.send(Configure(max_open_us=(200_000,) * 16, host_timeout_ms=250, sync_seed=1))
    assert trial(loop, table())[1].reason is EndReason.COMPLETE


def test_real_hardware_says_so(make_loop):
    loop = make_loop()
    loop.device.device.hardware = R2
    loop.board.connect(0)
    assert loop.until(BoardReady)[0].time_scale == 0


def test_a_device_that_runs_from_another_life_is_stopped_first(make_loop, table):
    loop = make_loop().ready()
    start(loop, waiting(outputs=1 << 1))
    assert loop.world[-1]
    loop.board = BpodBoard(EXAMPLE)  # the computer's program died and is here again
    loop.board.connect(loop.now_us * 1000)
    loop.until(BoardReady)
    changes = [e for e in loop.world if isinstance(e, OutputChange)]
    assert [e.on for e in changes] == [True, False]
    assert not loop.device.device.running


def test_the_hello_is_repeated_until_somebody_is_there(make_loop):
    loop = make_loop()
    loop.connected = False
    loop.board.connect(0)
    loop.run(3_000_000)
    assert not loop.told
    loop.connected = True
    loop.until(BoardReady)


def test_another_device_on_the_port_is_asked_again_and_again_and_nothing_is_made_of_it(make_loop):
    loop = make_loop(to_host=lambda data, t_us: bytes(b ^ 0x5A for b in data))
    loop.board.connect(0)
    loop.run(5_000_000)
    assert not loop.of(BoardReady)


@pytest.mark.parametrize(
    ("hardware", "says"),
    [
        (msgspec.structs.replace(R2, firmware=(22, 0)), "firmware 22"),
        (msgspec.structs.replace(R2, machine=2), "machine type 2"),
        (msgspec.structs.replace(R2, outputs="UUUUUXZBBPPPPVV"), "no output 'Valve3'; it has BNC1"),
        (msgspec.structs.replace(R2, cycle_us=250), "steps every 250 us"),
        (msgspec.structs.replace(R2, serial_events=70), "only 10 soft codes"),
    ],
    ids=["firmware", "machine", "channels", "cycle", "soft codes"],
)
def test_a_machine_that_cannot_be_used_is_told_once_in_a_sentence(make_loop, hardware, says):
    loop = make_loop()
    loop.device.device.hardware = hardware
    loop.board.connect(0)
    loop.run(12_000_000)
    (lost,) = loop.told
    assert isinstance(lost, LinkLost)
    assert says in lost.reason
    assert "pty" in lost.reason


# --- trials -----------------------------------------------------------------------------------------------


def test_a_trial_is_told_as_it_was(loop, table):
    loop.told.clear()
    begun, ended = trial(loop, table())
    t = begun.t_us
    loop.run(50_000)
    told = [e for e in loop.told if not isinstance(e, SyncEdge | Heartbeat | TableAccepted)]
    assert told == [
        begun,
        StateEntered(t_us=t, state=0),
        OutputChange(t_us=t, output=1, on=True),
        StateEntered(t_us=t + 10_000, state=1),
        OutputChange(t_us=t + 10_000, output=0, on=True),
        OutputChange(t_us=t + 10_000, output=1, on=False),
        OutputChange(t_us=t + 40_000, output=0, on=False),
        TrialEnded(t_us=t + 60_000, reason=EndReason.COMPLETE),
    ]
    assert ended == told[-1]


def test_an_upload_is_answered_with_the_crc_of_the_image(loop, table):
    image = encode(table())
    loop.send(UploadTable(slot=1, image=image))
    (accepted,) = loop.until(TableAccepted)
    assert (accepted.slot, accepted.crc32) == (1, zlib.crc32(image))


def test_board_times_and_the_worlds_differ_by_one_constant(loop, table):
    for _ in range(3):
        trial(loop, table())
        loop.run(100_000)
    ours = [e.t_us for e in loop.told if isinstance(e, StateEntered | OutputChange | SyncEdge)]
    real = [e.t_us for e in loop.world if isinstance(e, StateEntered | OutputChange | SyncEdge)]
    assert len(ours) == len(real) > 20
    assert len({a - b for a, b in zip(ours, real, strict=True)}) == 1


def test_there_is_no_dead_time_around_a_trial(loop, table):
    """From the idle machine into the trial and out of it: one tick each."""
    loop.told.clear()
    begun, ended = trial(loop, table())
    loop.run(10_000)
    edges = [e.t_us for e in loop.of(SyncEdge)]
    at = edges.index(begun.t_us)
    assert edges[at] - edges[at - 1] == 100
    after = edges.index(ended.t_us)
    assert edges[after + 1] - edges[after] == 100


def test_licks_are_told_in_trials_and_between_them(loop, table):
    loop.device.input_edge(2, True)
    loop.run(5_000)
    loop.device.input_edge(2, False)
    trial(loop, table())
    loop.device.input_edge(2, True)
    loop.run(5_000)
    assert [(e.line, e.rising) for e in loop.of(InputEdge)] == [(2, True), (2, False), (2, True)]
    real = [e.t_us for e in loop.world if isinstance(e, InputEdge)]
    offset = loop.of(TrialStarted)[0].t_us - next(e.t_us for e in loop.world if isinstance(e, TrialStarted))
    late = [a.t_us - offset - b for a, b in zip(loop.of(InputEdge), real, strict=True)]
    assert all(0 < us <= LIMITS.resolution_us for us in late)


def test_soft_events_reach_the_table(loop):
    start(loop, waiting(way(Condition.SOFT + 7, EXIT)))
    loop.run(5_000)
    loop.send(SendSoftEvent(number=3))
    loop.run(5_000)
    loop.send(SendSoftEvent(number=8))
    (ended,) = loop.until(TrialEnded)
    assert [e.number for e in loop.of(SoftEventSeen)] == [3, 8]
    assert ended.t_us == loop.of(SoftEventSeen)[-1].t_us


def test_time_goes_on_and_is_told_while_nothing_happens(loop):
    loop.told.clear()
    loop.run(60_000_000)
    beats = [e.t_us for e in loop.of(Heartbeat)]
    assert len(beats) >= 30
    assert max(b - a for a, b in itertools.pairwise(beats)) <= 3_100_000
    assert not loop.of(LinkLost, CommandRefused, WireNoise)


def test_the_sync_line_never_shows_the_same_pattern_twice(loop):
    loop.told.clear()
    loop.run(90_000_000)
    rises = [e.t_us for e in loop.of(SyncEdge) if e.rising]
    gaps = [b - a for a, b in itertools.pairwise(rises)]
    assert len(gaps) > 50
    assert len(set(gaps)) > 0.9 * len(gaps)


def test_without_a_sync_channel_there_are_no_sync_edges(make_loop, table):
    loop = make_loop(config=msgspec.structs.replace(EXAMPLE, sync_channel="")).ready()
    trial(loop, table())
    assert not loop.of(SyncEdge)
    assert not [e for e in loop.world if isinstance(e, SyncEdge)]


def test_the_sync_line_begins_low_even_if_another_program_left_it_high(make_loop):
    loop = make_loop()
    loop.device.receive(b"6", 0)
    loop.run(150_000)
    loop.device.receive(b"K" + bytes((8, wire.SYNC_STATES)) + b"X", loop.now_us)
    loop.run(5_000)
    assert loop.device.device.sync_level
    loop.told.clear()
    loop.ready().run(3_000_000)
    real = [e.rising for e in loop.world if isinstance(e, SyncEdge)]
    assert [e.rising for e in loop.of(SyncEdge)] == real[-len(loop.of(SyncEdge)) :]
    assert loop.of(SyncEdge)[0].rising


# --- what is refused --------------------------------------------------------------------------------------


def test_a_table_that_a_bpod_must_not_run_is_refused_with_a_sentence(loop):
    open_ended = StateTable(
        name="bad",
        states=(State(name="a", timer_cycles=NO_TIMER, outputs=2, transitions=(way(Condition.SOFT, EXIT),)),),
    )
    loop.send(UploadTable(slot=0, image=encode(open_ended)))
    loop.run(1_000)
    assert "does not notice when its computer is gone" in loop.refused[0]
    assert "[rule: held-for-ever]" in loop.refused[0]
    loop.send(StartTrial(slot=0))
    loop.run(1_000)
    assert loop.refused[1] == "there is no table in slot 0"


def test_a_pulse_above_the_limit_is_refused_by_the_driver_since_the_device_has_no_limit(loop, table):
    loop.send(Configure(max_open_us=(20_000,) + (0,) * 15, host_timeout_ms=250, sync_seed=1))
    loop.send(UploadTable(slot=0, image=encode(table(pulse_us=20_100))))
    loop.send(Pulse(output=0, duration_us=20_100))
    loop.send(Pulse(output=1, duration_us=100))
    loop.run(1_000)
    assert "longer than that output may be open" in loop.refused[0]
    assert loop.refused[1:] == [
        "output 0 may be open for 20000 us at most",
        "output 1 may be open for 0 us at most",
    ]
    assert [e.output for e in loop.of(PulseRefused)] == [0, 1]
    assert not [e for e in loop.world if isinstance(e, OutputChange)]


def test_nothing_is_taken_before_the_board_is_there(make_loop, table):
    loop = make_loop()
    for command in (
        UploadTable(slot=0, image=encode(table())),
        StartTrial(slot=0),
        Pulse(output=0, duration_us=9),
    ):
        loop.send(command)
    loop.run(1_000)
    assert loop.refused == ["the board is not connected"] * 3


def test_a_second_start_and_a_soft_event_for_nobody_are_refused(loop, table):
    loop.send(SendSoftEvent(number=1))
    loop.send(UploadTable(slot=0, image=encode(table())))
    loop.send(StartTrial(slot=0))
    loop.send(StartTrial(slot=0))
    loop.run(1_000)
    assert loop.refused == ["no trial is running", "a trial is running"]
    loop.until(TrialEnded)
    assert len(loop.of(TrialStarted)) == 1


def test_bytes_that_are_no_image_are_refused(loop):
    loop.send(UploadTable(slot=0, image=b"nonsense"))
    loop.send(UploadTable(slot=7, image=b""))
    loop.run(1_000)
    assert len(loop.refused) == 2


# --- pulses by hand ---------------------------------------------------------------------------------------


def test_a_pulse_by_hand_is_timed_by_the_device(loop):
    loop.send(Pulse(output=0, duration_us=30_050))
    on, off = loop.until(OutputChange, 2)
    assert (on.on, off.on, off.t_us - on.t_us) == (True, False, 30_100)


def test_a_start_waits_for_a_pulse_and_pulses_wait_for_each_other(loop, table):
    loop.send(Pulse(output=0, duration_us=50_000))
    loop.send(Pulse(output=2, duration_us=10_000))
    loop.send(Pulse(output=0, duration_us=10_000))
    loop.send(UploadTable(slot=0, image=encode(table())))
    loop.send(StartTrial(slot=0))
    (begun,) = loop.until(TrialStarted)
    assert loop.refused == ["output 0 is pulsing already"]
    first = [(e.output, e.on) for e in loop.of(OutputChange) if e.t_us < begun.t_us]
    assert first == [(0, True), (0, False), (2, True), (2, False)]


def test_a_pulse_in_a_trial_is_refused_with_a_sentence(loop):
    start(loop, waiting())
    loop.send(Pulse(output=0, duration_us=10_000))
    loop.run(1_000)
    assert "while a trial runs" in loop.refused[0]
    assert Lack.PULSES_IN_TRIAL in LIMITS.lacks


# --- aborts -----------------------------------------------------------------------------------------------


def test_an_abort_closes_everything_at_once(loop):
    begun = start(loop, waiting(outputs=1 << 1))
    loop.run(20_000)
    loop.send(Abort())
    (ended,) = loop.until(TrialEnded)
    assert ended.reason is EndReason.ABORTED
    assert ended.t_us - begun.t_us < 30_000
    assert [e.on for e in loop.of(OutputChange)] == [True, False]
    assert [e.on for e in loop.world if isinstance(e, OutputChange)] == [True, False]
    loop.run(100_000)
    assert loop.device.device.running  # idle again


@pytest.mark.parametrize("delay_us", [0, 50, 100, 150, 200, 250, 300, 400, 600, 800, 1_000, 1_500, 2_000])
def test_whenever_an_abort_comes_the_trial_is_ended_or_never_begun_and_the_next_one_runs(
    make_loop, table, delay_us
):
    loop = make_loop(step_us=50).ready()
    long_one = waiting(outputs=1 << 1)
    loop.send(UploadTable(slot=0, image=encode(long_one)))
    loop.send(UploadTable(slot=1, image=encode(table())))
    loop.run(1_000)
    loop.send(StartTrial(slot=0))
    loop.run(delay_us)
    loop.send(Abort())
    loop.run(50_000)
    begun, ended = loop.of(TrialStarted), loop.of(TrialEnded)
    assert len(begun) == len(ended) <= 1
    assert all(e.reason is EndReason.ABORTED for e in ended)
    if not begun:
        assert [e.reason for e in loop.of(CommandRefused)] == ["an abort came first"]
    assert (
        not loop.device.device.matrix
        or not [e for e in loop.world if isinstance(e, OutputChange)]
        or [e.on for e in loop.world if isinstance(e, OutputChange)][-1] is False
    )
    assert trial_of_slot(loop, 1).reason is EndReason.COMPLETE
    assert not loop.of(LinkLost, WireNoise)


def trial_of_slot(loop, slot):
    loop.send(StartTrial(slot=slot))
    return loop.until(TrialEnded)[0]


@pytest.mark.parametrize("before_us", range(-1_000, 1_001, 250))
def test_an_abort_around_the_trials_own_end_loses_nothing(make_loop, table, before_us):
    loop = make_loop(step_us=50).ready()
    begun = start(loop, table())
    loop.run(60_000 - before_us - (loop.now_us - world_time(loop, begun)))
    loop.send(Abort())
    loop.run(50_000)
    assert len(loop.of(TrialEnded)) == 1
    assert not loop.of(LinkLost, WireNoise)
    assert trial_of_slot(loop, 0).reason is EndReason.COMPLETE
    real = [e.rising for e in loop.world if isinstance(e, SyncEdge)]
    assert [e.rising for e in loop.of(SyncEdge)] == real


def world_time(loop, begun):
    return next(e.t_us for e in loop.world if isinstance(e, TrialStarted))


def test_aborts_in_a_row_do_no_harm(loop, table):
    for _ in range(5):
        loop.send(Abort())
    loop.run(20_000)
    assert trial(loop, table())[1].reason is EndReason.COMPLETE
    assert not loop.of(LinkLost, WireNoise)


def test_the_guards_last_frame_ends_the_run_and_lets_go_of_the_device(loop):
    start(loop, waiting(outputs=1 << 1))
    loop.device.receive(loop.board.abort_frame(), loop.now_us)
    loop.run(1_000_000)
    assert loop.of(TrialEnded)[0].reason is EndReason.ABORTED
    assert not loop.of(LinkLost, WireNoise)
    assert loop.board.alive_frame(1) == b""
    assert loop.board.deadline_ns() is None  # nothing more is wanted of it
    loop.board.connect(loop.now_us * 1000)
    assert loop.until(BoardReady)[0].anew


def test_a_trial_whose_computer_died_comes_to_rest_by_itself(loop, table):
    start(loop, table())
    loop.run(5_000)
    assert loop.device.device.running
    loop.connected = False
    loop.run(10_000_000)
    real = [(e.output, e.on) for e in loop.world if isinstance(e, OutputChange)]
    assert real == [(1, True), (1, False), (0, True), (0, False)] or real[-1][1] is False
    opened = [e.t_us for e in loop.world if isinstance(e, OutputChange) and e.output == 0]
    assert opened[1] - opened[0] == 30_000
    assert isinstance([e for e in loop.world if isinstance(e, TrialStarted | TrialEnded)][-1], TrialEnded)


# --- loss -------------------------------------------------------------------------------------------------


def test_a_reset_is_noticed_and_the_board_is_ready_anew(loop, table):
    start(loop, waiting(outputs=1 << 1))
    loop.run(20_000).told.clear()
    loop.device.reset()
    (lost,) = loop.until(LinkLost)
    assert "reset" in lost.reason
    (ready,) = loop.until(BoardReady)
    assert (ready.anew, ready.t_us) == (True, 0)
    loop.send(Configure(max_open_us=(200_000,) * 16, host_timeout_ms=250, sync_seed=1))
    assert trial(loop, table())[1].reason is EndReason.COMPLETE


def test_silence_is_a_lost_link_and_what_was_asked_for_is_refused(loop, table):
    loop.send(UploadTable(slot=0, image=encode(table())))
    loop.run(1_000)
    loop.connected = False
    loop.send(StartTrial(slot=0))
    (lost,) = loop.until(LinkLost)
    assert "did not begin" in lost.reason
    assert loop.refused == ["the link to the board was lost before it was done"]
    loop.connected = True
    loop.until(BoardReady)
    assert not loop.of(TrialStarted)


def test_a_silent_board_is_pinged_before_it_is_given_up(loop):
    start(loop, waiting())  # five seconds without an event
    loop.told.clear()
    loop.run(4_500_000)
    assert not loop.of(LinkLost)
    assert loop.written.count(wire.ECHO) >= 3
    loop.connected = False
    (lost,) = loop.until(LinkLost)
    assert "no sign of life for 3 s" in lost.reason


def test_bytes_out_of_step_lose_the_link_and_it_mends_itself(make_loop, table):
    bad = []

    def spoil(data, t_us):
        return bytes((bad.pop(),)) + data if bad and data else data

    loop = make_loop(to_host=spoil).ready()
    bad.append(0x77)
    (lost,) = loop.until(LinkLost)
    assert "out of step" in lost.reason
    assert loop.of(WireNoise)[0].dropped == 1
    loop.until(BoardReady)
    loop.send(Configure(max_open_us=(200_000,) * 16, host_timeout_ms=250, sync_seed=1))
    assert trial(loop, table())[1].reason is EndReason.COMPLETE


def test_an_idle_machine_that_the_firmware_forgot_is_asked_for(make_loop):
    """A trial so short that the idle machine behind it is still on its way when it ends."""
    loop = make_loop(step_us=50).ready()
    blink = StateTable(name="blink", states=(State(name="a", timer_cycles=1, transitions=(way(TUP, EXIT),)),))
    _, ended = trial(loop, blink)
    loop.run(100_000)
    assert not loop.device.device.running
    loop.run(400_000)
    assert loop.device.device.running
    assert wire.RUN in loop.written[-50:]
    assert ended.reason is EndReason.COMPLETE
    assert trial_of_slot(loop, 0).reason is EndReason.COMPLETE
    assert not loop.of(LinkLost, WireNoise)


def test_a_trial_is_the_same_byte_by_byte(make_loop, table):
    told = []
    for cut in (None, 1):
        loop = make_loop()
        if cut:
            whole, pieces = loop.board.feed, loop

            def feed(data, t_ns, whole=whole):
                return [e for byte in data for e in whole(bytes((byte,)), t_ns)]

            pieces.board.feed = feed
        loop.ready()
        trial(loop, table())
        told.append(loop.told)
    assert told[0] == told[1]


def test_same_bytes_same_events(make_loop, table):
    runs = []
    for _ in range(2):
        loop = make_loop().ready()
        trial(loop, table())
        loop.run(2_000_000)
        runs.append((loop.told, loop.written))
    assert runs[0] == runs[1]


def test_a_rig_without_lines_can_be_greeted_too(make_loop):
    config = msgspec.structs.replace(
        EXAMPLE, inputs={}, outputs={"led": OutputLine(line=0, channel="PWM1")}, sync_channel=""
    )
    loop = make_loop(config=config).ready()
    assert loop.of(BoardReady)
