"""The board as a Harp device, spoken to in bytes, in virtual time."""

from __future__ import annotations

import zlib

import pytest

from drivers.board import registers as reg
from drivers.board.codec import HarpCodec
from drivers.board.emulator import BoardEmulator
from drivers.board.event_codes import WORDS, EventKind
from drivers.board.registers import EVERY_REGISTER, Operation
from drivers.board.wire import EVENT, READ, WRITE, Frame, PayloadType, build
from rig.events import BoardSafe, EndReason, InputEdge, OutputChange, TrialEnded, TrialStarted
from rig.machine.refusal import Refusal

MS = 1_000


class Talk:
    """A host without any manners of its own."""

    def __init__(self, **how):
        self.board = BoardEmulator(**how)
        self.codec = HarpCodec()
        self.happened = []

    @property
    def now_us(self):
        return self.board.now_us

    def run(self, us):
        to_us = self.now_us + us
        self.happened += self.board.advance(to_us)
        found = self.codec.feed(self.board.outgoing(to_us), to_us * 1000)
        assert all(isinstance(item, Frame) for item in found)
        return found

    def write_raw(self, data):
        self.board.receive(data, self.now_us)

    def ask(self, data, us=5 * MS):
        self.write_raw(data)
        return [frame for frame in self.run(us) if frame.kind != EVENT]

    def write(self, register, *values):
        return self.ask(register.write_frame(*values))[0]

    def read(self, register):
        (frame,) = self.ask(register.read_frame())
        assert not frame.is_error
        return register.unpack(frame.payload)

    def activate(self):
        self.write(reg.OPERATION, Operation.ACTIVE | Operation.HEARTBEAT)

    def upload(self, image, slot=0):
        for offset in range(0, len(image), 62):
            self.write(reg.TABLE_CHUNK, *offset.to_bytes(2, "little"), *image[offset : offset + 62])
        return self.write(reg.TABLE_COMMIT, slot, len(image), zlib.crc32(image))


def events(frames):
    return [
        WORDS.unpack(f.payload) for f in frames if f.kind == EVENT and f.address == reg.BOARD_EVENT.address
    ]


@pytest.fixture
def talk():
    return Talk()


# --- Harp's rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize("register", EVERY_REGISTER.values(), ids=lambda r: r.name)
def test_every_register_answers_a_read_once_and_stamped(talk, register):
    talk.run(12_345)
    (frame,) = talk.ask(register.read_frame())
    assert (frame.kind, frame.address, frame.payload_type) == (READ, register.address, register.type)
    assert len(frame.payload) == register.size
    assert not frame.is_error
    assert 12_000 < frame.stamp_us < 13_000


def test_the_identity(talk):
    assert talk.read(reg.WHO) == (1990,)
    assert bytes(talk.read(reg.DEVICE_NAME)).rstrip(b"\0") == b"dopaloop emulator"
    assert talk.read(reg.CAPABILITIES) == (64, 256, 8, 16, 4, 4, 1536, 100)
    assert talk.read(reg.TIME_SCALE) == (1,)
    version = talk.read(reg.VERSION)
    assert (version[0], version[1]) == (*talk.read(reg.CORE_HIGH), *talk.read(reg.CORE_LOW))
    assert (version[3], version[4]) == (*talk.read(reg.FIRMWARE_HIGH), *talk.read(reg.FIRMWARE_LOW))


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (build(READ, 200, PayloadType.U8), "unknown register"),
        (build(WRITE, 200, PayloadType.U8, b"\1"), "unknown register"),
        (build(READ, 0, PayloadType.U8), "wrong type"),
        (build(WRITE, 39, PayloadType.U32, bytes(4)), "wrong length"),
        (build(WRITE, 0, PayloadType.U16, b"\1\0"), "read-only"),
        (reg.START_TRIAL.write_frame(0), "empty slot"),
        (reg.ABORT.write_frame(0), "out of range"),
        (reg.SOFT_EVENT.write_frame(9), "out of range"),
        (reg.PULSE.write_frame(16, 1), "no such output"),
        (reg.PULSE.write_frame(0, 0), "no length"),
        (reg.MAX_OPEN.write_frame(16, 1), "no such output"),
        (reg.HOST_TIMEOUT_MS.write_frame(5), "out of range"),
        (reg.READ_EVENT.write_frame(7), "no such event"),
        (reg.TABLE_CHUNK.write_frame(0, 6), "beyond the buffer"),
        (reg.RESET.write_frame(3), "two bits"),
    ],
)
def test_what_cannot_be_done_gets_an_error_reply(talk, request_, why):
    (frame,) = talk.ask(request_)
    assert frame.is_error, why
    assert (frame.kind, frame.address) == (request_[0], request_[2])
    assert frame.payload == (request_[5:-1] if request_[0] == WRITE else b"")
    assert frame.stamp_us is not None


def test_a_reply_to_a_write_holds_the_value_now_in_the_register(talk):
    assert talk.write(reg.OPERATION, 0x05).payload == b"\x05"
    assert talk.ask(reg.OPERATION.write_frame(0x05 | Operation.DUMP), 50 * MS)[0].payload == b"\x05"
    assert talk.write(reg.DEVICE_NAME, *b"rig 4").payload == b"rig 4".ljust(25, b"\0")
    assert bytes(talk.read(reg.DEVICE_NAME)).rstrip(b"\0") == b"rig 4"


def test_garbage_gets_no_reply_and_does_no_harm(talk):
    broken = bytearray(reg.WHO.read_frame())
    broken[-1] ^= 1
    assert talk.ask(bytes(broken) + b"\0\xff\3\xff\1") == []
    assert talk.read(reg.WHO) == (1990,)
    assert talk.ask(build(EVENT, 0, PayloadType.U16, b"\1\0")) == []


def test_muted_means_no_reply_and_no_error(talk):
    assert talk.ask(reg.OPERATION.write_frame(Operation.MUTE)) == []
    assert talk.ask(reg.WHO.read_frame() + build(READ, 200, PayloadType.U8)) == []
    assert talk.ask(reg.OPERATION.write_frame(0))[0].payload == b"\0"


def test_a_dump_sends_every_register_behind_the_reply(talk):
    frames = talk.ask(reg.OPERATION.write_frame(Operation.DUMP), 50 * MS)
    assert frames[0].kind == WRITE
    assert [(f.kind, f.address) for f in frames[1:]] == [(READ, address) for address in EVERY_REGISTER]


def test_events_and_heartbeats_come_in_active_mode_only(talk):
    talk.board.input_edge(1, True)
    assert talk.run(1_500 * MS) == []
    talk.activate()
    assert talk.read(reg.BOARD_EVENT) == (0, 0)
    talk.board.input_edge(1, False)
    frames = talk.run(1_000 * MS)
    assert [f.address for f in frames] == [reg.BOARD_EVENT.address, reg.HEARTBEAT.address]
    ((tick, seq, kind, index),) = events(frames)
    assert (seq, kind, index) == (0, EventKind.INPUT_FALL, 1)
    assert frames[0].stamp_us == tick // 32 * 32
    assert frames[1].stamp_us == 2_000_000
    assert len(frames[0].raw) == 20


def test_the_old_heartbeat_comes_on_register_8_unless_the_new_one_is_on(talk):
    talk.write(reg.OPERATION, Operation.ACTIVE | Operation.ALIVE)
    (frame,) = talk.run(1_000 * MS)
    assert (frame.address, frame.payload) == (reg.SECONDS.address, b"\1\0\0\0")
    talk.write(reg.OPERATION, Operation.ACTIVE | Operation.ALIVE | Operation.HEARTBEAT)
    assert [f.address for f in talk.run(1_000 * MS)] == [reg.HEARTBEAT.address]


def test_setting_the_harp_clock_never_moves_the_tick(talk):
    talk.run(500 * MS)
    assert talk.write(reg.SECONDS, 1_000_000).payload == (1_000_000).to_bytes(4, "little")
    (frame,) = talk.ask(reg.TICK.read_frame())
    assert frame.stamp_us // 1_000_000 == 1_000_000
    assert 500 * MS < reg.TICK.unpack(frame.payload)[0] < 520 * MS
    talk.write(reg.CLOCK, 0x80)
    assert talk.write(reg.SECONDS, 5).is_error


def test_a_reset_answers_first_and_then_begins_anew(talk):
    talk.activate()
    talk.write(reg.DEVICE_NAME, *b"x")
    talk.run(3_000 * MS)
    assert talk.write(reg.RESET, 1).payload == b"\x40"
    (frame,) = talk.ask(b"\0" + reg.TICK.read_frame())
    assert reg.TICK.unpack(frame.payload)[0] < 20 * MS
    assert talk.read(reg.OPERATION) == (0,)
    assert bytes(talk.read(reg.DEVICE_NAME))[:1] == b"d"
    talk.board.input_edge(0, True)
    talk.run(MS)
    assert talk.happened[-1].t_us > 3_000 * MS  # the world around it keeps its own time


def test_the_first_byte_after_a_reset_is_lost():
    talk = Talk(deaf=1)
    assert talk.ask(reg.WHO.read_frame()) == []
    assert talk.read(reg.WHO) == (1990,)


# --- tables, pulses ----------------------------------------------------------------------------------


def test_a_table_is_uploaded_and_runs_by_itself(talk, image):
    talk.activate()
    talk.write(reg.MAX_OPEN, 0, 50_000)
    assert not talk.upload(image()).is_error
    assert talk.read(reg.TABLE_STATUS) == (0, 255, 0, 0)
    talk.write_raw(reg.START_TRIAL.write_frame(0))
    kinds = [kind for _, _, kind, _ in events(talk.run(100 * MS))]
    assert kinds[0] == EventKind.TRIAL_START
    assert kinds[-1] == EventKind.TRIAL_END
    assert kinds.count(EventKind.OUTPUT_ON) == kinds.count(EventKind.OUTPUT_OFF) == 2


def test_a_second_start_while_one_runs_is_refused(talk, image):
    talk.write(reg.MAX_OPEN, 0, 50_000)
    talk.upload(image())
    assert not talk.write(reg.START_TRIAL, 0).is_error
    assert talk.write(reg.START_TRIAL, 0).is_error
    assert talk.upload(image(), slot=0).is_error
    assert talk.read(reg.TABLE_STATUS)[0] == Refusal.BUSY
    assert not talk.upload(image(), slot=1).is_error


def test_a_damaged_table_is_refused_as_a_whole(talk, image):
    talk.write(reg.MAX_OPEN, 0, 50_000)
    data = bytearray(image())
    assert not talk.upload(bytes(data)).is_error
    talk.write(reg.TABLE_CHUNK, 0, 0, *b"garbage")
    frame = talk.write(reg.TABLE_COMMIT, 0, len(data), zlib.crc32(data))
    assert frame.is_error
    assert talk.read(reg.TABLE_STATUS)[0] == Refusal.CRC
    assert not talk.write(reg.START_TRIAL, 0).is_error  # the old one is still there


def test_refusals_name_rule_and_state(talk, image):
    frame = talk.upload(image())  # no MaxOpen: no pulse is allowed
    assert frame.is_error
    assert talk.read(reg.TABLE_STATUS) == (Refusal.PULSE, 1, 0, 0)
    assert talk.write(reg.TABLE_COMMIT, 0, 0, 0).is_error
    assert talk.read(reg.TABLE_STATUS)[0] == Refusal.LENGTH
    assert talk.write(reg.TABLE_COMMIT, 0, 9_999, 0).is_error
    assert talk.read(reg.TABLE_STATUS)[0] == Refusal.LENGTH
    assert talk.upload(image(), slot=2).is_error
    assert talk.read(reg.TABLE_STATUS) == (Refusal.SLOT, 255, 2, 0)


def test_the_last_chunk_may_reach_beyond_the_buffer(talk):
    assert not talk.write(reg.TABLE_CHUNK, *(1488).to_bytes(2, "little"), *bytes(62)).is_error
    assert talk.write(reg.TABLE_CHUNK, *(1536).to_bytes(2, "little"), *bytes(62)).is_error


def test_a_pulse_is_timed_by_the_board_and_refused_by_an_event(talk):
    talk.activate()
    talk.write(reg.MAX_OPEN, 2, 40_000)
    frames = []
    for duration_us in (30_000, 30_000, 50_000):  # the second while the first runs, the third too long
        talk.write_raw(reg.PULSE.write_frame(2, duration_us))
        frames += talk.run(MS)
    frames += talk.run(50 * MS)
    replies = [f for f in frames if f.kind == WRITE]
    assert [f.is_error for f in replies] == [False] * 3
    happened = [(kind, index) for _, _, kind, index in events(frames)]
    assert sorted(happened) == sorted(
        [
            (EventKind.OUTPUT_ON, 2),
            (EventKind.PULSE_REFUSED, 2),
            (EventKind.PULSE_REFUSED, 2),
            (EventKind.OUTPUT_OFF, 2),
        ]
    )
    on, off = (e.t_us for e in talk.happened if isinstance(e, OutputChange))
    assert off - on == 30_000


# --- the line and the queue --------------------------------------------------------------------------


def test_a_reply_takes_the_time_of_its_bytes_and_the_work(talk):
    talk.write_raw(reg.WHO.read_frame())
    whole_us = 6 * 10 + 60 + 14 * 10
    talk.board.advance(whole_us)
    assert len(talk.board.outgoing(whole_us - 1)) == 13
    assert len(talk.board.outgoing(whole_us)) == 1


def test_a_rude_host_overflows_the_ring_and_the_board_survives(talk):
    requests = reg.WHO.read_frame() * 500  # the replies are longer than the requests
    frames = talk.ask(requests, 200 * MS)
    assert talk.board.lost_bytes > 0
    assert 200 < len(frames) < 500
    assert talk.read(reg.WHO) == (1990,)


def test_a_commit_keeps_the_chip_busy_and_what_comes_meanwhile_must_fit_the_ring(talk, image):
    talk.write(reg.MAX_OPEN, 0, 50_000)
    data = image()
    talk.upload(data)
    commit = reg.TABLE_COMMIT.write_frame(0, len(data), zlib.crc32(data))
    polite = talk.ask(commit + reg.HOST_ALIVE.write_frame(1) * 20, 20 * MS)
    assert len(polite) == 21
    assert talk.board.lost_bytes == 0


def test_the_last_64_events_can_be_read_again(talk):
    talk.activate()
    for _ in range(50):
        for rising in (True, False):
            talk.board.input_edge(3, rising)
            talk.run(MS)
    talk.write_raw(reg.READ_EVENT.write_frame(36))
    frames = talk.run(5 * MS)
    assert [f.kind for f in frames] == [WRITE, EVENT]
    assert events(frames)[0][1:] == (36, EventKind.INPUT_RISE, 3)
    assert talk.write(reg.READ_EVENT, 35).is_error
    assert talk.write(reg.READ_EVENT, 100).is_error
    assert talk.read(reg.BOARD_EVENT)[1] & 0xFFFF == 99  # a read gives the latest


def test_a_burst_beyond_the_queue_loses_the_oldest_and_says_so(talk):
    talk.activate()
    for _ in range(100):  # all at one instant: the line carries one event in 200 us
        talk.board.input_edge(0, True)
        talk.board.input_edge(0, False)
    told = events(talk.run(200 * MS))
    numbers = [seq for _, seq, _, _ in told]
    missing = set(range(numbers[-1] + 1)) - set(numbers)
    assert numbers == sorted(numbers)
    assert len(missing) == 200 - 64
    assert [index for _, _, kind, index in told if kind == EventKind.OVERRUN] == [len(missing)]
    assert max(missing) < 200 - 64  # the newest are kept


def test_two_thousand_events_a_second_are_carried_without_loss(talk):
    talk.activate()
    told = []
    for step in range(2_000):
        talk.board.input_edge(0, step % 2 == 0)
        told += events(talk.run(500))
    told += events(talk.run(10 * MS))
    assert [seq for _, seq, _, _ in told] == list(range(2_000))


# --- the host's sign of life -------------------------------------------------------------------------


def alive(talk, counter=1):
    talk.write(reg.HOST_ALIVE, counter)


def test_the_watch_begins_with_the_first_sign_of_life(talk, image):
    talk.activate()
    talk.write(reg.MAX_OPEN, 0, 50_000)
    talk.upload(image(cue_cycles=100_000))
    talk.write(reg.START_TRIAL, 0)
    assert not talk.board.check_host(10**12)
    alive(talk)
    assert not talk.board.check_host(10**12)
    assert not talk.board.check_host(10**12 + 250_000_000)
    assert talk.board.check_host(10**12 + 251_000_000)
    frames = talk.run(5 * MS)
    kinds = [(kind, index) for _, _, kind, index in events(frames)]
    assert (EventKind.TRIAL_END, EndReason.HOST_LOST) in kinds
    assert (EventKind.SAFE, EndReason.HOST_LOST) in kinds
    assert talk.board.core.levels == 0
    assert talk.write(reg.START_TRIAL, 0).is_error
    assert not talk.write(reg.ARM, 1).is_error
    assert not talk.board.check_host(10**12 + 252_000_000)
    assert not talk.write(reg.START_TRIAL, 0).is_error


def test_signs_of_life_keep_it_going_and_unread_bytes_give_patience(talk):
    talk.write(reg.HOST_TIMEOUT_MS, 50)
    alive(talk)
    wall = 10**12
    talk.board.check_host(wall)
    for _ in range(20):
        wall += 40_000_000
        alive(talk)
        assert not talk.board.check_host(wall)
    talk.write_raw(reg.HOST_ALIVE.write_frame(2))  # has come, is not looked at yet
    assert not talk.board.check_host(wall + 60_000_000)
    assert talk.board.check_host(wall + 101_000_000)


def test_what_happens_is_told_to_the_world_around_the_board(talk, image):
    talk.write(reg.MAX_OPEN, 0, 50_000)
    talk.upload(image())
    talk.write(reg.START_TRIAL, 0)
    talk.board.input_edge(2, True)
    talk.run(100 * MS)
    kinds = [type(event) for event in talk.happened]
    assert kinds.count(TrialStarted) == kinds.count(TrialEnded) == kinds.count(InputEdge) == 1
    assert [e.t_us for e in talk.happened] == sorted(e.t_us for e in talk.happened)


def test_time_in_small_and_in_large_steps_gives_the_same(image):
    def play(step_us):
        talk = Talk(start_us=2**32 - 30_000)
        talk.activate()
        talk.write(reg.MAX_OPEN, 0, 50_000)
        talk.write(reg.SYNC_SEED, 5)
        talk.upload(image())
        talk.write_raw(reg.START_TRIAL.write_frame(0))
        end_us, raws = talk.now_us + 2_000 * MS, b""
        while talk.now_us < end_us:
            raws += b"".join(f.raw for f in talk.run(min(step_us, end_us - talk.now_us)))
        return raws, talk.happened

    assert play(37) == play(2_000 * MS)


def test_next_due_leads_from_one_thing_to_the_next(talk):
    talk.activate()
    talk.board.input_edge(0, True)
    assert talk.board.next_due_us() == talk.now_us
    talk.run(0)
    due = talk.board.next_due_us()
    assert talk.now_us < due <= talk.now_us + 200
    talk.run(due - talk.now_us)
    assert talk.board.next_due_us() == 1_000_000  # the heartbeat


def test_board_safe_is_an_event_of_the_world_too(talk):
    alive(talk)
    talk.board.check_host(0)
    talk.board.check_host(10**9)
    talk.run(MS)
    assert any(isinstance(e, BoardSafe) for e in talk.happened)
