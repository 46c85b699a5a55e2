"""Host and board joined in virtual time: no port, no thread, no sleep."""

from __future__ import annotations

import queue
import select
import threading
import time

import numpy as np
import pytest

from drivers.board.codec import HarpCodec
from drivers.board.device import HarpBoard
from drivers.board.emulator import BoardEmulator
from drivers.board.wire import Frame
from drivers.transports import PtyServer, TcpServer
from rig.commands import Configure
from rig.description import BoardConfig
from rig.events import BoardReady, CommandRefused, EventsLost
from rig.machine.image import encode
from rig.machine.table import EXIT, Action, ActionKind, Condition, State, StateTable, Transition

STEP_US = 500


class FrameLoss:
    """Loses whole frames, seeded."""

    def __init__(self, rate, seed):
        self.codec = HarpCodec()
        self.draws = np.random.Generator(np.random.PCG64(seed))
        self.rate = rate
        self.lost = 0

    def __call__(self, data, t_us):
        kept = b""
        for item in self.codec.feed(data, t_us * 1000):
            if isinstance(item, Frame):
                if self.draws.random() < self.rate:
                    self.lost += 1
                else:
                    kept += item.raw
        return kept


class Loop:
    """One host driver and one emulated board on a line."""

    def __init__(self, to_board=None, to_host=None, guard=False, **emulator):
        self.board = HarpBoard(BoardConfig(port="COM7"))
        self.emulator = BoardEmulator(**emulator)
        self.now_us = self.emulator.now_us
        self.to_board = to_board or (lambda data, t: data)
        self.to_host = to_host or (lambda data, t: data)
        self.guard = guard
        self.connected = True
        self.told = []
        self.happened = []
        self.written = b""
        self.counter = 0

    def step(self):
        out = self.board.outgoing()
        self.written += out
        if self.guard and self.now_us // 10_000 != (self.now_us - STEP_US) // 10_000:
            self.counter += 1
            out += self.board.alive_frame(self.counter)
        if self.connected:
            self.emulator.receive(self.to_board(out, self.now_us), self.now_us)
        self.now_us += STEP_US
        self.happened += self.emulator.advance(self.now_us)
        self.emulator.check_host(self.now_us * 1000)
        back = self.emulator.outgoing(self.now_us)
        back = self.to_host(back, self.now_us) if self.connected else b""
        t_ns = self.now_us * 1000
        if back:
            self.told += self.board.feed(back, t_ns)
        due = self.board.deadline_ns()
        if due is not None and due <= t_ns:
            self.told += self.board.idle(t_ns)

    def run(self, us):
        end = self.now_us + us
        while self.now_us < end:
            self.step()
        return self

    def until(self, kind, count=1, limit_us=20_000_000):
        """Run until `count` events of `kind` were told since the call; return them."""
        start, end = len(self.told), self.now_us + limit_us
        while self.now_us < end:
            found = [e for e in self.told[start:] if isinstance(e, kind)]
            if len(found) >= count:
                return found
            self.step()
        raise AssertionError(f"no {kind.__name__} in {limit_us} us; told {self.told[start:]}")

    def send(self, command):
        self.board.send(command, self.now_us * 1000)

    def ready(self, sync_seed=0):
        """Connect and configure; return the loop."""
        self.board.connect(self.now_us * 1000)
        self.until(BoardReady)
        self.send(
            Configure(max_open_us=(200_000, 200_000) + (0,) * 14, host_timeout_ms=250, sync_seed=sync_seed)
        )
        return self.run(20_000)

    def of(self, *kinds):
        return [e for e in self.told if isinstance(e, kinds)]

    @property
    def refused(self):
        return self.of(CommandRefused)

    @property
    def lost(self):
        return sum(e.count for e in self.of(EventsLost))


@pytest.fixture
def make_loop():
    return Loop


@pytest.fixture
def frame_loss():
    return FrameLoss


def make_table(cue_cycles=100, drink_cycles=500, pulse_us=30_000, states=2):
    """A cue, a drop, and as many further states as wanted."""
    timer = Condition.STATE_TIMER
    rest = [
        State(name=f"wait{i}", timer_cycles=drink_cycles, transitions=(Transition(code=timer, target=i + 1),))
        for i in range(2, states)
    ]
    drop = State(
        name="drop",
        timer_cycles=drink_cycles,
        actions=(Action(kind=ActionKind.PULSE, index=0, value=pulse_us),),
        transitions=(Transition(code=timer, target=2),),
    )
    cue = State(
        name="cue", timer_cycles=cue_cycles, outputs=1 << 4, transitions=(Transition(code=timer, target=1),)
    )
    all_states = [cue, drop, *rest]
    last = all_states[-1]
    all_states[-1] = State(
        name=last.name,
        timer_cycles=last.timer_cycles,
        actions=last.actions,
        transitions=(Transition(code=timer, target=EXIT),),
    )
    return StateTable(name="test", states=tuple(all_states))


@pytest.fixture
def table():
    return make_table


@pytest.fixture
def image():
    return lambda **how: encode(make_table(**how))


class Served:
    """An emulator served in real time by a thread."""

    def __init__(self, server):
        self.server = server
        self.emulator = BoardEmulator(name="rig for visitors", serial=7)
        self.edges = queue.SimpleQueue()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        begin, out = time.monotonic_ns(), b""
        while not self.stop.is_set():
            if self.server.connected:
                select.select([self.server], [], [], 0.001)
            else:
                time.sleep(0.001)
            now_us = (time.monotonic_ns() - begin) // 1000
            self.emulator.receive(self.server.read(), now_us)
            self.emulator.advance(now_us)
            while not self.edges.empty():
                self.emulator.input_edge(*self.edges.get())
            out += self.emulator.outgoing(now_us)
            out = out[self.server.write(out) :]

    def close(self):
        self.stop.set()
        self.thread.join()
        self.server.close()


@pytest.fixture(params=[PtyServer, TcpServer], ids=["pty", "tcp"])
def served(request):
    served = Served(request.param())
    yield served
    served.close()
