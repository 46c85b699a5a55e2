"""Who is there? The requests of the hello, and what their answers say about the board.

The first byte after a reset is often lost, on real boards too, so the first question is led by four
zero bytes (no Harp message begins with one) and is asked until it is answered. Boards with an older
Harp core answer some of the questions with an error; that leaves the field unknown and stops nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import msgspec

from drivers.board import registers as reg
from drivers.board.event_codes import WORDS, EventKind
from drivers.board.registers import WHO_AM_I, Operation
from drivers.board.requests import Purpose, Request, read, write
from drivers.board.wire import Frame
from rig.device import BoardLimits
from rig.machine.pulses import MOST_COUNTED
from rig.units import NS_PER_MS, NS_PER_S

SILENCE_NS: Final = 3 * NS_PER_S
"""Without a frame for this long the link is lost (a Harp device's own heartbeat comes every second)."""
STRANGER_NS: Final = NS_PER_S
"""A device that is not the one meant is asked again after this: another one may be plugged in."""

_RESYNC: Final = bytes(4)
_ASK_AGAIN_NS: Final = 200 * NS_PER_MS
_FOREVER: Final = 1 << 31

_QUESTIONS: Final = (
    reg.VERSION, reg.DEVICE_NAME, reg.UID, reg.SERIAL_NUMBER, reg.CAPABILITIES, reg.TIME_SCALE,
    reg.PULSE_SPENT, reg.OPERATION, reg.TICK, reg.BOARD_EVENT,
)  # fmt: skip


class Phase(enum.Enum):
    """Where a driver stands with its device."""

    OFF = enum.auto()
    HELLO = enum.auto()
    READY = enum.auto()


def who_are_you() -> Request:
    """Return the first question to any Harp device, which is asked for as long as it takes."""
    question = read(reg.WHO, Purpose.HELLO, tries=_FOREVER, timeout_ns=_ASK_AGAIN_NS)
    question.frame = _RESYNC + question.frame
    return question


def answered(answers: Mapping[int, Frame], register: reg.Register) -> bytes:
    """Return what a device answered to a question about `register`; zeros if it refused it."""
    frame = answers.get(register.address)
    good = frame is not None and not frame.is_error and len(frame.payload) == register.size
    return frame.payload if frame is not None and good else bytes(register.size)


class LastEvent(msgspec.Struct, frozen=True):
    """The board's latest event, as its event register holds it."""

    tick: int
    seq: int
    kind: int
    index: int


class Hello:
    """One hello. Hand every answer to `answer`; it returns what to ask next.

    Parameters
    ----------
    make_safe
        Stop whatever still runs on the board, before its last event is read: a host that died may
        have left a table running.

    Attributes
    ----------
    who
        The board's `WhoAmI`, once answered.
    settled
        Whether all is known and only the switch to active mode is left.
    """

    def __init__(self, *, make_safe: bool) -> None:
        self._make_safe = make_safe
        self.who: int | None = None
        self.settled = False
        self._answers: dict[int, Frame] = {}
        self._open = 0

    def answer(self, frame: Frame) -> list[Request]:
        """Take the answer to one question; return the questions that follow from it."""
        self._answers[frame.address] = frame
        if frame.address == reg.WHO.address:
            self.who = self._value(reg.WHO)
            if self.who != WHO_AM_I:
                return []
            abort = [write(reg.ABORT, 1, purpose=Purpose.HELLO)] if self._make_safe else []
            questions = [*abort, *(read(register, Purpose.HELLO) for register in _QUESTIONS)]
            self._open = len(questions)
            return questions
        self._open -= 1
        if self._open or self.settled:
            return []
        self.settled = True
        mode = (self.operation & ~(Operation.MODE | Operation.DUMP | Operation.MUTE)) | Operation.ACTIVE
        wanted = mode | Operation.HEARTBEAT | Operation.ALIVE
        return [write(reg.OPERATION, wanted & 0xFF, purpose=Purpose.HELLO, exact=False)]

    def _value(self, register: reg.Register) -> int:
        return register.unpack(answered(self._answers, register))[0]

    @property
    def operation(self) -> int:
        """`OperationControl` as it was found."""
        return self._value(reg.OPERATION)

    @property
    def active(self) -> bool:
        """Whether the board was found in active mode: then it was not reset since we set it."""
        return self.operation & Operation.MODE == Operation.ACTIVE

    @property
    def tick(self) -> int:
        """The board's counter, microseconds, 32 bits."""
        return self._value(reg.TICK)

    @property
    def stamp_us(self) -> int:
        """Harp time at which `tick` was read."""
        frame = self._answers[reg.TICK.address]
        return frame.stamp_us or 0

    @property
    def time_scale(self) -> int:
        """0 for hardware; an emulator's speed ceiling otherwise."""
        return self._value(reg.TIME_SCALE)

    @property
    def last_event(self) -> LastEvent | None:
        """The board's latest event, or None if it has had none."""
        tick, seq, kind, index = WORDS.unpack(answered(self._answers, reg.BOARD_EVENT))
        return None if kind == EventKind.NONE else LastEvent(tick, seq, kind, index)

    @property
    def name(self) -> str:
        """Device name."""
        return (
            answered(self._answers, reg.DEVICE_NAME).split(b"\0")[0].decode("utf-8", "replace") or "unnamed"
        )

    @property
    def serial(self) -> str:
        """Unique identity in hexadecimal digits, or the old serial number."""
        uid = answered(self._answers, reg.UID)
        return uid.hex() if any(uid) else str(self._value(reg.SERIAL_NUMBER))

    @property
    def firmware(self) -> str:
        """Firmware version, for example ``1.0.0``."""
        return ".".join(str(part) for part in answered(self._answers, reg.VERSION)[3:6])

    @property
    def limits(self) -> BoardLimits:
        """What the board says it holds; the least that every board must hold if it does not say."""
        spent = self._answers.get(reg.PULSE_SPENT.address)
        counted = MOST_COUNTED if spent is not None and not spent.is_error else 0
        values = reg.CAPABILITIES.unpack(answered(self._answers, reg.CAPABILITIES))
        if not all(values):
            return BoardLimits(counted=counted)
        states, transitions, inputs, outputs, timers, counters, table_bytes, cycle_us = values
        return BoardLimits(
            states=states, transitions=transitions, inputs=inputs, outputs=outputs, timers=timers,
            counters=counters, table_bytes=table_bytes, cycle_us=cycle_us, counted=counted,
        )  # fmt: skip
