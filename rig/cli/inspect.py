"""`dopaloop inspect`: what a session file holds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from rig.cli.declared_words import Declared
from rig.cli.display import estimates_table
from rig.cli.fibre_words import fibre_lines
from rig.cli.population_words import Counted, population_lines
from rig.cli.tags import light_truth, show_tags
from rig.cli.truth import truth_from
from rig.documents import EpochStarted, EstimatesUpdated, Notice, SessionEnded, SessionStarted, TrialDone
from rig.errors import ConfigError
from rig.results.report import Report, Truth
from rig.results.session_report import SessionReport
from rig.runtime.reader import SessionFile


def inspect_session(
    session: Annotated[Path, typer.Argument(help="A session file (.sqlite).")],
    json: Annotated[bool, typer.Option("--json", help="Print the estimates as JSON.")] = False,
    csv_dir: Annotated[
        Path | None,
        typer.Option("--csv", metavar="DIR", help="Write the tables: trials, events, responses, ..."),
    ] = None,
    units: Annotated[
        Counted, typer.Option(help="In the population: only tagged units (if any is tagged), or all.")
    ] = Counted.tagged,
) -> None:
    """Show trials and estimates of a session, and what went wrong."""
    with SessionFile(session) as file:
        if csv_dir is not None:
            written = write_tables(file, csv_dir)
            if not json:
                typer.echo(f"wrote {', '.join(written)} in {csv_dir}")
        if json:
            typer.echo(msgspec.json.encode(session_report(file, units)).decode())
        elif csv_dir is None:
            show(file, units)


def session_report(file: SessionFile, units: Counted = Counted.tagged) -> Report:
    """Return the estimates after the last trial, with the truth if the animal was simulated."""
    told = SessionReport(units.value)
    for _, document in file.documents():
        told.show(document)
    return told.report(*session_truth(file), light_truth(_revealed(file)))


def _revealed(file: SessionFile) -> bytes | None:
    return next((entry.payload for entry in file.inputs() if entry.kind == "truth"), None)


def session_truth(file: SessionFile) -> tuple[dict[str, Truth], str]:
    """Return what the simulated animal revealed at the end, and why there is none where there is none."""
    payload = _revealed(file)
    epochs = (document.epoch for _, document in file.documents() if isinstance(document, EpochStarted))
    return truth_from(payload, max(epochs, default=0))


def write_tables(file: SessionFile, folder: Path) -> list[str]:
    """Write every derived table but the documents as CSV; return the file names.

    Raises
    ------
    ConfigError
        If the folder cannot be written.
    """
    names = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for table in file.tables:
            if table == "documents":
                continue
            columns, rows = file.table(table)
            with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as out:
                writer = csv.writer(out)
                writer.writerow(columns)
                writer.writerows(rows)
            names.append(f"{table}.csv")
    except OSError as error:
        raise ConfigError(f"cannot write tables into '{folder}': {error.strerror or error}") from None
    return names


def show(file: SessionFile, units: Counted = Counted.tagged) -> None:
    """Print a session for a person."""
    console = Console(soft_wrap=True, markup=False, highlight=False)
    meta = file.meta
    end = file.end
    console.print(
        f"{file.path.name}: {file.subject}, {meta.get('protocol')}, seed {meta.get('seed')}",
        markup=False,
    )
    for line in file.corrections():
        console.print(
            f"  corrected {line.at} by {line.who}: {line.field} '{line.was}' is '{line.now}' ({line.why})"
        )
    outcomes: dict[str, int] = {}
    sizes: tuple[float, ...] = ()
    last: EstimatesUpdated | None = None
    water = 0.0
    told, declared = SessionReport(units.value), Declared()
    for _, document in file.documents():
        told.show(document)
        declared.show(document)
        match document:
            case SessionStarted() | EpochStarted():
                sizes = document.sizes_ul
            case TrialDone():
                outcomes[document.record.outcome] = outcomes.get(document.record.outcome, 0) + 1
                water += document.record.delivered_ul
            case EstimatesUpdated():
                last = document
            case Notice() if document.level != "info":
                console.print(f"  {document.level}: {document.source}: {document.text}")
            case SessionEnded():
                console.print(f"decision digest {document.decision_digest}")
            case _:
                pass
    done = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "none"
    console.print(f"trials: {done}; water in trials {water:.1f} uL")
    console.print(f"ended: {end.reason}" if end else "cut short: the file has no end mark")
    for words in declared.lines():
        console.print(words)
    if told.tags.units or told.tags.words:
        truth = light_truth(_revealed(file))
        show_tags(console, tuple(told.tags.units.values()), told.tags.words, truth)
    if last is not None:
        console.print(estimates_table(last.units, sizes))
        view = told.view()
        for words in population_lines(view.population) if view else ():
            console.print(words)
    else:
        console.print("no estimates: no unit answered a reward in this session")
    for words in fibre_lines(told.fibres, told.loops):
        console.print(words)
