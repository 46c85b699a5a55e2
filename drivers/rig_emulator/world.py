"""Board, recording system and animal together, in computed time; nothing here opens a port or reads a clock.

Due things run in order, each at its own time: the board's, the mouse's licks, and the blocks of the
acquisition. So what happens is the same at any speed, and in one step or in a thousand.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from drivers.open_ephys.emulator import OpenEphysEmulator
from drivers.rig_emulator.boards import emulate_board
from rig.description import Emulation, RigDescription
from rig.errors import ConfigError
from rig.events import BoardEvent, SyncEdge
from rig.sim.animal import Animal
from rig.sim.compose import make_animal
from rig.sim.sensors import Sensors
from rig.stream.recording import RecordedUnit

if TYPE_CHECKING:  # scipy.signal comes with it, and takes most of a second
    from drivers.rig_emulator.beside import EmulatedBeside
    from drivers.rig_emulator.photometry import EmulatedPhotometry

RATE_HZ = 30_000.0
GRAIN_US: Final = 4000
"""Faster than real time, samples of photometry are handed out only this often by the wall."""


class SampleClock:
    """The acquisition's own clock against the board's: an offset, and a crystal a little off.

    Parameters
    ----------
    start_us
        Board time at which sample `offset` is taken.
    ppm
        How much faster than nominal the acquisition's crystal is, in parts per million.
    """

    def __init__(self, start_us: int, offset: int, ppm: float, rate_hz: float = RATE_HZ) -> None:
        self._start_us = start_us
        self._offset = offset
        self._per_us = rate_hz * (1.0 + ppm * 1e-6) * 1e-6

    def sample(self, t_us: int) -> int:
        """Return the sample that is being taken at a board time."""
        return self._offset + math.floor((t_us - self._start_us) * self._per_us)

    def samples(self, t_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the samples of many board times; as `sample`, shape (n,)."""
        samples: NDArray[np.int64] = np.floor((t_us - self._start_us) * self._per_us).astype(np.int64)
        return samples + self._offset

    def reached_us(self, sample: int) -> int:
        """Return the first whole microsecond at which `sample` is being taken or has been."""
        t_us = self._start_us + math.ceil((sample - self._offset) / self._per_us)
        while self.sample(t_us) < sample:
            t_us += 1
        return t_us


class EmulatedWorld:
    """An emulated rig without its ports.

    Parameters
    ----------
    rig
        Lines, stream and emulation.
    recording
        Units to play instead of simulated ones.
    time_scale
        The speed ceiling that the board reports.
    start_us
        Where the board's counter stands at the beginning.
    deaf
        Bytes that the board does not hear at first, as after a reset.

    Attributes
    ----------
    now_us
        Time of the emulation.
    to_host
        Bytes of the board that wait for the host; whoever takes some cuts them off.
    messages
        Multipart messages that wait to be published.
    photometry
        The photometry sources, each with bytes or messages of its own that wait.
    beside
        The Harp devices, each with bytes of its own that wait.
    watch
        Called with every board event; for whoever measures.

    Raises
    ------
    ConfigError
        If the rig has more than one stream, or its emulation contradicts itself.
    """

    def __init__(
        self,
        rig: RigDescription,
        recording: Sequence[RecordedUnit] | None = None,
        *,
        time_scale: int = 1,
        start_us: int = 0,
        deaf: int = 1,
    ) -> None:
        if len(rig.streams) > 1:
            raise ConfigError(f"the emulated rig plays one neural stream; this rig has {len(rig.streams)}")
        emulation = rig.emulation or Emulation()
        self.now_us = start_us
        self.to_host = bytearray()
        self.messages: deque[list[bytes]] = deque()
        self.board, tables = emulate_board(rig, time_scale=time_scale, start_us=start_us, deaf=deaf)
        self.animal: Animal = make_animal(rig, tables, recording, start_us)
        self.sensors = Sensors(rig)
        self.clock = SampleClock(start_us, emulation.clock_offset_samples, emulation.clock_ppm)
        self.acquisition: OpenEphysEmulator | None = None
        self._block_us: int | None = None
        self.watch: Callable[[BoardEvent], None] | None = None
        self.photometry = _photometry(rig, len(self.animal.units.names), start_us, time_scale)
        self.beside = _beside(rig, start_us)
        self._inputs = {name: line.line for name, line in rig.board.inputs.items()}
        self._events_input = {name: played.events_input for name, played in emulation.photometry.items()}
        for stream in rig.streams:
            self.acquisition = OpenEphysEmulator(
                self.animal.units.names,
                stream=stream.name,
                rate_hz=RATE_HZ,
                first_sample=emulation.clock_offset_samples,
                sync_line=stream.sync_line,
                seed=emulation.seed,
            )
            self._block_us = self._block_end(self.acquisition)

    def _block_end(self, acquisition: OpenEphysEmulator) -> int:
        return self.clock.reached_us(acquisition.next_sample + acquisition.block)

    @property
    def idle(self) -> bool:
        """Whether everything that came out has been taken."""
        waits = any(source.to_host or source.messages for source in self.photometry)
        waits = waits or any(device.to_host for device in self.beside)
        return not self.to_host and not self.messages and not waits

    def next_due_us(self) -> int | None:
        """When something happens next."""
        animal_us, sensors_us = self.animal.next_due_us, self.sensors.next_due_us
        sources_us = [source.next_due_us() for source in self.photometry]
        sources_us += [device.next_due_us() for device in self.beside]
        due = (self.board.next_due_us(), animal_us, sensors_us, self._block_us, *sources_us)
        return min((t_us for t_us in due if t_us is not None), default=None)

    def receive(self, data: bytes) -> None:
        """The host writes to the board now."""
        self.board.receive(data, self.now_us)

    def run(self, to_us: int) -> None:
        """Let time pass to `to_us`, or until something has come out that the host must take first."""
        while self.idle:
            due = self.next_due_us()
            if due is None or due > to_us:
                self._step(max(to_us, self.now_us))
                return
            self._step(max(due, self.now_us))

    def _step(self, to_us: int) -> None:
        self.now_us = to_us
        for event in self.board.advance(to_us):
            if isinstance(event, SyncEdge) and self.acquisition is not None:
                self.acquisition.add_sync(event.rising, self.clock.sample(event.t_us))
            for source in self.photometry:
                if isinstance(event, SyncEdge):
                    source.sync(event.t_us, rising=event.rising)
            for device in self.beside:
                device.board_event(event)
            self.animal.on_event(event)
            self.sensors.on_event(event)
            if self.watch is not None:
                self.watch(event)
        licks, (units, times) = self.animal.emit(to_us)
        for _, line, rising in [*licks, *self.sensors.emit(to_us)]:
            self.board.input_edge(line, rising)
        for source in self.photometry:
            source.spikes(times)
            for rising in source.edges(to_us):
                line = self._inputs[self._events_input[source.config.name]]
                self.board.input_edge(line, rising)
            source.advance(to_us)
        for device in self.beside:
            device.advance(to_us)
        if self.acquisition is not None:
            if units.size:
                self.acquisition.add_spikes(units, self.clock.samples(times))
            if self._block_us is not None and to_us >= self._block_us:
                self.messages.extend(self.acquisition.advance(self.clock.sample(to_us)))
                self._block_us = self._block_end(self.acquisition)
        self.to_host += self.board.outgoing(to_us)


def _photometry(rig: RigDescription, units: int, start_us: int, time_scale: int) -> list[EmulatedPhotometry]:
    if not rig.photometry:
        return []
    from drivers.rig_emulator.photometry import emulated_photometry

    return emulated_photometry(rig, units, start_us, GRAIN_US * time_scale if time_scale > 1 else 0)


def _beside(rig: RigDescription, start_us: int) -> list[EmulatedBeside]:
    if not rig.harp:
        return []
    from drivers.rig_emulator.beside import emulated_beside

    return emulated_beside(rig, start_us)
