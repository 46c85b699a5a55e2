"""What a `device.yml` says of a Harp device: its registers, what their payloads hold, and the words for it.

The file comes in as plain values (`drivers.harp.files` reads the YAML) and is checked here, register by
register, so that an error names the register at fault. What is made for code generators only (`converter`,
`interfaceType`) is left out: it changes nothing on the wire.

Source: harp-tech/protocol, schema/device.json and schema/registers.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from drivers.board.registers import Register
from drivers.board.wire import MAX_FRAME, MIN_FRAME, STAMP_BYTES, PayloadType
from rig.errors import ConfigError

Access = Literal["Read", "Write", "Event"]

FIRST_ADDRESS: Final = 32
"""Below it are Harp's own registers (`drivers.board.registers`)."""

MOST_BYTES: Final = MAX_FRAME - MIN_FRAME - STAMP_BYTES
"""Payload of the longest stamped frame."""

CORE_GROUPS: Final = {"EnableFlag": {"Disabled": 0, "Enabled": 1}}
"""Words that every device may use without declaring them (schema/core.yml)."""


class Words(msgspec.Struct, frozen=True):
    """Names of numbers.

    Parameters
    ----------
    values
        Number of each name.
    bits
        They are bits, and may stand together; otherwise a payload is one of them.
    """

    values: dict[str, int]
    bits: bool


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One named part of a payload.

    Parameters
    ----------
    offset, length
        First element, and how many.
    mask
        Bits of that element; 0: all of them.
    low, high
        What may be written; None: whatever fits.
    """

    name: str
    offset: int = 0
    length: int = 1
    mask: int = 0
    low: float | None = None
    high: float | None = None
    words: Words | None = None


class HarpRegister(msgspec.Struct, frozen=True, kw_only=True):
    """One register.

    Parameters
    ----------
    wire
        Its name, address, element type, length and access.
    default
        Every element's value after a reset.
    members
        Named parts, if the payload has any.
    """

    wire: Register
    default: float = 0
    low: float | None = None
    high: float | None = None
    words: Words | None = None
    members: tuple[Member, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.wire.name

    @property
    def sends(self) -> bool:
        """Whether the device sends it by itself."""
        return "Event" in self.wire.access


class DeviceDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of Harp device."""

    device: str
    who_am_i: int
    firmware: str
    registers: dict[str, HarpRegister]

    def by_address(self) -> dict[int, HarpRegister]:
        """Return the registers by address."""
        return {register.wire.address: register for register in self.registers.values()}


# --- the file as it is written ---------------------------------------------------------------------


class _File(msgspec.Struct, kw_only=True, rename="camel"):
    device: str
    who_am_i: Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)]
    firmware_version: str = ""
    registers: dict[str, Any]
    bit_masks: dict[str, Any] = {}
    group_masks: dict[str, Any] = {}


class _Worded(msgspec.Struct):
    value: int


class _BitMask(msgspec.Struct):
    bits: dict[str, int | _Worded]


class _GroupMask(msgspec.Struct):
    values: dict[str, int | _Worded]


class _Part(msgspec.Struct, kw_only=True, rename="camel"):
    length: Annotated[int, msgspec.Meta(ge=1, le=MOST_BYTES)] = 1
    min_value: float | None = None
    max_value: float | None = None
    default_value: float | None = None
    mask_type: str = ""


class _Member(_Part, kw_only=True, rename="camel"):
    offset: Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES)] = 0
    mask: Annotated[int, msgspec.Meta(ge=0)] = 0


class _Register(_Part, kw_only=True, rename="camel"):
    address: Annotated[int, msgspec.Meta(ge=FIRST_ADDRESS, le=255)]
    type: str
    access: Access | list[Access]
    payload_spec: dict[str, _Member] = {}


def describe(values: object, name: str) -> DeviceDescription:
    """Check the values of a `device.yml`.

    Parameters
    ----------
    values
        As a YAML reader gives them.
    name
        What errors call the file.

    Raises
    ------
    ConfigError
        If it describes no Harp device; with the register at fault.
    """
    file = _convert(values, _File, name, "the file")
    words = _all_words(file, name)
    registers: dict[str, HarpRegister] = {}
    taken: dict[int, str] = {}
    for word, entry in file.registers.items():
        register = _register(word, _convert(entry, _Register, name, f"register {word}"), words, name)
        if register.wire.address in taken:
            other = taken[register.wire.address]
            raise ConfigError(
                f"register {word} is at address {register.wire.address}, where {other} is", name
            )
        taken[register.wire.address] = word
        registers[word] = register
    return DeviceDescription(
        device=file.device, who_am_i=file.who_am_i, firmware=file.firmware_version, registers=registers
    )


def _convert(values: object, kind: type[Any], name: str, what: str) -> Any:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        text = str(error).replace("`", "'").replace("'$.", "'")
        raise ConfigError(f"{what} is not as a device.yml should have it: {text}", name) from None


def _all_words(file: _File, name: str) -> dict[str, Words]:
    words = {word: Words(values, bits=False) for word, values in CORE_GROUPS.items()}
    for word, entry in file.bit_masks.items():
        words[word] = Words(_numbers(_convert(entry, _BitMask, name, f"bit mask {word}").bits), bits=True)
    for word, entry in file.group_masks.items():
        values = _numbers(_convert(entry, _GroupMask, name, f"group mask {word}").values)
        words[word] = Words(values, bits=False)
    return words


def _numbers(entries: Mapping[str, int | _Worded]) -> dict[str, int]:
    return {word: entry if isinstance(entry, int) else entry.value for word, entry in entries.items()}


def _register(word: str, entry: _Register, words: Mapping[str, Words], name: str) -> HarpRegister:
    if entry.type.upper() not in PayloadType.__members__:
        known = ", ".join(kind.name.capitalize() for kind in PayloadType)
        raise ConfigError(f"register {word} has type '{entry.type}'; there are {known}", name)
    kind = PayloadType[entry.type.upper()]
    if entry.length * (kind & 0x0F) > MOST_BYTES:
        raise ConfigError(f"register {word} has more bytes than a Harp frame can carry", name)
    for part, member in entry.payload_spec.items():
        if member.offset + member.length > entry.length:
            text = f"register {word} has {entry.length} elements; its member {part} lies beyond them"
            raise ConfigError(text, name)
    access: tuple[Access, ...] = tuple(entry.access) if isinstance(entry.access, list) else (entry.access,)
    return HarpRegister(
        wire=Register(name=word, address=entry.address, type=kind, length=entry.length, access=access),
        default=entry.default_value or 0,
        low=entry.min_value,
        high=entry.max_value,
        words=words.get(entry.mask_type),
        members=tuple(
            Member(
                name=part,
                offset=member.offset,
                length=member.length,
                mask=member.mask,
                low=member.min_value,
                high=member.max_value,
                words=words.get(member.mask_type),
            )
            for part, member in entry.payload_spec.items()
        ),
    )
