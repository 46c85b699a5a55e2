"""The makers' own client against our emulator, over a real pseudo-terminal and a real socket."""

from __future__ import annotations

import queue
from importlib.resources import files

import pytest
from harp.device import core
from harp.device.client import Device, DeviceError
from harp.device.schema import create_device_module
from harp.protocol import HarpMessage, MessageType

NAME = "rig for visitors"  # as conftest serves it


@pytest.fixture
def module():
    return create_device_module(files("drivers.board").joinpath("device.yml").read_text("utf-8"))


def test_the_official_client_reads_writes_and_listens(served, module, official_transport):
    with Device(official_transport(served.server.name), module) as device:  # checks WhoAmI
        assert int(device.read(core.WhoAmI).payload) == 1990
        assert device.read(core.DeviceName).payload == NAME
        for register in core.REGISTER_MAP.values():
            assert device.read(register).address == register.address
        for register in module.REGISTER_MAP.values():
            assert device.read(register).address == register.address
        capabilities = device.read(module.Capabilities).payload
        assert (capabilities.states, capabilities.table_bytes, capabilities.cycle_us) == (64, 1536, 100)

        assert int(device.write(module.HostTimeoutMs, 400).payload) == 400
        with pytest.raises(DeviceError):
            device.write(module.StartTrial, 0)

        events: queue.SimpleQueue[HarpMessage] = queue.SimpleQueue()
        device.subscribe(module.BoardEvent, events.put)
        written = device._request(  # its class for this register does not know the heartbeat bit
            10, MessageType.Write, bytes.fromhex("02 05 0a ff 01 05 16")
        )
        assert written.payload_bytes == b"\x05"
        served.edges.put((3, True))
        event = events.get(timeout=5)
        payload = event.payload
        assert (payload.sequence, payload.kind, payload.index) == (0, module.BoardEventKind.INPUT_RISE, 3)
        assert event.timestamp == pytest.approx(payload.tick_us / 1e6, abs=40e-6)


def test_the_port_can_be_closed_and_opened_again(served, module, official_transport):
    for _ in range(2):
        with Device(official_transport(served.server.name), module) as device:
            assert int(device.read(core.WhoAmI).payload) == 1990
