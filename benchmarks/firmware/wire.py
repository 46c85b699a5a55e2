"""Random bytes to the board: the C core's framing and registers beside the Python board's, byte for byte."""

from __future__ import annotations

import zlib
from collections import deque
from typing import Final

import msgspec

from benchmarks.firmware.scripts import Draws, random_image, random_table
from drivers.board import registers as reg
from drivers.board.codec import HarpCodec
from drivers.board.firmware import Firmware, Identity
from drivers.board.registers import EVERY_REGISTER, Register
from drivers.board.wire import EVENT, FORMATS, READ, WRITE, Frame, build
from rig.events import BoardEvent, EndReason
from rig.machine.core import BoardCore
from rig.machine.image import encode
from rig.units import CYCLE_US, NS_PER_US

EVENT_ROOM: Final = 20
IDENTITY: Final = Identity(
    name="dopaloop emulator", uid=b"EMULATOR" + (1).to_bytes(8, "big"), time_scale=1, budgets=True
)
_PHASE_US: Final = 7
"""Everything happens so long after the beginning of a cycle, for a chip counts silence in cycles."""
_RESETS: Final = (1, 2, 4, 8)


class Step(msgspec.Struct, frozen=True):
    """Time passes to a cycle, then bytes come, and there is room for so many bytes on the line."""

    cycle: int
    data: bytes
    room: int


class Reference:
    """The Python board with a line that takes as many bytes as it is told.

    Attributes
    ----------
    reset
        It was asked to begin anew; what comes then is not played.
    """

    def __init__(self) -> None:
        self._core = BoardCore()
        self._firmware = Firmware(self._core, IDENTITY)
        self._codec = HarpCodec("host")
        self._frames: deque[Frame] = deque()
        self._beats: deque[int] = deque(maxlen=1)
        self._beat_us = 1_000_000
        self._room = 0
        self._seen: int | None = None  # cycle of the host's last sign of life
        self._lost_at: int | None = None  # cycle in which it is lost
        self.reset = False
        self.sent = b""

    def play(self, steps: list[Step]) -> bytes:
        """Return all that is sent."""
        for step in steps:
            if self.reset:
                break
            self._room = step.room
            t_us = step.cycle * CYCLE_US + _PHASE_US
            self._advance(t_us)
            self._work(t_us * NS_PER_US)
            if step.data:
                found = self._codec.feed(step.data, t_us * NS_PER_US)
                self._frames += [item for item in found if isinstance(item, Frame)]
                self._work(t_us * NS_PER_US)
        return self.sent

    def _advance(self, to_us: int) -> None:
        while True:
            lost_us = to_us + 1 if self._lost_at is None else self._lost_at * CYCLE_US
            part_us = min(to_us, self._beat_us, lost_us)
            self._note(self._core.advance(part_us))
            if part_us == self._beat_us:
                self._beats.append(self._beat_us)
                self._beat_us += 1_000_000
            if part_us == lost_us:
                self._core.abort(EndReason.HOST_LOST)
                self._note(self._core.advance(part_us))
                self._lost_at = None
            elif part_us == to_us:
                return

    def _note(self, events: list[BoardEvent]) -> None:
        for event in events:
            self._firmware.happened(event, event.t_us)  # type: ignore[union-attr]

    def _watch_host(self) -> None:
        """Look after the host as the chip does: in cycles, from its last sign of life."""
        firmware, cycle = self._firmware, self._core.now_us // CYCLE_US
        if firmware.alive or (firmware.armed and self._seen is not None):
            self._seen = cycle
        firmware.alive = firmware.armed = False
        if self._seen is None or self._core.safe:
            self._lost_at = None
        else:
            self._lost_at = max(self._seen + firmware.host_timeout_ms * 10, cycle) + 1

    def _work(self, t_ns: int) -> None:
        while not self.reset and self._answer(t_ns) | self._tell():
            self.reset = self._firmware.reset_wanted

    def _answer(self, t_ns: int) -> bool:
        if not self._frames:
            self._frames += [item for item in self._codec.idle(t_ns) if isinstance(item, Frame)]
        if not self._frames:
            return False
        for reply in self._firmware.request(self._frames.popleft()):
            self._send(reply)
        self._note(self._core.advance(self._core.now_us))  # what the request made happen at once
        self._watch_host()
        return True

    def _tell(self) -> bool:
        if self._room < EVENT_ROOM:
            return False
        if self._firmware.has_event:
            self._send(self._firmware.next_event())
            return True
        if self._beats:
            self._send(self._firmware.heartbeat(self._beats.popleft()) or b"")
            return True
        return False

    def _send(self, frame: bytes) -> None:
        self.sent += frame
        self._room -= len(frame)


def is_same(reference: Reference, got: bytes, wanted: bytes) -> bool:
    """Whether the C core sent what the reference sent, as far as that was played."""
    return got.startswith(wanted) if reference.reset else got == wanted


def commands(steps: list[Step]) -> list[str]:
    """Return the stepper's commands for the same."""
    lines = ["q 0", "z"]
    for step in steps:
        lines += [f"q {step.room}", f"t {step.cycle} {_PHASE_US}"]
        if step.data:
            lines.append(f"w {step.data.hex()}")
    return lines


def random_steps(seed: int, number: int) -> list[Step]:
    """Draw a talk: valid requests, wrong ones, noise, pieces of frames, silence."""
    draws = Draws(seed, number, 0xB17E)
    cycle, rest, steps = 10, b"", [Step(10, reg.OPERATION.write_frame(0x85), 10_000)]
    for _ in range(40):
        cycle += 1 + draws.below((5, 300, 15_000)[draws.below(3)] if draws.chance(3) else 3)
        data = rest + b"".join(_random_bytes(draws) for _ in range(1 + draws.below(4)))
        cut = draws.below(len(data) + 1) if draws.chance(4) else len(data)
        data, rest = data[:cut], data[cut:] if draws.chance(2) else b""
        steps.append(Step(cycle, data, 100_000 if draws.chance(2) else draws.below(400)))
    steps.append(Step(cycle + 20_000, b"", 1_000_000))
    return steps


def _random_bytes(draws: Draws) -> bytes:
    match draws.below(10):
        case 0:
            return draws.bytes(1 + draws.below(30))
        case 1:
            return _wrong(draws)
        case 2:
            return _upload(draws)
        case 3:
            frame = bytearray(_request(draws))
            frame[draws.below(len(frame))] ^= 1 << draws.below(8)
            return bytes(frame)
        case 4:
            # The beginning of a frame that will never come, before one that does.
            return _request(draws)[: 1 + draws.below(6)] + _request(draws)
        case _:
            return _request(draws)


def _request(draws: Draws) -> bytes:
    registers = list(EVERY_REGISTER.values())
    register = registers[draws.below(len(registers))]
    if draws.chance(3):
        return register.read_frame()
    values = [_value(draws, register, element) for element in range(register.length)]
    stamp_us = draws.below(10**9) if draws.chance(8) else None
    return build(WRITE, register.address, register.type, register.pack(*values), stamp_us=stamp_us)


def _value(draws: Draws, register: Register, element: int) -> int:
    if register is reg.RESET:
        return draws.below(256) & ~0x0F  # one that is refused: what follows a reset is another test
    if register is reg.OPERATION:
        return draws.below(256) & (0xFF if draws.chance(4) else ~0x1A) | (not draws.chance(8))
    if register in (reg.PULSE, reg.MAX_OPEN):
        return draws.below(18) if element == 0 else draws.below(20_000)
    if register is reg.PULSE_COST:
        return draws.below((18, 70_000, 900, 200)[element])
    if register is reg.PULSE_BUDGET:
        return draws.below((30_000, 30_000, 3)[element])
    if register is reg.HOST_TIMEOUT_MS:
        return draws.below(6_000)
    if register is reg.HOST_ALIVE:
        return draws.below(1 << 32)
    if register is reg.TABLE_COMMIT:
        return draws.below(3 if element == 0 else 1_700)
    if register.type & 0x0F == 1 and draws.chance(2):
        return draws.below(10)
    return draws.below(1 << 8 * (register.type & 0x0F))


def _upload(draws: Draws) -> bytes:
    """Draw a table with its chunks and its commit; one in four arrives damaged or is refused."""
    image = encode(random_table(draws)) if draws.chance(2) else random_image(draws)
    if not image:
        return b""
    frames = []
    for offset in range(0, len(image), reg.CHUNK_BYTES):
        piece = image[offset : offset + reg.CHUNK_BYTES]
        frames.append(reg.TABLE_CHUNK.write_frame(*offset.to_bytes(2, "little"), *piece))
    crc = zlib.crc32(image) ^ draws.chance(6)
    frames.append(reg.TABLE_COMMIT.write_frame(draws.below(2), len(image), crc))
    if draws.chance(2):
        frames.append(reg.START_TRIAL.write_frame(draws.below(2)))
    return b"".join(frames)


def _wrong(draws: Draws) -> bytes:
    """Draw a frame that is well formed and makes no sense here."""
    kinds, types = (READ, WRITE, EVENT), tuple(FORMATS)
    kind, type_ = kinds[draws.below(3)], types[draws.below(len(types))]
    size = (type_ & 0x0F) * draws.below(1 + (251 if draws.chance(6) else 20) // (type_ & 0x0F))
    address = draws.below(60)
    if address == reg.RESET.address:
        size = 0  # what follows a reset is another test
    return build(kind, address, type_, draws.bytes(size), error=kind != EVENT and draws.chance(6))
