"""The emulated chip under random tables: what it did, and what the reference does with the same inputs.

The chip says itself when an edge came, when a table was started and when a soft event was taken; the
reference is given these at the chip's own stamps, and must then do the same in every cycle. How far the
stamps lie from the true times of the pins is another question, and a figure of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from benchmarks.firmware.reference import Happening, happening
from benchmarks.firmware.scripts import MAX_OPEN_US, SPAN_US, Draws, random_edges, random_table
from drivers.board import registers as reg
from drivers.board.chip import CLOCKS_PER_US, Chip, ChipEvent, PinChange, Told
from drivers.board.codec import HarpCodec
from drivers.board.emulator import BoardEmulator
from drivers.board.event_codes import EventKind
from drivers.board.registers import Register
from drivers.board.wire import EVENT, Frame
from rig.events import BoardEvent, EndReason
from rig.machine.core import BoardCore
from rig.machine.image import encode
from rig.machine.table import StateTable
from rig.units import CYCLE_US, NS_PER_US

ANSWER_US: Final = 20_000
"""A board that has not answered after this long does not answer."""
OVERLOADED_US: Final = 1_000_000
"""A table that takes nearly all of the chip's time lets it answer late."""
_STEP_US: Final = 200
_HALF: Final = CYCLE_US // 2


class Bench:
    """A chip with a host that asks one thing at a time.

    Attributes
    ----------
    events, pins, frames
        What the chip noted, drove and sent, since `clear`.
    """

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.codec = HarpCodec("chip")
        self.events: list[ChipEvent] = []
        self.pins: list[PinChange] = []
        self.frames: list[Frame] = []
        chip.boot()
        chip.run(chip.clock + 2_000 * CLOCKS_PER_US)

    def clear(self) -> None:
        """Forget what happened so far."""
        self.events, self.pins, self.frames = [], [], []

    def take(self, told: Told) -> list[Frame]:
        """Keep what happened; return the frames that came."""
        self.events += told.events
        self.pins += told.pins
        came = [
            item for item in self.codec.feed(told.data, self.chip.now_us * NS_PER_US)
            if isinstance(item, Frame)
        ]  # fmt: skip
        self.frames += came
        return came

    def run_us(self, t_us: int) -> None:
        """Run to a board time."""
        self.take(self.chip.run_us(t_us))

    def ask(self, frame: bytes, address: int, within_us: int = ANSWER_US) -> Frame:
        """Write a request and run until it is answered.

        Raises
        ------
        RuntimeError
            If it is not.
        """
        self.chip.write(frame)
        for _ in range(within_us // _STEP_US):
            for answer in self.take(self.chip.run(self.chip.clock + _STEP_US * CLOCKS_PER_US)):
                if answer.address == address and answer.kind != EVENT:
                    return answer
        raise RuntimeError(f"register {address} was not answered within {within_us} us")

    def put(self, register: Register, *values: int) -> Frame:
        """Write a register; return the reply, which may be an error."""
        return self.ask(register.write_frame(*values), register.address)

    def get(self, register: Register) -> tuple[int, ...]:
        """Read a register."""
        return register.unpack(self.ask(register.read_frame(), register.address).payload)

    def set_up(self) -> None:
        """Switch events on, and give each output its longest pulse."""
        self.put(reg.OPERATION, 1)
        for output, us in enumerate(MAX_OPEN_US):
            self.put(reg.MAX_OPEN, output, us)

    def upload(self, slot: int, image: bytes) -> Frame:
        """Write a table image into a slot; return the reply to the commit."""
        *chunks, commit = upload_frames(slot, image)
        for frame in chunks:
            self.ask(frame, reg.TABLE_CHUNK.address)
        return self.ask(commit, reg.TABLE_COMMIT.address)


def upload_frames(slot: int, image: bytes) -> list[bytes]:
    """Return the requests that upload a table, the commit last."""
    frames = []
    for offset in range(0, len(image), reg.CHUNK_BYTES):
        piece = image[offset : offset + reg.CHUNK_BYTES]
        frames.append(reg.TABLE_CHUNK.write_frame(*offset.to_bytes(2, "little"), *piece))
    return [*frames, reg.TABLE_COMMIT.write_frame(slot, len(image), zlib.crc32(image))]


class Run(msgspec.Struct):
    """One table on the chip.

    Parameters
    ----------
    table
        What ran.
    events, pins
        What the chip noted and drove, from the start on.
    driven
        (clock, line, high) of each edge of a pin.
    before
        Levels of the outputs before it began.
    """

    table: StateTable
    events: list[ChipEvent]
    pins: list[PinChange]
    driven: list[tuple[int, int, bool]]

    @property
    def began(self) -> bool:
        """Whether the table was started at all."""
        return any(event.kind == EventKind.TRIAL_START for event in self.events)

    @property
    def overloaded(self) -> bool:
        """Whether the table asked so much of the chip that it made itself safe."""
        return any(event.kind == EventKind.SAFE and event.index == EndReason.FAULT for event in self.events)


def run_random(bench: Bench, seed: int, number: int) -> Run:
    """Upload a random table, run it for 100 ms under a random input train, and abort it.

    Half of the runs have soft events and further starts besides.

    Raises
    ------
    RuntimeError
        If the chip refuses the table, or does not answer.
    """
    draws = Draws(seed, number)
    table = random_table(draws)
    chip = bench.chip
    bench.put(reg.ARM, 1)  # a table that asked too much of the chip has made it safe
    answer = bench.upload(0, encode(table))
    if answer.is_error:
        raise RuntimeError(f"the chip refused table {number} of seed {seed}: {bench.get(reg.TABLE_STATUS)}")
    bench.clear()
    begin = chip.now_us + 300
    driven: list[tuple[int, int, bool]] = []
    for step in random_edges(draws, begin):
        # Eight edges at once, or anywhere within the microsecond: no clock is the right one.
        clock = chip.clock_at(step.t_us) + draws.below(CLOCKS_PER_US)
        clock = max(clock, driven[-1][0] if driven else 0)
        driven.append((clock, step.a, bool(step.b)))
        chip.drive(step.a, bool(step.b), clock)
    chip.write(reg.START_TRIAL.write_frame(0))
    for at in sorted(draws.below(SPAN_US) for _ in range(draws.below(16) * (number % 2))):
        bench.run_us(max(begin + at, chip.now_us))
        again = draws.chance(3)  # refused while a trial runs
        chip.write(
            reg.START_TRIAL.write_frame(0) if again else reg.SOFT_EVENT.write_frame(1 + draws.below(8))
        )
    bench.run_us(max(begin + SPAN_US, chip.now_us))
    bench.ask(reg.ABORT.write_frame(1), reg.ABORT.address, OVERLOADED_US)
    bench.run_us(chip.now_us + 2_000)
    for line in range(8):
        chip.drive(line, False, chip.clock + 1)
    run = Run(table=table, events=bench.events, pins=bench.pins, driven=driven)
    bench.run_us(chip.now_us + 2_000)
    if not run.began:
        raise RuntimeError(f"table {number} of seed {seed} was not started")
    return run


def happenings(run: Run) -> list[Happening]:
    """Return what the chip noted: (board time, kind, index). Losses on the line are not the table's."""
    return [(event.t_us, event.kind, event.index) for event in run.events if event.kind != EventKind.OVERRUN]


def expected(run: Run) -> list[Happening]:
    """Return what the reference does with the same table and inputs at the chip's own stamps."""
    if not run.events:
        return []
    core = BoardCore(now_us=max(0, run.events[0].t_us - 2 * CYCLE_US))
    for output, us in enumerate(MAX_OPEN_US):
        core.set_max_open(output, us)
    core.load(0, encode(run.table))
    told: list[BoardEvent] = []
    for t_us, what in sorted(_orders(run.events), key=lambda order: order[0]):
        told += core.advance(max(t_us, core.now_us))
        match EventKind(what.kind):
            case EventKind.INPUT_FALL | EventKind.INPUT_RISE:
                core.input_edge(what.index, what.kind == EventKind.INPUT_RISE)
            case EventKind.TRIAL_START:
                core.start(what.index)
            case EventKind.SOFT:
                core.soft(what.index)
            case _:
                core.abort(EndReason(what.index))
    told += core.advance(max(core.now_us, run.events[-1].t_us))
    return [happening(event) for event in told]


def on_the_emulator(run: Run) -> list[Happening] | None:
    """Return what the emulated board does, spoken to over its wire; None for a run with more than one start.

    Times are those of the chip: its trial's start is laid on the emulator's, edges come as long after it.
    """
    starts = [event for event in run.events if event.kind == EventKind.TRIAL_START]
    if len(starts) != 1 or any(event.kind == EventKind.SOFT for event in run.events):
        return None
    emulator, told = BoardEmulator(), list[Happening]()

    def advance(to_us: int) -> None:
        told.extend(happening(event) for event in emulator.advance(to_us))

    frames = [reg.OPERATION.write_frame(1)]
    frames += [reg.MAX_OPEN.write_frame(output, us) for output, us in enumerate(MAX_OPEN_US)]
    frames += upload_frames(0, encode(run.table))
    for frame in frames:  # one at a time: the chip's ring has 256 bytes
        emulator.receive(frame, emulator.now_us)
        advance(emulator.now_us + 5_000)
    emulator.receive(reg.START_TRIAL.write_frame(0), emulator.now_us)
    while not told:
        advance(emulator.now_us + _HALF)
    later_us = told[0][0] - starts[0].t_us
    ended = False
    for event in run.events:
        if event.kind in (EventKind.INPUT_FALL, EventKind.INPUT_RISE):
            advance(max(emulator.now_us, event.t_us + later_us))
            emulator.input_edge(event.index, event.kind == EventKind.INPUT_RISE)
        elif event.kind == EventKind.TRIAL_END and event.index != EndReason.COMPLETE:
            advance(event.t_us + later_us)
            emulator.core.abort(EndReason(event.index))
            ended = True
    advance(max(emulator.now_us, run.events[-1].t_us + later_us))
    assert ended or EventKind.TRIAL_END in {event.kind for event in run.events}
    return [(t_us - later_us, kind, index) for t_us, kind, index in told]


def _orders(events: list[ChipEvent]) -> Iterator[tuple[int, ChipEvent]]:
    """Yield what came from outside, and when the reference must be told to do the same."""
    for event in events:
        match event.kind:
            case EventKind.INPUT_FALL | EventKind.INPUT_RISE:
                yield event.t_us, event
            case EventKind.TRIAL_START | EventKind.SOFT:
                yield event.t_us - _HALF, event
            case EventKind.TRIAL_END if event.index != EndReason.COMPLETE:
                yield event.t_us, event
