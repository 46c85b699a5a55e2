"""A payload in words and numbers, both ways.

=====================================  =====================================================
the register has                       and its value is
=====================================  =====================================================
a bit mask                             names joined by ``|``, as in ``Valve0|EndValve0``; ``""`` for none
a group mask                           one name
members                                a table of member names and their values
more than one element                  a list of numbers
none of these                          a number
=====================================  =====================================================

A number may stand wherever a name may, and a list of names for a joined text. What a device sends that has
no name stays a number (a bit without one is written like ``0x40``), so nothing that came is ever lost.
"""

from __future__ import annotations

import difflib
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from drivers.board.wire import FORMATS, PayloadType
from drivers.harp.description import HarpRegister, Member, Words
from rig.description import HarpValue
from rig.errors import EncodeError

_TEXT_FROM: Final = 8
"""A row of so many bytes may be written as text (`DeviceName`)."""


# --- a value as a payload --------------------------------------------------------------------------------


def encode(register: HarpRegister, value: HarpValue) -> bytes:
    """Return the payload that stands for `value`.

    Raises
    ------
    EncodeError
        If a name is not known, a member is missing, or a number is out of range; in one sentence.
    """
    where = f"register {register.name}"
    if register.members and isinstance(value, Mapping):
        elements = _from_members(register, value)
    elif isinstance(value, str) and _is_text(register):
        raw = value.encode()
        if len(raw) > register.wire.size:
            raise EncodeError(f"{where} holds {register.wire.size} bytes of text; '{value}' has {len(raw)}")
        return raw.ljust(register.wire.size, b"\0")
    else:
        elements = _elements(register, value)
    for element in elements:
        _check_range(element, register.low, register.high, where)
    return pack(register, elements)


def pack(register: HarpRegister, elements: Sequence[float]) -> bytes:
    """Return the payload of plain numbers, one an element.

    Raises
    ------
    EncodeError
        If one does not fit into its element.
    """
    whole = register.wire.type is not PayloadType.FLOAT
    for element in elements:
        if whole and element != int(element):
            raise EncodeError(f"register {register.name} takes whole numbers, not {element:g}")
    kind = FORMATS[register.wire.type]
    try:
        return struct.pack(f"<{register.wire.length}{kind}", *(int(e) if whole else e for e in elements))
    except struct.error as error:
        raise EncodeError(f"{list(elements)} does not fit into register {register.name}: {error}") from None


def _is_text(register: HarpRegister) -> bool:
    wire = register.wire
    return register.words is None and wire.type is PayloadType.U8 and wire.length >= _TEXT_FROM


def _elements(register: HarpRegister, value: HarpValue) -> list[float]:
    where, length = f"register {register.name}", register.wire.length
    if isinstance(value, Mapping):
        raise EncodeError(f"{where} has no members; give it a number")
    if register.words is not None and length == 1:
        return [_number(register.words, value, where)]
    if isinstance(value, tuple | list):
        if len(value) != length:
            raise EncodeError(f"{where} has {length} elements, not {len(value)}")
        return [_plain(item, where) for item in value]
    if register.members and length > 1:
        raise EncodeError(f"{where} needs each of {', '.join(m.name for m in register.members)}")
    if length > 1:
        raise EncodeError(f"{where} has {length} elements; give it a list of so many numbers")
    return [_plain(value, where)]


def _from_members(register: HarpRegister, value: Mapping[str, int | float | str]) -> list[float]:
    names = [member.name for member in register.members]
    for name in value:
        if name not in names:
            raise EncodeError(f"register {register.name} has no member '{name}'{near(name, names)}")
    missing = [name for name in names if name not in value]
    if missing:
        raise EncodeError(f"register {register.name} needs a value for {', '.join(missing)} too")
    elements: list[float] = [0] * register.wire.length
    for member in register.members:
        where = f"{register.name}.{member.name}"
        given = value[member.name]
        number = _plain(given, where) if member.words is None else _number(member.words, given, where)
        _check_range(number, member.low, member.high, where)
        _put(elements, member, number, register.wire.type & 0x0F, where)
    return elements


def _put(elements: list[float], member: Member, number: float, size: int, where: str) -> None:
    if member.mask:
        shift = (member.mask & -member.mask).bit_length() - 1
        if int(number) << shift & ~member.mask:
            raise EncodeError(f"{number:g} does not fit into {where}")
        elements[member.offset] = int(elements[member.offset]) | int(number) << shift
    elif member.length == 1:
        elements[member.offset] = number
    else:  # a number that lies across several elements, little-endian
        try:
            raw = int(number).to_bytes(member.length * size, "little")
        except OverflowError:
            raise EncodeError(f"{number:g} does not fit into {where}") from None
        for k in range(member.length):
            elements[member.offset + k] = int.from_bytes(raw[k * size : (k + 1) * size], "little")


def _number(words: Words, value: HarpValue, where: str) -> float:
    """Return the number of a name, of names joined, or of a number."""
    if isinstance(value, str):
        names: Iterable[int | float | str] = [part.strip() for part in value.split("|") if part.strip()]
    elif isinstance(value, tuple | list):
        names = value
    else:
        return _plain(value, where)
    numbers = [_named(words, name, where) for name in names]
    if words.bits:
        total = 0
        for number in numbers:
            total |= number
        return total
    if len(numbers) != 1:
        raise EncodeError(f"{where} is one of {', '.join(words.values)}")
    return numbers[0]


def _named(words: Words, name: float | str, where: str) -> int:
    if not isinstance(name, str):
        return int(_plain(name, where))
    if name in words.values:
        return words.values[name]
    try:
        return int(name, 0)
    except ValueError:
        raise EncodeError(f"{where} knows no '{name}'{near(name, words.values)}") from None


def _plain(value: object, where: str) -> float:
    if isinstance(value, str) or not isinstance(value, int | float):
        raise EncodeError(f"{where} takes a number, not '{value}'")
    if not math.isfinite(value):
        raise EncodeError(f"{where} takes a finite number")
    return value


def _check_range(number: float, low: float | None, high: float | None, where: str) -> None:
    if low is not None and number < low:
        raise EncodeError(f"{where} must be {low:g} at least, not {number:g}")
    if high is not None and number > high:
        raise EncodeError(f"{where} must be {high:g} at most, not {number:g}")


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest right name, as the end of a sentence."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{found[0]}'?" if found else f"; there are {', '.join(known)}"


# --- a payload as a value ------------------------------------------------------------------------------


def unpack(register: HarpRegister, payload: bytes) -> tuple[float, ...]:
    """Return the elements of a payload, as many whole ones as there are."""
    size = register.wire.type & 0x0F
    count = len(payload) // size
    return struct.unpack_from(f"<{count}{FORMATS[register.wire.type]}", payload)


def decode(register: HarpRegister, payload: bytes) -> HarpValue:
    """Return what a payload stands for; never raises."""
    elements = unpack(register, payload)
    if len(elements) != register.wire.length:
        return tuple(elements)
    if register.members:
        size = register.wire.type & 0x0F
        return {member.name: _told(member.words, _got(elements, member, size)) for member in register.members}
    if len(elements) > 1:
        if _is_text(register) and payload.rstrip(b"\0").isascii():
            return payload.rstrip(b"\0").decode("ascii")
        return tuple(elements)
    return _told(register.words, elements[0])


def _got(elements: Sequence[float], member: Member, size: int) -> float:
    if member.mask:
        shift = (member.mask & -member.mask).bit_length() - 1
        return (int(elements[member.offset]) & member.mask) >> shift
    if member.length == 1:
        return elements[member.offset]
    raw = b"".join(
        (int(e) % (1 << 8 * size)).to_bytes(size, "little")
        for e in elements[member.offset : member.offset + member.length]
    )
    return int.from_bytes(raw, "little")


def _told(words: Words | None, number: float) -> int | float | str:
    if words is None:
        return number
    if not words.bits:
        return next((name for name, value in words.values.items() if value == number), number)
    rest, names = int(number), []
    for name, value in words.values.items():
        if value and rest & value == value:
            names.append(name)
            rest &= ~value
    return "|".join([*names, *([hex(rest)] if rest else [])])
