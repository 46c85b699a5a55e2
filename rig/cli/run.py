"""`dopaloop run`: a protocol on a rig, for one animal; or an interrupted session, from where it was."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rig.cli.plans import make_plan, settings_from
from rig.cli.resume import resume_session
from rig.cli.sitting import run_session, tell
from rig.cli.tags import show_tags
from rig.errors import ConfigError
from rig.runtime.config import load_rig
from rig.runtime.outcome import Outcome
from rig.runtime.subject_check import check_subject
from rig.runtime.tag_file import earlier_tags
from rig.session import Session


def run(
    protocol: Annotated[
        str | None, typer.Argument(help="A built-in protocol's name, or a .py file; for a new session.")
    ] = None,
    rig: Annotated[Path | None, typer.Option(help="The rig file (TOML); needed for a new session.")] = None,
    subject: Annotated[str | None, typer.Option(help="Who is in the rig; needed for a new session.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the session file; needed for a new session.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Stop after so many trials.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the schedule; drawn if not given.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="name=value, a protocol parameter.")] = None,
    tags: Annotated[
        Path | None,
        typer.Option(metavar="SESSION", help="An earlier session of this animal: its confirmed tags hold."),
    ] = None,
    tag: Annotated[
        str | None, typer.Option(help="The animal's tag as read off it, where the rig checks that.")
    ] = None,
    weight_g: Annotated[
        float | None, typer.Option(min=0, help="Its weight in grams, where the rig checks that.")
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="SESSION",
            help="Go on with this interrupted session, in its own file; --rig only if its ports changed.",
        ),
    ] = None,
    protocol_file: Annotated[
        str | None,
        typer.Option("--protocol", help="With --resume: the protocol, where its recorded name is not found."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --resume: though the protocol's text is another now.")
    ] = False,
    no_gui: Annotated[bool, typer.Option("--no-gui", help="No window.")] = False,
) -> None:
    """Run a session. Ctrl-C stops after the running trial, twice is an emergency stop."""
    console = Console()
    if resume is not None:
        fixed = {
            "PROTOCOL": protocol, "--subject": subject, "--out": out, "--trials": trials, "--seed": seed,
            "--set": set_, "--tags": tags, "--tag": tag, "--weight-g": weight_g,
        }  # fmt: skip
        _refuse(fixed, "is fixed by the session, and cannot be given with --resume")
        elsewhere = load_rig(rig) if rig is not None else None
        outcome, session = resume_session(
            resume, console, protocol=protocol_file, rig=elsewhere, force=force, window=not no_gui
        )
        _tell_end(outcome, session, console)
        return
    _refuse({"--protocol": protocol_file, "--force": force or None}, "goes with --resume only")
    if protocol is None or rig is None or subject is None or out is None:
        raise ConfigError(
            "a new session needs PROTOCOL, --rig, --subject and --out; an interrupted one --resume SESSION"
        )
    description = load_rig(rig)
    checked = check_subject(
        description.subject_check,
        subject,
        tag=tag,
        weight_g=weight_g,
        ask=(lambda question: str(typer.prompt(question))) if sys.stdin.isatty() else None,
    )
    plan = make_plan(
        protocol,
        description,
        subject=subject,
        seed=fresh_seed() if seed is None else seed,
        trials=trials,
        settings=settings_from(set_ or []),
        tags=earlier_tags(tags, subject) if tags is not None else (),
    )
    outcome, session = run_session(plan, out, console, window=not no_gui, claim=True, checked=checked)
    _tell_end(outcome, session, console)


def _refuse(given: Mapping[str, object], why: str) -> None:
    for name, value in given.items():
        if value is not None:
            raise ConfigError(f"{name} {why}")


def _tell_end(outcome: Outcome, session: Session, console: Console) -> None:
    book = session.reckoning.tags.book
    if book.units:
        show_tags(console, book.view(), book.confirmations)
    tell(outcome, console)
    if not outcome.ok:
        raise typer.Exit(1)


def fresh_seed() -> int:
    """Return a seed that nobody chose; it is kept in the session file."""
    import secrets  # the composition root is the one place where chance from outside may come in

    return secrets.randbits(31)
