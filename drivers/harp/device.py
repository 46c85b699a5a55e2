"""The host's side of any Harp device: registers by name, writes in words, events in words.

In the *hello* the device is asked who it is, until it answers, and is switched to active mode; what older
Harp cores answer with an error is left unknown. Then it is *ready*: writes are sent one after the other,
each once. A write that is not answered is never repeated, since a second one might do it twice; it is a
lost link, and the hello begins again by itself. So does silence: every device sends a heartbeat once a
second.

A Harp reply carries no number. It is matched by register, and holds the value now in the register, which
may differ from what was written.

Implements `rig.device.Auxiliary`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from drivers.board import registers as reg
from drivers.board.codec import HarpCodec
from drivers.board.hello import SILENCE_NS, STRANGER_NS, Phase, answered, who_are_you
from drivers.board.registers import Operation, Register
from drivers.board.requests import REPLY_NS, Purpose, Request, Window, read, write
from drivers.board.wire import EVENT, READ, WRITE, Frame, build
from drivers.harp.asked import check_config, named, writable
from drivers.harp.description import DeviceDescription, HarpRegister
from drivers.harp.values import decode
from rig.description import HarpConfig, HarpValue
from rig.events import DeviceEvent, DeviceReady, LinkLost, RegisterRefused, RegisterTold, WireNoise
from rig.units import NS_PER_S

_BEATS: Final = {reg.HEARTBEAT.address: "Heartbeat", reg.SECONDS.address: "Heartbeat"}
_QUESTIONS: Final = (reg.DEVICE_NAME, reg.FIRMWARE_HIGH, reg.FIRMWARE_LOW, reg.OPERATION)


class HarpDevice:
    """Driver of one Harp device.

    Parameters
    ----------
    config
        Its part of the rig file. Everything that it would ever write is checked here and now.
    description
        Its registers.

    Attributes
    ----------
    codec
        The framer, with its counts of frames and dropped bytes.

    Raises
    ------
    ConfigError
        If the rig file names a register, a member or a word that the device has not, or would give water.
    """

    def __init__(self, config: HarpConfig, description: DeviceDescription) -> None:
        self.description = description
        self.codec = HarpCodec(config.name)
        self._config = config
        self._by_address = description.by_address()
        self._phase = Phase.OFF
        self._window = Window()
        self._waiting: deque[tuple[HarpRegister, bytes | None]] = deque()  # None: to be read
        self._asking = False  # something is not answered yet
        self._answers: dict[int, Frame] = {}
        self._open = 0
        self._settled = False  # all questions were answered
        self._stranger_told = False
        self._heard_ns = 0
        self._out = b""
        check_config(config, description)

    @property
    def described(self) -> Mapping[str, object]:
        """The device's description, as plain values."""
        values: dict[str, object] = msgspec.to_builtins(self.description)
        return values

    # --- what the session calls ----------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether the device is there and all that was asked is answered."""
        return self._phase is Phase.READY and not self._asking and not self._waiting

    def connect(self, t_ns: int) -> None:
        """Begin the hello; it is repeated until `DeviceReady` comes out of `feed`."""
        self.codec.reset()
        self._stranger_told = False
        self._say_hello(t_ns)

    def write(self, values: Mapping[str, HarpValue], t_ns: int) -> None:
        """Queue writes, register by register.

        Raises
        ------
        EncodeError
            If the device has no such register, or it cannot hold such a value.
        """
        self._waiting.extend([writable(self.description, *item) for item in values.items()])
        self._go_on(t_ns)

    def read(self, names: Sequence[str], t_ns: int) -> None:
        """Queue reads, behind what waits; each is answered by `RegisterTold`, or `RegisterRefused`.

        Raises
        ------
        EncodeError
            If the device has no such register.
        """
        self._waiting.extend([(named(self.description, name), None) for name in names])
        self._go_on(t_ns)

    def feed(self, data: bytes, t_ns: int) -> list[DeviceEvent]:
        """Take the bytes that came; return what they mean."""
        return self._take(self.codec.feed(data, t_ns), t_ns)

    def idle(self, t_ns: int) -> list[DeviceEvent]:
        """Let time pass: ask again who is there, notice a dead link."""
        told = self._take(self.codec.idle(t_ns), t_ns)
        for request in self._window.expire(t_ns):
            if request.purpose is Purpose.HELLO:
                self._say_hello(t_ns)
            else:
                verb = "write" if request.kind == WRITE else "read"
                told += self._lose(f"it did not answer a {verb} of {request.register.name}", t_ns)
        if self._phase is Phase.READY and t_ns - self._heard_ns >= SILENCE_NS:
            told += self._lose(f"no sign of life for {SILENCE_NS // NS_PER_S} s", t_ns)
        self._go_on(t_ns)
        return told

    def farewell(self) -> bytes:
        """Return what the rig file wants written at the end, as frames; nothing waits for an answer."""
        payloads = [writable(self.description, *item) for item in self._config.end.items()]
        return b"".join(build(WRITE, r.wire.address, r.wire.type, payload) for r, payload in payloads)

    def outgoing(self) -> bytes:
        """Return the bytes to write now; each is handed out once."""
        out, self._out = self._out, b""
        return out

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        times = [self._window.deadline_ns(), self.codec.deadline_ns()]
        if self._phase is Phase.READY:
            times.append(self._heard_ns + SILENCE_NS)
        return min((t for t in times if t is not None), default=None)

    # --- frames ----------------------------------------------------------------------------------------

    def _take(self, found: list[Frame | WireNoise], t_ns: int) -> list[DeviceEvent]:
        told: list[DeviceEvent] = []
        for item in found:
            if isinstance(item, WireNoise):
                told.append(item)
            elif self._phase is not Phase.OFF:
                told += self._frame(item, t_ns)
        if found:
            self._go_on(t_ns)
        return told

    def _frame(self, frame: Frame, t_ns: int) -> list[DeviceEvent]:
        self._heard_ns = t_ns
        if frame.kind == EVENT:
            return self._told(frame, asked=False) if self._phase is Phase.READY else []
        request = self._window.answer(frame)
        if request is None:
            return []
        if request.purpose is Purpose.HELLO:
            return self._hello_answer(frame, t_ns)
        self._asking = False
        if frame.is_error:
            what = f"a write of {request.payload.hex(' ')} to" if request.kind == WRITE else "a read of"
            reason = f"it refused {what} register {request.register.name}"
            return [RegisterRefused(register=request.register.name, reason=reason)]
        kept = frame.kind == READ or frame.payload == request.payload
        return self._told(frame, asked=True, kept=kept)

    def _told(self, frame: Frame, *, asked: bool, kept: bool = True) -> list[DeviceEvent]:
        register = self._by_address.get(frame.address)
        stamp_us = frame.stamp_us
        if stamp_us is None:
            return []
        if register is None:
            beat = _BEATS.get(frame.address)
            return [] if beat is None else [RegisterTold(register=beat, value=True, stamp_us=stamp_us)]
        if frame.payload_type != register.wire.type:
            reason = f"register {register.name} came as another type than device.yml says"
            return [WireNoise(source=self._config.name, dropped=len(frame.raw), reason=reason)]
        value = decode(register, frame.payload)
        told = RegisterTold(register=register.name, value=value, stamp_us=stamp_us, asked=asked, kept=kept)
        return [told]

    def _go_on(self, t_ns: int) -> None:
        if self._phase is Phase.READY and not self._asking and self._waiting:
            register, payload = self._waiting.popleft()
            self._asking = True
            self._window.push(_once(register.wire, payload))
        self._out += self._window.pump(t_ns)

    # --- hello and loss --------------------------------------------------------------------------------

    def _say_hello(self, t_ns: int) -> None:
        self._phase = Phase.HELLO
        self._settled = False
        self._answers.clear()
        self._window.clear()
        self._waiting.clear()
        self._asking = False
        self._window.push(who_are_you())
        self._go_on(t_ns)

    def _hello_answer(self, frame: Frame, t_ns: int) -> list[DeviceEvent]:
        self._answers[frame.address] = frame
        if frame.address == reg.WHO.address:
            who = self._value(reg.WHO)
            if who != self.description.who_am_i:
                return self._stranger(who, t_ns)
            self._open = len(_QUESTIONS)
            self._window.push(*(read(register, Purpose.HELLO) for register in _QUESTIONS))
            return []
        self._open -= 1
        if self._settled:
            return [self._ready(frame)]
        if self._open == 0:
            self._settled = True
            mode = self._value(reg.OPERATION) & ~(Operation.MODE | Operation.DUMP | Operation.MUTE)
            wanted = mode | Operation.ACTIVE | Operation.HEARTBEAT | Operation.ALIVE
            self._window.push(write(reg.OPERATION, wanted & 0xFF, purpose=Purpose.HELLO, exact=False))
        return []

    def _ready(self, frame: Frame) -> DeviceReady:
        self._phase = Phase.READY
        name = answered(self._answers, reg.DEVICE_NAME).split(b"\0")[0].decode("utf-8", "replace")
        firmware = f"{self._value(reg.FIRMWARE_HIGH)}.{self._value(reg.FIRMWARE_LOW)}"
        return DeviceReady(
            name=name or self.description.device, firmware=firmware, stamp_us=frame.stamp_us or 0
        )

    def _value(self, register: Register) -> int:
        return register.unpack(answered(self._answers, register))[0]

    def _stranger(self, who: int, t_ns: int) -> list[DeviceEvent]:
        self._window.defer(who_are_you(), t_ns + STRANGER_NS)
        if self._stranger_told:
            return []
        self._stranger_told = True
        reason = (
            f"the device at {self._config.port} is a Harp device of type {who}, but "
            f"{self.description.device} has {self.description.who_am_i}; put the right port into the rig file"
        )
        return [LinkLost(source=self._config.name, reason=reason)]

    def _lose(self, reason: str, t_ns: int) -> list[DeviceEvent]:
        self._say_hello(t_ns)
        return [LinkLost(source=self._config.name, reason=f"{reason}; check cable and power")]


def _once(register: Register, payload: bytes | None) -> Request:
    if payload is None:
        return read(register, Purpose.JOB)
    return Request(
        frame=build(WRITE, register.address, register.type, payload),
        kind=WRITE,
        register=register,
        payload=payload,
        purpose=Purpose.JOB,
        tries=1,
        timeout_ns=REPLY_NS,
        exact=False,
    )
