"""The neurons of an animal: the contract, and the ones that learn by themselves."""

from __future__ import annotations

from typing import Protocol

import msgspec
import numpy as np

from rig.machine.table import StateTable
from rig.sim import draws
from rig.sim.neurons import Population, PopulationSettings, unit_names
from rig.sim.spiking import Floats, Spikes, SpikeTrains
from rig.sim.truth import AnimalTruth, UnitTruth

Stretch = tuple[int, int]
"""(trial, number of the stretch in it); trial -1 is the time before the first."""


class Units(Protocol):
    """The neurons of an animal: told what happens, asked for spikes."""

    @property
    def names(self) -> tuple[str, ...]:
        """Unit names, ``electrode:sorted_id``; spikes refer to them by position."""
        ...

    def trial_began(self, t_us: int, stretch: Stretch, table: StateTable | None) -> None:
        """A table began to run."""
        ...

    def smelled(self, t_us: int, stretch: Stretch, *, promising: bool) -> None:
        """An odour came on."""
        ...

    def rewarded(self, t_us: int, stretch: Stretch, volume_ul: float, *, signalled: bool) -> None:
        """A valve opened."""
        ...

    def trial_ended(self, t_us: int, stretch: Stretch) -> None:
        """The table ended."""
        ...

    def emit(self, to_us: int) -> Spikes:
        """Return spikes before `to_us` that were not handed out yet."""
        ...

    def truth(self, trials: int) -> AnimalTruth:
        """Reveal what there is to know."""
        ...


class SimulatedUnits:
    """A dopamine population that learns (`rig.sim.neurons`) and fires (`rig.sim.spiking`).

    Parameters
    ----------
    start_us
        Board time at which it begins to fire.
    """

    def __init__(self, settings: PopulationSettings, start_us: int = 0) -> None:
        self.population = Population(settings)
        base = draws.key(settings.seed, 0x5B1CE)
        self._trains = SpikeTrains(base, settings.units, self.population.world.fano)
        self._names = unit_names(settings.units)
        self._quiet_hz: Floats = np.zeros((0, settings.units))
        self._begin(start_us, (-1, 0), self._quiet_hz)

    @property
    def names(self) -> tuple[str, ...]:
        """Unit names, in the order of the spikes' indices."""
        return self._names

    def _begin(self, t_us: int, stretch: Stretch, head_hz: Floats) -> None:
        self._trains.begin(t_us, stretch, head_hz, self.population.background_hz(max(stretch[0], 0)))

    def trial_began(self, t_us: int, stretch: Stretch, table: StateTable | None) -> None:
        """Fire at baseline."""
        self._begin(t_us, stretch, self._quiet_hz)

    def trial_ended(self, t_us: int, stretch: Stretch) -> None:
        """Fire at baseline."""
        self._begin(t_us, stretch, self._quiet_hz)

    def smelled(self, t_us: int, stretch: Stretch, *, promising: bool) -> None:
        """Answer an odour, in proportion to value if it promises a reward."""
        self._begin(t_us, stretch, self.population.cue_hz(max(stretch[0], 0), rewarded=promising))

    def rewarded(self, t_us: int, stretch: Stretch, volume_ul: float, *, signalled: bool) -> None:
        """Answer a reward with its error, and learn from it."""
        self._begin(t_us, stretch, self.population.reward(max(stretch[0], 0), volume_ul))

    def emit(self, to_us: int) -> Spikes:
        """Return spikes before `to_us` that were not handed out yet."""
        return self._trains.emit(to_us)

    def truth(self, trials: int) -> AnimalTruth:
        """Reveal every unit's fixed point; a naive animal has none to reveal."""
        settings = self.population.settings
        truths = self.population.truth()
        reason = None if truths else "the animal began naive: its values had no fixed point to stand at"
        return AnimalTruth(
            animal="simulated",
            seed=settings.seed,
            trials=trials,
            settings=msgspec.to_builtins(settings),
            units=tuple(
                UnitTruth(unit=name, truth=truths[i] if truths else None, reason=reason)
                for i, name in enumerate(self._names)
            ),
        )
