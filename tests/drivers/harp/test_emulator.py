"""One emulator for every `device.yml`: Harp's rules hold for each, and two behave like the real ones."""

from __future__ import annotations

import itertools

import pytest
from harp.protocol import HarpMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.board import registers as reg
from drivers.board.codec import HarpCodec
from drivers.board.wire import EVENT, READ, WRITE, Frame, PayloadType, build
from drivers.harp.files import SHIPPED, load_device, parse_device
from drivers.harp.known import emulate
from drivers.harp.values import decode, encode

GENERIC = parse_device(
    """
device: Pump
whoAmI: 4000
firmwareVersion: "2.5"
registers:
  LineSet: &line {address: 32, type: U8, access: Write, maskType: Lines}
  LineClear: {<<: *line, address: 33}
  LineToggle: {<<: *line, address: 34}
  LineState: {<<: *line, address: 35, access: [Write, Event]}
  Speed: {address: 40, type: Float, access: Write, minValue: 0.5, maxValue: 9, defaultValue: 2.5}
  Mode: {address: 41, type: U8, access: Write, maskType: Modes}
  Position: {address: 42, type: S32, length: 2, access: Event}
bitMasks:
  Lines: {bits: {A: 1, B: 2, C: 4}}
groupMasks:
  Modes: {values: {Off: 0, On: 1, Auto: 4}}
"""
)


class Talk:
    """Requests to an emulated device, and what it says."""

    def __init__(self, description=GENERIC, **how):
        self.device = emulate(description, **how)
        self.codec = HarpCodec()
        self.now_us = self.device.now_us

    def _frames(self):
        return [f for f in self.codec.feed(self.device.outgoing(self.now_us), 1) if isinstance(f, Frame)]

    def ask(self, kind, address, payload_type, payload=b""):
        self.device.receive(build(kind, address, payload_type, payload), self.now_us)
        return self._frames()

    def read(self, register):
        return self.ask(READ, register.address, register.type)

    def write(self, register, payload):
        return self.ask(WRITE, register.address, register.type, payload)

    def put(self, name, value):
        register = self.device.register(name)
        return self.write(register.wire, encode(register, value))

    def run(self, us):
        self.now_us += us
        self.device.advance(self.now_us)
        return self._frames()

    def told(self, frames):
        """(register, value, microseconds) of the events among frames."""
        by_address = self.device.description.by_address()
        return [
            (by_address[f.address].name, decode(by_address[f.address], f.payload), f.stamp_us)
            for f in frames
            if f.kind == EVENT and f.address in by_address
        ]

    def active(self):
        self.write(reg.OPERATION, b"\x01")
        return self


def test_defaults_identity_and_the_one_stamped_reply():
    talk = Talk(serial=513)
    talk.run(1_234_567)
    (who,) = talk.read(reg.WHO)
    assert (who.kind, who.is_error, reg.WHO.unpack(who.payload)) == (READ, False, (4000,))
    assert who.stamp_us == 1_234_567 // 32 * 32
    values = {r.name: talk.read(r)[0].payload for r in reg.REGISTERS.values() if r.address < 32}
    assert values["DeviceName"].rstrip(b"\0") == b"Pump"
    assert (values["FirmwareVersionHigh"], values["FirmwareVersionLow"]) == (b"\2", b"\5")
    assert values["SerialNumber"] == b"\x01\x02"
    assert talk.device.value("Speed") == 2.5
    assert HarpMessage.parse(who.raw).address == 0  # the makers' parser agrees


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ((READ, 200, PayloadType.U8, b""), "no such register"),
        ((READ, 40, PayloadType.U8, b""), "another type"),
        ((WRITE, 40, PayloadType.FLOAT, bytes(8)), "too long"),
        ((WRITE, 42, PayloadType.S32, bytes(8)), "only sent"),
        ((WRITE, 40, PayloadType.FLOAT, bytes(4)), "out of range"),
        ((WRITE, 41, PayloadType.U8, b"\2"), "no such mode"),
        ((WRITE, 0, PayloadType.U16, b"\1\0"), "read only"),
    ],
)
def test_an_error_reply_and_nothing_changed(request_, why):
    talk = Talk()
    speed, mode = talk.device.value("Speed"), talk.device.value("Mode")
    (reply,) = talk.ask(*request_)
    assert reply.is_error, why
    assert (reply.kind, reply.address) == request_[:2]
    assert reply.payload == request_[3]
    assert (talk.device.value("Speed"), talk.device.value("Mode")) == (speed, mode)


def test_set_clear_toggle_and_state_drive_the_same_lines():
    talk = Talk()
    for name, value, state in (
        ("LineSet", "A|B", "A|B"),
        ("LineToggle", "B|C", "A|C"),
        ("LineClear", "A", "C"),
        ("LineState", "A|B", "A|B"),
    ):
        (reply,) = talk.put(name, value)
        assert not reply.is_error
        assert talk.device.value("LineState") == state
    assert [bits for _, _, bits in talk.device.rules.changes] == [3, 5, 4, 3]


def test_standby_is_silent_active_beats_once_a_second_and_mute_says_nothing():
    talk = Talk()
    assert talk.run(3_000_000) == []
    talk.device.send("Position")
    assert talk.run(0) == []
    (reply,) = talk.write(reg.OPERATION, b"\x05")
    assert reply.payload == b"\x05"
    beats = talk.run(3_000_000)
    assert [(f.kind, f.address, f.payload) for f in beats] == [(EVENT, 18, b"\1\0")] * 3
    assert [f.stamp_us for f in beats] == [4_000_000, 5_000_000, 6_000_000]
    talk.write(reg.OPERATION, b"\x81")
    assert [f.address for f in talk.run(1_000_000)] == [8]
    assert talk.write(reg.OPERATION, b"\x15") == []
    assert talk.run(2_000_000) == []
    talk.write(reg.OPERATION, b"\x01")
    assert talk.run(2_000_000) == []
    talk.device.put("Position", -1, 70_000)
    talk.device.send("Position")
    assert talk.told(talk.run(0)) == [("Position", (-1, 70_000), talk.now_us)]


def test_an_old_core_has_no_new_registers_and_beats_on_the_old_one():
    talk = Talk(old_core=True)
    assert all(talk.read(r)[0].is_error for r in (reg.UID, reg.TAG, reg.HEARTBEAT, reg.VERSION))
    talk.write(reg.OPERATION, b"\x85")
    assert [f.address for f in talk.run(1_000_000)] == [8]


def test_a_dump_follows_its_reply():
    talk = Talk()
    first, *rest = talk.write(reg.OPERATION, b"\x09")
    assert (first.kind, first.payload) == (WRITE, b"\x01")
    assert [f.kind for f in rest] == [READ] * len(rest)
    assert [f.address for f in rest] == [*range(20), *range(32, 36), 40, 41, 42]


def test_the_clock_can_be_set_until_it_is_locked_and_a_reset_forgets_all():
    talk = Talk().active()
    talk.run(500_000)
    assert not talk.write(reg.SECONDS, (1000).to_bytes(4, "little"))[0].is_error
    assert talk.read(reg.WHO)[0].stamp_us == 1_000_500_000
    talk.write(reg.CLOCK, b"\x80")
    assert talk.write(reg.SECONDS, bytes(4))[0].is_error
    talk.put("Speed", 4)
    (reply,) = talk.write(reg.RESET, b"\1")
    assert not reply.is_error
    assert talk.device.value("Speed") == 2.5
    assert not talk.device.active


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=40), max_size=20))
def test_noise_neither_raises_nor_changes_a_register(pieces):
    talk = Talk()
    before = {name: talk.device.elements(name) for name in GENERIC.registers}
    for k, piece in enumerate(pieces):
        talk.device.receive(piece, talk.now_us + 20_000 * k)
    talk.device.advance(talk.now_us + 20_000 * len(pieces) + 2_000_000)
    assert {name: talk.device.elements(name) for name in GENERIC.registers} == before
    talk.device.outgoing(0)
    talk.now_us = talk.device.now_us
    assert not talk.read(reg.WHO)[0].is_error


@pytest.mark.parametrize("name", SHIPPED)
def test_time_can_be_cut_in_any_way(name):
    def story(step_us):
        talk = Talk(load_device(name)).active()
        if name == "behavior":
            talk.put("StartCameras", "CameraOutput0")
            talk.put("OutputSet", "SupplyPort0|Led0")
            talk.put("OutputPulseEnable", "Led0")
        else:
            talk.put("EnableFlow", 1)
            talk.put("EnableValvePulse", "Valve1")
            talk.put("ValveSet", "Valve1|Valve2")
        frames = []
        for _ in range(0, 700_000, step_us):
            frames += talk.run(step_us)
        return [f.raw for f in frames], list(talk.device.rules.changes)

    assert story(700_000) == story(1_000) == story(70)


# --- the Behavior board -------------------------------------------------------------------------------


def behavior(**events):
    talk = Talk(load_device("behavior")).active()
    talk.put("EventEnable", events.pop("events", "PortDI|PortDIO|Camera0|Camera1"))
    return talk


def test_a_valve_is_pulsed_after_a_reset_and_closes_between_its_time_and_a_millisecond_more():
    for start_us in (0, 1, 499, 999):
        talk = behavior()
        talk.run(start_us + 5_000)
        begun = talk.now_us
        (reply,) = talk.put("OutputSet", "SupplyPort0")
        assert reply.stamp_us == begun // 32 * 32
        assert talk.run(100_000) == []  # its end is told by nothing
        on, off = [change for change in talk.device.rules.changes if change[1] == "OutputState"]
        assert (on[2], off[2]) == (8, 0)
        assert 15_000 < off[0] - begun <= 16_000
    talk.put("OutputPulseEnable", 0)
    talk.put("OutputSet", "SupplyPort0")
    talk.run(1_000_000)
    assert talk.device.value("OutputState") == "SupplyPort0"


def test_an_input_is_blind_after_an_edge_and_a_level_that_lasts_comes_late():
    talk = behavior()
    talk.put("PokeInputFilter", 5)
    talk.run(1_000)
    talk.device.input("DigitalInputState", "DIPort0", True)
    first = talk.told(talk.run(1_000))
    talk.device.input("DigitalInputState", "DIPort0", False)
    talk.run(1_000)
    talk.device.input("DigitalInputState", "DIPort0", True)
    assert talk.told(talk.run(10_000)) == []  # a bounce within the window
    talk.device.input("DigitalInputState", "DIPort0", False)
    talk.device.input("DigitalInputState", "DI3", True)
    later = talk.told(talk.run(1_000))
    assert [value for _, value, _ in (*first, *later)] == ["DIPort0", "", "DI3"]
    talk.device.input("DigitalInputState", "DI3", False)
    late = talk.told(talk.run(10_000))
    assert [value for _, value, _ in late] == [""]
    assert late[0][2] - later[1][2] == pytest.approx(5_000, abs=32)


def test_events_that_are_masked_are_not_sent_and_the_dio_lines_need_the_pokes():
    talk = behavior(events="PortDIO")
    talk.device.input("DigitalInputState", "DIPort1", True)
    talk.device.input("PortDIOStateEvent", "DIO1", True)
    assert talk.run(10_000) == []
    talk.put("EventEnable", "PortDI|PortDIO")
    talk.device.input("PortDIOStateEvent", "DIO1", False)
    assert talk.told(talk.run(10_000)) == [("PortDIOStateEvent", "", 10_000 // 32 * 32)]
    talk.put("EventEnable", "AnalogData")
    assert len(talk.run(100_000)) == 100


def test_cameras_are_triggered_at_their_frequency_and_tell_when_they_stopped():
    talk = behavior()
    talk.put("Camera1Frequency", 250)
    talk.put("StartCameras", "CameraOutput1")
    frames = talk.told(talk.run(100_000))
    assert {(name, value) for name, value, _ in frames} == {("Camera1Frame", "FrameTaken")}
    stamps = [t for *_, t in frames]
    assert len(stamps) == 26  # 0, 4, ... 100 ms
    assert all(abs(b - a - 4_000) <= 32 for a, b in itertools.pairwise(stamps))
    talk.put("StopCameras", "CameraOutput1")
    assert [name for name, _, _ in talk.told(talk.run(100_000))] == ["StopCameras"]


# --- the Olfactometer ------------------------------------------------------------------------------------


def olfactometer():
    talk = Talk(load_device("olfactometer")).active()
    talk.put("EnableEvents", "DI0Trigger|ChannelActualFlow")
    return talk


def test_valves_in_groups_are_one_state():
    talk = olfactometer()
    talk.put("OdorValveState", "Valve1")
    talk.put("EndValveState", "EndValve0")
    talk.put("CheckValveState", "CheckValve1")
    assert talk.device.value("ValveState") == "Valve1|EndValve0|CheckValve1"
    talk.put("OdorValveState", "Valve3")
    talk.put("ValveClear", "EndValve0")
    assert talk.device.value("ValveState") == "Valve3|CheckValve1"
    assert talk.device.value("EndValveState") == ""
    talk.put("EnableValvePulse", "Valve0")
    talk.put("Valve0PulseDuration", 200)
    talk.put("ValveSet", "Valve0")
    talk.run(199_999)
    assert talk.device.value("OdorValveState") == "Valve0|Valve3"
    talk.run(1)
    assert talk.device.value("OdorValveState") == "Valve3"


@pytest.mark.parametrize(("trigger", "opens"), [("Sync", ""), ("ValveToggle", "EndValve0|EndValve1")])
def test_the_digital_input_is_told_and_opens_the_end_valves_if_it_shall(trigger, opens):
    talk = olfactometer()
    talk.put("DI0Trigger", trigger)
    talk.put("OdorValveState", "Valve2")
    talk.run(1_000)
    talk.device.input("DI0State", "", True)
    assert talk.device.value("EndValveState") == opens
    assert talk.told(talk.run(0)) == [("DI0State", "High", 1_000 // 32 * 32)]
    talk.device.input("DI0State", "", False)
    assert talk.device.value("ValveState") == "Valve2"


def test_flow_settles_at_its_target_and_is_told():
    talk = olfactometer()
    talk.put("ChannelsTargetFlow", (100, 50, 0, 0, 900))
    assert talk.device.value("Channel4TargetFlow") == 900.0
    talk.put("Channel1TargetFlow", 25)
    assert talk.device.elements("ChannelsTargetFlow") == (100.0, 25.0, 0.0, 0.0, 900.0)
    talk.put("EnableFlow", "Enabled")
    told = talk.told(talk.run(2_000_000))
    assert {name for name, _, _ in told} == {f"Channel{k}ActualFlow" for k in range(5)}
    assert talk.device.elements("Channel4ActualFlow")[0] == pytest.approx(900, rel=1e-3)
    talk.put("EnableFlow", "Disabled")
    assert talk.told(talk.run(1_000_000)) == []
