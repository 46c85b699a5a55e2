"""The driver of any Harp device, against emulated ones in computed time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drivers.board.wire import EVENT, PayloadType, build
from drivers.harp.device import HarpDevice
from drivers.harp.files import load_device
from drivers.harp.open import open_device
from rig.description import HarpConfig
from rig.errors import ConfigError, EncodeError
from rig.events import DeviceReady, LinkLost, RegisterRefused, RegisterTold, WireNoise
from rig.runtime.config import load_rig

EXAMPLE = Path(__file__).parents[3] / "examples" / "harp_rig.toml"


def config(device, **values):
    return HarpConfig(name="beside", port="COM9", device=device, **values)


@pytest.mark.parametrize("old_core", [False, True])
def test_the_hello_finds_out_who_is_there_and_switches_events_on(wire, old_core):
    beside = wire("behavior", name="box 1", old_core=old_core)
    beside.ready()
    (ready,) = beside.of(DeviceReady)
    assert (ready.name, ready.firmware) == ("box 1", "3.3")
    assert ready.stamp_us == pytest.approx(5_000_000, abs=100_000)
    assert beside.emulator.active
    assert beside.device.settled
    beside.run(20_000_000)  # heartbeats keep the link, whatever register they are on
    assert not beside.of(LinkLost)


def test_events_come_in_words_with_the_devices_own_time(wire):
    beside = wire("behavior").ready()
    beside.write(EventEnable="PortDI|Camera0")
    beside.run(50_000)
    beside.emulator.input("DigitalInputState", "DIPort0", True)
    beside.run(50_000)
    (event,) = beside.events("DigitalInputState")
    assert event.value == "DIPort0"
    assert event.stamp_us == pytest.approx(beside.now_us - 50_000, abs=32)
    (reply,) = [e for e in beside.of(RegisterTold) if e.asked]
    assert (reply.register, reply.value) == ("EventEnable", "PortDI|Camera0")


def test_writes_go_out_in_order_one_at_a_time_and_are_answered(wire):
    beside = wire("olfactometer").ready()
    beside.write(ChannelsTargetFlow=(100, 100, 100, 0, 900), EnableFlow=1)
    beside.write(OdorValveState="Valve1")
    assert not beside.device.settled
    beside.run(20_000)
    assert beside.device.settled
    asked = [(e.register, e.value) for e in beside.of(RegisterTold) if e.asked]
    assert [name for name, _ in asked] == ["ChannelsTargetFlow", "EnableFlow", "OdorValveState"]
    assert asked[-1] == ("OdorValveState", "Valve1")
    assert beside.emulator.value("ValveState") == "Valve1"


def test_registers_are_read_by_name_and_told_in_words(wire):
    beside = wire("olfactometer").ready()
    beside.write(OdorValveState="Valve1")
    beside.device.read(("ValveState", "Channel4TargetFlow", "TemperatureValue"), beside.now_us * 1000)
    beside.run(20_000)
    asked = [(e.register, e.value) for e in beside.of(RegisterTold) if e.asked]
    assert asked == [
        ("OdorValveState", "Valve1"),
        ("ValveState", "Valve1"),
        ("Channel4TargetFlow", 50.0),
        ("TemperatureValue", 25),
    ]
    with pytest.raises(EncodeError, match="did you mean 'ValveState'"):
        beside.device.read(("ValvState",), 0)


def test_what_the_device_refuses_is_told(wire):
    beside = wire("behavior").ready()
    beside.write(PokeInputFilter=0)
    beside.run(10_000)
    (refused,) = beside.of(RegisterRefused)
    assert refused.register == "PokeInputFilter"
    assert beside.device.settled


def test_a_write_that_is_not_answered_is_never_repeated(wire):
    beside = wire("olfactometer").ready()
    lost = []

    def swallow(data, t_us):
        if beside.emulator.value("OdorValveState") == "Valve0" and not lost:
            lost.append(data)
            return b""
        return data

    beside.to_host = swallow
    beside.write(OdorValveState="Valve0")
    beside.run(2_000_000)
    assert lost
    (link,) = beside.of(LinkLost)
    assert link.reason == "it did not answer a write of OdorValveState; check cable and power"
    assert len(beside.of(DeviceReady)) == 2  # the hello began again by itself
    opened = [change for change in beside.emulator.rules.changes if change[1] == "ValveState"]
    assert len(opened) == 1


def test_silence_is_a_lost_link_and_the_device_is_found_again(wire):
    beside = wire("behavior").ready()
    beside.connected = False
    lost = beside.until(LinkLost)
    assert lost.reason == "no sign of life for 3 s; check cable and power"
    assert not beside.device.settled
    beside.run(5_000_000)
    beside.connected = True
    beside.until(DeviceReady)
    assert beside.device.settled


def test_a_stranger_is_told_once_and_asked_again(wire):
    beside = wire("behavior")
    beside.device = HarpDevice(config("olfactometer"), load_device("olfactometer"))
    beside.device.connect(beside.now_us * 1000)
    beside.run(5_000_000)
    (lost,) = beside.of(LinkLost)
    assert "is a Harp device of type 1216, but Olfactometer has 1140" in lost.reason


def test_noise_costs_itself_only(wire):
    draws = np.random.Generator(np.random.PCG64(3))
    beside = wire("behavior").ready()
    beside.to_host = lambda data, t: data and bytes(draws.integers(0, 256, 9, dtype=np.uint8)) + data
    beside.write(EventEnable="PortDI")
    for k in range(50):
        beside.emulator.input("DigitalInputState", "DIPort2", k % 2 == 0)
        beside.run(20_000)
    beside.run(2_000_000)
    assert [e.value for e in beside.events("DigitalInputState")] == ["DIPort2", ""] * 25
    assert beside.of(WireNoise)
    assert beside.device.codec.dropped >= 50 * 9


def test_a_register_of_another_type_than_described_is_noise(wire):
    beside = wire("behavior").ready()
    told = beside.device.feed(build(EVENT, 32, PayloadType.U16, b"\1\0", stamp_us=1), beside.now_us * 1000)
    assert [type(e) for e in told] == [WireNoise]
    assert (
        beside.device.feed(build(EVENT, 250, PayloadType.U8, b"\1", stamp_us=1), beside.now_us * 1000) == []
    )


@pytest.mark.parametrize(
    ("device", "values", "sentence"),
    [
        (
            "olfactometer",
            {"setup": {"OdourValveState": 1}},
            "no register 'OdourValveState'; did you mean 'OdorV",
        ),
        ("olfactometer", {"cues": {"a": {"OdorValveState": "Valve9"}}}, "knows no 'Valve9'; did you mean"),
        ("olfactometer", {"end": {"TemperatureValue": 1}}, "register TemperatureValue cannot be written"),
        ("olfactometer", {"events": ("EnableFlow",)}, "it never sends register EnableFlow by itself"),
        (
            "olfactometer",
            {"events": ("Flow",)},
            "events: Olfactometer has no register 'Flow'; did you mean",
        ),
        ("behavior", {"sync_input": "DigitalInputState.DI4"}, "has no 'DI4'; did you mean 'DI3'"),
        (
            "behavior",
            {"cues": {"a": {"OutputSet": "SupplyPort0"}}},
            "water comes from the state-machine board",
        ),
        ("behavior", {"setup": {"OutputState": 0x3FFF}}, "water comes from the state-machine board"),
    ],
)
def test_a_rig_file_that_asks_for_what_is_not_there_is_refused(device, values, sentence):
    with pytest.raises(ConfigError, match=sentence):
        open_device(config(device, **values))


def test_the_example_rig_asks_for_nothing_that_its_devices_have_not():
    rig = load_rig(EXAMPLE)
    devices = [open_device(device) for device in rig.harp]
    assert [device.description.who_am_i for device in devices] == [1140, 1216]
    assert devices[0].farewell().startswith(bytes.fromhex("02 06 47 ff 02 00 00"))


def test_a_lamp_of_the_behavior_board_is_no_water(wire):
    open_device(config("behavior", cues={"light": {"OutputSet": "Led0"}}, setup={"OutputPulseEnable": 0}))
    with pytest.raises(EncodeError, match="water"):
        wire("behavior").ready().write(OutputSet="SupplyPort1|Led0")


def test_a_device_is_made_again_from_what_the_session_file_keeps():
    first = open_device(config("olfactometer", setup={"EnableFlow": 1}))
    again = open_device(config("no/longer/there.yml", setup={"EnableFlow": 1}), first.described)
    assert again.description == first.description
    with pytest.raises(ConfigError, match="the recorded description of Harp device 'beside' is damaged"):
        open_device(config("olfactometer"), {"device": 3})
