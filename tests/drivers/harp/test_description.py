"""A `device.yml` is read as it is meant, and what is wrong with one is said with the register at fault."""

from __future__ import annotations

import msgspec
import pytest
import yaml
from harp.device.schema import create_device_module

from drivers.board.wire import PayloadType
from drivers.harp.description import CORE_GROUPS, DeviceDescription, describe
from drivers.harp.files import SHIPPED, load_device, parse_device, shipped_text
from rig.errors import ConfigError

SMALL = """
device: Small
whoAmI: 77
firmwareVersion: "0.1"
registers:
  Lines: &lines
    address: 32
    type: U8
    access: [Write, Event]
    maskType: Lines
  Twin:
    <<: *lines
    address: 33
    volatile: true
    converter: None
  Packed:
    address: 34
    type: U16
    length: 3
    access: Write
    payloadSpec:
      Low: {mask: 0x00FF}
      High: {mask: 0xFF00, maskType: Switch}
      Wide: {offset: 1, length: 2}
bitMasks:
  Lines: {bits: {A: 1, B: {value: 2, description: the second}}}
groupMasks:
  Switch: {values: {Off: 0, On: 1}}
"""


def test_anchors_values_with_words_and_names_that_yaml_takes_for_booleans():
    device = parse_device(SMALL)
    twin = device.registers["Twin"]
    assert (twin.wire.address, twin.wire.type, twin.wire.access) == (33, PayloadType.U8, ("Write", "Event"))
    assert twin.words.values == {"A": 1, "B": 2}
    assert twin.words.bits
    high = device.registers["Packed"].members[1]
    assert high.words.values == {"Off": 0, "On": 1}
    assert not high.words.bits


@pytest.mark.parametrize("name", SHIPPED)
def test_the_official_tools_read_our_descriptions_and_agree_with_us(name):
    ours, theirs = load_device(name), create_device_module(shipped_text(name))
    assert ours.who_am_i == theirs.WHO_AM_I
    for register in ours.registers.values():
        official = theirs.REGISTER_MAP[register.wire.address]
        assert official.payload_class.payload_dtype.itemsize == register.wire.size, register.name


@pytest.mark.parametrize("name", SHIPPED)
def test_every_word_of_our_descriptions_is_declared(name):
    document = yaml.safe_load(shipped_text(name))
    known = {*document.get("bitMasks", {}), *document.get("groupMasks", {}), *CORE_GROUPS}
    used = {entry["maskType"] for entry in document["registers"].values() if "maskType" in entry}
    assert used <= known
    assert known - set(CORE_GROUPS) <= used
    assert all(entry.get("description") for entry in document["registers"].values())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_description_survives_the_session_file(name):
    device = load_device(name)
    text = msgspec.json.encode(msgspec.to_builtins(device))
    assert msgspec.convert(msgspec.json.decode(text), DeviceDescription) == device


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("address: 32", "address: 12"), r"register Lines is not as .*>= 32.*address"),
        (("address: 33", "address: 32"), "register Twin is at address 32, where Lines is"),
        (("type: U16", "type: U24"), "register Packed has type 'U24'; there are U8, S8"),
        (("length: 3", "length: 300"), "register Packed is not as"),
        (("offset: 1", "offset: 2"), "register Packed has 3 elements; its member Wide lies beyond them"),
        (("access: Write", "access: Wrote"), "register Packed is not as .*'Wrote'"),
        (("whoAmI: 77", "whoAmI: big"), "the file is not as"),
        (("bits:", "bats:"), "bit mask Lines is not as"),
        (("device: Small", "device: [unclosed"), "this is not YAML"),
    ],
)
def test_what_is_wrong_is_said(change, sentence):
    text = SMALL.replace(*change, 1)
    assert text != SMALL
    with pytest.raises(ConfigError, match=sentence):
        parse_device(text, "small.yml")


def test_anything_else_is_no_device():
    with pytest.raises(ConfigError, match="the file is not as"):
        describe(["no", "mapping"], "list.yml")
    with pytest.raises(ConfigError, match=r"no Harp device 'behaviour'; did you mean 'behavior'\?"):
        load_device("behaviour")
    with pytest.raises(ConfigError, match=r"there is no such device\.yml"):
        load_device("nowhere/device.yml")
