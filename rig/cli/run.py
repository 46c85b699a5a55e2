"""`dopaloop run`: a protocol on a rig, for one animal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.cli.plans import make_plan, settings_from
from rig.cli.sitting import run_session, tell
from rig.runtime.config import load_rig


def run(
    protocol: Annotated[str, typer.Argument(help="A built-in protocol's name, or a .py file.")],
    rig: Annotated[Path, typer.Option(help="The rig file (TOML).")],
    subject: Annotated[str, typer.Option(help="Who is in the rig.")],
    out: Annotated[Path, typer.Option(help="Folder for the session file.")],
    trials: Annotated[int | None, typer.Option(min=1, help="Stop after so many trials.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the schedule; drawn if not given.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="name=value, a protocol parameter.")] = None,
    no_gui: Annotated[bool, typer.Option("--no-gui", help="No window.")] = False,
) -> None:
    """Run a session. Ctrl-C stops after the running trial, twice is an emergency stop."""
    plan = make_plan(
        protocol,
        load_rig(rig),
        subject=subject,
        seed=fresh_seed() if seed is None else seed,
        trials=trials,
        settings=settings_from(set_ or []),
    )
    console = Console()
    outcome, _ = run_session(plan, out, console, window=not no_gui, claim=True)
    tell(outcome, console)
    if not outcome.ok:
        raise typer.Exit(1)


def fresh_seed() -> int:
    """Return a seed that nobody chose; it is kept in the session file."""
    import secrets  # the composition root is the one place where chance from outside may come in

    return secrets.randbits(31)
