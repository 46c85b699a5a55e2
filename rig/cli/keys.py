"""`dopaloop keys`: let clients on other computers in, and say what they may do."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from rig.errors import ConfigError
from rig.runtime.keys import Ring, new_ring, read_ring, write_client, write_clients

app = typer.Typer(
    help="Keys that let clients on other computers watch or operate.",
    no_args_is_help=True,
    add_completion=False,
)
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The engine's keys.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Who: a computer, or a person.")]


class RoleName(enum.StrEnum):
    """What a client may do."""

    watch = "watch"
    operate = "operate"


@app.command()
def new(folder: Folder) -> None:
    """Make an engine's keys; name the folder as `keys` in [telemetry] of the rig file."""
    new_ring(folder)
    typer.echo(f"made keys in {folder}; nobody may connect yet, see `dopaloop keys add`")
    typer.echo(f'in the rig file: [telemetry] keys = "{folder}", publish and commands as "tcp://*:PORT"')


@app.command()
def add(
    folder: Folder,
    name: Name,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The client's key file, to be taken there.")],
    role: Annotated[RoleName, typer.Option(help="Watch only, or operate the session too.")] = RoleName.watch,
) -> None:
    """Let a client in, from the next session on."""
    ring, key = read_ring(folder).with_client(name, role.value)
    write_client(out, key)
    write_clients(folder, ring)
    typer.echo(f"{name} may {role.value}; take {out} there by a safe way, then `dopaloop gui --key FILE ...`")


@app.command()
def remove(folder: Folder, name: Name) -> None:
    """Put a client out, from the next session on."""
    ring = read_ring(folder)
    if name not in ring.clients:
        known = ", ".join(sorted(ring.clients)) or "none"
        raise ConfigError(f"there is no client '{name}'; known are {known}", str(folder))
    clients = {other: client for other, client in ring.clients.items() if other != name}
    write_clients(folder, Ring(engine=ring.engine, clients=clients))
    typer.echo(f"{name} may no longer connect")


@app.command("list")
def list_(folder: Folder) -> None:
    """Show who may connect."""
    clients = read_ring(folder).clients
    for name in sorted(clients):
        typer.echo(f"{name}\t{clients[name].role}")
    if not clients:
        typer.echo("nobody may connect")
