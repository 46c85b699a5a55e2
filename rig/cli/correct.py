"""`dopaloop correct`: say that another animal was in the box."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rig.runtime.identity import correct_subject
from rig.runtime.reader import SessionFile


def correct(
    session: Annotated[Path, typer.Argument(help="A session file (.sqlite) that is not being written.")],
    subject: Annotated[str, typer.Option(help="Who it really was.")],
    why: Annotated[str, typer.Option(help="The reason, for who reads this in a year.")],
) -> None:
    """Correct the subject of a session that is over.

    The recorded name stays, and who changed it, when and why is kept.
    """
    with SessionFile(session) as file:
        was = file.subject
    line = correct_subject(session, was, subject, why)
    typer.echo(f"{session.name}: subject '{line.was}' is '{line.now}' from now on; the file keeps its name")
