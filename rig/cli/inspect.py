"""`dopaloop inspect`: what a session file holds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from rig.cli.display import estimates_table
from rig.cli.truth import truth_from
from rig.documents import EstimatesUpdated, Notice, SessionEnded, SessionStarted, TrialDone
from rig.errors import ConfigError
from rig.estimate.report import Report, ReportCounts, Truth, report
from rig.log.schema import DERIVED
from rig.runtime.reader import SessionFile


def inspect_session(
    session: Annotated[Path, typer.Argument(help="A session file (.sqlite).")],
    json: Annotated[bool, typer.Option("--json", help="Print the estimates as JSON.")] = False,
    csv_dir: Annotated[
        Path | None, typer.Option("--csv", metavar="DIR", help="Write trials, events, responses, estimates.")
    ] = None,
) -> None:
    """Show a session: its trials, its estimates, and what went wrong."""
    with SessionFile(session) as file:
        if csv_dir is not None:
            written = write_tables(file, csv_dir)
            if not json:
                typer.echo(f"wrote {', '.join(written)} in {csv_dir}")
        if json:
            typer.echo(msgspec.json.encode(session_report(file)).decode())
        elif csv_dir is None:
            show(file)


def session_report(file: SessionFile) -> Report:
    """Return the estimates after the last trial, with the truth if the animal was simulated."""
    trials = rewarded = 0
    started: SessionStarted | None = None
    last: EstimatesUpdated | None = None
    for _, document in file.documents():
        match document:
            case SessionStarted():
                started = document
            case TrialDone():
                trials += 1
                rewarded += document.record.reward_us is not None
            case EstimatesUpdated():
                last = document
            case _:
                pass
    truth, why = session_truth(file)
    counts = ReportCounts(
        trials=trials,
        rewarded=rewarded,
        sizes_ul=started.sizes_ul if started else (),
        utility_axis_hz=started.utility_axis_hz if started else (),
    )
    return report(last.units if last else (), counts, truth, no_truth=why)


def session_truth(file: SessionFile) -> tuple[dict[str, Truth], str]:
    """Return what the simulated animal revealed at the end, and why there is none where there is none."""
    payload = next((entry.payload for entry in file.inputs() if entry.kind == "truth"), None)
    return truth_from(payload)


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
        for table in DERIVED:
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


def show(file: SessionFile) -> None:
    """Print a session for a person."""
    console = Console(soft_wrap=True, markup=False, highlight=False)
    meta = file.meta
    end = file.end
    console.print(
        f"{file.path.name}: {meta.get('subject')}, {meta.get('protocol')}, seed {meta.get('seed')}",
        markup=False,
    )
    outcomes: dict[str, int] = {}
    sizes: tuple[float, ...] = ()
    last: EstimatesUpdated | None = None
    water = 0.0
    for _, document in file.documents():
        match document:
            case SessionStarted():
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
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "none"
    console.print(f"trials: {told}; water in trials {water:.1f} uL")
    told = f"ended: {end.reason}" if end else "cut short: the file has no end mark"
    console.print(told)
    if last is not None:
        console.print(estimates_table(last.units, sizes))
    else:
        console.print("no estimates: no unit answered a reward in this session")
