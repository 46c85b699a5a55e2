"""The makers' own client against emulated devices, over a real pseudo-terminal and a real socket."""

from __future__ import annotations

import contextlib
import queue

import pytest
import serial
from harp.device import core
from harp.device.client import Device, DeviceError
from harp.device.schema import create_device_module
from harp.protocol import HarpMessage, MessageType
from harp.serial import SerialTransport

from drivers.harp.files import SHIPPED, shipped_text
from drivers.transports import PtyServer


class PtyTransport(SerialTransport):
    """The makers' serial transport, but for the DTR line, which a pseudo-terminal has not."""

    def open(self):
        self._serial = serial.Serial(self._port, self._baudrate, timeout=0.1)


@pytest.fixture
def module():
    return lambda name: create_device_module(shipped_text(name))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_register_is_read_and_every_write_comes_back(serve, module, name, official_transport):
    served, module = serve(name), module(name)
    with Device(official_transport(served.server.name), module) as device:  # checks WhoAmI
        assert device.read(core.DeviceName).payload == "for visitors"
        described = served.emulator.description.by_address()
        for register in {**core.REGISTER_MAP, **module.REGISTER_MAP}.values():
            assert device.read(register).address == register.address
            ours = described.get(register.address)
            if ours is None:
                continue
            present = device.read(register).payload
            if ours.wire.writable and not ours.name.endswith(("Set", "Clear", "Toggle", "Filter")):
                assert repr(device.write(register, present).payload) == repr(present)
            else:
                with contextlib.suppress(DeviceError):
                    device.write(register, present)


def test_the_makers_serial_transport_drives_a_behavior_board(serve, module, official_transport):
    served, behavior = serve("behavior"), module("behavior")
    transport = PtyTransport if isinstance(served.server, PtyServer) else official_transport
    with Device(transport(served.server.name), behavior) as device:
        events: queue.SimpleQueue[HarpMessage] = queue.SimpleQueue()
        device.write(behavior.EventEnable, behavior.Events.PORT_DI | behavior.Events.CAMERA0)
        device.subscribe(behavior.DigitalInputState, events.put)
        device._request(10, MessageType.Write, bytes.fromhex("02 05 0a ff 01 05 16"))  # active, heartbeat
        served.input("DigitalInputState", "DIPort0", True)
        assert events.get(timeout=5).payload == behavior.DigitalInputs.DI_PORT0

        assert int(device.write(behavior.PulseSupplyPort0, 30).payload) == 30
        device.write(behavior.OutputSet, behavior.DigitalOutputs.SUPPLY_PORT0)
        with pytest.raises(DeviceError):
            device.write(behavior.PokeInputFilter, 0)
        frames: queue.SimpleQueue[HarpMessage] = queue.SimpleQueue()
        device.subscribe(behavior.Camera0Frame, frames.put)
        device.write(behavior.Camera0Frequency, 200)
        device.write(behavior.StartCameras, behavior.CameraOutputs.CAMERA_OUTPUT0)
        stamps = [frames.get(timeout=5).timestamp for _ in range(20)]
        device.write(behavior.StopCameras, behavior.CameraOutputs.CAMERA_OUTPUT0)
        assert stamps[-1] - stamps[0] == pytest.approx(19 * 0.005, abs=64e-6)
        assert int(device.read(behavior.OutputState).payload) == 0  # the valve has closed by itself


def test_the_makers_client_selects_an_odour(serve, module, official_transport):
    served, olfactometer = serve("olfactometer"), module("olfactometer")
    with Device(official_transport(served.server.name), olfactometer) as device:
        told = device.write(olfactometer.OdorValveState, olfactometer.OdorValves.VALVE1)
        assert told.payload == olfactometer.OdorValves.VALVE1
        flows = device.read(olfactometer.ChannelsTargetFlow).payload
        assert (flows.channel0, flows.channel4) == (50.0, 50.0)
        with pytest.raises(DeviceError):
            device.write(olfactometer.Channel0TargetFlow, 200.0)
    assert served.emulator.value("ValveState") == "Valve1"
