"""Our driver against the emulator over a real pseudo-terminal and a real socket, in real time."""

from __future__ import annotations

import threading
import time

import pytest

from drivers.board.device import HarpBoard
from drivers.transports import open_transport
from rig.commands import Configure, StartTrial, UploadTable
from rig.description import BoardConfig
from rig.errors import TransportError
from rig.events import (
    BoardReady,
    CommandRefused,
    EndReason,
    Heartbeat,
    LinkLost,
    StateEntered,
    TableAccepted,
    TrialEnded,
    WireNoise,
)


class Host:
    """What the runtime does with a driver, in twenty lines."""

    def __init__(self, name):
        self.port = open_transport(name, 1_000_000)
        self.board = HarpBoard(BoardConfig(port=name))
        self.told = []
        self.board.connect(time.monotonic_ns())
        self.port.write(self.board.outgoing())

    def until(self, kind, limit_s=5.0):
        seen, end = len(self.told), time.monotonic() + limit_s
        while time.monotonic() < end:
            data = self.port.read(0.01)
            t_ns = time.monotonic_ns()
            self.told += self.board.feed(data, t_ns) + self.board.idle(t_ns)
            out = self.board.outgoing()
            if out:
                self.port.write(out)
            found = [e for e in self.told[seen:] if isinstance(e, kind)]
            if found:
                return found[0]
        raise AssertionError(f"no {kind} in {limit_s} s; told {self.told}")

    def send(self, command):
        self.board.send(command, time.monotonic_ns())
        self.port.write(self.board.outgoing())


@pytest.fixture
def host(served):
    host = Host(served.server.name)
    yield host
    host.port.close()


def test_a_trial_over_a_real_port_with_the_guard_writing_beside(served, host, image):
    stop = threading.Event()

    def guard():
        counter = 0
        while not stop.wait(0.01):
            counter += 1
            host.port.write(host.board.alive_frame(counter))

    thread = threading.Thread(target=guard)
    thread.start()
    try:
        assert host.until(BoardReady).name == "rig for visitors"
        host.send(Configure(max_open_us=(100_000,), host_timeout_ms=2_000, sync_seed=4))
        host.send(UploadTable(slot=0, image=image()))
        host.until(TableAccepted)
        host.send(StartTrial(slot=0))
        assert host.until(TrialEnded).reason is EndReason.COMPLETE
        host.until(Heartbeat)
    finally:
        stop.set()
        thread.join()
    assert [e.state for e in host.told if isinstance(e, StateEntered)] == [0, 1]
    assert not [e for e in host.told if isinstance(e, WireNoise | CommandRefused | LinkLost)]


def test_a_board_that_goes_away_is_a_transport_error(served, host):
    host.until(BoardReady)
    served.close()
    with pytest.raises(TransportError, match="broke"):
        host.until(LinkLost)
