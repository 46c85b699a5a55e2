"""The Harp 8-bit frame: its bytes, and nothing about what our board does with them.

============  =============  =================================================================
offset        field          value
============  =============  =================================================================
0             message type   1 read, 2 write, 3 event; bit 3 (0x08) set in an error reply
1             length         bytes after this one, checksum included
2             address        of the register
3             port           0xFF: the device itself
4             payload type   low nibble: element size; 0x80 signed, 0x40 float, 0x10 stamped
5             seconds u32    only if stamped
9             ticks u16      only if stamped; 32 us each, 0-31249
5 or 11       payload        zero or more elements, little-endian
last          checksum       sum of all bytes before it, modulo 256
============  =============  =================================================================

A read request carries the register's payload type and no payload. Every reply of a device is stamped.
Former drafts knew an extended length (255, then u16); it was withdrawn, and 255 is a plain length here.

Source: harp-tech/protocol, BinaryProtocol-8bit.md 1.5.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

import msgspec

from rig.errors import EncodeError

READ: Final = 1
WRITE: Final = 2
EVENT: Final = 3
ERROR: Final = 0x08
"""Flag in the message type of an error reply."""

THIS_DEVICE: Final = 0xFF
"""Port number of the device itself; frames for other ports are not for us."""

STAMPED: Final = 0x10
"""Flag in the payload type: a time stamp follows the header."""

TICK_US: Final = 32
"""One tick of a Harp time stamp."""

HEADER_BYTES: Final = 5
STAMP_BYTES: Final = 6
MIN_FRAME: Final = HEADER_BYTES + 1
MAX_FRAME: Final = 2 + 255
"""No frame is longer, so 257 bytes always settle whether a header was one."""

KINDS: Final = (READ, WRITE, EVENT, READ | ERROR, WRITE | ERROR)
"""Every message type that means something."""


class PayloadType(enum.IntEnum):
    """Element types of a payload, without the `STAMPED` flag."""

    U8 = 0x01
    S8 = 0x81
    U16 = 0x02
    S16 = 0x82
    U32 = 0x04
    S32 = 0x84
    U64 = 0x08
    S64 = 0x88
    FLOAT = 0x44


FORMATS: Final[dict[int, str]] = {
    PayloadType.U8: "B",
    PayloadType.S8: "b",
    PayloadType.U16: "H",
    PayloadType.S16: "h",
    PayloadType.U32: "I",
    PayloadType.S32: "i",
    PayloadType.U64: "Q",
    PayloadType.S64: "q",
    PayloadType.FLOAT: "f",
}
"""`struct` letter of each element type."""

_STAMP: Final = struct.Struct("<IH")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One whole, checked frame. Fields are read from its bytes when asked for.

    Parameters
    ----------
    raw
        The frame's bytes, from message type to checksum.
    """

    raw: bytes

    @property
    def kind(self) -> int:
        """`READ`, `WRITE` or `EVENT`, without the error flag."""
        return self.raw[0] & 0x03

    @property
    def is_error(self) -> bool:
        """Whether this is an error reply."""
        return bool(self.raw[0] & ERROR)

    @property
    def address(self) -> int:
        """Register address."""
        return self.raw[2]

    @property
    def payload_type(self) -> int:
        """Element type of the payload, without the `STAMPED` flag."""
        return self.raw[4] & ~STAMPED

    @property
    def stamp_us(self) -> int | None:
        """The device's Harp time in microseconds (a multiple of 32 within its second), or None."""
        if not self.raw[4] & STAMPED:
            return None
        seconds, ticks = _STAMP.unpack_from(self.raw, HEADER_BYTES)
        return int(seconds) * 1_000_000 + int(ticks) * TICK_US

    @property
    def payload(self) -> bytes:
        """The payload's bytes."""
        return self.raw[HEADER_BYTES + STAMP_BYTES if self.raw[4] & STAMPED else HEADER_BYTES : -1]

    def __repr__(self) -> str:
        kind = {READ: "read", WRITE: "write", EVENT: "event"}.get(self.kind, "?")
        stamp = "" if self.stamp_us is None else f" at {self.stamp_us} us"
        error = " error" if self.is_error else ""
        return f"<Harp {kind}{error} {self.address}{stamp}: {self.payload.hex(' ') or 'no payload'}>"


def build(
    kind: int,
    address: int,
    payload_type: int,
    payload: bytes = b"",
    *,
    stamp_us: int | None = None,
    error: bool = False,
) -> bytes:
    """Return the bytes of one frame.

    Parameters
    ----------
    kind
        `READ`, `WRITE` or `EVENT`.
    stamp_us
        The device's Harp time in microseconds; None (a request) leaves the stamp out.
    error
        Set the error flag of a reply.

    Raises
    ------
    EncodeError
        If the payload does not fit into one frame, or is no whole number of elements.

    Examples
    --------
    >>> build(READ, 0, PayloadType.U16).hex(" ")
    '01 04 00 ff 02 06'
    """
    stamp = b""
    if stamp_us is not None:
        seconds, rest_us = divmod(stamp_us, 1_000_000)
        stamp = _STAMP.pack(seconds & 0xFFFF_FFFF, rest_us // TICK_US)
        payload_type |= STAMPED
    length = 4 + len(stamp) + len(payload)
    if length > MAX_FRAME - 2 or len(payload) % (payload_type & 0x0F):
        raise EncodeError(f"{len(payload)} bytes cannot be the payload of Harp register {address}")
    head = bytes((kind | (ERROR if error else 0), length, address, THIS_DEVICE, payload_type))
    body = head + stamp + payload
    return body + bytes((sum(body) & 0xFF,))


def frame_size(header: bytes) -> int:
    """Size of the whole frame that starts with these five bytes; 0 if they start none.

    Strict on purpose: the more a header must be, the seldomer noise looks like one.
    """
    kind, length, _, port, payload_type = header[:HEADER_BYTES]
    if kind not in KINDS or port != THIS_DEVICE or payload_type & ~STAMPED not in FORMATS:
        return 0
    payload = length - 4 - (STAMP_BYTES if payload_type & STAMPED else 0)
    if payload < 0 or payload % (payload_type & 0x0F):
        return 0
    return length + 2


def parse(raw: bytes) -> Frame | None:
    """Return the frame if `raw` is exactly one good frame, else None. Never raises."""
    if len(raw) < MIN_FRAME or frame_size(raw) != len(raw) or sum(raw[:-1]) & 0xFF != raw[-1]:
        return None
    return Frame(bytes(raw))
