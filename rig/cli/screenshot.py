"""`dopaloop screenshot`: pictures of the window and of each panel, from a fixed simulated session."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import Emulation
from rig.documents import Document
from rig.errors import ConfigError
from rig.runtime import plugins

SIZE = re.compile(r"(\d{3,5})x(\d{3,5})")


class _Collector:
    """Keeps every document of a session."""

    def __init__(self) -> None:
        self.documents: list[Document] = []

    def show(self, document: Document) -> None:
        """Take a document."""
        self.documents.append(document)


def screenshot(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the pictures.")],
    size: Annotated[str, typer.Option(help="Size of the window in pixels.")] = "1366x768",
    dark: Annotated[bool, typer.Option("--dark", help="Dark colours.")] = False,
    trials: Annotated[int, typer.Option(min=2, max=500, help="Length of the session.")] = 143,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the session.")] = 1,
    units: Annotated[int, typer.Option(min=0, max=1024, help="Simulated units.")] = 40,
    session: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Of this session file instead, with its fibres and light."),
    ] = None,
) -> None:
    """Write PNG pictures of the window and its panels.

    They are drawn from a simulated session of a fixed seed, or from a session file.
    """
    match = SIZE.fullmatch(size)
    if match is None:
        raise ConfigError(f"'{size}' is not a size; write it as 1366x768")
    documents = session if session is not None else _simulated(trials, seed, units)
    take = plugins.find("window", "screenshot")
    for path in take(documents, out, (int(match[1]), int(match[2])), dark=dark):
        typer.echo(str(path))


def _simulated(trials: int, seed: int, units: int) -> list[Document]:
    rig = virtual_description(demo_rig(), Emulation(units=units, seed=seed))
    plan = make_plan("variable_magnitude", rig, subject="DA12", seed=seed, trials=trials, settings={})
    collector = _Collector()
    run_virtual(plan, collector)
    return collector.documents
