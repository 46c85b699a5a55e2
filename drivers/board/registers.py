"""The board's registers: Harp's common ones (0-31) and our own (from 32). `device.yml` says the same.

A register is a name, an address, an element type, a length and what may be done with it. Harp's rule
that whatever can be written can be read holds for all of them.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

import msgspec

from drivers.board.wire import FORMATS, READ, WRITE, PayloadType, build
from rig.errors import EncodeError

WHO_AM_I: Final = 1990
"""Harp identity of this kind of board."""

Access = Literal["Read", "Write", "Event"]


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """One register.

    Parameters
    ----------
    length
        Number of elements.
    access
        What a host may do with it, and whether the board sends it by itself.
    """

    name: str
    address: int
    type: PayloadType
    length: int = 1
    access: tuple[Access, ...]

    @property
    def size(self) -> int:
        """Bytes of its payload."""
        return self.length * (self.type & 0x0F)

    @property
    def writable(self) -> bool:
        """Whether a host may write it."""
        return "Write" in self.access

    def pack(self, *values: int) -> bytes:
        """Return the payload that holds `values` (fewer than its length: the rest is 0).

        Raises
        ------
        EncodeError
            If a value does not fit.
        """
        padded = values + (0,) * (self.length - len(values))
        try:
            return struct.pack(f"<{self.length}{FORMATS[self.type]}", *padded)
        except struct.error as error:
            raise EncodeError(f"{values} does not fit into register {self.name}: {error}") from None

    def unpack(self, payload: bytes) -> tuple[int, ...]:
        """Return the elements of a payload, as many whole ones as there are."""
        count = len(payload) // (self.type & 0x0F)
        return struct.unpack_from(f"<{count}{FORMATS[self.type]}", payload)

    def read_frame(self) -> bytes:
        """Return the request that reads it."""
        return build(READ, self.address, self.type)

    def write_frame(self, *values: int) -> bytes:
        """Return the request that writes it.

        Raises
        ------
        EncodeError
            If a value does not fit.
        """
        return build(WRITE, self.address, self.type, self.pack(*values))


def _register(name: str, address: int, kind: PayloadType, access: str, length: int = 1) -> Register:
    words: dict[str, Access] = {"R": "Read", "W": "Write", "E": "Event"}
    return Register(
        name=name, address=address, type=kind, length=length, access=tuple(words[a] for a in access)
    )


_U8, _U16, _U32 = PayloadType.U8, PayloadType.U16, PayloadType.U32

# --- Harp's common registers (harp-tech/protocol, schema/core.yml and Device.md) ------------------

WHO: Final = _register("WhoAmI", 0, _U16, "R")
HARDWARE_HIGH: Final = _register("HardwareVersionHigh", 1, _U8, "R")
HARDWARE_LOW: Final = _register("HardwareVersionLow", 2, _U8, "R")
ASSEMBLY: Final = _register("AssemblyVersion", 3, _U8, "R")
CORE_HIGH: Final = _register("CoreVersionHigh", 4, _U8, "R")
CORE_LOW: Final = _register("CoreVersionLow", 5, _U8, "R")
FIRMWARE_HIGH: Final = _register("FirmwareVersionHigh", 6, _U8, "R")
FIRMWARE_LOW: Final = _register("FirmwareVersionLow", 7, _U8, "R")
SECONDS: Final = _register("TimestampSeconds", 8, _U32, "RWE")
MICROSECONDS: Final = _register("TimestampMicroseconds", 9, _U16, "R")
OPERATION: Final = _register("OperationControl", 10, _U8, "RW")
RESET: Final = _register("ResetDevice", 11, _U8, "RW")
DEVICE_NAME: Final = _register("DeviceName", 12, _U8, "RW", 25)
SERIAL_NUMBER: Final = _register("SerialNumber", 13, _U16, "R")
CLOCK: Final = _register("ClockConfiguration", 14, _U8, "RW")
TIMESTAMP_OFFSET: Final = _register("TimestampOffset", 15, _U8, "R")
UID: Final = _register("UID", 16, _U8, "R", 16)
TAG: Final = _register("Tag", 17, _U8, "R", 8)
HEARTBEAT: Final = _register("Heartbeat", 18, _U16, "RE")
VERSION: Final = _register("Version", 19, _U8, "R", 32)

# --- our own ------------------------------------------------------------------------------------

HOST_ALIVE: Final = _register("HostAlive", 32, _U32, "W")
HOST_TIMEOUT_MS: Final = _register("HostTimeoutMs", 33, _U16, "W")
TABLE_CHUNK: Final = _register("TableChunk", 34, _U8, "W", 64)
TABLE_COMMIT: Final = _register("TableCommit", 35, _U32, "W", 3)
TABLE_STATUS: Final = _register("TableStatus", 36, _U8, "R", 4)
START_TRIAL: Final = _register("StartTrial", 37, _U8, "W")
ABORT: Final = _register("Abort", 38, _U8, "W")
PULSE: Final = _register("Pulse", 39, _U32, "W", 2)
SOFT_EVENT: Final = _register("SoftEvent", 40, _U8, "W")
BOARD_EVENT: Final = _register("BoardEvent", 41, _U32, "E", 2)
READ_EVENT: Final = _register("ReadEvent", 42, _U16, "W")
MAX_OPEN: Final = _register("MaxOpen", 43, _U32, "W", 2)
CAPABILITIES: Final = _register("Capabilities", 44, _U16, "R", 8)
SYNC_SEED: Final = _register("SyncSeed", 45, _U32, "W")
TICK: Final = _register("TickMicroseconds", 46, _U32, "R")
TIME_SCALE: Final = _register("TimeScale", 47, _U16, "R")
ARM: Final = _register("Arm", 48, _U8, "W")

CHUNK_BYTES: Final = 62
"""Table bytes in one `TableChunk`, after its u16 offset."""

REGISTERS: Final[dict[int, Register]] = {
    register.address: register for register in list(globals().values()) if isinstance(register, Register)
}
"""All registers of firmware 1.0 by address, ascending."""

PULSE_COST: Final = _register("PulseCost", 49, _U32, "W", 4)
PULSE_BUDGET: Final = _register("PulseBudget", 50, _U32, "W", 3)
PULSE_SPENT: Final = _register("PulseSpent", 51, _U32, "R", 2)

EVERY_REGISTER: Final[dict[int, Register]] = REGISTERS | {
    register.address: register for register in (PULSE_COST, PULSE_BUDGET, PULSE_SPENT)
}
"""All registers of a board that keeps a budget; a board without it does not know the last three."""


class Operation:
    """Bits of `OperationControl`. Handled as a raw byte.

    The published schema calls bit 7 ``Heartbeat`` and has no field for bit 2, the one that counts today.
    """

    MODE: Final = 0x03
    STANDBY: Final = 0
    ACTIVE: Final = 1
    HEARTBEAT: Final = 0x04
    """One event a second on register 18; wins over `ALIVE`."""
    DUMP: Final = 0x08
    MUTE: Final = 0x10
    ALIVE: Final = 0x80
    """The old form: one event a second on register 8."""
