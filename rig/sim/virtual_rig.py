"""The far end of the direct wire: a board's core and an animal, in time that jumps.

Time is the board's, in microseconds, and goes from one due thing to the next.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import msgspec

from rig.commands import (
    Abort,
    BoardCommand,
    Configure,
    Pulse,
    PulseCost,
    SendSoftEvent,
    StartTrial,
    UploadTable,
)
from rig.events import BoardEvent, BoardReady, CommandRefused, Heartbeat, SyncEdge, TableAccepted
from rig.machine.core import BoardCore
from rig.machine.refusal import TableRefused
from rig.sim.animal import Animal
from rig.sim.direct import Block, Frames, Hello, frame
from rig.sim.sensors import Sensors
from rig.units import US_PER_S

BLOCK_US: Final = 100_000
"""The stream comes in blocks of this length."""
TIME_SCALE: Final = 0xFFFF
"""What the virtual board says of its speed: an emulator, as fast as it goes."""

_command_decoder = msgspec.msgpack.Decoder(BoardCommand | Hello)


class VirtualRig:
    """A board's core and an animal, in time that jumps.

    Parameters
    ----------
    core
        The board.
    animal
        What is tied to it; its callables must read this same core.
    sensors
        What else is on its inputs, if anything.
    """

    def __init__(self, core: BoardCore, animal: Animal, sensors: Sensors | None = None) -> None:
        self.core = core
        self.animal = animal
        self.sensors = sensors or Sensors()
        self._frames = Frames()
        self._out: list[bytes] = []
        self._sync: list[tuple[int, bool]] = []
        self._spikes: list[tuple[bytes, bytes]] = []
        self._block_us = core.now_us + BLOCK_US
        self._beat_us = core.now_us + US_PER_S

    @property
    def now_us(self) -> int:
        """Board time."""
        return self.core.now_us

    def write(self, data: bytes) -> None:
        """Take bytes from the host, at the time it is now."""
        for body in self._frames.feed(data):
            self._obey(_command_decoder.decode(body))

    def advance(self, limit_us: int) -> tuple[bytes, list[list[bytes]]]:
        """Go on until there is something for the host, or to `limit_us`.

        Returns
        -------
        tuple
            Bytes of the board, and multipart messages of the stream.
        """
        while not self._out and self.core.now_us < limit_us:
            messages = self._step(limit_us)
            if messages:
                return self._taken(), messages
        return self._taken(), []

    def _taken(self) -> bytes:
        data, self._out = b"".join(self._out), []
        return data

    def _step(self, limit_us: int) -> list[list[bytes]]:
        """Go to the next due thing, not past `limit_us`."""
        due = [limit_us, self._block_us, self._beat_us, self.core.next_due_us(), self.animal.next_due_us]
        due.append(self.sensors.next_due_us)
        to_us = max(min(t for t in due if t is not None), self.core.now_us)
        self._report(self.core.advance(to_us))
        licks, (units, times) = self.animal.emit(to_us)
        for _, line, rising in [*licks, *self.sensors.emit(to_us)]:
            self.core.input_edge(line, rising)
        if units.size:
            self._spikes.append((units.astype("<i8").tobytes(), times.astype("<i8").tobytes()))
        if to_us >= self._beat_us:
            self._beat_us += US_PER_S
            self._send(Heartbeat(t_us=to_us))
        if to_us < self._block_us:
            return []
        self._block_us += BLOCK_US
        return [[self._block(to_us)]]

    def _report(self, events: Sequence[BoardEvent]) -> None:
        for event in events:
            if isinstance(event, SyncEdge):
                self._sync.append((event.t_us, event.rising))
            self.animal.on_event(event)
            self.sensors.on_event(event)
            self._send(event)

    def _block(self, to_us: int) -> bytes:
        spikes, self._spikes = self._spikes, []
        sync, self._sync = self._sync, []
        units, samples = b"".join(u for u, _ in spikes), b"".join(t for _, t in spikes)
        return msgspec.msgpack.encode(Block(units, samples, tuple(sync), to_us))

    def _send(self, event: BoardEvent) -> None:
        self._out.append(frame(event))

    def _obey(self, command: BoardCommand | Hello) -> None:
        core = self.core
        match command:
            case Hello():
                self._send(
                    BoardReady(
                        name="virtual board",
                        serial="0",
                        firmware="rig.sim",
                        time_scale=TIME_SCALE,
                        t_us=core.now_us,
                    )
                )
            case Configure():
                for output, max_us in enumerate(command.max_open_us[: core.limits.outputs]):
                    core.set_max_open(output, max_us)
                for output in range(core.limits.outputs):
                    core.set_cost(output, PulseCost())
                for output, price in enumerate(command.costs):
                    core.set_cost(output, price)
                core.set_budget(command.per_minute, command.per_session, begin=command.begin)
                core.set_sync_seed(command.sync_seed)
            case UploadTable():
                self._load(command)
            case StartTrial():
                if not core.start(command.slot):
                    reason = "a trial is running" if core.running else f"slot {command.slot} holds no table"
                    self._send(CommandRefused(command="start", reason=reason))
            case Abort():
                core.abort()
            case Pulse():
                core.pulse(command.output, command.duration_us)
            case SendSoftEvent():
                core.soft(command.number)

    def _load(self, command: UploadTable) -> None:
        try:
            self.core.load(command.slot, command.image)
        except TableRefused as refused:
            self._send(CommandRefused(command="upload", reason=str(refused)))
        else:
            self._send(TableAccepted(slot=command.slot, crc32=zlib.crc32(command.image)))
