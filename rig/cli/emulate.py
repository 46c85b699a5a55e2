"""`dopaloop emulate`: serve an emulated rig on real ports."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rig.cli.rigs import server, with_emulation
from rig.runtime.config import load_rig
from rig.runtime.plugins import find_protocol
from rig.runtime.recordings import read_spikes
from rig.sim.training import trained_on


def emulate(
    rig: Annotated[Path, typer.Argument(help="The rig file (TOML).")],
    speed: Annotated[float, typer.Option(min=0.01, help="Ceiling of rig time per wall time.")] = 1.0,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the animal.")] = None,
    model: Annotated[str | None, typer.Option(help="distributional, classical or quantile")] = None,
    units: Annotated[int | None, typer.Option(min=0, help="Simulated units.")] = None,
    world: Annotated[str | None, typer.Option(help="Noise world of the simulated units.")] = None,
    trained_on_: Annotated[
        str | None, typer.Option("--trained-on", metavar="PROTOCOL", help="What the animal has learned.")
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Play recorded units (.npz) instead.")
    ] = None,
    write_rig: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rig file for 'dopaloop run'.")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the animal's truth at the end.")
    ] = None,
) -> None:
    """Serve an emulated rig: board, neural stream, animal.

    A board on a pseudo-terminal, a neural stream on ZeroMQ.

    The ports are printed as one JSON line. Ctrl-C ends it.
    """
    description = with_emulation(load_rig(rig), units=units, seed=seed, model=model, world=world)
    if trained_on_ is not None:
        description = trained_on(description, find_protocol(trained_on_)())
    recording = read_spikes(recorded) if recorded is not None else None
    server()(description, speed=speed, recording=recording, write_rig=write_rig, truth=truth)
