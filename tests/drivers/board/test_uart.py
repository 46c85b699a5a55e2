"""The chip's line: ten microseconds a byte, rings of 256 bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.board.uart import NEVER, RING_BYTES, Receiver, Sender, byte_us


def test_a_byte_takes_ten_bits():
    assert byte_us(1_000_000) == 10
    assert byte_us(115_200) == 87


def test_bytes_arrive_one_after_the_other():
    rx = Receiver(10)
    rx.write(b"abc", 100)
    rx.write(b"d", 105)  # waits for the line
    assert rx.due_us(1) == 110
    assert rx.due_us(4) == 140
    assert rx.due_us(9) == 140
    assert rx.take(9, 109) == b""
    assert rx.take(9, 125) == b"ab"
    assert rx.take(9, 1_000) == b"cd"
    assert not rx.busy
    assert rx.due_us(1) == NEVER


def test_a_full_ring_loses_bytes():
    rx = Receiver(10)
    rx.write(bytes(range(256)) + b"lost", 0)
    rx.hear(2_600)
    assert rx.lost == 4
    assert rx.take(300, 2_600) == bytes(range(256))
    rx.write(b"ok", 2_600)
    assert rx.take(300, 2_620) == b"ok"


def test_the_first_byte_after_a_reset_is_not_heard():
    rx = Receiver(10, deaf=1)
    rx.write(b"abc", 0)
    assert rx.take(9, 100) == b"bc"
    assert rx.lost == 1


def test_frames_leave_byte_by_byte():
    tx = Sender(10)
    tx.put(b"abcd", 100)
    tx.put(b"ef", 100)
    assert tx.due_us() == 140
    assert tx.gone(109) == b""
    assert tx.gone(125) == b"ab"
    assert tx.gone(160) == b"cdef"
    assert tx.due_us() == NEVER


def test_room_comes_as_bytes_leave():
    tx = Sender(10)
    tx.put(bytes(RING_BYTES), 0)
    assert tx.room_us(20) == 200
    assert Sender(10).room_us(20) <= 0


@given(st.lists(st.tuples(st.binary(max_size=80), st.integers(0, 900)), max_size=20), st.integers(1, 64))
def test_nothing_is_lost_by_a_program_that_keeps_up(writes, gulp):
    rx, now_us, sent, got = Receiver(10), 0, b"", b""
    for data, gap_us in writes:
        rx.write(data, now_us)
        sent += data
        end_us = now_us + gap_us
        while (due := rx.due_us(gulp)) <= end_us:
            got += rx.take(gulp, max(due, now_us))
        now_us = end_us
    while rx.busy:
        got += rx.take(gulp, max(rx.due_us(gulp), now_us))
    assert got == sent
    assert rx.lost == 0
