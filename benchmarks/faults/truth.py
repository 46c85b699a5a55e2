"""What really happened on an emulated rig, whatever the host was told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.board.emulator import BoardEmulator
from drivers.rig_emulator.world import EmulatedWorld
from rig.description import OutputLine, RigDescription
from rig.events import (
    BoardEvent,
    EndReason,
    InputEdge,
    OutputChange,
    StateEntered,
    TrialEnded,
    TrialStarted,
)
from rig.machine.calibration import volume_ul
from rig.machine.image import encode
from rig.trial.assemble import TrialAssembler
from rig.trial.spec import TrialSpec

_NOTHING = TrialSpec(condition="truth")


@dataclasses.dataclass
class TrueTrial:
    """One trial as the board ran it; times are the emulation's, the image is the table's."""

    image: bytes
    start_us: int
    told: TrialAssembler
    reason: EndReason | None = None
    openings: int = 0


class Truth:
    """Looks over a world's shoulder, from before its first step.

    Parameters
    ----------
    saw
        Called with everything that really happens on the board, when it does.

    Attributes
    ----------
    trials
        Every trial that the board began, in order.
    water_us, water_ul
        Open times of the valve, each; and what they stand for in the calibration.
    """

    def __init__(
        self,
        rig: RigDescription,
        world: EmulatedWorld,
        saw: Callable[[BoardEvent], None] = lambda event: None,
    ) -> None:
        self.world = world
        self.trials: list[TrueTrial] = []
        self.water_us: list[int] = []
        self.water_ul = 0.0
        (self.valve,) = (line for line in rig.board.outputs.values() if line.kind == "valve")
        self._rig = rig
        self._saw = saw
        self._opened_us: int | None = None
        self._spikes: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._look(world)

    valve: OutputLine

    def _look(self, world: EmulatedWorld) -> None:
        board, acquisition = world.board, world.acquisition
        assert isinstance(board, BoardEmulator)
        assert acquisition is not None
        advance, reset = board.advance, board.reset
        add_spikes = acquisition.add_spikes

        def seen(to_us: int) -> list[BoardEvent]:
            happened = advance(to_us)
            for event in happened:
                self._take(event)
                self._saw(event)
            return happened

        def lost_power() -> None:
            self._close(world.now_us)
            reset()

        def fired(units: Any, samples: Any) -> None:
            self._spikes.append((np.array(units, dtype=np.int64), np.array(samples, dtype=np.int64)))
            add_spikes(units, samples)

        board.advance = seen  # type: ignore[method-assign]
        board.reset = lost_power  # type: ignore[method-assign]
        acquisition.add_spikes = fired  # type: ignore[method-assign]

    def _take(self, event: BoardEvent) -> None:
        if isinstance(event, TrialStarted):
            board = self.world.board
            assert isinstance(board, BoardEmulator)
            table = board.core.table(event.slot)
            assert table is not None
            told = TrialAssembler(len(self.trials), _NOTHING, table, self._rig)
            self.trials.append(TrueTrial(encode(table), event.t_us, told))
        if isinstance(event, OutputChange) and event.output == self.valve.line:
            if event.on:
                self._opened_us = event.t_us
                if self.trials:
                    self.trials[-1].openings += 1
            else:
                self._close(event.t_us)
        trial = self.trials[-1] if self.trials else None
        if trial is None or trial.told.complete:
            return
        if isinstance(event, TrialStarted | StateEntered | InputEdge | OutputChange | TrialEnded):
            trial.told.add(event)
        if isinstance(event, TrialEnded):
            trial.reason = event.reason

    def _close(self, now_us: int) -> None:
        if self._opened_us is not None and now_us > self._opened_us:
            self.water_us.append(now_us - self._opened_us)
            self.water_ul += volume_ul(self.valve, now_us - self._opened_us)
        self._opened_us = None

    @property
    def openings(self) -> int:
        """How often the valve opened."""
        return len(self.water_us) + (self._opened_us is not None)

    def spikes(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Everything that the animal's units fired: units, samples."""
        none = np.zeros(0, dtype=np.int64)
        units, samples = [none, *(units for units, _ in self._spikes)], [none, *(s for _, s in self._spikes)]
        return np.concatenate(units), np.concatenate(samples)
