"""Emulated Harp devices and their driver, joined in computed time, or served on real ports."""

from __future__ import annotations

import select
import threading
import time

import pytest

from drivers.harp.device import HarpDevice
from drivers.harp.files import load_device
from drivers.harp.known import emulate
from drivers.transports import PtyServer, TcpServer
from rig.description import HarpConfig
from rig.events import DeviceReady, RegisterTold

NS = 1000


class Wire:
    """One driver and one emulated device, in steps of a millisecond."""

    def __init__(self, device="behavior", to_host=None, old_core=False, name="", **config):
        description = load_device(device)
        self.emulator = emulate(description, name=name, start_us=5_000_000, old_core=old_core)
        self.device = HarpDevice(HarpConfig(name="beside", port="COM9", device=device, **config), description)
        self.to_host = to_host or (lambda data, t: data)
        self.now_us = self.emulator.now_us
        self.told = []
        self.connected = True

    def run(self, us, step_us=1000):
        end_us = self.now_us + us
        while self.now_us < end_us:
            self.step(step_us)
        return self

    def step(self, step_us=1000):
        out = self.device.outgoing()
        if self.connected:
            self.emulator.receive(out, self.now_us)
        self.now_us += step_us
        self.emulator.advance(self.now_us)
        back = self.emulator.outgoing(self.now_us)
        back = self.to_host(back, self.now_us) if self.connected else b""
        t_ns = self.now_us * NS
        if back:
            self.told += self.device.feed(back, t_ns)
        due = self.device.deadline_ns()
        if due is not None and due <= t_ns:
            self.told += self.device.idle(t_ns)

    def until(self, kind, limit_us=20_000_000):
        start, end_us = len(self.told), self.now_us + limit_us
        while self.now_us < end_us:
            found = [e for e in self.told[start:] if isinstance(e, kind)]
            if found:
                return found[0]
            self.step()
        raise AssertionError(f"no {kind.__name__} in {limit_us} us; told {self.told[start:]}")

    def ready(self):
        self.device.connect(self.now_us * NS)
        self.until(DeviceReady)
        return self

    def write(self, **values):
        self.device.write(values, self.now_us * NS)

    def of(self, kind):
        return [e for e in self.told if isinstance(e, kind)]

    def events(self, register):
        """What the device sent of a register by itself."""
        return [e for e in self.of(RegisterTold) if e.register == register and not e.asked]


@pytest.fixture
def wire():
    return Wire


class Served:
    """An emulated device served in real time by a thread."""

    def __init__(self, server, description, **how):
        self.server = server
        self.emulator = emulate(description, name="for visitors", **how)
        self.lock = threading.Lock()
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
            with self.lock:
                now_us = (time.monotonic_ns() - begin) // NS
                self.emulator.receive(self.server.read(), now_us)
                out += self.emulator.outgoing(now_us)
            out = out[self.server.write(out) :]

    def input(self, register, bit, high):
        with self.lock:
            self.emulator.input(register, bit, high)

    def close(self):
        self.stop.set()
        self.thread.join()
        self.server.close()


@pytest.fixture(params=[PtyServer, TcpServer], ids=["pty", "tcp"])
def serve(request):
    """Serve a device: ``serve("behavior")``."""
    all_served = []

    def make(device, **how):
        served = Served(request.param(), load_device(device) if isinstance(device, str) else device, **how)
        all_served.append(served)
        return served

    yield make
    for served in all_served:
        served.close()
