"""The emulated board: time, buffers, faults. It must do what the makers' firmware does."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.pyphotometry.codec import ChunkCodec, Run
from drivers.pyphotometry.emulator import DARK, PyPhotometryEmulator
from drivers.pyphotometry.wire import HARDWARE, VOLTS_PER_COUNT
from rig.sim.photometry import FibreWorld, Losses, SimulatedFibre

HELLO = b"\xff\r\x03\x03\r\x01\x04import photometry_upy\x04"
CONSTRUCT = f"p = photometry_upy.Photometry({HARDWARE['2.0'].config()!r})\x04".encode()
PREPARE = b"p.set_mode('2EX_2EM_pulsed')\x04p.set_LED_current(30,20)\x04"

# The makers' firmware on a test bench: its loop was busy until buffer 4 was full. Chunks 2 onward are what
# chunks 4 onward are without that.
FIRMWARE_ON_TIME = bytes.fromhex(
    "0701000a20080184006c11120d0702000c471c039602da22801e0703000e6e2f05aa044934ec2f07040010954307bc06b745"
    "5a4107050011bc5409d0082557c85207060014e3680be40a92683664"
)
FIRMWARE_LATE = bytes.fromhex(
    "0701000a20080184006c11120d07020010954307bc06b7455a4107030011bc5409d0082557c85207040014e3680be40a92683664"
)


def running(measured, mode="2EX_2EM_pulsed", rate_hz=130, words=4, **more):
    board = PyPhotometryEmulator(lambda start, rate: measured, **more)
    board.receive(HELLO + CONSTRUCT + PREPARE.replace(b"2EX_2EM_pulsed", mode.encode()), 0)
    board.outgoing()
    board.receive(f"p.start({rate_hz},{words},False)\x04".encode(), 1000)
    assert board.outgoing() == b"OK"
    return board


def chunks(data, words=4):
    (run,) = ChunkCodec(words).feed(data, 0)
    assert isinstance(run, Run)
    return run


def test_time_is_computed_so_steps_do_not_matter(measured):
    streams = []
    for step_us in (1, 3_333, 1_000_000):
        board = running(measured, ppm=80.0)
        out = b""
        # a millisecond in the finest steps, then on
        for now_us in [
            *range(1000, 20_000 if step_us == 1 else 1000, step_us),
            *range(20_000, 3_000_001, max(step_us, 997)),
        ]:
            board.advance(now_us)
            out += board.outgoing()
        board.advance(3_000_001)
        streams.append(out + board.outgoing())
    assert streams[0] == streams[1] == streams[2]
    assert len(streams[0]) // 13 == int((3_000_001 - 1000) * 130 * (1 + 80e-6) / 1e6)


def test_samples_are_due_one_period_after_another(measured):
    board = running(measured)
    first_us = board.next_due_us()
    assert first_us == 1000 + 7693
    board.advance(first_us - 1)
    assert board.outgoing() == b""
    board.advance(first_us)
    assert len(board.outgoing()) == 13
    assert board.next_due_us() == 1000 + 15385


def test_pulsed_words_stand_on_the_dark_level_and_continuous_ones_do_not(measured):
    board = running(measured)
    board.advance(500_000)
    words = chunks(board.outgoing()).words[0] >> 1
    assert words.tolist() == [1000 + DARK, DARK, 1000 + DARK, DARK]
    board = running(measured, "2EX_2EM_continuous", 1000, 40)
    board.advance(100_000)
    words = chunks(board.outgoing(), 40).words[0] >> 1
    assert words[:4].tolist() == [1000, 1000, 1007, 1011]


def test_a_late_program_does_what_the_makers_firmware_did(measured):
    on_time, late = chunks(FIRMWARE_ON_TIME), chunks(FIRMWARE_LATE)
    assert late.numbers.tolist() == [1, 2, 3, 4]
    assert late.words.tolist() == on_time.words[[0, 3, 4, 5]].tolist()

    plain, board = running(measured), running(measured)
    for one in (plain, board):
        one.advance(one.next_due_us())
    plain.advance(60_000)
    board.stall(3 * 7693 + 100)  # over the ends of buffers 2, 3 and 4
    for now_us in range(board.now_us, 60_000, 500):
        board.advance(now_us)
    board.advance(60_000)
    expected, told = chunks(plain.outgoing()), chunks(board.outgoing())
    assert told.numbers.tolist() == list(range(1, len(told.numbers) + 1))
    assert board.overrun == 2
    assert told.words.tolist() == expected.words[[0, *range(3, len(expected.words))]].tolist()


@pytest.mark.parametrize("step_us", [500, 40_000])
def test_a_stall_is_the_same_in_any_steps(measured, step_us):
    board, whole = running(measured), running(measured)
    for one in (board, whole):
        one.advance(100_000)
        one.stall(100_000)
    whole.advance(400_000)
    for now_us in range(100_000, 400_001, step_us):
        board.advance(now_us)
    board.advance(400_000)
    assert board.outgoing() == whole.outgoing()
    assert board.overrun == whole.overrun == 12


def test_planned_losses_are_lost_and_counted(measured):
    plan = Losses(seed=1, share=0.05, burst=3)
    board = running(measured, lost=plan.lost)
    out = b""
    for now_us in range(0, 20_000_001, 77_777):
        board.advance(now_us)
        out += board.outgoing()
    numbers = chunks(out).numbers
    gone = plan.lost(0, int(numbers[-1]))
    assert (numbers - 1).tolist() == np.flatnonzero(~gone).tolist()
    assert board.dropped >= gone.sum()
    assert gone.sum() > 50


def test_each_start_asks_for_a_source_anew():
    asked = []

    def begin(start_us, rate_hz):
        asked.append((start_us, rate_hz))
        return SimulatedFibre(FibreWorld(), rate_hz, start_us).take

    board = PyPhotometryEmulator(begin, ppm=100.0)
    start = HELLO + CONSTRUCT + PREPARE
    for at_us in (0, 2_000_000):
        board.receive(start, at_us)
        board.outgoing()
        board.receive(b"p.start(130,4,False)\x04", at_us + 500)
        board.advance(at_us + 1_000_000)
        assert len(chunks(board.outgoing().removeprefix(b"OK")).numbers) == 129
    assert [at for at, _ in asked] == [500, 2_000_500]
    assert asked[0][1] == pytest.approx(130 * (1 + 100e-6))


def test_negative_and_huge_signals_are_held_to_what_words_carry():
    board = PyPhotometryEmulator(
        lambda start, rate: lambda first, count: np.tile([[-1.0, 9.0]], (count, 1)) / VOLTS_PER_COUNT
    )
    board.receive(HELLO + CONSTRUCT + PREPARE, 0)
    board.outgoing()
    board.receive(b"p.start(130,4,False)\x04", 0)
    board.advance(100_000)
    words = chunks(board.outgoing()[2:]).words[0] >> 1
    assert words.tolist() == [0, DARK, 32767, DARK]
