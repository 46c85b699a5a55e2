"""The board's life line."""

import threading
import time

import pytest

from rig.runtime.guard import Guard
from rig.runtime.inbox import Inbox
from rig.runtime.ports import Port


@pytest.fixture
def port(board, wait_for):
    port = Port("board", board.open_transport)
    port.start(Inbox())
    wait_for(lambda: port.is_open)
    yield port
    port.close()


@pytest.fixture
def guard(port):
    guard = Guard(port, lambda n: f"<{n}>".encode(), lambda: b"!")
    guard.start()
    yield guard
    guard.stop()


def stepping(guard, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        guard.stepped()
        time.sleep(0.002)


def test_nothing_is_sent_before_the_first_step(guard, board):
    assert board.read(0.06) == b""


def test_alive_while_stepping_and_silent_when_not(guard, board):
    stepping(guard, 0.3)
    sent = board.read()
    beats = sent.count(b">")
    assert 12 <= beats <= 31  # 30 at 100 a second; a busy machine may be late, never early
    assert sent.startswith(b"<0><1><2>")
    time.sleep(0.05)
    before = guard.beats
    time.sleep(0.08)
    assert guard.beats == before
    assert guard.withheld > 0
    assert guard.longest_gap_ms >= 9.0


def test_it_goes_on_when_the_engine_does(guard, board):
    stepping(guard, 0.05)
    time.sleep(0.1)
    before = guard.beats
    stepping(guard, 0.1)
    assert guard.beats > before


def test_safe_on_the_way_out_and_only_once(guard, board):
    stepping(guard, 0.05)
    guard.stop()
    guard.stop()
    time.sleep(0.03)
    assert board.read().endswith(b">!")
    assert board.read().count(b"!") == 1


def test_panic_makes_it_safe_within_a_period(guard, board, wait_for):
    guard.panic = True
    wait_for(lambda: board.read() == b"!")


def test_it_makes_safe_although_a_write_is_stuck(guard, port, board, wait_for):
    port._lock.acquire()
    freed = threading.Timer(0.5, port._lock.release)
    freed.start()
    begun = time.monotonic()
    assert guard.safe()
    assert time.monotonic() - begun < 0.4
    wait_for(lambda: board.read().endswith(b"!"))
    freed.join()


def test_a_lost_port_stops_the_frames_and_nothing_else(guard, port, board, wait_for):
    stepping(guard, 0.03)
    board.pull()
    wait_for(lambda: not port.is_open)
    stepping(guard, 0.05)
    assert not guard.safe()


def test_a_frame_may_be_withheld_by_the_driver(port, board):
    guard = Guard(port, lambda _n: b"", lambda: b"!")
    guard.start()
    stepping(guard, 0.05)
    guard.stop()
    assert board.read(0.1) == b"!"
    assert guard.beats == 0


def test_why_comes_before_a_panic(port, board):
    guard = Guard(port, lambda _n: b"", lambda: b"!")
    guard.on_panic = lambda: port.write(b"why")
    guard.panic = True
    guard.start()
    stepping(guard, 0.05)
    assert board.read(0.1) == b"why!"
    guard.stop()
