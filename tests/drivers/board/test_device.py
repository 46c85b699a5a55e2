"""The host's driver against the emulated board, in virtual time."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from drivers.board import registers as reg
from drivers.board.codec import HarpCodec
from drivers.board.device import HarpBoard
from drivers.board.registers import Operation
from drivers.board.requests import ROOM_BYTES
from drivers.board.wire import EVENT, READ, WRITE, Frame, PayloadType, build, parse
from drivers.transports import Faults, FaultyStream
from rig.commands import Abort, Configure, Pulse, SendSoftEvent, StartTrial, UploadTable
from rig.description import BoardConfig
from rig.device import Board
from rig.errors import EncodeError
from rig.events import (
    BoardReady,
    BoardSafe,
    CommandRefused,
    EndReason,
    EventsLost,
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

S = 1_000_000
MS = 1_000
ON_BOARD = (
    InputEdge,
    OutputChange,
    StateEntered,
    TrialStarted,
    TrialEnded,
    SoftEventSeen,
    SyncEdge,
    BoardSafe,
    PulseRefused,
)


def frames_of(data):
    return [item for item in HarpCodec().feed(data, 0) if isinstance(item, Frame)]


# --- hello -------------------------------------------------------------------------------------------


def test_it_is_a_board():
    board: Board = HarpBoard(BoardConfig(port="COM7"))
    assert board.limits.states == 64
    assert board.outgoing() == b""
    assert board.deadline_ns() is None


def test_hello_identifies_and_activates(make_loop):
    loop = make_loop(name="rig 3", serial=5, time_scale=30)
    loop.board.connect(0)
    (ready,) = loop.until(BoardReady)
    assert (ready.name, ready.firmware, ready.time_scale) == ("rig 3", "1.0.0", 30)
    assert ready.serial == b"EMULATOR\0\0\0\0\0\0\0\5".hex()
    assert 0 < ready.t_us < 50 * MS
    heartbeats = loop.until(Heartbeat, 3)
    assert [h.t_us for h in heartbeats] == [1 * S, 2 * S, 3 * S]
    assert loop.of(WireNoise, LinkLost) == []
    assert loop.board.repeats == 0


@pytest.mark.parametrize("deaf", range(12))
def test_hello_survives_lost_first_bytes(make_loop, deaf):
    loop = make_loop(deaf=deaf)
    loop.board.connect(0)
    loop.until(BoardReady, limit_us=1 * S)
    assert loop.board.repeats == (0 if deaf <= 4 else 1)


def test_hello_waits_for_a_board_that_is_switched_on_later(make_loop):
    loop = make_loop()
    loop.connected = False
    loop.board.connect(0)
    loop.run(10 * S)
    loop.connected = True
    loop.until(BoardReady, limit_us=1 * S)
    assert loop.of(LinkLost) == []


def test_hello_keeps_the_other_bits_of_operation_control(make_loop):
    loop = make_loop()
    loop.emulator.receive(reg.OPERATION.write_frame(0x60), 0)  # the LEDs are on
    loop.run(5 * MS).board.connect(5 * MS * 1000)
    loop.until(BoardReady)
    (write,) = [f for f in frames_of(loop.written) if f.kind == WRITE and f.address == reg.OPERATION.address]
    assert write.payload[0] == 0x60 | Operation.ACTIVE | Operation.HEARTBEAT | Operation.ALIVE


def test_hello_stops_what_a_dead_host_left_running(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image(cue_cycles=1_000_000)))
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)
    assert loop.emulator.core.running
    loop.board = HarpBoard(BoardConfig(port="COM7"))
    told = len(loop.told)
    loop.ready()
    assert not loop.emulator.core.running
    new = [e for e in loop.told[told:] if not isinstance(e, WireNoise)]  # it came in mid-frame
    assert [type(e) for e in new] == [BoardReady]  # nothing of the other host's trial


def test_a_stranger_is_named_once_and_asked_again(make_loop):
    board = HarpBoard(BoardConfig(port="COM7"))
    board.connect(0)
    board.outgoing()
    behavior = bytes.fromhex("01 0c 00 ff 12 d2 04 00 00 09 3d c0 04 fe")
    (lost,) = board.feed(behavior, 1)
    assert isinstance(lost, LinkLost)
    assert "COM7 is a Harp device of type 1216, not a dopaloop board (1990)" in lost.reason
    assert board.outgoing() == b""
    assert board.idle(board.deadline_ns()) == []
    assert board.outgoing().endswith(reg.WHO.read_frame())
    assert board.feed(behavior, 2 * S * 1000) == []


def test_an_older_core_that_lacks_registers_is_met_all_the_same():
    board, told = HarpBoard(BoardConfig(port="COM7")), []
    board.connect(0)
    for turn in range(10):
        for frame in frames_of(board.outgoing()):
            register = reg.EVERY_REGISTER[frame.address]
            missing = frame.address in (16, 17, 18, 19, 44, 47)
            value = {0: (1990,), 13: (77,), 12: tuple(b"old")}.get(frame.address, (0,))
            payload = b"" if missing else frame.payload or register.pack(*value)
            reply = build(frame.kind, frame.address, register.type, payload, stamp_us=turn, error=missing)
            told += board.feed(reply, turn)
    (ready,) = told
    assert (ready.name, ready.serial, ready.firmware, ready.time_scale) == ("old", "77", "0.0.0", 0)
    assert board.limits.states == 64


def test_limits_come_from_the_board(make_loop):
    from rig.device import BoardLimits

    loop = make_loop(limits=BoardLimits(states=32, table_bytes=700, outputs=12))
    loop.ready()
    assert loop.board.limits == BoardLimits(states=32, table_bytes=700, outputs=12, counted=4)
    with pytest.raises(EncodeError, match="1 to 700 bytes"):
        loop.send(UploadTable(slot=0, image=bytes(701)))


# --- commands ----------------------------------------------------------------------------------------


def test_a_trial_is_uploaded_and_run(make_loop, image):
    loop = make_loop().ready()
    data = image()
    loop.send(UploadTable(slot=1, image=data))
    (accepted,) = loop.until(TableAccepted)
    assert accepted == TableAccepted(slot=1, crc32=zlib.crc32(data))
    loop.send(StartTrial(slot=1))
    (ended,) = loop.until(TrialEnded)
    assert ended.reason is EndReason.COMPLETE
    told = loop.of(*ON_BOARD)
    assert told == [e for e in loop.happened if isinstance(e, ON_BOARD)]
    assert [e.state for e in told if isinstance(e, StateEntered)] == [0, 1]
    on, off = (e.t_us for e in told if isinstance(e, OutputChange) and e.output == 0)
    assert off - on == 30_000
    assert loop.refused == []
    assert loop.board.repeats == 0


def test_configure_writes_limits_timeout_and_seed_and_arms(make_loop):
    loop = make_loop().ready(sync_seed=9)
    writes = [
        (f.address, reg.EVERY_REGISTER[f.address].unpack(f.payload))
        for f in frames_of(loop.written)
        if f.kind == WRITE
    ]
    assert writes[-3:] == [(33, (250,)), (45, (9,)), (48, (1,))]
    assert [values for address, values in writes if address == 43] == [(0, 200_000), (1, 200_000)] + [
        (output, 0) for output in range(2, 16)
    ]
    edges = loop.until(SyncEdge, 4)
    assert [e.rising for e in edges] == [True, False, True, False]


def test_an_upload_never_overfills_the_chips_ring(make_loop, image):
    loop = make_loop().ready()
    flying = []

    def watch(data, t_us):
        flying.append(sum(len(r.frame) for r in loop.board._window._flying))
        return data

    loop.to_board = watch
    data = image(states=60)
    assert len(data) > 500
    loop.send(UploadTable(slot=0, image=data))
    loop.until(TableAccepted)
    assert 130 < max(flying) <= ROOM_BYTES
    assert loop.emulator.lost_bytes == 0


def test_a_start_waits_for_its_table(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image()))
    loop.send(StartTrial(slot=0))
    loop.until(TrialEnded)
    kinds = [type(e) for e in loop.of(TableAccepted, TrialStarted, CommandRefused)]
    assert kinds == [TableAccepted, TrialStarted]


def test_a_refused_table_is_explained(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image(pulse_us=300_000)))
    (refused,) = loop.until(CommandRefused)
    assert refused.command == "upload"
    assert refused.reason.startswith("the table was refused: state number 1: a pulse on output 0")
    loop.send(StartTrial(slot=0))
    (refused,) = loop.until(CommandRefused)
    assert refused == CommandRefused(
        command="start", reason="the board did not start slot 0: no table was accepted there; upload one"
    )


def test_a_start_while_a_trial_runs_is_refused(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image()))
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)
    loop.send(StartTrial(slot=0))
    (refused,) = loop.until(CommandRefused)
    assert "a trial is running" in refused.reason
    loop.until(TrialEnded)


def test_the_next_table_is_uploaded_while_one_runs(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image()))
    loop.send(StartTrial(slot=0))
    loop.send(UploadTable(slot=1, image=image(pulse_us=10_000)))
    loop.until(TrialEnded)
    assert [e.slot for e in loop.of(TableAccepted)] == [0, 1]
    loop.send(StartTrial(slot=1))
    loop.until(TrialEnded)
    assert [e.slot for e in loop.of(TrialStarted)] == [0, 1]


def test_pulses_and_soft_events_overtake_an_upload(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image(states=60)))
    loop.step()
    loop.send(Pulse(output=0, duration_us=20_000))
    loop.send(SendSoftEvent(number=3))
    assert loop.until(OutputChange)[0].output == 0
    assert loop.of(TableAccepted) == []
    loop.until(TableAccepted)
    addresses = [f.address for f in frames_of(loop.written)]
    soft, pulse = addresses.index(reg.SOFT_EVENT.address), addresses.index(reg.PULSE.address)
    assert soft < addresses.index(reg.TABLE_COMMIT.address)
    assert addresses.count(reg.TABLE_CHUNK.address) > addresses[:pulse].count(reg.TABLE_CHUNK.address)


def test_a_soft_event_reaches_the_running_table(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image()))
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)
    loop.send(SendSoftEvent(number=5))
    (seen,) = loop.until(SoftEventSeen)
    assert seen.number == 5


def test_a_pulse_above_its_limit_is_refused_by_the_board(make_loop):
    loop = make_loop().ready()
    loop.send(Pulse(output=0, duration_us=200_001))
    (refused,) = loop.until(PulseRefused)
    assert refused.output == 0
    assert loop.refused == []


def test_abort_goes_before_everything_and_calls_off_what_would_move(make_loop, image):
    loop = make_loop().ready()
    before = len(loop.written)
    loop.send(UploadTable(slot=0, image=image(states=60)))
    loop.send(StartTrial(slot=0))
    loop.send(Abort())
    loop.step()
    loop.until(TableAccepted)
    loop.run(1 * S)
    frames = frames_of(loop.written[before:])
    chunks_before = [f.address for f in frames[: [f.address for f in frames].index(reg.ABORT.address)]]
    assert chunks_before == []
    assert loop.of(TrialStarted) == []
    assert loop.refused == [CommandRefused(command="start", reason="an abort overtook it")]


def test_abort_ends_a_trial_at_once(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image(cue_cycles=100_000)))
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)
    loop.send(Abort())
    (ended,) = loop.until(TrialEnded, limit_us=5 * MS)
    assert ended.reason is EndReason.ABORTED
    assert loop.emulator.core.levels == 0


def test_a_start_after_an_abort_is_not_killed_by_the_aborts_repeat(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image(cue_cycles=10_000)))
    loop.until(TableAccepted)
    lost = []

    def lose_first_abort(data, t_us):
        if data == loop.board.abort_frame() and not lost:
            lost.append(data)
            return b""
        return data

    loop.to_board = lose_first_abort
    loop.send(Abort())
    loop.step()
    loop.send(StartTrial(slot=0))
    assert loop.until(TrialEnded)[0].reason is EndReason.COMPLETE
    assert lost


@pytest.mark.parametrize(
    "command",
    [
        UploadTable(slot=2, image=b"x"),
        UploadTable(slot=0, image=b""),
        UploadTable(slot=0, image=bytes(1537)),
        StartTrial(slot=2),
        Pulse(output=16, duration_us=1),
        Pulse(output=0, duration_us=0),
        Pulse(output=0, duration_us=1 << 32),
        SendSoftEvent(number=0),
        SendSoftEvent(number=9),
        Configure(max_open_us=(1 << 32,), host_timeout_ms=250, sync_seed=0),
        Configure(max_open_us=(), host_timeout_ms=1 << 16, sync_seed=0),
    ],
)
def test_what_the_wire_cannot_carry_is_our_error(make_loop, command):
    loop = make_loop().ready()
    with pytest.raises(EncodeError):
        loop.send(command)
    assert loop.board.outgoing() == b""


def test_a_configuration_the_board_refuses_is_told(make_loop):
    loop = make_loop().ready()
    loop.send(Configure(max_open_us=(), host_timeout_ms=10, sync_seed=0))
    (refused,) = loop.until(CommandRefused)
    assert refused.command == "configure"
    assert "HostTimeoutMs" in refused.reason


def test_what_is_written_does_not_depend_on_how_replies_are_cut(make_loop, image):
    def play(cut):
        loop = make_loop()
        pieces = []

        def in_pieces(data, t_us):
            pieces.extend(data[i : i + cut] for i in range(0, len(data), cut))
            return pieces.pop(0) if pieces else b""

        loop.to_host = in_pieces if cut else loop.to_host
        loop.ready()
        for slot in (0, 1):
            loop.send(UploadTable(slot=slot, image=image(states=20)))
            loop.send(StartTrial(slot=slot))
            loop.until(TrialEnded)
        return loop.written, [e for e in loop.told if isinstance(e, ON_BOARD)]

    whole = play(None)
    assert play(7)[0] == whole[0]
    assert play(100) == whole


# --- the guard's frames ------------------------------------------------------------------------------


def test_the_guards_frames_and_their_replies_pass_silently(make_loop):
    loop = make_loop(guard=True).ready()
    loop.run(3 * S)
    assert loop.counter >= 300
    assert loop.of(WireNoise, CommandRefused, LinkLost) == []
    assert set(map(type, loop.told)) == {BoardReady, Heartbeat}
    alive, abort = parse(loop.board.alive_frame((1 << 32) + 5)), parse(loop.board.abort_frame())
    assert (alive.kind, alive.address, alive.payload) == (WRITE, 32, b"\5\0\0\0")
    assert (abort.kind, abort.address, abort.payload) == (WRITE, 38, b"\1")


def test_the_board_falls_safe_when_the_guard_stops_and_is_armed_again_by_configure(make_loop, image):
    loop = make_loop(guard=True).ready()
    loop.send(UploadTable(slot=0, image=image(cue_cycles=100_000)))
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)
    loop.guard = False
    (safe,) = loop.until(BoardSafe, limit_us=300 * MS)
    assert safe.reason is EndReason.HOST_LOST
    assert loop.of(TrialEnded)[-1].reason is EndReason.HOST_LOST
    loop.guard = True
    loop.send(StartTrial(slot=0))
    (refused,) = loop.until(CommandRefused)
    assert "safe state" in refused.reason
    loop.send(Configure(max_open_us=(200_000,), host_timeout_ms=250, sync_seed=0))
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)


# --- loss --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_with_one_frame_in_twenty_lost_both_ways_everything_is_told_or_reported(
    make_loop, frame_loss, image, seed
):
    back, there = frame_loss(0.05, 2 * seed), frame_loss(0.05, 2 * seed + 1)
    loop = make_loop(guard=True)
    loop.to_host, loop.to_board = back, there
    loop.ready(sync_seed=seed + 1)
    ready_at = next(i for i, e in enumerate(loop.told) if isinstance(e, BoardReady))
    for number in range(12):
        loop.send(UploadTable(slot=number % 2, image=image()))
        loop.send(StartTrial(slot=number % 2))
        loop.until(TrialEnded)
    loop.run(6 * S)
    assert back.lost > 20
    assert there.lost > 20
    assert loop.board.repeats > 0
    told = [e for e in loop.told[ready_at:] if isinstance(e, ON_BOARD)]
    truth = [e for e in loop.happened if isinstance(e, ON_BOARD)]
    truth = truth[: truth.index(told[-1]) + 1]
    assert len(truth) - len(told) == loop.lost
    assert [e for e in truth if e in told] == told  # in order, none twice
    assert len(truth) - truth.index(told[-1]) == 1
    assert [e.slot for e in loop.happened if isinstance(e, TrialStarted)] == [
        n % 2 for n in range(12)
    ]  # none twice
    assert loop.of(LinkLost) == []


def test_a_missing_event_is_read_again_and_later_ones_wait(make_loop):
    loop = make_loop().ready()
    losing = {"n": 0}

    def lose_second(data, t_us):
        kept = b""
        for frame in frames_of(data):
            if frame.kind == EVENT and frame.address == 41:
                losing["n"] += 1
                if losing["n"] == 2:
                    continue
            kept += frame.raw
        return kept

    loop.to_host = lose_second
    for step in range(4):
        loop.emulator.input_edge(step, True)
        loop.run(1 * MS)
    loop.run(10 * MS)
    assert [e.line for e in loop.of(InputEdge)] == [0, 1, 2, 3]
    assert loop.lost == 0


def test_a_heartbeat_never_overtakes_an_event_that_is_missing(make_loop):
    loop = make_loop().ready()
    loop.run(900 * MS)
    loop.to_host = lambda data, t: b""
    loop.emulator.input_edge(1, True)
    loop.run(1 * MS)
    lose = [True]

    def no_rereads(data, t_us):
        again = lose[0] and any(f.address == reg.READ_EVENT.address for f in frames_of(data))
        return b"" if again else data

    loop.to_host = no_rereads
    loop.emulator.input_edge(1, False)
    loop.run(400 * MS)  # over the second
    assert loop.of(Heartbeat, InputEdge) == []
    lose[0] = False
    loop.run(400 * MS)
    assert [type(e) for e in loop.of(Heartbeat, InputEdge)] == [InputEdge, InputEdge, Heartbeat]


def test_the_last_event_before_a_long_quiet_is_not_lost(make_loop):
    loop = make_loop().ready()
    loop.to_host = lambda data, t: b"" if len(data) == 20 else data
    loop.emulator.input_edge(2, True)
    loop.run(1 * MS)
    loop.to_host = lambda data, t: data
    (edge,) = loop.until(InputEdge, limit_us=4 * S)
    assert edge.t_us == loop.happened[-1].t_us


def test_events_that_the_board_itself_lost_are_reported_with_bounds(make_loop):
    loop = make_loop().ready()
    loop.emulator.input_edge(7, True)
    loop.run(5 * MS)
    for _ in range(100):
        loop.emulator.input_edge(0, True)
        loop.emulator.input_edge(0, False)
    loop.run(500 * MS)
    told, truth = loop.of(InputEdge), [e for e in loop.happened if isinstance(e, InputEdge)]
    (lost,) = loop.of(EventsLost)
    assert len(told) + lost.count == len(truth) == 201
    assert lost.after_us == truth[0].t_us
    assert lost.before_us == told[1].t_us


def test_a_start_whose_answer_is_lost_is_not_given_twice(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image()))
    loop.until(TableAccepted)

    def lose_answer(data, t_us):
        return b"".join(f.raw for f in frames_of(data) if f.address != reg.START_TRIAL.address)

    loop.to_host = lose_answer
    loop.send(StartTrial(slot=0))
    loop.until(TrialEnded)  # before the answer is missed
    loop.run(3 * S)
    assert len([e for e in loop.happened if isinstance(e, TrialStarted)]) == 1
    assert loop.refused == []
    loop.send(Pulse(output=0, duration_us=10_000))
    loop.run(10 * MS)
    assert loop.of(OutputChange)[-1].output == 0  # the queue goes on


def test_a_start_that_never_reached_the_board_is_asked_again(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image()))
    loop.until(TableAccepted)
    lost = []

    def lose_first(data, t_us):
        if frames_of(data) and frames_of(data)[0].address == reg.START_TRIAL.address and len(lost) < 2:
            lost.append(data)
            return b""
        return data

    loop.to_board = lose_first
    loop.send(StartTrial(slot=0))
    loop.until(TrialEnded)
    assert len(lost) == 2
    assert loop.refused == []


def test_a_pulse_is_never_asked_twice(make_loop):
    loop = make_loop().ready()
    loop.to_host = lambda data, t: b"".join(f.raw for f in frames_of(data) if f.address != reg.PULSE.address)
    loop.send(Pulse(output=0, duration_us=10_000))
    (refused,) = loop.until(CommandRefused)
    assert refused.command == "pulse"
    assert "not asked again" in refused.reason
    loop.run(2 * S)
    assert [e.on for e in loop.of(OutputChange)] == [True, False]


def test_a_table_damaged_on_the_way_is_sent_again(make_loop, image):
    loop = make_loop().ready()
    damaged = []

    def damage(data, t_us):
        out = b""
        for frame in frames_of(data):
            raw = bytearray(frame.raw)
            if frame.address == reg.TABLE_CHUNK.address and not damaged:
                raw[20] ^= 0x10
                raw[21] ^= 0x10  # two wrongs: the checksum of the frame may fit
                if sum(raw[:-1]) & 0xFF == raw[-1]:
                    damaged.append(1)
                else:
                    raw = bytearray(frame.raw)
                    raw[20], raw[22] = (raw[20] + 1) & 0xFF, (raw[22] - 1) & 0xFF
                    damaged.append(1)
            out += bytes(raw)
        return out

    loop.to_board = damage
    # The echo of the damaged chunk is no answer to the good one, so it is sent again by itself.
    loop.send(UploadTable(slot=0, image=image()))
    loop.until(TableAccepted)
    assert damaged
    assert loop.refused == []


def test_garbled_bytes_are_noise_and_nothing_raises(make_loop, image):
    loop = make_loop(guard=True).ready(sync_seed=3)
    back = FaultyStream(Faults(drop=0.001, garble=0.001, double=0.001), seed=5)
    there = FaultyStream(Faults(drop=0.0005, garble=0.0005), seed=6)
    loop.to_host, loop.to_board = (lambda d, t: back.apply(d)), (lambda d, t: there.apply(d))
    for _ in range(5):
        loop.send(UploadTable(slot=0, image=image()))
        loop.send(StartTrial(slot=0))
        loop.run(3 * S)
    assert min(back.garbled, back.dropped, back.doubled) > 0
    assert loop.of(WireNoise)
    assert loop.of(TrialEnded)
    told = loop.of(*ON_BOARD)
    assert [e for e in loop.happened if e in told] == told


# --- time --------------------------------------------------------------------------------------------


def test_a_session_runs_across_the_wrap_of_the_counter(make_loop, image):
    start_us = 2**32 - 3 * S
    loop = make_loop(start_us=start_us, guard=True).ready(sync_seed=2)
    for _ in range(6):
        loop.send(UploadTable(slot=0, image=image(cue_cycles=9_000)))
        loop.send(StartTrial(slot=0))
        loop.until(TrialEnded)
    told = loop.of(*ON_BOARD)
    assert told == [e for e in loop.happened if isinstance(e, ON_BOARD)][: len(told)]
    assert told[0].t_us < 2**32 < told[-1].t_us
    beats = [e.t_us for e in loop.of(Heartbeat)]
    assert beats == list(range(beats[0], beats[-1] + 1, S))


def test_a_clock_set_by_somebody_moves_no_event(make_loop):
    loop = make_loop(guard=True).ready()
    for seconds in (1_700_000_000, 3, 1_000_000):
        loop.emulator.receive(reg.SECONDS.write_frame(seconds), loop.now_us)
        loop.run(2 * S)
        loop.emulator.input_edge(1, True)
        loop.run(2 * S)
    truth = [e.t_us for e in loop.happened if isinstance(e, InputEdge)]
    assert [e.t_us for e in loop.of(InputEdge)] == truth
    assert loop.of(LinkLost) == []


def test_hours_without_an_event_do_not_lose_a_wrap(make_loop):
    loop = make_loop(start_us=2**32 - 2 * S).ready()
    loop.run(4 * S)  # only heartbeats over the wrap
    assert loop.of(SyncEdge, InputEdge) == []
    loop.emulator.input_edge(1, True)
    (edge,) = loop.until(InputEdge)
    assert edge.t_us > 2**32


# --- losing the board --------------------------------------------------------------------------------


def test_silence_is_told_once_and_the_link_comes_back_by_itself(make_loop, image):
    loop = make_loop().ready()
    loop.send(UploadTable(slot=0, image=image(cue_cycles=60_000)))
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)
    loop.connected = False
    loop.send(UploadTable(slot=1, image=image()))
    (lost,) = loop.until(LinkLost, limit_us=4 * S)
    assert lost.reason == "the board at COM7 was asked 6 times and does not answer; check cable and power"
    assert loop.refused[-1].command == "upload"
    loop.run(10 * S)
    assert len(loop.of(LinkLost)) == 1
    loop.connected = True
    loop.until(BoardReady, limit_us=1 * S)
    loop.run(1 * S)
    # What happened meanwhile is read again: the board was not reset.
    assert loop.of(*ON_BOARD) == [e for e in loop.happened if isinstance(e, ON_BOARD)]
    assert loop.lost == 0
    loop.send(StartTrial(slot=0))
    loop.until(TrialStarted)


@pytest.mark.parametrize("guard", [True, False])
def test_a_reset_is_noticed_and_the_board_is_met_anew(make_loop, image, guard):
    loop = make_loop(guard=guard).ready()
    loop.run(2 * S)
    loop.send(UploadTable(slot=0, image=image()))
    loop.until(TableAccepted)
    loop.emulator.receive(reg.RESET.write_frame(1), loop.now_us)
    (lost,) = loop.until(LinkLost, limit_us=4 * S)
    if guard:  # the answers to its frames carry the new time
        assert lost.reason == "the board was reset"
    (ready,) = loop.until(BoardReady, limit_us=1 * S)
    assert ready.t_us < 4 * S
    loop.send(StartTrial(slot=0))
    (refused,) = loop.until(CommandRefused)
    assert "no table was accepted" in refused.reason
    loop.emulator.input_edge(4, True)
    (edge,) = loop.until(InputEdge)
    assert edge.t_us < 5 * S


def test_a_gap_that_was_open_when_the_link_was_lost_is_asked_for_again(make_loop):
    loop = make_loop().ready()
    loop.to_host = lambda data, t: b""
    loop.emulator.input_edge(1, True)
    loop.run(1 * MS)
    loop.to_host = lambda data, t: data
    loop.emulator.input_edge(2, True)
    loop.step()
    loop.connected = False
    loop.until(LinkLost, limit_us=4 * S)
    assert loop.of(InputEdge) == []
    loop.connected = True
    loop.until(BoardReady, limit_us=1 * S)
    loop.run(100 * MS)
    assert [e.line for e in loop.of(InputEdge)] == [1, 2]
    assert loop.lost == 0


def test_a_board_put_into_standby_behind_our_back_is_met_anew(make_loop):
    loop = make_loop(guard=True).ready()
    loop.emulator.receive(reg.OPERATION.write_frame(0), loop.now_us)
    (lost,) = loop.until(LinkLost, limit_us=5 * S)
    assert lost.reason == "the board was reset"
    loop.until(BoardReady, limit_us=1 * S)
    loop.until(Heartbeat)


def test_a_board_that_answers_no_probe_is_lost(make_loop, image):
    loop = make_loop(guard=True).ready()
    loop.send(UploadTable(slot=0, image=image()))
    loop.until(TableAccepted)
    loop.to_board = lambda data, t: b"".join(
        f.raw for f in frames_of(data) if f.address == reg.HOST_ALIVE.address
    )
    loop.send(StartTrial(slot=0))
    (lost,) = loop.until(LinkLost, limit_us=4 * S)
    assert "does not answer any more" in lost.reason
    assert [e.command for e in loop.refused] == ["start"]


def test_an_abort_survives_a_hello_that_starts_over(make_loop):
    loop = make_loop()
    loop.to_board = lambda data, t: b"".join(
        f.raw for f in frames_of(data) if f.address in (reg.WHO.address, reg.ABORT.address)
    )
    loop.board.connect(0)
    loop.run(10 * MS)
    loop.send(Abort())
    loop.run(3 * S)
    assert loop.refused == []


def test_connecting_again_begins_a_new_hello(make_loop):
    loop = make_loop().ready()
    loop.send(SendSoftEvent(number=1))
    loop.board.connect(loop.now_us * 1000)
    loop.until(BoardReady, limit_us=1 * S)
    assert len(loop.of(BoardReady)) == 2


def test_an_event_of_an_unknown_kind_is_noise_and_not_a_gap(make_loop):
    loop = make_loop().ready()
    stamp_us = loop.now_us
    event = build(
        EVENT, 41, PayloadType.U32, (stamp_us).to_bytes(4, "little") + b"\0\0\x63\0", stamp_us=stamp_us
    )
    told = loop.board.feed(event, loop.now_us * 1000)
    assert [e.reason for e in told] == ["unknown event kind 99"]
    loop.board.outgoing()


def test_a_wild_number_is_not_believed_from_one_frame(make_loop):
    loop = make_loop().ready()
    loop.emulator.input_edge(1, True)
    loop.run(2 * MS)
    words = loop.now_us.to_bytes(4, "little") + (20_000).to_bytes(2, "little") + b"\2\1"
    loop.told += loop.board.feed(
        build(EVENT, 41, PayloadType.U32, words, stamp_us=loop.now_us), loop.now_us * 1000
    )
    loop.run(2 * MS)
    loop.emulator.input_edge(1, False)
    loop.run(2 * MS)
    assert [e.rising for e in loop.of(InputEdge)] == [True, False]
    assert loop.lost == 0


def test_every_reply_cut_at_each_byte_still_leads_to_a_ready_board(make_loop):
    reply = build(READ, 0, PayloadType.U16, b"\xc6\x07", stamp_us=5)
    for cut in range(len(reply)):
        board = HarpBoard(BoardConfig(port="COM7"))
        board.connect(0)
        board.outgoing()
        board.feed(reply[:cut], 0)
        board.feed(b"", 20 * 10**6)
        board.feed(reply, 21 * 10**6)
        board.idle(40 * 10**6)
        assert reg.VERSION.read_frame() in board.outgoing(), cut


@pytest.mark.parametrize("seed", range(8))
def test_after_any_mishap_the_next_trial_runs(make_loop, image, seed):
    """Noise, cut cables, resets, aborts and commands at random; then quiet: the rig works again."""
    draws = np.random.Generator(np.random.PCG64(seed))
    loop = make_loop(guard=bool(seed % 3), start_us=2**32 - int(draws.integers(1, 20)) * S)
    back, there = (
        FaultyStream(Faults(drop=0.001, garble=0.002), seed),
        FaultyStream(Faults(garble=0.001), seed),
    )
    loop.to_host, loop.to_board = (lambda d, t: back.apply(d)), (lambda d, t: there.apply(d))
    loop.board.connect(loop.now_us * 1000)
    configure = Configure(max_open_us=(200_000,), host_timeout_ms=250, sync_seed=3)
    commands = [
        Abort(), Pulse(output=0, duration_us=20_000), SendSoftEvent(number=3), configure, StartTrial(slot=0),
        StartTrial(slot=1), UploadTable(slot=0, image=image()), UploadTable(slot=1, image=image()),
    ]  # fmt: skip
    for _ in range(40):
        what = int(draws.integers(0, 12))
        noise = draws.integers(0, 256, 300, dtype=np.uint8).tobytes()
        if what < len(commands):
            loop.send(commands[what])
        elif what == 8:
            loop.connected = not loop.connected
        elif what == 9:
            loop.emulator.receive(reg.RESET.write_frame(1), loop.now_us)
        elif what == 10:
            loop.emulator.receive(noise, loop.now_us)
        else:
            loop.told += loop.board.feed(noise, loop.now_us * 1000)
        loop.run(int(draws.integers(1, 300)) * MS)
    loop.connected, loop.to_host, loop.to_board = True, (lambda d, t: d), (lambda d, t: d)
    loop.run(8 * S)
    loop.send(Abort())
    loop.run(3 * S)
    loop.send(configure)
    loop.send(UploadTable(slot=0, image=image()))
    loop.until(TableAccepted)
    loop.send(StartTrial(slot=0))
    assert loop.until(TrialEnded)[0].reason is EndReason.COMPLETE


# --- what an 8-bit checksum does not see ---------------------------------------------------------------


@pytest.mark.parametrize("at", [9, 10, 11, 12, 13, 14])
def test_an_event_whose_tick_and_stamp_disagree_is_noise_and_is_asked_for_again(make_loop, at):
    spoilt, codec = [], HarpCodec()

    def through(data, t_us):
        kept = b""
        for item in codec.feed(data, t_us * 1000):
            raw = bytearray(item.raw)
            if item.kind == EVENT and item.address == reg.BOARD_EVENT.address and not spoilt:
                raw[at] ^= 0x40  # a bit of the stamp or of the tick, and the checksum made good
                raw[-1] = sum(raw[:-1]) & 0xFF
                spoilt.append(item)
            kept += bytes(raw)
        return kept

    loop = make_loop(to_host=through).ready()
    loop.emulator.input_edge(2, True)
    loop.run(20 * MS)
    loop.emulator.input_edge(2, False)
    loop.run(1 * S)
    assert spoilt
    assert loop.of(*ON_BOARD) == [e for e in loop.happened if isinstance(e, ON_BOARD)]
    assert [e.reason for e in loop.of(WireNoise)] == ["tick and time stamp disagree"]
    assert (loop.board.asked_again, loop.lost) == (1, 0)


def test_a_board_that_came_back_says_whether_it_began_anew(make_loop):
    loop = make_loop(guard=True).ready()
    assert not loop.of(BoardReady)[0].anew
    loop.board.connect(loop.now_us * 1000)
    loop.until(BoardReady)
    assert not loop.of(BoardReady)[1].anew
    loop.run(2 * S)
    loop.emulator.reset()
    loop.until(BoardReady, limit_us=5 * S)
    assert loop.of(BoardReady)[2].anew
    assert loop.of(LinkLost)[0].reason == "the board was reset"


def test_a_command_that_is_never_answered_loses_the_link(make_loop, image):
    deaf = []
    loop = make_loop(to_board=lambda data, t_us: b"" if deaf else data).ready()
    deaf.append(True)
    loop.send(UploadTable(slot=0, image=image()))
    (lost,) = loop.until(LinkLost, limit_us=3 * S)
    assert "was asked 6 times and does not answer" in lost.reason
    deaf.clear()
    loop.until(BoardReady, limit_us=1 * S)


@pytest.mark.parametrize("ahead", [100, 5_000])
def test_a_false_number_that_was_believed_is_made_good(make_loop, ahead):
    """A number that damage put ahead would make all true events look old."""
    lies, codec = [], HarpCodec()

    def through(data, t_us):
        kept = b""
        for item in codec.feed(data, t_us * 1000):
            raw = bytearray(item.raw)
            is_event = item.address == reg.BOARD_EVENT.address and len(raw) == 20
            if is_event and lies and lies[0] == item.kind:  # the event, or what a probe says of it
                seq = (int.from_bytes(raw[15:17], "little") + ahead) % 65536
                raw[15:17] = seq.to_bytes(2, "little")
                raw[-1] = sum(raw[:-1]) & 0xFF
                lies.pop(0)
            kept += bytes(raw)
        return kept

    loop = make_loop(to_host=through).ready()
    lies += [EVENT] if ahead < 256 else [EVENT, READ]
    for k in range(40):
        loop.emulator.input_edge(2, k % 2 == 0)
        loop.run(100 * MS)
    assert lies == []
    heard = [e.t_us for e in loop.of(InputEdge)]
    assert heard[-20:] == [e.t_us for e in loop.happened if isinstance(e, InputEdge)][-20:]
    assert loop.lost > 0
    assert heard == sorted(heard)
