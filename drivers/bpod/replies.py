"""What a Bpod answers that depends on nothing but its hardware, and how long each command is."""

from __future__ import annotations

from typing import Final

from drivers.bpod import wire
from drivers.bpod.hardware import Hardware
from drivers.bpod.matrix import HEADER_BYTES

_SAID: Final = {
    wire.LED: 1,
    wire.SYNC: 2,
    wire.OVERRIDE: 2,
    wire.READ_INPUT: 1,
    wire.VIRTUAL_INPUT: 2,
    wire.SOFT_EVENT: 1,
    wire.ECHO: 1,
    wire.UPLOAD: 1 + HEADER_BYTES,
}


def command_size(data: bytes | bytearray, hardware: Hardware) -> int:
    """Return how many bytes the command has with which `data` begins; 0 if it is not there as a whole."""
    if not data:
        return 0
    letter = bytes(data[:1])
    if letter == wire.ENABLE:
        size = 1 + len(hardware.inputs)
    elif letter == wire.ALLOCATE:
        size = 1 + hardware.serial_channels
    else:
        size = 1 + _SAID.get(letter, 0)
    return size if len(data) >= size else 0


def fixed_reply(letter: bytes, said: bytes, hardware: Hardware) -> bytes | None:
    """Return the answer to a command that changes nothing; None if this is none of those."""
    match letter:
        case wire.FIRMWARE:
            return wire.TWO_WORDS.pack(hardware.firmware[0], hardware.machine)
        case wire.MINOR:
            return wire.WORD.pack(hardware.firmware[1])
        case wire.REVISION:
            return bytes((hardware.revision,))
        case wire.HARDWARE:
            return hardware.reply()
        case wire.MODULES:
            return bytes(hardware.inputs.count("U"))
        case wire.ECHO:
            return bytes((wire.SOFT_CODE, *said))
        case wire.LIVE | wire.LED:
            return bytes((wire.DONE,))
    return None
