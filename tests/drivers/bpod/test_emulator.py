"""The emulated device alone: its manners, its clock, and the traps of its firmware."""

from __future__ import annotations

import pytest

from drivers.bpod import wire
from drivers.bpod.emulator import DEAF_US, BpodEmulator
from drivers.bpod.hardware import R2
from drivers.bpod.matrix import GlobalTimer, MatrixState, StateMatrix, encode


def timed(*cycles, outputs=()):
    return StateMatrix(
        states=tuple(MatrixState(timer=c, after=k + 1, outputs=outputs) for k, c in enumerate(cycles))
    )


def upload(matrix, *, at_once=True):
    return wire.upload(encode(matrix, wide=False, timers=R2.timers), at_once=at_once)


class Talk:
    def __init__(self, **how):
        self.device = BpodEmulator(**how)
        self.happened = []

    def say(self, data, us=1_000):
        self.device.receive(data, self.device.now_us)
        return self.wait(us)

    def wait(self, us):
        end = self.device.now_us + us
        self.happened += self.device.advance(end)
        return self.device.outgoing(end)

    def meet(self):
        assert self.say(b"6", DEAF_US + 1_000)[-1:] == b"5"
        return self

    def times(self, kind):
        return [h.t_us for h in self.happened if h.kind == kind]


@pytest.fixture
def talk():
    return Talk().meet()


def test_it_says_that_it_is_there_until_hands_are_shaken_and_again_after_a_good_bye():
    talk = Talk()
    assert talk.wait(1_000_000) == b"\xde" * 10
    assert talk.say(b"6", 1_000_000) == b"5"
    assert talk.say(b"Z", 350_000) == b"1\xde\xde\xde"


def test_it_hears_nothing_for_a_while_after_the_handshake():
    talk = Talk()
    assert talk.say(b"6F", 90_000) == b"5"
    assert talk.wait(20_000) == b"\x17\x00\x03\x00"


def test_one_command_a_tick(talk):
    talk.device.receive(b"vvv", talk.device.now_us)
    got = [talk.wait(100) for _ in range(4)]
    assert got.count(b"\x00") == 3


def test_commands_are_waited_for_until_they_are_whole(talk):
    assert talk.say(b"S") == b""
    assert talk.say(b"\x05") == b"\x02\x05"
    assert talk.say(b"%" + bytes(6)) == b""
    assert talk.say(bytes(1)) == b"\x01"


def test_the_session_clock_begins_with_the_handshake_and_can_be_reset(talk):
    talk.wait(1_000_000)
    assert talk.say(b"*") == b"\x01"
    out = talk.say(upload(timed(10)), 5_000)
    (start,) = wire.START.unpack(out[1:9])
    assert 900 < start < 1_200  # the wait of `say` and the upload
    _, cycle, _, end = wire.END.unpack(out[-19:])
    assert (cycle, end) == (10, start + 1_000)


def test_the_next_run_begins_one_tick_after_the_last(talk):
    talk.say(upload(timed(100)), 3_000)
    talk.say(upload(timed(100)), 30_000)
    begun, ended = talk.times("begun"), talk.times("ended")
    assert begun[1] - ended[0] == 100
    assert ended[1] - begun[1] == 10_000


def test_a_matrix_that_is_still_on_its_way_at_the_end_is_forgotten_until_it_is_asked_for(talk):
    """Firmware 23.10 compares where it should assign."""
    big = timed(*[5] * 200)
    talk.say(upload(timed(8)), 400)
    out = talk.say(upload(big), 500_000)
    assert out[-19:-16] == wire.END_MARK
    assert len(talk.times("begun")) == 1
    assert talk.say(b"R", 200)[:1] == b"\x01"
    assert len(talk.times("begun")) == 2


def test_while_a_matrix_is_read_no_other_command_is(talk):
    talk.say(upload(timed(10_000)), 5_000)
    big = upload(timed(*[5] * 250))
    talk.device.receive(big + b"X", talk.device.now_us)
    sent = talk.device.now_us
    talk.wait(20_000)
    assert talk.times("ended")[0] - sent >= len(big) - 10


def test_an_exit_ends_the_run_at_once_and_begins_what_waits(talk):
    talk.say(upload(timed(50_000, outputs=((13, 1),))), 5_000)
    talk.say(upload(timed(10)), 5_000)
    out = talk.say(b"X", 20_000)
    assert out[:3] == wire.END_MARK
    assert len(talk.times("begun")) == 2
    assert [(h.number, h.value) for h in talk.happened if h.kind == "pin"] == [(13, 1), (13, 0)]


def test_an_exit_while_nothing_runs_is_answered_too(talk):
    talk.say(upload(timed(10)), 5_000)
    out = talk.say(b"X")
    assert wire.END.unpack(out)[:2] == (wire.END_MARK, 10)


def test_the_sync_line_follows_trials_or_states(talk):
    talk.say(b"K" + bytes((8, wire.SYNC_TRIALS)))
    talk.say(upload(timed(10, 10)), 5_000)
    begun, ended = talk.times("begun"), talk.times("ended")
    assert talk.times("sync") == [begun[0], ended[0]]
    talk.happened.clear()
    talk.say(b"K" + bytes((8, wire.SYNC_STATES)))
    talk.say(b"R", 5_000)
    assert len(talk.times("sync")) == 3
    assert [h.value for h in talk.happened if h.kind == "sync"] == [1, 0, 1]
    talk.say(b"K" + bytes((8, wire.SYNC_TRIALS)))
    talk.say(b"X")
    assert talk.happened[-1].kind == "sync" and talk.happened[-1].value == 0


def test_edges_are_seen_in_the_next_tick_and_short_ones_never(talk):
    port1 = R2.input_channels()["Port1"]
    waits = StateMatrix(states=(MatrixState(timer=100, after=1),))
    talk.say(upload(waits), 3_050)
    talk.device.input_edge(port1, True)
    out = talk.wait(40)
    assert out == b""
    out = talk.wait(10)
    assert out[:3] == bytes((1, 1, R2.edge(port1, rising=True)))
    talk.wait(50)
    talk.device.input_edge(port1, False)
    talk.device.input_edge(port1, True)
    assert talk.wait(200) == b""
    with pytest.raises(ValueError, match="no input line"):
        talk.device.input_edge(0, True)


def test_a_valve_on_a_timer_closes_by_itself_though_the_state_waits_for_ever(talk):
    """The net under a dead computer: nothing more is said to the device here."""
    opens = StateMatrix(
        states=(MatrixState(trigger=1),), timers=(GlobalTimer(duration=300, channel=13, on=1),)
    )
    talk.say(upload(opens), 60_000_000)
    opened, closed = talk.times("pin")
    assert closed - opened == 30_000


def test_soft_codes_of_the_second_port_are_another_channels(talk):
    talk.say(upload(timed(10_000)), 5_000)
    talk.device.receive_app(b"\x03", talk.device.now_us)
    out = talk.wait(200)
    assert out[:3] == bytes((1, 1, R2.soft_codes("Z")[3]))
    talk.say(b"{")
    assert talk.device.outgoing_app() == b"\xde"


def test_bytes_that_are_no_matrix_are_not_run(talk):
    assert talk.say(b"C\x01\x00\x04\x00" + bytes(4), 5_000) == b"\x00"
    assert talk.device.refused
    assert not talk.device.running
