"""Payloads in words and numbers, both ways."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.harp.files import load_device, parse_device
from drivers.harp.values import decode, encode, pack, unpack
from rig.errors import EncodeError

BEHAVIOR, OLFACTOMETER = load_device("behavior"), load_device("olfactometer")
PACKED = parse_device(
    """
device: Packed
whoAmI: 77
registers:
  Parts:
    address: 32
    type: U16
    length: 4
    access: Write
    payloadSpec:
      Low: {mask: 0x00FF, maxValue: 100}
      Switch: {mask: 0xFF00, maskType: Switch}
      Wide: {offset: 1, length: 2}
      Last: {offset: 3, maskType: Lines}
  Text: {address: 33, type: U8, length: 10, access: Write}
groupMasks:
  Switch: {values: {Off: 0, On: 1}}
bitMasks:
  Lines: {bits: {A: 1, B: 2}}
"""
)


@pytest.mark.parametrize(
    ("device", "register", "value", "payload", "told"),
    [
        (OLFACTOMETER, "OdorValveState", "Valve1", "02", "Valve1"),
        (OLFACTOMETER, "ValveState", "Valve0 | EndValve0", "1100", "Valve0|EndValve0"),
        (OLFACTOMETER, "ValveState", ("Valve0", "EndValve0"), "1100", "Valve0|EndValve0"),
        (OLFACTOMETER, "ValveState", "", "0000", ""),
        (OLFACTOMETER, "ValveState", 0x8001, "0180", "Valve0|0x8000"),
        (OLFACTOMETER, "EnableFlow", "Enabled", "01", "Enabled"),
        (OLFACTOMETER, "EnableFlow", 1, "01", "Enabled"),
        (OLFACTOMETER, "DI0Trigger", "0x2", "02", "ValveToggle"),
        (OLFACTOMETER, "Channel0TargetFlow", 50, "00004842", 50.0),
        (BEHAVIOR, "Camera0Frequency", 100, "6400", 100),
        (BEHAVIOR, "Rgb0", {"Green": 1, "Red": 2, "Blue": 3}, "010203", {"Green": 1, "Red": 2, "Blue": 3}),
        (BEHAVIOR, "Rgb0", (1, 2, 3), "010203", {"Green": 1, "Red": 2, "Blue": 3}),
        (
            PACKED,
            "Parts",
            {"Low": 7, "Switch": "On", "Wide": 0x12345678, "Last": "A|B"},
            "0701 7856 3412 0300",
            {"Low": 7, "Switch": "On", "Wide": 0x12345678, "Last": "A|B"},
        ),
        (PACKED, "Text", "rig 1", "72696720310000000000", "rig 1"),
    ],
)
def test_words_and_payloads(device, register, value, payload, told):
    register = device.registers[register]
    assert encode(register, value) == bytes.fromhex(payload)
    assert decode(register, bytes.fromhex(payload)) == told


@pytest.mark.parametrize(
    ("device", "register", "value", "sentence"),
    [
        (OLFACTOMETER, "OdorValveState", "Valve7", r"knows no 'Valve7'; did you mean 'Valve\d'\?"),
        (OLFACTOMETER, "Channel0TargetFlow", 101, "must be 100 at most, not 101"),
        (OLFACTOMETER, "Channel0TargetFlow", float("nan"), "takes a finite number"),
        (OLFACTOMETER, "Channel0TargetFlow", "much", "takes a number, not 'much'"),
        (OLFACTOMETER, "ChannelsTargetFlow", (1, 2), "has 5 elements, not 2"),
        (OLFACTOMETER, "ChannelsTargetFlow", 5, "needs each of Channel0, Channel1"),
        (OLFACTOMETER, "Channel0UserCalibration", 5, "has 11 elements; give it a list"),
        (OLFACTOMETER, "DI0Trigger", "Sync|ValveToggle", "is one of Sync"),
        (BEHAVIOR, "Camera0Frequency", 1, "must be 2 at least"),
        (BEHAVIOR, "Camera0Frequency", 100.5, "whole numbers, not 100.5"),
        (BEHAVIOR, "PulseDO0", 70_000, "does not fit into register PulseDO0"),
        (BEHAVIOR, "PulseDO0", {"Green": 1}, "has no members"),
        (BEHAVIOR, "Rgb0", {"Green": 1, "Red": 2, "Blu": 3}, "no member 'Blu'; did you mean 'Blue'"),
        (BEHAVIOR, "Rgb0", {"Green": 1}, "needs a value for Red, Blue too"),
        (PACKED, "Parts", {"Low": 101, "Switch": 0, "Wide": 0, "Last": 0}, r"Parts\.Low must be 100 at most"),
        (
            PACKED,
            "Parts",
            {"Low": 1, "Switch": 256, "Wide": 0, "Last": 0},
            r"256 does not fit into Parts\.Sw",
        ),
        (PACKED, "Parts", {"Low": 1, "Switch": 0, "Wide": 1 << 32, "Last": 0}, r"not fit into Parts\.Wide"),
        (PACKED, "Text", "longer than ten", "holds 10 bytes of text"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(device, register, value, sentence):
    with pytest.raises(EncodeError, match=sentence):
        encode(device.registers[register], value)


@given(st.data())
def test_every_payload_is_told_and_can_be_written_again(data):
    device = data.draw(st.sampled_from([BEHAVIOR, OLFACTOMETER, PACKED]))
    register = data.draw(st.sampled_from(list(device.registers.values())))
    payload = data.draw(st.binary(min_size=register.wire.size, max_size=register.wire.size))
    elements = unpack(register, payload)
    if all(math.isfinite(element) for element in elements):
        assert pack(register, elements) == payload
        told = decode(register, payload)
        in_range = all(
            (register.low is None or e >= register.low) and (register.high is None or e <= register.high)
            for e in elements
        )
        if in_range and not any(member.high for member in register.members):
            assert encode(register, told) == payload


@given(st.sampled_from([*BEHAVIOR.registers.values()]), st.binary(max_size=60))
def test_nothing_that_comes_raises(register, payload):
    decode(register, payload)
