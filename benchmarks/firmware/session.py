"""A whole session on the emulated chip: real driver, real firmware, and the simulated animal at its pins.

Time is the chip's. The animal is told what the board noted, as soon as it noted it, and its licks are
edges of a pin at their very microsecond. The recording system is the direct one (`rig.sim.direct`).
"""

from __future__ import annotations

import dataclasses
from itertools import count
from pathlib import Path
from typing import Final, cast

import msgspec

from drivers.board import registers as reg
from drivers.board.chip import CLOCKS_PER_US, Chip, PinChange, Told
from drivers.board.codec import HarpCodec
from drivers.board.device import HarpBoard
from drivers.board.event_codes import EventKind, decode_event
from drivers.board.wire import WRITE, Frame
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import STREAM, run_virtual, virtual_description
from rig.description import Emulation
from rig.design.plan import SessionPlan
from rig.documents import SessionEnded
from rig.effects import Halt, Publish, Wake, Write
from rig.events import BoardEvent, OutputChange, SyncEdge
from rig.log.entry import PORT_OPEN, Input
from rig.log.pack import pack
from rig.machine.image import decode
from rig.machine.table import StateTable
from rig.session import BOARD_PORT, Session
from rig.sim.animal import Animal
from rig.sim.compose import make_animal
from rig.sim.direct import Block, DirectFeed
from rig.sim.training import trained_on
from rig.sim.virtual_rig import BLOCK_US
from rig.units import NS_PER_US, US_PER_MS

ALIVE_US: Final = 10 * US_PER_MS
"""The host's sign of life, as `rig.runtime.guard` gives it."""

_NOTED_US: Final = 2 * US_PER_MS
"""So long after it happened, the board has noted whatever it was; spikes are not worked out before."""

_FAR_US: Final = 1 << 62
_MID_US: Final = CLOCKS_PER_US // 2


class ChipRig:
    """The far end of the wire for `rig.sim.drive`: the chip and an animal at its pins.

    Attributes
    ----------
    opened
        What the board noted and what its pins did, for comparison: output changes, pin changes.
    """

    def __init__(self, chip: Chip, plan: SessionPlan) -> None:
        self.chip = chip
        self._tables: dict[int, StateTable] = {}
        chip.boot()
        self.animal: Animal = make_animal(trained_on(plan.rig, plan.protocol), self._tables.get, None, 0)
        line = self.animal._wiring.lick_line
        assert line is not None, "this rig has no lick sensor"
        self._lick_line = line
        self.outputs: list[OutputChange] = []
        self.pins: list[PinChange] = []
        self._upload = bytearray(1 << 16)
        self._codec = HarpCodec("host")
        self._alive = 0
        self._alive_us = ALIVE_US
        self._block_us = chip.now_us + BLOCK_US
        self._out = b""
        self._sync: list[tuple[int, bool]] = []

    @property
    def now_us(self) -> int:
        """Board time."""
        return self.chip.now_us

    def write(self, data: bytes) -> None:
        """Take bytes from the host."""
        for item in self._codec.feed(data, 0):
            if isinstance(item, Frame) and item.kind == WRITE:
                self._see(item)
        self.chip.write(data)

    def _see(self, frame: Frame) -> None:
        """Keep the tables that the host uploads: the animal's drops are foretold by them."""
        if frame.address == reg.TABLE_CHUNK.address:
            offset = int.from_bytes(frame.payload[:2], "little")
            self._upload[offset : offset + reg.CHUNK_BYTES] = frame.payload[2:]
        elif frame.address == reg.TABLE_COMMIT.address:
            slot, length, _ = reg.TABLE_COMMIT.unpack(frame.payload)
            self._tables[slot] = decode(bytes(self._upload[:length]))

    def advance(self, limit_us: int) -> tuple[bytes, list[list[bytes]]]:
        """Go on until there is something for the host, or to `limit_us`."""
        while not self._out and self.now_us < limit_us:
            messages = self._step(limit_us)
            if messages:
                return self._taken(), messages
        return self._taken(), []

    def _taken(self) -> bytes:
        data, self._out = self._out, b""
        return data

    def _step(self, limit_us: int) -> list[list[bytes]]:
        """Run to the next due thing, or until the board notes an event."""
        due = min(limit_us, self._block_us, self._alive_us)
        lick_us = self.animal.next_due_us
        to_us = max(due if lick_us is None else min(due, lick_us), self.now_us)
        self._take(self.chip.until_event(self.chip.clock_at(to_us)))
        now_us = self.now_us
        if now_us < to_us:
            return []
        if now_us >= self._alive_us:
            self._alive_us += ALIVE_US
            self._alive += 1
            self.chip.write(HarpBoard.alive_frame(self._alive))
        # The tongue and the neurons are asked apart: a lick cannot wait for what the board has yet to note.
        for t_us, rising in self.animal._mouse.emit(to_us):
            self.chip.drive(self._lick_line, rising, self.chip.clock_at(t_us) + _MID_US)
        if now_us < self._block_us:
            return []
        self._block_us += BLOCK_US
        return [[self._block(now_us - _NOTED_US)]]

    def _take(self, told: Told) -> None:
        self._out += told.data
        self.pins += told.pins
        for noted in told.events:
            event = decode_event(noted.kind, noted.index, noted.t_us)
            if event is None or noted.kind == EventKind.OVERRUN:
                continue
            if isinstance(event, SyncEdge):
                self._sync.append((event.t_us, event.rising))
            if isinstance(event, OutputChange):
                self.outputs.append(event)
            self.animal.on_event(cast("BoardEvent", event))

    def _block(self, to_us: int) -> bytes:
        units, times = self.animal.units.emit(to_us)
        sync = tuple(edge for edge in self._sync if edge[0] < to_us)
        self._sync = self._sync[len(sync) :]
        spikes = units.astype("<i8").tobytes(), times.astype("<i8").tobytes()
        return msgspec.msgpack.encode(Block(*spikes, sync, to_us))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sitting:
    """A session that ran on the chip."""

    ended: SessionEnded
    session: Session
    board: HarpBoard
    rig: ChipRig


def plan_for(trials: int, units: int, seed: int) -> SessionPlan:
    """Return the plan of `dopaloop simulate variable_magnitude`."""
    rig = virtual_description(demo_rig(), Emulation(units=units, seed=seed))
    return make_plan("variable_magnitude", rig, subject="simulated", seed=seed, trials=trials, settings={})


def run_on_chip(program: Path, firmware: Path, plan: SessionPlan) -> Sitting:
    """Run a plan on the emulated chip.

    Raises
    ------
    RuntimeError
        If the session halts without having ended.
    """
    with Chip(program, firmware) as chip:
        rig = ChipRig(chip, plan)
        names = rig.animal.units.names
        feeds = {stream.name: DirectFeed(names, stream.sync_line) for stream in plan.rig.streams}
        board = HarpBoard(plan.rig.board)
        session = Session(plan, board, feeds)
        ended = _drive(session, rig, STREAM if feeds else None)
    return Sitting(ended=ended, session=session, board=board, rig=rig)


def _drive(session: Session, rig: ChipRig, stream: str | None) -> SessionEnded:
    """Step the session with what comes from the rig until it halts.

    As `rig.sim.drive`, but for a driver that has deadlines of its own: the latest wake asked for is the one
    that holds.
    """
    ended: SessionEnded | None = None
    wake_ns: int | None = None
    waiting: list[tuple[str, str, bytes]] = [(BOARD_PORT, "port", PORT_OPEN)]
    effects = session.start(rig.now_us * NS_PER_US)
    for seq in count():
        for effect in effects:
            match effect:
                case Write():
                    rig.write(effect.data)
                case Wake():
                    wake_ns = effect.t_ns
                case Publish(document=SessionEnded() as document):
                    ended = document
                case Halt():
                    if ended is None:
                        raise RuntimeError(effect.reason)
                    return ended
        while not waiting:
            limit_us = _FAR_US if wake_ns is None else -(-wake_ns // NS_PER_US)
            data, messages = rig.advance(limit_us)
            waiting += [(BOARD_PORT, "bytes", data)] if data else []
            waiting += [(stream, "messages", pack(messages))] if messages and stream else []
            if not waiting and rig.now_us >= limit_us:
                wake_ns = None
                waiting.append(("clock", "deadline", b""))
        source, kind, payload = waiting.pop(0)
        effects = session.step(Input(seq, rig.now_us * NS_PER_US, source, kind, payload))  # type: ignore[arg-type]
    raise AssertionError("unreachable")


def simulated_digest(plan: SessionPlan) -> str:
    """Return the decision digest of the same plan in pure simulation."""
    return run_virtual(plan).ended.decision_digest
