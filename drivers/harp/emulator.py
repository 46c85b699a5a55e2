"""Any Harp device from its `device.yml`, in computed time: registers, Harp's rules, heartbeat, events.

It has no clock, port or thread: whoever serves it says what time it is, hands it the bytes that came and
takes those that go out. What a device *does* when a register is written is its `Rules`
(`drivers.harp.rules`); of a device that nobody wrote rules for, registers keep what is written, and
`NameSet`, `NameClear` and `NameToggle` act on `NameState`, as on all Harp devices.

Harp's rules, as kept here: one request, one stamped reply with the value now in the register; an error
reply for an unknown register, a wrong type or length, a write to what cannot be written, a value out of
range; events in active mode only; nothing at all while muted.

Sources: harp-tech/protocol, BinaryProtocol-8bit.md and Device.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from drivers.board import registers as reg
from drivers.board.codec import HarpCodec
from drivers.board.registers import REGISTERS, Operation, Register
from drivers.board.wire import EVENT, READ, TICK_US, WRITE, Frame, build
from drivers.harp.description import FIRST_ADDRESS, DeviceDescription, HarpRegister
from drivers.harp.rules import NEVER, Refused, Rules
from drivers.harp.values import decode, encode, pack, unpack
from rig.description import HarpValue
from rig.errors import EncodeError
from rig.units import NS_PER_US, US_PER_S

PROTOCOL_VERSION: Final = (1, 13, 0)
BOOT_OPERATION: Final = Operation.STANDBY | 0x60
"""Standby, lights on."""

OLD_CORE: Final = frozenset({reg.UID.address, reg.TAG.address, reg.HEARTBEAT.address, reg.VERSION.address})
"""Registers that boards with an older core do not have."""

_BOOTED_FROM_DEFAULTS: Final = 0x40
_RESETS: Final = (0x01, 0x02, 0x04, 0x08, 0x20)
_CLOCK_UNLOCKED, _CLOCK_LOCKED = 0x40, 0x80
_CORE: Final = {address: r for address, r in REGISTERS.items() if address < FIRST_ADDRESS}


class HarpEmulator:
    """One emulated device.

    Parameters
    ----------
    description
        Its registers.
    rules
        Makes what the device does with them.
    name, serial
        As it reports them; the device's own name if `name` is empty.
    start_us
        Where its clock stands at first; the times of all calls count from there.
    old_core
        It has an older Harp core: no UID, no version register, and its heartbeat is on register 8.

    Attributes
    ----------
    now_us
        Time of the emulation, microseconds.
    """

    def __init__(
        self,
        description: DeviceDescription,
        rules: Callable[[HarpEmulator], Rules] = Rules,
        *,
        name: str = "",
        serial: int = 1,
        start_us: int = 0,
        old_core: bool = False,
    ) -> None:
        self.description = description
        self.now_us = start_us
        self._name = name or description.device
        self._serial = serial
        self._old_core = old_core
        self._registers = {**_CORE, **{a: r.wire for a, r in description.by_address().items()}}
        self._described = description.by_address()
        self._make_rules = rules
        self._out = bytearray()
        self._boot()

    def _boot(self) -> None:
        """Begin anew, as after power came: all registers at their defaults, standby."""
        self._codec = HarpCodec("host")
        self._harp_offset_us = 0
        self._next_beat_us = (self.now_us // US_PER_S + 1) * US_PER_S
        self._values = {address: bytes(register.size) for address, register in self._registers.items()}
        for register in self.description.registers.values():
            self._values[register.wire.address] = pack(register, [register.default] * register.wire.length)
        self._values |= core_defaults(self.description, self._name, self._serial)
        self.rules = self._make_rules(self)

    # --- what the serving loop calls ---------------------------------------------------------------

    def receive(self, data: bytes, now_us: int) -> None:
        """The host writes `data` now; it is answered at once."""
        self.advance(max(now_us, self.now_us))
        for item in self._codec.feed(data, self.now_us * NS_PER_US):
            if isinstance(item, Frame):
                self._request(item)

    def next_due_us(self) -> int | None:
        """When something happens by itself, or bytes are ready to go out; None if never."""
        if self._out:
            return self.now_us
        due = min(self._next_beat_us, self.rules.due_us())
        return None if due >= NEVER else max(due, self.now_us)

    def advance(self, to_us: int) -> None:
        """Let time pass; what is due on the way happens in order, each at its own time."""
        while (due := min(self._next_beat_us, self.rules.due_us())) <= to_us:
            self.now_us = max(self.now_us, due)
            if self.now_us >= self._next_beat_us:
                self._next_beat_us += US_PER_S
                self._beat()
            else:
                self.rules.run(self.now_us)
        self.now_us = max(self.now_us, to_us)
        for item in self._codec.idle(self.now_us * NS_PER_US):
            if isinstance(item, Frame):
                self._request(item)

    def outgoing(self, now_us: int) -> bytes:
        """Return the bytes that have gone out by now; each is returned once."""
        out, self._out = bytes(self._out), bytearray()
        return out

    # --- what the world around it and its rules see --------------------------------------------------

    def register(self, name: str) -> HarpRegister:
        """Return a register by its name.

        Raises
        ------
        KeyError
            If the device has none of that name.
        """
        return self.description.registers[name]

    def value(self, name: str) -> HarpValue:
        """Return what a register holds, in words."""
        register = self.register(name)
        return decode(register, self._values[register.wire.address])

    def elements(self, name: str) -> tuple[float, ...]:
        """Return what a register holds, in numbers."""
        register = self.register(name)
        return unpack(register, self._values[register.wire.address])

    def number(self, name: str) -> int:
        """Return what a register of one whole number holds."""
        return int(self.elements(name)[0])

    def put(self, name: str, *elements: float) -> None:
        """Put numbers into a register; nobody is told."""
        register = self.register(name)
        self._values[register.wire.address] = pack(register, elements)

    def set(self, name: str, value: HarpValue) -> None:
        """Put a value into a register, in words; nobody is told."""
        register = self.register(name)
        self._values[register.wire.address] = encode(register, value)

    def send(self, name: str) -> None:
        """Send a register as an event, stamped now; in standby it is nobody's business."""
        if self.active:
            register = self.register(name).wire
            self._say(EVENT, register)

    def input(self, register: str, bit: str, high: bool) -> None:
        """Change an input line, now."""
        self.rules.input(register, bit, high)

    @property
    def operation(self) -> int:
        """`OperationControl`."""
        return self._values[reg.OPERATION.address][0]

    @property
    def active(self) -> bool:
        """Whether events go out."""
        return self.operation & Operation.MODE == Operation.ACTIVE

    # --- requests ------------------------------------------------------------------------------------

    def _request(self, frame: Frame) -> None:
        if frame.is_error or frame.kind == EVENT:
            return
        try:
            register = self._wanted(frame)
            if frame.kind == WRITE:
                self._write(register, frame.payload)
        except (Refused, EncodeError):
            payload = frame.payload if frame.kind == WRITE and len(frame.payload) < 240 else b""
            kind, stamp_us = frame.payload_type, self._stamp_us
            self._emit(build(frame.kind, frame.address, kind, payload, stamp_us=stamp_us, error=True))
            return
        self._say(frame.kind, register)
        self._after(register, frame)

    def _wanted(self, frame: Frame) -> Register:
        register = self._registers.get(frame.address)
        if register is None or (self._old_core and frame.address in OLD_CORE):
            raise Refused
        if frame.payload_type != register.type:
            raise Refused
        if frame.kind == WRITE and (not register.writable or len(frame.payload) != register.size):
            raise Refused
        return register

    def _write(self, register: Register, payload: bytes) -> None:
        described = self._described.get(register.address)
        if described is None:
            self._values[register.address] = self._core_write(register, payload)
            return
        check(described, unpack(described, payload))
        before = self._values[register.address]
        self._values[register.address] = payload
        try:
            self.rules.written(described)
        except Refused:
            self._values[register.address] = before
            raise

    def _core_write(self, register: Register, payload: bytes) -> bytes:
        """Return what one of Harp's own registers holds after a write."""
        value = payload[0]
        match register:
            case reg.OPERATION:
                return bytes((value & ~Operation.DUMP,))
            case reg.SECONDS:
                if not self._values[reg.CLOCK.address][0] & _CLOCK_UNLOCKED:
                    raise Refused
                seconds = int.from_bytes(payload, "little")
                self._harp_offset_us = seconds * US_PER_S - self.now_us // US_PER_S * US_PER_S
            case reg.RESET:
                if value not in _RESETS:
                    raise Refused
                return self._values[register.address]
            case reg.CLOCK:
                return bytes((_CLOCK_LOCKED if value & _CLOCK_LOCKED else _CLOCK_UNLOCKED,))
        return payload

    def _after(self, register: Register, frame: Frame) -> None:
        """What follows the reply to a write: a dump, or a reset."""
        if frame.kind != WRITE:
            return
        if register is reg.OPERATION and frame.payload[0] & Operation.DUMP:
            for other in self._registers.values():
                if not (self._old_core and other.address in OLD_CORE):
                    self._say(READ, other)
        elif register is reg.RESET:
            self._boot()

    def _beat(self) -> None:
        if not self.active:
            return
        if self.operation & Operation.HEARTBEAT and not self._old_core:
            self._say(EVENT, reg.HEARTBEAT)
        elif self.operation & Operation.ALIVE:
            self._say(EVENT, reg.SECONDS)

    @property
    def _stamp_us(self) -> int:
        return self.now_us + self._harp_offset_us

    def _say(self, kind: int, register: Register) -> None:
        payload = self._live(register)
        self._emit(build(kind, register.address, register.type, payload, stamp_us=self._stamp_us))

    def _live(self, register: Register) -> bytes:
        """Return what a read finds."""
        match register:
            case reg.SECONDS:
                return register.pack(self._stamp_us // US_PER_S & 0xFFFF_FFFF)
            case reg.MICROSECONDS:
                return register.pack(self._stamp_us % US_PER_S // TICK_US)
            case reg.HEARTBEAT:
                return register.pack(int(self.active))
            case _:
                return self._values[register.address]

    def _emit(self, frame: bytes) -> None:
        if not self.operation & Operation.MUTE:
            self._out += frame


def core_defaults(description: DeviceDescription, name: str, serial: int) -> dict[int, bytes]:
    """Return what Harp's own registers hold after a reset, by address, where that is not zero."""
    major, _, minor = description.firmware.partition(".")
    firmware = (int(major or 1), int(minor or 0), 0)
    values: dict[Register, tuple[int, ...]] = {
        reg.WHO: (description.who_am_i,),
        reg.HARDWARE_HIGH: (1,),
        reg.CORE_HIGH: (PROTOCOL_VERSION[0],),
        reg.CORE_LOW: (PROTOCOL_VERSION[1],),
        reg.FIRMWARE_HIGH: (firmware[0],),
        reg.FIRMWARE_LOW: (firmware[1],),
        reg.OPERATION: (BOOT_OPERATION,),
        reg.RESET: (_BOOTED_FROM_DEFAULTS,),
        reg.DEVICE_NAME: tuple(name.encode()[:24]),
        reg.SERIAL_NUMBER: (serial,),
        reg.CLOCK: (_CLOCK_UNLOCKED,),
        reg.UID: tuple(serial.to_bytes(2, "little")),
        reg.VERSION: (*PROTOCOL_VERSION, *firmware, 1, 0, 0, *b"EMU"),
    }
    return {register.address: register.pack(*elements) for register, elements in values.items()}


def check(register: HarpRegister, elements: Sequence[float]) -> None:
    """Refuse a write of numbers that the register does not take.

    Raises
    ------
    Refused
        If one is out of the range of the register or of a member.
    """
    low, high = register.low, register.high
    if any((low is not None and e < low) or (high is not None and e > high) for e in elements):
        raise Refused
    words = register.words
    if words is not None and not words.bits and elements[0] not in words.values.values():
        raise Refused
    for member in register.members:
        if member.mask or member.length != 1:
            continue
        element = elements[member.offset]
        if (member.low is not None and element < member.low) or (
            member.high is not None and element > member.high
        ):
            raise Refused
