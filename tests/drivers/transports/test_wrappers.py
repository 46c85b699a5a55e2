"""Pair in memory, tap and fault."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.transports import Faults, FaultTransport, FaultyStream, TapTransport, Transport, memory_pair
from rig.errors import TransportError

DATA = bytes(range(256)) * 200


def test_a_pair_carries_bytes_both_ways():
    host, board = memory_pair("rig")
    pipe: Transport = host
    pipe.write(b"ab")
    pipe.write(b"c")
    assert board.read(0) == b"abc"
    board.write(b"d")
    assert host.read(1) == b"d"
    assert host.read(0) == b""
    assert (host.name, board.name) == ("rig:host", "rig:device")


def test_a_read_waits_for_bytes():
    host, board = memory_pair()
    thread = threading.Thread(target=board.write, args=(b"late",))
    thread.start()
    assert host.read(5) == b"late"
    thread.join()


def test_a_closed_pair_gives_what_is_left_and_then_fails():
    host, board = memory_pair()
    host.write(b"left")
    host.close()
    assert board.read(0) == b"left"
    for end in (host, board):
        with pytest.raises(TransportError, match="is closed"):
            end.read(1)
        with pytest.raises(TransportError, match="is closed"):
            end.write(b"x")


def test_a_tap_hears_both_ways_with_times():
    host, board = memory_pair()
    heard, now = [], iter(range(100))
    tap = TapTransport(host, lambda *what: heard.append(what), clock=lambda: next(now))
    tap.write(b"there")
    assert board.read(0) == b"there"
    board.write(b"back")
    assert tap.read(0) == b"back"
    assert tap.read(0) == b""
    assert heard == [("out", 0, b"there"), ("in", 1, b"back")]
    assert tap.name == host.name
    tap.close()
    with pytest.raises(TransportError):
        board.write(b"x")


def test_no_faults_change_nothing():
    stream = FaultyStream(Faults(), 1)
    assert stream.apply(DATA) == DATA
    assert (stream.dropped, stream.doubled, stream.garbled, stream.passed) == (0, 0, 0, len(DATA))


def test_each_fault_comes_as_often_as_asked_for():
    stream = FaultyStream(Faults(drop=0.02, double=0.03, garble=0.05), 7)
    out = stream.apply(DATA)
    for count, rate in ((stream.dropped, 0.02), (stream.doubled, 0.03), (stream.garbled, 0.05)):
        assert abs(count / len(DATA) - rate) < 0.005
    assert len(out) == len(DATA) - stream.dropped + stream.doubled


def test_garbled_bytes_always_differ():
    out = FaultyStream(Faults(garble=1.0), 3).apply(DATA)
    assert all(a != b for a, b in zip(out, DATA, strict=True))


@given(st.lists(st.integers(1, 700), max_size=10), st.integers(0, 2**32))
def test_fate_depends_on_seed_and_place_not_on_chunks(sizes, seed):
    faults = Faults(drop=0.1, double=0.1, garble=0.1)
    data = DATA[: sum(sizes)]
    whole, pieces, at = FaultyStream(faults, seed).apply(data), b"", 0
    stream = FaultyStream(faults, seed)
    for size in sizes:
        pieces += stream.apply(data[at : at + size])
        at += size
    assert pieces == whole


class Clock:
    """Time that only sleeps move."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Waiting:
    """A pipe whose read lets the clock run, instead of waiting."""

    name = "waiting"

    def __init__(self, clock):
        self.clock = clock
        self.incoming, self.written = [], []

    def read(self, timeout_s):
        if self.incoming:
            return self.incoming.pop(0)
        self.clock.sleep(timeout_s)
        return b""

    def write(self, data):
        self.written.append((self.clock.now, data))

    def close(self):
        self.incoming.clear()


def faulty(incoming=None, outgoing=None):
    clock = Clock()
    inner = Waiting(clock)
    return (
        clock,
        inner,
        FaultTransport(inner, incoming=incoming, outgoing=outgoing, seed=1, clock=clock, sleep=clock.sleep),
    )


def test_a_fault_transport_spoils_each_way_by_its_own_seed():
    _, inner, port = faulty(Faults(garble=0.5), Faults(garble=0.5))
    inner.incoming.append(DATA)
    received = port.read(1)
    port.write(DATA)
    ((_, sent),) = inner.written
    assert received == FaultyStream(Faults(garble=0.5), 2).apply(DATA)
    assert sent == FaultyStream(Faults(garble=0.5), 3).apply(DATA)
    assert received != sent
    assert (port.incoming.garbled > 0, port.outgoing.garbled > 0, port.name) == (True, True, "waiting")


def test_delayed_bytes_come_later_and_in_order():
    clock, inner, port = faulty(Faults(delay_s=0.5))
    inner.incoming += [b"a", b"b"]
    assert port.read(0.3) == b""
    assert clock.now == pytest.approx(100.3)
    assert port.read(1.0) == b"a"
    assert clock.now == pytest.approx(100.5)
    assert port.read(1.0) == b"b"
    assert port.read(0.25) == b""


def test_stalls_come_after_so_many_bytes():
    clock, inner, port = faulty(Faults(stall_every=10, stall_s=2.0), Faults(stall_every=10, stall_s=3.0))
    inner.incoming += [b"x" * 9, b"y" * 2, b"z"]
    assert port.read(0) == b"x" * 9
    assert port.read(1.0) == b""
    assert port.read(2.0) == b"yy"
    assert clock.now == pytest.approx(102.0)
    assert port.read(0) == b"z"
    port.write(bytes(25))
    assert inner.written[0][0] == pytest.approx(105.0)


def test_a_cut_cable_gives_what_came_before_and_then_fails():
    _, inner, port = faulty(Faults(cut_after=3), Faults(cut_after=2))
    inner.incoming += [b"abcdef"]
    assert port.read(1) == b"abc"
    with pytest.raises(TransportError, match="the cable was cut"):
        port.read(1)
    port.write(b"12345")
    assert [data for _, data in inner.written] == [b"12"]
    with pytest.raises(TransportError, match="the cable was cut"):
        port.write(b"6")
    port.close()


def test_swapped_bytes_change_places_with_the_next():
    stream = FaultyStream(Faults(swap=0.3), 5)
    out = stream.apply(DATA)
    assert stream.swapped > 0.15 * len(DATA)
    assert sorted(out + stream._held) == sorted(DATA)  # the last one may still wait for its successor
    assert out != DATA
    assert stream.spoilt == stream.swapped


def test_a_slow_line_lets_no_more_through_than_it_can():
    clock, inner, port = faulty(Faults(bytes_per_s=100.0), Faults(bytes_per_s=50.0))
    inner.incoming += [b"a" * 50, b"b" * 50]
    assert port.read(0.4) == b""
    assert port.read(1.0) == b"a" * 50
    assert clock.now == pytest.approx(100.5)
    assert port.read(2.0) == b"b" * 50
    assert clock.now == pytest.approx(101.0)
    port.write(bytes(25))
    assert inner.written[0][0] == pytest.approx(101.5)


def test_a_flood_comes_besides_the_true_bytes():
    clock, inner, port = faulty(Faults(flood_per_s=1000.0))
    came = b""
    while clock.now < 101.0:
        came += port.read(0.1)
    assert 900 <= len(came) <= 1100
    inner.incoming.append(b"true")
    while b"true" not in came:
        came += port.read(0.1)
    assert clock.now < 101.2
