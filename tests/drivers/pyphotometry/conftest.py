"""An emulated board and its driver, joined in computed time or by a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.pyphotometry.emulator import PyPhotometryEmulator
from drivers.pyphotometry.wire import VOLTS_PER_COUNT
from drivers.transports.serial_port import open_transport
from drivers.transports.servers import PtyServer
from rig.events import SampleEvent, Samples
from rig.photometry.settings import PhotometryConfig
from rig.runtime.photometry_files import read_photometry

NS = 1000


def ramp(first, count):
    """Volts that differ from sample to sample, exactly representable in counts."""
    counts = (np.arange(first, first + count)[:, None] * np.array([7, 11, 13])) % 20_000 + 1000
    return counts * VOLTS_PER_COUNT


@pytest.fixture(scope="session")
def measured():
    """What an emulated board measures unless told otherwise: ``measured(first, count)``, in volts."""
    return ramp


class Wire:
    """Emulator and driver in one thread; `through` carries the bytes (directly, or over a pty)."""

    def __init__(self, emulator, board, port=None):
        self.emulator = emulator
        self.board = board
        self.port = port
        self.now_us = emulator.now_us
        self.events: list[SampleEvent] = []
        self._behind = b""
        board.connect(self.now_us * NS)

    def run(self, seconds, step_us=10_000):
        """Let time pass; return the events of it."""
        before = len(self.events)
        end_us = self.now_us + round(seconds * 1e6)
        while self.now_us < end_us:
            self.turn(min(step_us, end_us - self.now_us))
        return self.events[before:]

    def turn(self, step_us):
        out = self.board.outgoing()
        if out:
            self.emulator.receive(self._down(out), self.now_us)
        self.emulator.advance(self.now_us)
        for data in self._up(self.emulator.outgoing()):
            self.events += self.board.feed(data, self.now_us * NS)
        due_ns = self.board.deadline_ns()
        if due_ns is not None and due_ns <= self.now_us * NS:
            self.events += self.board.idle(self.now_us * NS)
        self.now_us += step_us

    def _down(self, data):
        if self.port is None:
            return data
        server, host = self.port
        host.write(data)
        came = b""
        while len(came) < len(data):
            came += server.read()
        return came

    def _up(self, data):
        if self.port is None:
            return [data] if data else []
        server, host = self.port
        pieces, left = [], data
        came = 0
        while came < len(data):
            left = left[server.write(left) :]
            pieces.append(host.read(1.0))
            came += len(pieces[-1])
        return pieces

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def values(self):
        """All samples received, in order."""
        return np.concatenate([event.values for event in self.of(Samples)])


@pytest.fixture
def wire() -> Callable[..., Wire]:
    """Make a pair: ``wire(mode=..., rate_hz=..., source=..., <of the emulator>)``."""

    def make(source=None, mode="2EX_2EM_pulsed", rate_hz=130, config=None, **emulator):
        play = source or ramp
        config = config or PhotometryConfig(name="fibre", port="COM7", mode=mode, rate_hz=rate_hz)
        return Wire(PyPhotometryEmulator(lambda start, rate: play, **emulator), PyPhotometryBoard(config))

    return make


@pytest.fixture
def over_pty():
    """Put a wire on a real pseudo-terminal."""
    opened = []

    def join(wire):
        server = PtyServer()
        host = open_transport(server.name, 115_200)
        opened.extend([host, server])
        wire.port = (server, host)
        return wire

    yield join
    for end in opened:
        end.close()


@pytest.fixture(scope="session")
def dlight(recording):
    """The real dLight session."""
    return read_photometry(recording("photometry_dlight_m53.npz"))
