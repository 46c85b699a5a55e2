"""`dopaloop replay`: recompute a recorded session and compare, byte for byte."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from rig.cli.plans import make_plan
from rig.cli.sitting import make_session
from rig.description import RigDescription
from rig.design.plan import SessionPlan
from rig.errors import ConfigError, ReplayMismatch
from rig.log.replay import ReplayOutcome, replay
from rig.runtime.plugins import is_protocol_file
from rig.runtime.reader import SessionFile
from rig.tagging.told import Confirmation


def replay_session(
    session: Annotated[Path, typer.Argument(help="A session file (.sqlite).")],
    protocol: Annotated[
        str | None,
        typer.Option(help="Use this protocol (a name or a .py file) instead of the recorded name."),
    ] = None,
) -> None:
    """Recompute every decision and effect of a session.

    Say that they are identical, or name the first difference.
    """
    console = Console(soft_wrap=True)
    with SessionFile(session) as file:
        plan = recorded_plan(file, protocol)
        recorded = file.meta.get("protocol_hash")
        if recorded != plan.protocol_hash:
            console.print(
                f"note: protocol '{plan.protocol_name}' is not the text that was recorded "
                f"({str(recorded)[:12]} then, {plan.protocol_hash[:12]} now)",
                style="yellow",
                highlight=False,
            )
        try:
            outcome = replay_file(file, plan)
        except ReplayMismatch as mismatch:
            console.print(f"different: {mismatch}", style="red", highlight=False, markup=False)
            raise typer.Exit(1) from None
    console.print(outcome.sentence, highlight=False, markup=False)


def replay_file(file: SessionFile, plan: SessionPlan) -> ReplayOutcome:
    """Replay an open session file with a plan made from its own description.

    Raises
    ------
    ReplayMismatch
        Naming the first record that does not fit.
    """
    session, _, _ = make_session(plan)
    return replay(session, file.rows(), file.meta_text, file.end, file.documents())


def recorded_plan(file: SessionFile, protocol: str | None = None) -> SessionPlan:
    """Make the plan of a recorded session again.

    Raises
    ------
    ConfigError
        If the description in the file is damaged, or its protocol is not installed here.
    """
    meta: dict[str, Any] = file.meta
    try:
        rig = msgspec.convert(meta["rig"], RigDescription)
        needed = {key: meta[key] for key in ("subject", "seed", "max_trials", "parameters", "protocol")}
        recorded = msgspec.convert({**needed, "tags": meta.get("tags", [])}, Recorded)
    except (KeyError, msgspec.ValidationError) as error:
        raise ConfigError(f"the session's description is damaged: {error}", str(file.path)) from None
    if protocol is None and is_protocol_file(recorded.protocol):
        raise ConfigError(
            f"it was run with the protocol file '{recorded.protocol}'; no session file may name code to run: "
            "give it with --protocol FILE",
            str(file.path),
        )
    try:
        plan = make_plan(
            protocol or recorded.protocol,
            rig,
            subject=recorded.subject,
            seed=recorded.seed,
            trials=recorded.max_trials,
            settings=recorded.parameters,
            name=recorded.protocol,
            tags=recorded.tags,
        )
    except ConfigError as error:
        if protocol is None:
            raise ConfigError(f"{error}; give the protocol with --protocol FILE", str(file.path)) from None
        raise
    return dataclasses.replace(plan, harp=meta.get("harp", {}))


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is made from again."""

    subject: str
    seed: int
    max_trials: int | None
    parameters: dict[str, Any]
    protocol: str
    tags: tuple[Confirmation, ...] = ()
