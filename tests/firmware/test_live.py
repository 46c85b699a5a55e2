"""The chip in real time on a pseudo-terminal: our driver, and the makers' own client."""

import queue
import statistics
import threading
import time
from importlib.resources import files

import pytest

from drivers.board.chip import CLOCKS_PER_US, LiveChip
from drivers.board.device import HarpBoard
from drivers.transports import open_transport
from rig.commands import Configure, Pulse, StartTrial, UploadTable
from rig.description import BoardConfig
from rig.events import (
    BoardReady,
    CommandRefused,
    EndReason,
    EventsLost,
    Heartbeat,
    InputEdge,
    LinkLost,
    OutputChange,
    StateEntered,
    TableAccepted,
    TrialEnded,
    WireNoise,
)
from rig.machine.image import encode


@pytest.fixture
def live(chip_built):
    with LiveChip(*chip_built) as chip:
        yield chip


class Host:
    """What the runtime does with a driver: a loop, and the guard beside it."""

    def __init__(self, name):
        self.port = open_transport(name, 1_000_000)
        self.board = HarpBoard(BoardConfig(port=name))
        self.told = []
        self.stop = threading.Event()
        self.board.connect(time.monotonic_ns())
        self.port.write(self.board.outgoing())
        self.guard = threading.Thread(target=self.keep_alive)
        self.guard.start()

    def keep_alive(self):
        counter = 0
        while not self.stop.wait(0.01):
            counter += 1
            self.port.write(self.board.alive_frame(counter))

    def until(self, kind, limit_s=10.0, count=1):
        seen, end = len(self.told), time.monotonic() + limit_s
        while time.monotonic() < end:
            data = self.port.read(0.01)
            t_ns = time.monotonic_ns()
            self.told += self.board.feed(data, t_ns) + self.board.idle(t_ns)
            out = self.board.outgoing()
            if out:
                self.port.write(out)
            found = [event for event in self.told[seen:] if isinstance(event, kind)]
            if len(found) >= count:
                return found[0]
        raise AssertionError(f"no {kind} in {limit_s} s; told {self.told}")

    def send(self, command):
        self.board.send(command, time.monotonic_ns())
        self.port.write(self.board.outgoing())

    def close(self):
        self.stop.set()
        self.guard.join()
        self.port.close()


@pytest.fixture
def host(live):
    host = Host(live.port)
    yield host
    host.close()


def test_a_trial_with_the_real_driver(live, host, reward):
    ready = host.until(BoardReady)
    assert (ready.name, ready.firmware, ready.time_scale) == ("dopaloop board", "1.0.0", 0)
    host.send(Configure(max_open_us=(50_000,) * 16, host_timeout_ms=2_000, sync_seed=4))
    host.send(UploadTable(slot=0, image=encode(reward(pulse_us=30_000, cue_cycles=20_000, drink_cycles=500))))
    host.until(TableAccepted)
    host.send(StartTrial(slot=0))
    host.until(StateEntered)
    live.drive(0, True)
    lick = host.until(InputEdge)
    assert (lick.line, lick.rising) == (0, True)
    live.drive(0, False)
    assert host.until(TrialEnded).reason is EndReason.COMPLETE
    host.until(Heartbeat)
    assert [event.state for event in host.told if isinstance(event, StateEntered)] == [0, 1]
    assert not [e for e in host.told if isinstance(e, WireNoise | CommandRefused | LinkLost | EventsLost)]
    valve = [event.t_us for event in host.told if isinstance(event, OutputChange) and event.output == 4]
    assert valve[1] - valve[0] == 30_000
    clocks, level = [], 0
    while not live.pins.empty():
        _, pin = live.pins.get()
        if pin.levels >> 4 & 1 != level:
            level ^= 1
            clocks.append(pin.clock)
    opened_us = (clocks[1] - clocks[0]) / CLOCKS_PER_US
    # Never longer. Bytes that this computer held back and sends all at once may make it open two cycles late.
    assert 30_000 - 200 <= opened_us <= 30_000 + 2


def test_how_long_a_command_takes_to_reach_a_pin(live, host):
    """A figure, and a bound that only a broken board misses: this runs beside other work."""
    host.until(BoardReady)
    host.send(Configure(max_open_us=(50_000,) * 16, host_timeout_ms=5_000, sync_seed=0))
    host.until(Heartbeat)
    host.until(Heartbeat)
    took = []
    for _ in range(20):
        while not live.pins.empty():
            live.pins.get()
        begun = time.monotonic_ns()
        host.send(Pulse(output=2, duration_us=1_000))
        host.until(OutputChange, count=2)
        heard, _ = live.pins.get(timeout=5)
        took.append((heard - begun) / 1e6)
        live.pins.get(timeout=5)
    print(f"pulse command to pin: median {statistics.median(took):.2f} ms, longest {max(took):.2f} ms")
    assert statistics.median(took) < 50


def test_the_official_client_reads_writes_and_listens(live, official_transport):
    from harp.device import core
    from harp.device.client import Device, DeviceError
    from harp.device.schema import create_device_module
    from harp.protocol import MessageType

    module = create_device_module(files("drivers.board").joinpath("device.yml").read_text("utf-8"))
    with Device(official_transport(live.port), module) as device:  # checks WhoAmI
        assert int(device.read(core.WhoAmI).payload) == 1990
        assert device.read(core.DeviceName).payload == "dopaloop board"
        for register in (*core.REGISTER_MAP.values(), *module.REGISTER_MAP.values()):
            assert device.read(register).address == register.address
        assert device.read(module.Capabilities).payload.table_bytes == 1536
        assert int(device.write(module.HostTimeoutMs, 400).payload) == 400
        with pytest.raises(DeviceError):
            device.write(module.StartTrial, 0)
        events = queue.SimpleQueue()
        device.subscribe(module.BoardEvent, events.put)
        device._request(10, MessageType.Write, bytes.fromhex("02 05 0a ff 01 05 16"))
        live.drive(3, True)
        event = events.get(timeout=5)
        payload = event.payload
        assert (payload.sequence, payload.kind, payload.index) == (0, module.BoardEventKind.INPUT_RISE, 3)
        assert event.timestamp == pytest.approx(payload.tick_us / 1e6, abs=40e-6)
