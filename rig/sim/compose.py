"""From a rig description to its animal, and to a whole rig without a wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from rig.description import Emulation, RigDescription
from rig.errors import ConfigError
from rig.estimate.utility import PUBLISHED_AXIS, UtilityAxis
from rig.machine.core import BoardCore
from rig.machine.table import StateTable
from rig.sim.animal import Animal
from rig.sim.mouse import Mouse
from rig.sim.neurons import PopulationSettings
from rig.sim.recorded import RecordedUnits
from rig.sim.sensors import Sensors
from rig.sim.stimuli import Wiring, is_promising
from rig.sim.units import SimulatedUnits, Units
from rig.sim.virtual_rig import VirtualRig
from rig.stream.recording import RecordedUnit


def population_settings(rig: RigDescription) -> PopulationSettings:
    """Return what the rig file says about its simulated units (defaults if it says nothing).

    Raises
    ------
    ConfigError
        If only one half of the animal's reward distribution is given, what it knows of a cue contradicts
        itself, or the utility axis is not usable.
    """
    emulation = rig.emulation or Emulation()
    if bool(emulation.sizes_ul) != bool(emulation.probabilities):
        raise ConfigError("[emulation] needs both sizes_ul and probabilities, or neither")
    _check_cues(emulation, rig)
    neural = rig.neural
    own_axis = neural.utility_ul or neural.utility_hz
    settings = PopulationSettings(
        units=emulation.units,
        seed=emulation.seed,
        model=emulation.model,
        world=emulation.world,
        start=emulation.start,
        learning_rate=emulation.learning_rate,
        axis=UtilityAxis(neural.utility_ul, neural.utility_hz) if own_axis else PUBLISHED_AXIS,
        cues=emulation.cues,
        reversal_cue=emulation.reversal_cue,
        later=emulation.later,
        tagged_share=emulation.tagged_share,
        delay_line=emulation.delay_line,
        samples=emulation.samples,
    )
    if not emulation.sizes_ul and not emulation.cues:
        return settings
    return msgspec.structs.replace(
        settings, sizes_ul=emulation.sizes_ul, probabilities=emulation.probabilities
    )


def _check_cues(emulation: Emulation, rig: RigDescription) -> None:
    known = ", ".join(sorted(rig.board.outputs)) or "none"
    for name, cue in emulation.cues.items():
        place = f"[emulation.cues.{name}]"
        if name not in rig.board.outputs:
            raise ConfigError(f"{place}: the rig has no output '{name}'; it has {known}")
        if len(cue.sizes_ul) != len(cue.probabilities):
            raise ConfigError(
                f"{place}: {len(cue.probabilities)} probabilities for {len(cue.sizes_ul)} sizes; "
                "give one a size"
            )
        if len(set(cue.sizes_ul)) != len(cue.sizes_ul) or not sum(cue.probabilities):
            raise ConfigError(f"{place}: name each size once, and give at least one a probability above 0")
    promising = [name for name, cue in emulation.cues.items() if is_promising(cue)]
    if emulation.reversal_cue and emulation.reversal_cue not in promising:
        raise ConfigError(
            f"[emulation] reversal_cue is '{emulation.reversal_cue}', which is no cue with a reward; those "
            f"are {', '.join(promising) or 'none'}"
        )


def _worth_ul(sizes_ul: Sequence[float], probabilities: Sequence[float]) -> float:
    """Return the mean outcome; 0 where there is none."""
    return float(np.average(sizes_ul, weights=probabilities)) if sizes_ul else 0.0


def make_animal(
    rig: RigDescription,
    table: Callable[[int], StateTable | None],
    recording: Sequence[RecordedUnit] | None = None,
    start_us: int = 0,
) -> Animal:
    """Make the animal of an emulated rig.

    Parameters
    ----------
    rig
        Its lines and its `[emulation]`.
    table
        Returns the table in a slot of the board (`BoardCore.table`).
    recording
        Units to play instead of simulated ones.
    start_us
        Board time at which its life on the rig begins.

    Raises
    ------
    ConfigError
        If the rig file's `[emulation]` contradicts itself.
    """
    settings, wiring = population_settings(rig), Wiring.of(rig)
    units: Units = (
        SimulatedUnits(settings, start_us) if recording is None else RecordedUnits(recording, wiring)
    )
    trained = settings.start == "trained"
    mean_ul = _worth_ul(settings.sizes_ul, settings.probabilities)
    cue_worth_ul = {
        cue.name: _worth_ul(settings.cues[cue.name].sizes_ul, settings.cues[cue.name].probabilities) * trained
        for cue in wiring.cues.values()
    }
    mouse = Mouse(settings.seed, mean_ul if trained else 0.0, settings.learning_rate, cue_worth_ul)
    return Animal(wiring, units, mouse, table)


def make_virtual_rig(rig: RigDescription, recording: Sequence[RecordedUnit] | None = None) -> VirtualRig:
    """Make a rig without a wire: a board's core with the animal of `make_animal` on it."""
    core = BoardCore()
    return VirtualRig(core, make_animal(rig, core.table, recording), Sensors(rig))
