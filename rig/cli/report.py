"""`dopaloop report`: one page with the figures of a session."""

from __future__ import annotations

import enum
import importlib.metadata
import os
import sys
import tempfile
import webbrowser
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from rig.cli.truth import truth_from
from rig.documents import DeclaredTrial, EpochStarted
from rig.errors import ConfigError
from rig.estimate.offline import analyse
from rig.runtime.reader import SessionFile
from rig.runtime.session_folder import read_folder

PARTS = 1_000_000
"""A share of the declared rewards in whole numbers."""
HEAD = 4096
"""Bytes of a page in which it says who made it."""


class Opened(enum.StrEnum):
    """Whether to show the page in a browser."""

    yes = "yes"
    no = "no"


def report(
    session: Annotated[
        Path,
        typer.Argument(
            help="A session file (.sqlite), also one that is being written; or a folder of them, whose units "
            "are pooled."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Where to write; beside the session by default."),
    ] = None,
    open_: Annotated[
        Opened | None,
        typer.Option("--open", help="Show it in a browser; by default if this is a terminal."),
    ] = None,
) -> None:
    """Write one page of HTML with the figures of a session.

    For the screen and for paper. Of a folder: the figures about the units of all its sessions together.
    """
    if session.is_dir():
        target = out or session / f"{session.resolve().name}.html"
        refuse(target)
        text = folder_page(session)
    else:
        target = out or session.with_suffix(".html")
        with SessionFile(session) as file:
            refuse(target)
            text = session_page(file)
    write(target, text)
    typer.echo(f"wrote {target} ({len(text.encode()) / 1e6:.1f} MB)")
    wanted = open_ is Opened.yes or (open_ is None and sys.stdout.isatty() and _has_screen())
    if wanted and not webbrowser.open(target.absolute().as_uri()):
        typer.echo("no browser was found to show it in", err=True)


def session_page(file: SessionFile) -> str:
    """Return the report on a session as HTML."""
    # matplotlib and SciPy come with them and take their time: no other command shall wait for that
    from rig.population.told import PopulationTracker
    from rig.report import Gathering, Paper, page

    gathering, tracker = Gathering(), PopulationTracker()
    views = []
    for _, document in file.documents():
        if isinstance(document, EpochStarted):
            views.append(tracker.view(decode="all"))
        gathering.take(document)
        tracker.take(document)
    views.append(tracker.view(decode="all"))
    facts = gathering.facts(view for view in views if view is not None)
    payload = next((entry.payload for entry in file.inputs() if entry.kind == "truth"), None)
    truth, no_truth = truth_from(payload, facts.epochs[-1].number if facts.epochs else 0)
    paper = Paper(
        file=file.path.name,
        meta=file.meta,
        ended=file.end.reason if file.end else None,
        truth=truth,
        no_truth=no_truth if payload is not None else "",
        program=f"dopaloop {importlib.metadata.version('dopaloop')}",
    )
    return page(facts, paper)


def folder_page(path: Path) -> str:
    """Return the report on a folder's sessions as HTML: the numbers are those of `analyze`.

    Raises
    ------
    ConfigError
        If no session can be analysed, or two of them do not belong together.
    """
    from rig.population.offline import population_of
    from rig.report import Epoch, Pool, pooled_page

    read = read_folder(path)
    try:
        analysis = analyse(read.responses, read.frame.axis, read.frame.shift_hz)
    except ConfigError as error:
        raise ConfigError(str(error), where=str(path)) from None
    tagged = {unit for unit, tag in read.tags.items() if tag.tagged}
    placed = analysis.estimator.placed
    epoch = Epoch(
        number=0,
        name="",
        first_trial=0,
        sizes_ul=placed.sizes_ul,
        axis_hz=placed.utility_hz,
        declared=tuple(
            DeclaredTrial(condition="", reward_ul=size, signalled=False, count=round(PARTS * share))
            for size, share in read.frame.shares
        ),
        conditions=None,
        units=analysis.estimates,
        view=population_of(read.responses, analysis, read.heard, published=True, tagged=tagged),
    )
    units, responses = Counter[str](), Counter[str]()
    for estimate in analysis.estimates:
        session = estimate.unit.rpartition("/")[0]
        units[session] += 1
        responses[session] += sum(estimate.n)
    pool = Pool(
        folder=path.resolve().name,
        sessions=tuple((name, units[name], responses[name]) for name in units),
        trials=read.responses.trials,
        rewarded=read.responses.rewarded,
        skipped=read.skipped,
        tags=read.tags,
        program=f"dopaloop {importlib.metadata.version('dopaloop')}",
    )
    return pooled_page(epoch, pool)


def refuse(target: Path) -> None:
    """Refuse to write where something else lies; an older report is written anew.

    Raises
    ------
    ConfigError
        If the folder is not there, or the file is no report.
    """
    if not target.absolute().parent.is_dir():
        raise ConfigError(f"cannot write the report: there is no folder '{target.absolute().parent}'")
    if not target.exists():
        return
    if target.is_dir():
        raise ConfigError(f"cannot write the report: '{target}' is a folder; name a file with --out")
    from rig.report import GENERATOR

    with target.open("rb") as file:
        if f'content="{GENERATOR}"'.encode() not in file.read(HEAD):
            raise ConfigError(f"'{target}' is there already and is no report; name another file with --out")


def write(target: Path, text: str) -> None:
    """Write the page whole or not at all.

    Raises
    ------
    ConfigError
        If the folder cannot be written, or the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(dir=target.absolute().parent, prefix=f".{target.name}.")
    except OSError as error:
        raise ConfigError(f"cannot write '{target}': {error.strerror or error}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise ConfigError(f"cannot write '{target}': {error.strerror or error}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _has_screen() -> bool:
    """Whether a browser would come up in a window, and not take over this terminal."""
    return (
        os.name == "nt"
        or sys.platform == "darwin"
        or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )
