"""A session in virtual time, and the inputs of a whole one, kept for being stepped again."""

from __future__ import annotations

import dataclasses
import functools

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import STREAM, virtual_description
from rig.description import Emulation
from rig.log.entry import Input
from rig.session import Session
from rig.sim.compose import make_virtual_rig
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.drive import drive
from rig.sim.virtual_rig import VirtualRig


@dataclasses.dataclass(frozen=True)
class Sitting:
    """A session and the rig it would run on."""

    session: Session
    rig: VirtualRig


def sitting(*, trials: int, units: int, seed: int = 1) -> Sitting:
    """Make a session of `variable_magnitude` on a virtual rig; nothing runs yet."""
    rig = virtual_description(demo_rig(), Emulation(units=units, seed=seed))
    plan = make_plan("variable_magnitude", rig, subject="bench", seed=seed, trials=trials, settings={})
    virtual = make_virtual_rig(rig)
    names = virtual.animal.units.names
    feeds = {stream.name: DirectFeed(names, stream.sync_line) for stream in rig.streams}
    return Sitting(Session(plan, DirectBoard(), feeds), virtual)


def run(made: Sitting) -> list[Input]:
    """Run it to its end; return the inputs."""
    inputs: list[Input] = []
    halt = drive(made.session, made.rig, stream=STREAM, record=inputs.append)
    assert halt is not None and halt.ok, halt
    return inputs


@functools.cache
def recorded_inputs(trials: int, units: int) -> list[Input]:
    """Return the inputs of a session of so many trials."""
    return run(sitting(trials=trials, units=units))
