"""Photometry of an emulated rig: each source's device, the fibres or the recording that it measures.

Nothing here opens a port or reads a clock. The world says what time it is, what the units fired and what the
board's sync line did; bytes and messages wait to be taken.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.pyphotometry.emulator import PyPhotometryEmulator
from drivers.pyphotometry.wire import mode_of
from drivers.samples.emulator import SampleStreamEmulator
from rig.description import EmulatedSource, RigDescription
from rig.errors import ConfigError
from rig.photometry.recording import PhotometryRecording
from rig.photometry.settings import FibreConfig, PhotometryConfig
from rig.runtime.photometry_files import read_photometry
from rig.sim.photometry import FibreWorld, Losses, SimulatedFibre
from rig.units import US_PER_MS, US_PER_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

IDLE_V: Final = 0.5
"""What a channel shows that no fibre is on, in volts."""
MESSAGE_S: Final = 0.05
EVENT_US: Final = 20 * US_PER_MS
"""A recorded event is a pulse of this length on the board's input."""


class _Played:
    """What a source measures from its start on: volts by sample number."""

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.channels = channels

    def fetch(self, first: int, count: int) -> Floats:
        """Return samples in order, each once; shape (count, channels), in volts."""
        raise NotImplementedError

    def drive(self, t_us: Ints, units: int) -> None:
        """Let the sensors answer spikes of a population of so many units."""


class _Simulated(_Played):
    """Fibres over the animal's units."""

    def __init__(
        self,
        channels: tuple[str, ...],
        fibres: list[tuple[FibreConfig, FibreWorld]],
        rate_hz: float,
        start_us: int,
    ) -> None:
        super().__init__(channels)
        self._fibres = [(config, SimulatedFibre(world, rate_hz, start_us)) for config, world in fibres]

    def fetch(self, first: int, count: int) -> Floats:
        volts = np.full((count, len(self.channels)), IDLE_V)
        for config, fibre in self._fibres:
            made = fibre.take(first, count)
            for k, channel in enumerate((config.signal, config.control)[: made.shape[1]]):
                volts[:, self.channels.index(channel)] = made[:, k]
        return volts

    def drive(self, t_us: Ints, units: int) -> None:
        for _, fibre in self._fibres:
            fibre.drive_spikes(t_us, units)


class _Recorded(_Played):
    """A recording, its channels in order; past its end it begins anew."""

    def __init__(self, channels: tuple[str, ...], recording: PhotometryRecording) -> None:
        super().__init__(channels)
        self._recording = recording

    def fetch(self, first: int, count: int) -> Floats:
        played = self._recording.play(first, count)
        volts = np.full((count, len(self.channels)), IDLE_V)
        columns = min(played.shape[1], volts.shape[1])
        volts[:, :columns] = played[:, :columns]
        return volts


class EmulatedPhotometry:
    """One source of an emulated rig.

    Parameters
    ----------
    config, played
        The source's part of the rig file, and what it shall measure.
    seed
        Of everything that is drawn.
    units
        How many units drive a simulated fibre.
    grain_us
        Samples are handed out no more often than this, as a busy computer's driver would.

    Attributes
    ----------
    to_host, messages
        Bytes for the host's port, and messages to be published; whoever takes some cuts them off.

    Raises
    ------
    ConfigError
        If it cannot be emulated.
    """

    def __init__(
        self,
        config: PhotometryConfig,
        played: EmulatedSource,
        *,
        seed: int,
        units: int,
        start_us: int = 0,
        grain_us: int = 0,
    ) -> None:
        self.config = config
        self.to_host = bytearray()
        self.messages: deque[list[bytes]] = deque()
        self._what = played
        self._seed = seed
        self._units = units
        self._grain_us = grain_us
        self._advanced_us = start_us
        self._recording = read_photometry(Path(played.recording)) if played.recording else None
        self._events_s = self._recorded_events()
        self._source: _Played | None = None
        self._edges: deque[tuple[int, bool]] = deque()
        self._stall_us = start_us + round(played.stall_every_s * US_PER_S) if played.stall_every_s else None
        lost = Losses(seed=seed, share=played.lost_share, burst=played.lost_burst).lost
        self.board: PyPhotometryEmulator | None = None
        self._program: SampleStreamEmulator | None = None
        if config.driver == "pyphotometry":
            mode = mode_of(config.mode, config.rate_hz, f"photometry '{config.name}'")
            self._channels = mode.channels()
            self._check_channels()
            self.board = PyPhotometryEmulator(
                self._begin, ppm=played.ppm, lost=lost if played.lost_share else None, start_us=start_us
            )
        elif config.driver == "samples":
            self._channels = _channels_of(config)
            rate_hz = float(config.rate_hz) * (1.0 + played.ppm * 1e-6)
            self._program = SampleStreamEmulator(
                self._begin(start_us, rate_hz),
                self._channels,
                stream=config.name,
                rate_hz=float(config.rate_hz),
                ppm=played.ppm,
                block=max(1, round(config.rate_hz * MESSAGE_S)),
                lines=config.sync_line + 1,
                lost=lost if played.lost_share else None,
                start_us=start_us,
            )
        else:
            raise ConfigError(
                f"photometry source '{config.name}' has driver '{config.driver}'; the emulated rig plays "
                "'pyphotometry' and 'samples'"
            )

    def _check_channels(self) -> None:
        for name, fibre in self.config.fibres.items():
            for channel in filter(None, (fibre.signal, fibre.control)):
                if channel not in self._channels:
                    raise ConfigError(
                        f"fibre '{name}': a board in mode {self.config.mode} has no channel '{channel}'; "
                        f"it has {', '.join(self._channels)}"
                    )

    def _recorded_events(self) -> Floats:
        if self._recording is None or not self._what.events:
            return np.zeros(0)
        known = self._recording.events_s
        if self._what.events not in known:
            raise ConfigError(
                f"the recording has no events '{self._what.events}'; it has {', '.join(known) or 'none'}",
                self._what.recording,
            )
        return known[self._what.events]

    def _begin(self, start_us: int, rate_hz: float) -> Callable[[int, int], Floats]:
        """Begin to measure, at `rate_hz` true samples a second."""
        if self._recording is not None:
            self._source = _Recorded(self._channels, self._recording)
            # Sample k is taken k + 1 of the device's own periods after its start.
            taken = (self._events_s * self._recording.rate_hz + 1.0) / rate_hz * US_PER_S
            rises = (start_us + np.rint(taken)).astype(np.int64).tolist()
            self._edges = deque(
                edge for at_us in rises for edge in ((at_us, True), (at_us + EVENT_US, False))
            )
        else:
            worlds = [
                (fibre, _world(self._what, fibre, self._seed + k))
                for k, fibre in enumerate(self.config.fibres.values())
            ]
            self._source = _Simulated(self._channels, worlds, rate_hz, start_us)
        return self._source.fetch

    @property
    def sent(self) -> int:
        """Samples of a board that have left in chunks."""
        return 0 if self.board is None else self.board.sent

    # --- what the world says ------------------------------------------------------------------------

    def sync(self, t_us: int, *, rising: bool) -> None:
        """The board's sync line changed."""
        if self.board is not None:
            self.board.input_edge(self.config.sync_line, rising, t_us)
        elif self._program is not None:
            self._program.input_edge(self.config.sync_line, rising, t_us)

    def spikes(self, t_us: Ints) -> None:
        """The units fired at these times."""
        if self._source is not None and t_us.size:
            self._source.drive(np.sort(t_us), self._units)

    def receive(self, data: bytes, now_us: int) -> None:
        """The host writes to the port."""
        if self.board is not None:
            self.board.receive(data, now_us)
            self.to_host += self.board.outgoing()

    def next_due_us(self) -> int | None:
        """When something happens by itself next."""
        due = self.board.next_due_us() if self.board is not None else None
        if self._program is not None:
            due = self._program.next_due_us()
        if due is not None:
            due = max(due, self._advanced_us + self._grain_us)
        edge_us = self._edges[0][0] if self._edges else None
        return min((t_us for t_us in (due, edge_us) if t_us is not None), default=None)

    def edges(self, to_us: int) -> list[bool]:
        """Return the changes of the input that recorded events come on, up to `to_us`: rising or not."""
        found = []
        while self._edges and self._edges[0][0] <= to_us:
            found.append(self._edges.popleft()[1])
        return found

    def advance(self, to_us: int) -> None:
        """Let time pass."""
        if to_us < self._advanced_us + self._grain_us:
            return
        self._advanced_us = to_us
        if self._program is not None:
            self.messages.extend(self._program.advance(to_us))
        if self.board is None:
            return
        while self._stall_us is not None and self._stall_us <= to_us:
            self.board.advance(self._stall_us)
            self.board.stall(round(self._what.stall_ms * US_PER_MS))
            self._stall_us += round(self._what.stall_every_s * US_PER_S)
        self.board.advance(to_us)
        self.to_host += self.board.outgoing()


def _channels_of(config: PhotometryConfig) -> tuple[str, ...]:
    names = itertools.chain.from_iterable((f.signal, f.control) for f in config.fibres.values())
    return tuple(dict.fromkeys(name for name in names if name))


def _world(played: EmulatedSource, fibre: FibreConfig, seed: int) -> FibreWorld:
    shared = {
        name: getattr(played, name)
        for name in ("sensor", "per_spike", "bleached", "movements_per_min", "movement", "noise_v")
    }
    control = played.control if fibre.control else "none"
    return msgspec.convert({**shared, "control": control, "seed": seed}, FibreWorld)


def emulated_photometry(
    rig: RigDescription, units: int, start_us: int, grain_us: int
) -> list[EmulatedPhotometry]:
    """Make all photometry sources of a rig, each with draws of its own.

    Raises
    ------
    ConfigError
        If one of them cannot be emulated.
    """
    emulation = rig.emulation
    played = emulation.photometry if emulation is not None else {}
    seed = emulation.seed if emulation is not None else 1
    return [
        EmulatedPhotometry(
            config,
            played.get(config.name, EmulatedSource()),
            seed=seed + 1000 * (k + 1),
            units=max(units, 1),
            start_us=start_us,
            grain_us=grain_us,
        )
        for k, config in enumerate(rig.photometry)
    ]
