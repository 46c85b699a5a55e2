"""Frames against the worked examples of the Harp documents (all accepted by the official parser)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.board.wire import (
    EVENT,
    FORMATS,
    MAX_FRAME,
    READ,
    STAMPED,
    WRITE,
    Frame,
    PayloadType,
    build,
    frame_size,
    parse,
)
from rig.errors import EncodeError

U8, U16, S16, FLOAT = PayloadType.U8, PayloadType.U16, PayloadType.S16, PayloadType.FLOAT


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


# (kind, error, address, type, payload, stamp in us, bytes)
WORKED = [
    (READ, False, 0, U16, b"", None, "01 04 00 FF 02 06"),
    (READ, False, 0, U16, b"\xc0\x04", 12_500_000, "01 0C 00 FF 12 0C 00 00 00 09 3D C0 04 34"),
    (WRITE, False, 10, U8, b"\x65", None, "02 05 0A FF 01 65 76"),
    (WRITE, False, 10, U8, b"\x09", None, "02 05 0A FF 01 09 1A"),
    (WRITE, False, 49, U16, b"\x28\0", None, "02 06 31 FF 02 28 00 62"),
    (WRITE, False, 45, U16, b"\x08\0", None, "02 06 2D FF 02 08 00 3E"),
    (WRITE, False, 34, U16, b"\x08\0", None, "02 06 22 FF 02 08 00 33"),
    (WRITE, False, 34, U16, b"\x08\0", 100_000_032, "02 0C 22 FF 12 64 00 00 00 01 00 08 00 AE"),
    (WRITE, False, 35, U16, b"\x40\0", None, "02 06 23 FF 02 40 00 6C"),
    (WRITE, False, 77, U8, b"\x09", None, "02 05 4D FF 01 09 5D"),
    (EVENT, False, 32, U8, b"\x01", 100_249_984, "03 0B 20 FF 11 64 00 00 00 84 1E 01 45"),
    (EVENT, False, 32, U8, b"\x00", 100_300_000, "03 0B 20 FF 11 64 00 00 00 9F 24 00 65"),
    (WRITE, False, 93, U16, b"\x64\0", None, "02 06 5D FF 02 64 00 CA"),
    (WRITE, False, 78, U8, b"\x01", None, "02 05 4E FF 01 01 56"),
    (EVENT, False, 92, U8, b"\x01", 101_009_984, "03 0B 5C FF 11 65 00 00 00 38 01 01 19"),
    (
        EVENT, False, 44, S16, struct.pack("<3h", 100, -3, 2000), 101_016_000,
        "03 10 2C FF 92 65 00 00 00 F4 01 64 00 FD FF D0 07 61",
    ),
    (
        WRITE, False, 47, FLOAT, floats(100, 100, 100, 0, 1000), None,
        "02 18 2F FF 44 00 00 C8 42 00 00 C8 42 00 00 C8 42 00 00 00 00 00 00 7A 44 68",
    ),
    (WRITE, False, 72, U8, b"\x02", None, "02 05 48 FF 01 02 51"),
    (WRITE, False, 73, U8, b"\x10", None, "02 05 49 FF 01 10 60"),
    (EVENT, False, 18, U16, b"\x03\0", 102_000_000, "03 0C 12 FF 12 66 00 00 00 00 00 03 00 9B"),
    (READ, True, 200, U8, b"\0", 102_000_032, "09 0B C8 FF 11 66 00 00 00 01 00 00 53"),
    (READ, False, 0, U16, b"\xc0\x04", 1_234_500_000, "01 0c 00 ff 12 d2 04 00 00 09 3d c0 04 fe"),
    (WRITE, False, 10, U8, b"\x65", 1_234_500_000, "02 0b 0a ff 11 d2 04 00 00 09 3d 65 a8"),
    (WRITE, False, 34, U16, b"\x08\0", 1_234_500_000, "02 0c 22 ff 12 d2 04 00 00 09 3d 08 00 65"),
    (WRITE, False, 49, U16, b"\x1e\0", None, "02 06 31 ff 02 1e 00 58"),
    (EVENT, False, 32, U8, b"\x01", 1_234_500_032, "03 0b 20 ff 11 d2 04 00 00 0a 3d 01 5c"),
    (
        EVENT, False, 44, S16, struct.pack("<3h", -1, 100, 2048), 10_000_000,
        "03 10 2c ff 92 0a 00 00 00 00 00 ff ff 64 00 00 08 44",
    ),
    (EVENT, False, 18, U16, b"\x01\0", 1_235_000_000, "03 0c 12 ff 12 d3 04 00 00 00 00 01 00 0a"),
    (READ, True, 200, U8, b"", 1_234_500_000, "09 0a c8 ff 11 d2 04 00 00 09 3d 07"),
    (WRITE, False, 42, FLOAT, floats(50), None, "02 08 2a ff 44 00 00 48 42 01"),
    (WRITE, False, 71, U16, b"\x11\0", None, "02 06 47 ff 02 11 00 61"),
]  # fmt: skip


@pytest.mark.parametrize("example", WORKED, ids=lambda example: example[-1])
def test_worked_frames_both_ways(example):
    kind, error, address, type_, payload, stamp_us, text = example
    raw = bytes.fromhex(text)
    assert build(kind, address, type_, payload, stamp_us=stamp_us, error=error) == raw
    frame = parse(raw)
    assert frame is not None
    assert (frame.kind, frame.is_error, frame.address, frame.payload_type) == (kind, error, address, type_)
    assert (frame.payload, frame.stamp_us, frame.raw) == (payload, stamp_us, raw)


def frames():
    types = st.sampled_from(sorted(FORMATS))
    return st.builds(
        lambda kind, error, address, type_, count, stamp, data: build(
            kind, address, type_, data[: (type_ & 15) * count], stamp_us=stamp, error=error and kind != EVENT
        ),
        st.sampled_from([READ, WRITE, EVENT]),
        st.booleans(),
        st.integers(0, 255),
        types,
        st.integers(0, 8),
        st.none() | st.integers(0, (1 << 32) * 1_000_000 - 1),
        st.binary(min_size=64, max_size=64),
    )


@given(frames())
def test_what_is_built_is_parsed_and_one_changed_byte_is_not(raw):
    assert parse(raw) == Frame(raw)
    assert frame_size(raw) == len(raw)
    for at in range(len(raw)):
        assert parse(raw[:at] + bytes((raw[at] ^ 0x55,)) + raw[at + 1 :]) is None
        assert parse(raw[:at]) is None
    assert parse(raw + b"\0") is None


def test_the_fraction_of_a_stamp_never_reaches_a_whole_second():
    frame = parse(build(EVENT, 1, U8, b"\0", stamp_us=1_999_999))
    assert frame is not None
    assert frame.raw[9:11] == (31249).to_bytes(2, "little")
    assert frame.stamp_us == 1_999_968


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("00 04 00 ff 02", "no message type"),
        ("0b 04 00 ff 02", "an event cannot be an error"),
        ("81 04 00 ff 02", "the 32-bit draft's flag"),
        ("01 03 00 ff 02", "shorter than any frame"),
        ("01 04 00 01 02", "another device's port"),
        ("01 04 00 ff 03", "no element size"),
        ("01 04 00 ff 22", "a reserved bit"),
        ("01 04 00 ff c4", "signed and float"),
        ("01 04 00 ff 12", "no room for its stamp"),
        ("01 05 00 ff 02", "half an element"),
    ],
)
def test_headers_that_start_no_frame(header, why):
    assert frame_size(bytes.fromhex(header)) == 0, why


def test_a_payload_that_no_frame_can_carry_is_our_error():
    assert len(build(WRITE, 1, U8, bytes(251))) == MAX_FRAME
    for payload_type, size, stamp_us in ((U8, 252, None), (U8, 246, 0), (U16, 3, None)):
        with pytest.raises(EncodeError, match="cannot be the payload"):
            build(WRITE, 1, payload_type, bytes(size), stamp_us=stamp_us)


def test_a_frame_shows_itself():
    raw = build(READ, 200, U8, b"\1", stamp_us=32, error=True)
    assert repr(Frame(raw)) == "<Harp read error 200 at 32 us: 01>"
    assert raw[4] == U8 | STAMPED
