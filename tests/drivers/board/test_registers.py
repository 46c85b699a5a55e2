"""`registers.py` and `device.yml` say the same, and the official tools understand the file."""

from __future__ import annotations

from importlib.resources import files

import pytest
import yaml
from harp.device.core import REGISTER_MAP as CORE_MAP
from harp.device.schema import create_device_module

from drivers.board import registers as reg
from drivers.board.event_codes import EventKind
from drivers.board.registers import EVERY_REGISTER, WHO_AM_I
from rig.errors import EncodeError
from rig.events import EndReason
from rig.machine.refusal import Refusal

TEXT = files("drivers.board").joinpath("device.yml").read_text("utf-8")
DOCUMENT = yaml.safe_load(TEXT)


def test_the_device_file_lists_exactly_our_registers():
    assert DOCUMENT["whoAmI"] == WHO_AM_I
    described = {}
    for name, entry in DOCUMENT["registers"].items():
        access = entry["access"] if isinstance(entry["access"], list) else [entry["access"]]
        described[entry["address"]] = (name, entry["type"], entry.get("length", 1), tuple(access))
    ours = {
        address: (r.name, r.type.name, r.length, r.access)
        for address, r in EVERY_REGISTER.items()
        if address >= 32
    }
    assert described == ours


def test_payload_members_lie_inside_their_registers():
    for entry in DOCUMENT["registers"].values():
        used = 0
        for member in entry.get("payloadSpec", {}).values():
            used = max(used, member["offset"] + member.get("length", 1))
        assert used <= entry.get("length", 1)


@pytest.mark.parametrize(
    ("mask", "words"),
    [("BoardEventKind", EventKind), ("TrialEndReason", EndReason), ("TableRefusal", Refusal)],
)
def test_group_masks_carry_our_numbers(mask, words):
    values = sorted(entry["value"] for entry in DOCUMENT["groupMasks"][mask]["values"].values())
    assert values == sorted(int(word) for word in words)


def test_the_event_kinds_have_the_same_names():
    described = {v["value"]: k.lower() for k, v in DOCUMENT["groupMasks"]["BoardEventKind"]["values"].items()}
    assert described == {int(kind): kind.name.lower().replace("_", "") for kind in EventKind}


def test_the_official_tools_read_the_device_file():
    module = create_device_module(TEXT)
    assert module.WHO_AM_I == WHO_AM_I
    for address, register in EVERY_REGISTER.items():
        if address >= 32:
            official = module.REGISTER_MAP[address]
            assert official.payload_class.payload_dtype.itemsize == register.size, register.name


def test_the_common_registers_are_harps_own():
    for address, official in CORE_MAP.items():
        ours = EVERY_REGISTER[address]
        assert official.payload_class.payload_dtype.itemsize == ours.size, ours.name


def test_addresses_ascend_and_common_ones_are_complete():
    assert list(EVERY_REGISTER) == sorted(EVERY_REGISTER) == [*range(20), *range(32, 52)]


def test_pack_fills_up_and_refuses_what_does_not_fit():
    assert reg.PULSE.pack(3, 40_000) == bytes.fromhex("03000000 409c0000")
    assert reg.TABLE_STATUS.pack(1) == b"\1\0\0\0"
    assert reg.PULSE.unpack(reg.PULSE.pack(3, 4)) == (3, 4)
    with pytest.raises(EncodeError, match="MaxOpen"):
        reg.MAX_OPEN.pack(0, 1 << 32)
    with pytest.raises(EncodeError, match="StartTrial"):
        reg.START_TRIAL.pack(1, 2)
