"""The neurons of an animal: the contract, and the ones that learn by themselves."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec
import numpy as np

from rig.machine.table import StateTable
from rig.sim import draws
from rig.sim.light import LightResponses
from rig.sim.neurons import Population, PopulationSettings, unit_names
from rig.sim.spiking import Floats, Spikes, SpikeTrains
from rig.sim.truth import AnimalTruth, UnitTruth

NAIVE: Final = "the animal began naive: its values had no fixed point to stand at"
OWN_VALUES: Final = "every cue has a reversal point of its own, and this session is about none of them alone"

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

    def smelled(self, t_us: int, stretch: Stretch, *, promising: bool, cue: str | None = None) -> None:
        """An odour came on; `cue` names it if it has a value of its own."""
        ...

    def rewarded(
        self, t_us: int, stretch: Stretch, volume_ul: float, *, signalled: bool, cue: str | None = None
    ) -> None:
        """A valve opened; `cue` names what announced it, if that has a value of its own."""
        ...

    def omitted(self, trial: int, cue: str) -> None:
        """A trial is about to end, and what this cue promised did not come."""
        ...

    def lit(self, t_us: int, trial: int, pulse: int) -> None:
        """A laser came on; `pulse` counts its pulses within the trial, from 0."""
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
        self._light = LightResponses(settings.seed, settings.units, settings.tagged_share)
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

    def smelled(self, t_us: int, stretch: Stretch, *, promising: bool, cue: str | None = None) -> None:
        """Answer an odour, in proportion to value if it promises a reward."""
        self._begin(t_us, stretch, self.population.cue_hz(max(stretch[0], 0), rewarded=promising, cue=cue))

    def rewarded(
        self, t_us: int, stretch: Stretch, volume_ul: float, *, signalled: bool, cue: str | None = None
    ) -> None:
        """Answer a reward with its error, and learn from it."""
        self._begin(t_us, stretch, self.population.reward(max(stretch[0], 0), volume_ul, cue))

    def lit(self, t_us: int, trial: int, pulse: int) -> None:
        """Answer light on top of everything else."""
        self._trains.add(*self._light.evoked(trial, pulse, t_us))

    def omitted(self, trial: int, cue: str) -> None:
        """Learn from a reward that did not come."""
        self.population.omitted(max(trial, 0), cue)

    def emit(self, to_us: int) -> Spikes:
        """Return spikes before `to_us` that were not handed out yet."""
        return self._trains.emit(to_us)

    def truth(self, trials: int) -> AnimalTruth:
        """Reveal every unit's fixed point; a naive animal has none to reveal."""
        settings = self.population.settings
        truths, by_cue = self.population.truth(), self.population.cue_truths()
        later = self.population.later_truths()
        reason = None if truths is not None else OWN_VALUES if by_cue else NAIVE
        return AnimalTruth(
            animal="simulated",
            seed=settings.seed,
            trials=trials,
            settings=msgspec.to_builtins(settings),
            units=tuple(
                UnitTruth(
                    unit=name,
                    truth=truths[i] if truths else None,
                    reason=reason,
                    cues={cue: told[i] for cue, told in by_cue.items()},
                    later=tuple(told[i] for told in later),
                    light=self._light.truth(i),
                )
                for i, name in enumerate(self._names)
            ),
        )
