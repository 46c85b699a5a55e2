"""What the chip's program makes of a request: registers, Harp's rules, the queue of events.

It keeps no time of its own: it is told when something happens, and returns frames. When they go out
is the emulator's business (`drivers.board.emulator`).

Harp's rules, as kept here: one request, one stamped reply with the value now in the register; an
error reply for an unknown register, a wrong type or length, a write to a read-only register or a value
out of range (a refused write echoes its payload); events in active mode only.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import Final

import msgspec

from drivers.board import registers as reg
from drivers.board.event_codes import KEPT_EVENTS, SEQUENCE_WRAP, WORDS, EventKind, encode_event
from drivers.board.registers import EVERY_REGISTER, REGISTERS, WHO_AM_I, Operation, Register
from drivers.board.wire import (
    EVENT,
    HEADER_BYTES,
    MAX_FRAME,
    READ,
    STAMP_BYTES,
    TICK_US,
    WRITE,
    Frame,
    PayloadType,
    build,
)
from rig.commands import NO_LIMIT, PulseCost
from rig.events import BoardEvent
from rig.machine.budget import DEAREST
from rig.machine.core import BoardCore, TableRefused
from rig.machine.refusal import NO_STATE, Refusal
from rig.units import TICK_WRAP_US, US_PER_S

PROTOCOL_VERSION: Final = (1, 13, 0)
FIRMWARE_VERSION: Final = (1, 0, 0)
HARDWARE_VERSION: Final = (1, 0, 0)

REQUEST_US: Final = 60
"""Work for one request."""

COMMIT_US: Final = 2_000
"""Work for a table commit: checksum, check and copy of 1.5 KB."""

TIMEOUTS_MS: Final = range(20, 5001)

MAX_PAYLOAD: Final = MAX_FRAME - HEADER_BYTES - STAMP_BYTES - 1
"""Bytes that a stamped frame can carry."""

_BOOTED_FROM_DEFAULTS: Final = 0x40
_RESETS: Final = (0x01, 0x02, 0x04, 0x08)
_CLOCK_UNLOCKED, _CLOCK_LOCKED = 0x40, 0x80


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a board says about itself.

    Parameters
    ----------
    budgets
        Whether it keeps a budget of its own (registers 49 to 51); to firmware 1.0 they are unknown.
    """

    name: str = "dopaloop board"
    uid: bytes = bytes(16)
    time_scale: int = 0
    budgets: bool = False


class _Refused(Exception):  # noqa: N818 - it becomes an error reply
    """The request cannot be carried out."""


class _Kept(msgspec.Struct, frozen=True, gc=False):
    seq: int
    payload: bytes
    stamp_us: int


class Firmware:
    """Registers and events of one board, from one reset to the next.

    (Longer than most: one table of registers, each with what its write does, is read best in one place.)

    Parameters
    ----------
    core
        What the board does apart from bytes.

    Attributes
    ----------
    alive, armed
        Set by every `HostAlive` and every `Arm`; whoever looks after the host clears them.
    reset_wanted
        A reset was asked for; it follows the reply.
    """

    def __init__(self, core: BoardCore, identity: Identity) -> None:
        self.core = core
        self.identity = identity
        self.alive = self.armed = False
        self.reset_wanted = False
        self._registers = EVERY_REGISTER if identity.budgets else REGISTERS
        self._values = {address: bytes(register.size) for address, register in self._registers.items()}
        self._buffer = bytearray(core.limits.table_bytes)
        self._harp_offset_us = 0
        self._kept: deque[_Kept] = deque(maxlen=KEPT_EVENTS)
        self._unsent = 0
        self._lost = 0
        self._seq = 0
        self._defaults()

    def _defaults(self) -> None:
        high_low = {
            reg.HARDWARE_HIGH: HARDWARE_VERSION[0], reg.HARDWARE_LOW: HARDWARE_VERSION[1],
            reg.CORE_HIGH: PROTOCOL_VERSION[0], reg.CORE_LOW: PROTOCOL_VERSION[1],
            reg.FIRMWARE_HIGH: FIRMWARE_VERSION[0], reg.FIRMWARE_LOW: FIRMWARE_VERSION[1],
        }  # fmt: skip
        uid, limits = self.identity.uid[:16].ljust(16, b"\0"), self.core.limits
        self._set(reg.WHO, WHO_AM_I)
        for register, number in high_low.items():
            self._set(register, number)
        self._set(reg.RESET, _BOOTED_FROM_DEFAULTS)
        self._set(reg.DEVICE_NAME, *self.identity.name.encode()[:24])
        self._set(reg.SERIAL_NUMBER, int.from_bytes(uid[:2], "little"))
        self._set(reg.CLOCK, _CLOCK_UNLOCKED)
        self._set(reg.UID, *uid)
        self._set(reg.VERSION, *PROTOCOL_VERSION, *FIRMWARE_VERSION, *HARDWARE_VERSION, *b"EMU")
        self._set(reg.HOST_TIMEOUT_MS, 250)
        self._set(reg.TABLE_STATUS, Refusal.NONE, NO_STATE)
        self._set(
            reg.CAPABILITIES,
            limits.states, limits.transitions, limits.inputs, limits.outputs, limits.timers,
            limits.counters, limits.table_bytes, limits.cycle_us,
        )  # fmt: skip
        self._set(reg.TIME_SCALE, self.identity.time_scale)
        if self.identity.budgets:
            self._set(reg.PULSE_BUDGET, NO_LIMIT, NO_LIMIT)

    def _set(self, register: Register, *values: int) -> None:
        self._values[register.address] = register.pack(*values)

    def _get(self, register: Register) -> int:
        return register.unpack(self._values[register.address])[0]

    @property
    def operation(self) -> int:
        """`OperationControl`."""
        return self._get(reg.OPERATION)

    @property
    def active(self) -> bool:
        """Whether events go out."""
        return self.operation & Operation.MODE == Operation.ACTIVE

    @property
    def host_timeout_ms(self) -> int:
        """How long the host may be silent, in wall time."""
        return self._get(reg.HOST_TIMEOUT_MS)

    # --- requests --------------------------------------------------------------------------------------

    @staticmethod
    def work_us(frame: Frame) -> int:
        """How long the chip works on a request."""
        commit = frame.address == reg.TABLE_COMMIT.address and frame.kind == WRITE
        return COMMIT_US if commit else REQUEST_US

    def request(self, frame: Frame) -> list[bytes]:
        """Carry out a request now; return the frames that answer it."""
        if frame.is_error or frame.kind == EVENT:
            return []
        try:
            replies = self._carry_out(frame)
        except _Refused:
            # A reply is longer than its request by the stamp: what no longer fits is not echoed.
            fits = frame.kind == WRITE and len(frame.payload) <= MAX_PAYLOAD
            payload = frame.payload if fits else b""
            stamp_us = self._stamp_us(self.core.now_us)
            replies = [
                build(frame.kind, frame.address, frame.payload_type, payload, stamp_us=stamp_us, error=True)
            ]
        return [] if self.operation & Operation.MUTE else replies

    def _carry_out(self, frame: Frame) -> list[bytes]:
        register = self._registers.get(frame.address)
        if register is None or frame.payload_type != register.type:
            raise _Refused
        if frame.kind == READ:
            return [self._say(READ, register)]
        if not register.writable or len(frame.payload) != register.size:
            raise _Refused
        more = self._write(register, register.unpack(frame.payload), frame.payload)
        return [self._say(WRITE, register), *more]

    def _say(self, kind: int, register: Register) -> bytes:
        now_us = self.core.now_us
        payload = self._value(register, now_us)
        return build(kind, register.address, register.type, payload, stamp_us=self._stamp_us(now_us))

    def _stamp_us(self, t_us: int) -> int:
        return t_us + self._harp_offset_us

    def _value(self, register: Register, now_us: int) -> bytes:
        """Return what a read finds."""
        harp_us = self._stamp_us(now_us)
        match register.address:
            case reg.SECONDS.address:
                return register.pack(harp_us // US_PER_S & 0xFFFF_FFFF)
            case reg.MICROSECONDS.address:
                return register.pack(harp_us % US_PER_S // TICK_US)
            case reg.HEARTBEAT.address:
                return register.pack(int(self.active))
            case reg.TICK.address:
                return register.pack(now_us % TICK_WRAP_US)
            case reg.BOARD_EVENT.address if self._kept:
                return self._kept[-1].payload
            case reg.PULSE_SPENT.address:
                return register.pack(*self.core.spent)
            case _:
                return self._values[register.address]

    def _write(self, register: Register, values: tuple[int, ...], payload: bytes) -> list[bytes]:
        """Carry out a write; return the frames that follow its reply."""
        core, value = self.core, values[0]
        match register.address:
            case reg.SECONDS.address:
                _check(self._get(reg.CLOCK) != _CLOCK_LOCKED)
                self._harp_offset_us += (value - self._stamp_us(core.now_us) // US_PER_S) * US_PER_S
            case reg.OPERATION.address:
                payload = bytes((value & ~Operation.DUMP,))
                self._values[register.address] = payload
                return self._dump() if value & Operation.DUMP else []
            case reg.RESET.address:
                _check(value in _RESETS)
                self.reset_wanted = True
                payload = self._values[register.address]
            case reg.CLOCK.address:
                payload = bytes((_CLOCK_LOCKED if value & _CLOCK_LOCKED else _CLOCK_UNLOCKED,))
            case reg.HOST_ALIVE.address:
                self.alive = True
            case reg.HOST_TIMEOUT_MS.address:
                _check(value in TIMEOUTS_MS)
            case reg.TABLE_CHUNK.address:
                self._chunk(payload)
            case reg.TABLE_COMMIT.address:
                self._commit(*values)
            case reg.START_TRIAL.address:
                _check(core.start(value))
            case reg.ABORT.address:
                _check(value == 1)
                core.abort()
            case reg.PULSE.address:
                _check(value < core.limits.outputs and values[1] > 0)
                core.pulse(value, values[1])  # whether it was given is told by events
            case reg.SOFT_EVENT.address:
                _check(1 <= value <= 8)
                core.soft(value)
            case reg.READ_EVENT.address:
                again = self._again(value)
                self._values[register.address] = payload
                return [again]
            case reg.MAX_OPEN.address:
                _check(value < core.limits.outputs)
                core.set_max_open(value, values[1])
            case reg.SYNC_SEED.address:
                core.set_sync_seed(value)
            case reg.ARM.address:
                _check(value == 1)
                core.arm()
                self.armed = True
            case reg.PULSE_COST.address:
                _check(value < core.limits.outputs and values[1] <= DEAREST)
                price = PulseCost(per_cycle=values[1], deducted=values[2], least=values[3])
                _check(core.set_cost(value, price))
            case reg.PULSE_BUDGET.address:
                _check(values[2] <= 1)
                core.set_budget(values[0], values[1], begin=bool(values[2]))
        self._values[register.address] = payload
        return []

    def _dump(self) -> list[bytes]:
        return [self._say(READ, register) for register in self._registers.values()]

    def _chunk(self, payload: bytes) -> None:
        offset = int.from_bytes(payload[:2], "little")
        _check(offset < len(self._buffer))
        data = payload[2 : 2 + len(self._buffer) - offset]
        self._buffer[offset : offset + len(data)] = data

    def _commit(self, slot: int, length: int, crc32: int) -> None:
        image = bytes(self._buffer[:length])
        try:
            if not 0 < length <= len(self._buffer):
                raise TableRefused(Refusal.LENGTH)
            if zlib.crc32(image) != crc32:
                raise TableRefused(Refusal.CRC)
            self.core.load(slot, image)
        except TableRefused as error:
            self._set(reg.TABLE_STATUS, error.code, error.state, error.detail)
            raise _Refused from None
        self._set(reg.TABLE_STATUS, Refusal.NONE, NO_STATE)

    def _again(self, seq: int) -> bytes:
        for kept in self._kept:
            if kept.seq == seq:
                return self._frame(kept)
        raise _Refused

    # --- events ------------------------------------------------------------------------------------------

    def happened(self, event: BoardEvent, t_us: int) -> None:
        """Number and keep an event of the core's; in standby it is nobody's business."""
        if self.active:
            self._keep(*encode_event(event), t_us)

    def _keep(self, kind: int, index: int, t_us: int) -> None:
        payload = WORDS.pack(t_us % TICK_WRAP_US, self._seq, kind, index)
        self._kept.append(_Kept(self._seq, payload, self._stamp_us(t_us)))
        self._seq = (self._seq + 1) % SEQUENCE_WRAP
        if self._unsent == KEPT_EVENTS:
            self._lost += 1  # the oldest was not sent, and is gone now
        else:
            self._unsent += 1

    @property
    def has_event(self) -> bool:
        """Whether an event waits to be sent."""
        return self._unsent > 0

    def next_event(self) -> bytes:
        """Return the frame of the oldest unsent event; after a loss, say so behind the others."""
        frame = self._frame(self._kept[-self._unsent])
        self._unsent -= 1
        if self._lost:
            lost, self._lost = min(self._lost, 255), 0
            self._keep(EventKind.OVERRUN, lost, self.core.now_us)
        return frame

    def heartbeat(self, second_us: int) -> bytes | None:
        """Return the frame of the heartbeat at board time `second_us`, if one is switched on."""
        stamp_us = self._stamp_us(second_us)
        if not self.active:
            return None
        if self.operation & Operation.HEARTBEAT:
            return build(EVENT, reg.HEARTBEAT.address, PayloadType.U16, b"\1\0", stamp_us=stamp_us)
        if self.operation & Operation.ALIVE:
            seconds = reg.SECONDS.pack(stamp_us // US_PER_S & 0xFFFF_FFFF)
            return build(EVENT, reg.SECONDS.address, PayloadType.U32, seconds, stamp_us=stamp_us)
        return None

    @staticmethod
    def _frame(kept: _Kept) -> bytes:
        return build(EVENT, reg.BOARD_EVENT.address, PayloadType.U32, kept.payload, stamp_us=kept.stamp_us)


def _check(good: bool) -> None:
    if not good:
        raise _Refused
