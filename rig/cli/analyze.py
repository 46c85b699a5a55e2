"""`dopaloop analyze`: the estimators on a user's own recording."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from rig.cli.population_words import Counted, population_lines
from rig.errors import ConfigError
from rig.estimate.offline import Analysis, AxisChoice, Responses, analyse
from rig.estimate.utility import UtilityAxis
from rig.population.offline import NO_CUES, population_of
from rig.population.shapes import Population
from rig.population.worked import Heard
from rig.results.report import Report, ReportCounts, Source, Unit, report
from rig.results.tag_report import Tag
from rig.runtime.recordings import is_spike_file, read_responses, read_spikes, spike_responses
from rig.runtime.session_folder import read_folder
from rig.stream.silence import fallen_silent

NO_TIMES = "a CSV has no times"


class UtilityAxisName(enum.StrEnum):
    """Which utility axis and grand means to use."""

    paper = "paper"
    population = "population"


class Doubled(enum.StrEnum):
    """What to do with doubled rewards."""

    keep = "keep"
    drop = "drop"


class Decode(enum.StrEnum):
    """How to decode the reward distribution."""

    convex = "convex"
    all = "all"


def analyze(
    file: Annotated[
        Path,
        typer.Argument(
            help="A CSV with the columns unit,trial,reward_ul,signalled,response_hz, spikes (.npz), "
            "or a folder of session files."
        ),
    ],
    utility_axis: Annotated[
        UtilityAxisName,
        typer.Option(
            help="The published axis and grand means (of sessions: what they were run with), "
            "or both from the file's own units."
        ),
    ] = UtilityAxisName.paper,
    doubled: Annotated[
        Doubled, typer.Option(help="Rewards that a spike file enters twice: keep (as published) or drop.")
    ] = Doubled.keep,
    unsignalled_shift: Annotated[
        float | None,
        typer.Option(
            help="Hz to add to unsignalled responses, instead of the grand means' (simulated units: 0)."
        ),
    ] = None,
    decode: Annotated[
        Decode, typer.Option(help="convex, or all: also by the published imputation, which takes longer.")
    ] = Decode.convex,
    units: Annotated[
        Counted, typer.Option(help="In the population: only tagged units (if any is tagged), or all.")
    ] = Counted.tagged,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate from recorded units, or from a folder of sessions.

    Reversal points, asymmetries, and what the population shows.
    """
    if unsignalled_shift is not None and not np.isfinite(unsignalled_shift):
        raise ConfigError(f"--unsignalled-shift is {unsignalled_shift}; it must be a number of Hz")
    read = _folder(file, doubled) if file.is_dir() else _file(file, doubled)
    own = utility_axis is UtilityAxisName.paper and read.axis is not None
    axis: AxisChoice | UtilityAxis = utility_axis.value
    if own and read.axis is not None:
        axis = read.axis
    shift = read.shift_hz if own and unsignalled_shift is None else unsignalled_shift
    try:
        analysis = analyse(read.responses, axis, shift)
    except ConfigError as error:
        raise ConfigError(str(error), where=str(file)) from None
    source = Source(
        file=file.resolve().name,
        utility_axis="sessions" if own else utility_axis.value,
        unsignalled_shift_hz=analysis.shift_hz,
        doubled=read.doubled,
        doubled_kept=doubled is Doubled.keep,
        sessions=read.sessions,
        skipped=read.skipped,
    )
    tagged = {unit for unit, tag in read.tags.items() if tag.tagged and units is Counted.tagged}
    published = decode is Decode.all
    view = population_of(read.responses, analysis, read.heard, published=published, tagged=tagged)
    made = _report(read, analysis, source, view.population)
    if source.doubled is None:
        made = msgspec.structs.replace(made, reasons={**made.reasons, "source.doubled": NO_TIMES})
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
        typer.echo(_about_doubled(source), err=True)
    else:
        _print(made, source)
    for sentence in read.skipped:
        typer.echo(sentence, err=True)


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What was read.

    Attributes
    ----------
    doubled
        How many doubled rewards there are; None if it cannot be known.
    axis, shift_hz
        What sessions were run with; None for other recordings.
    tags
        Of sessions: unit -> what is known of it and light.
    """

    responses: Responses
    doubled: int | None
    heard: Heard | None = None
    axis: UtilityAxis | None = None
    shift_hz: float | None = None
    sessions: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    tags: Mapping[str, Tag] = field(default_factory=dict)


def _file(file: Path, doubled: Doubled) -> _Read:
    if not is_spike_file(file):
        if doubled is Doubled.drop:
            raise ConfigError(
                "a CSV has no times to find doubled rewards by; leave them out of it, or give the spikes",
                where=str(file),
            )
        return _Read(responses=read_responses(file), doubled=None)
    units = read_spikes(file)
    copies = sum(int(unit.doubled.sum()) for unit in units)
    if doubled is Doubled.drop:
        units = tuple(unit.keep(~unit.doubled) for unit in units)
    heard = Heard(lost=fallen_silent(units), why_no_cues=NO_CUES)
    return _Read(responses=spike_responses(units), doubled=copies, heard=heard)


def _folder(path: Path, doubled: Doubled) -> _Read:
    if doubled is Doubled.drop:
        raise ConfigError("sessions have no doubled rewards to drop", where=str(path))
    read = read_folder(path)
    return _Read(
        responses=read.responses,
        doubled=0,
        heard=read.heard,
        axis=read.frame.axis,
        shift_hz=read.frame.shift_hz,
        sessions=read.sessions,
        skipped=read.skipped,
        tags=read.tags,
    )


def _report(read: _Read, analysis: Analysis, source: Source, population: Population) -> Report:
    placed = analysis.estimator.placed
    counts = ReportCounts(
        trials=read.responses.trials,
        rewarded=read.responses.rewarded,
        sizes_ul=placed.sizes_ul,
        utility_axis_hz=placed.utility_hz,
    )
    return report(analysis.estimates, counts, population=population, source=source, tags=read.tags)


def _about_doubled(source: Source) -> str:
    if source.doubled is None:
        return f"doubled rewards: not known, {NO_TIMES}"
    if not source.doubled:
        return "doubled rewards: none"
    kept = "kept, as published" if source.doubled_kept else "dropped"
    return f"doubled rewards: {source.doubled}, {kept}"


def _print(made: Report, source: Source) -> None:
    console = Console()
    axis = " ".join(f"{hz:.2f}" for hz in made.utility_axis_hz)
    sizes = " ".join(f"{size:g}" for size in made.sizes_ul)
    for line in (
        f"{source.file}: {len(made.units)} units, {made.trials} trials, {made.rewarded} rewarded",
        f"sizes {sizes} uL stand at {axis} Hz ({source.utility_axis} axis)",
        f"unsignalled responses shifted by {source.unsignalled_shift_hz:+.3f} Hz; {_about_doubled(source)}",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    rows = [_row(unit) for unit in made.units]
    if console.is_terminal:
        console.print(_table(rows), markup=False)
    else:
        for row in (COLUMNS, *rows):
            typer.echo("\t".join(row))
    for line in population_lines(made.population) if made.population else ():
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _table(rows: list[tuple[str, ...]]) -> Table:
    table = Table(title="reversal points in uL (in Hz), and asymmetries", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in {"unit", "flags"} else "right")
    for row in rows:
        table.add_row(*row)
    return table


COLUMNS = (
    "unit",
    "n",
    "paper",
    "isotonic",
    "bayes",
    "95 % interval",
    "asymmetry",
    "bayes asymmetry",
    "flags",
)


def _row(unit: Unit) -> tuple[str, ...]:
    paper, isotonic, bayes = unit.reversal.paper, unit.reversal.isotonic, unit.reversal.bayes
    why = unit.reasons.get("reversal.bayes")
    return (
        unit.unit,
        str(sum(unit.n)),
        f"{paper.ul:.2f} ({paper.hz:+.2f})" if paper else "",
        f"{isotonic.ul:.2f} ({isotonic.hz:+.2f})" if isotonic else "",
        f"{bayes.ul:.2f} ({bayes.hz:+.2f})" if bayes else "",
        f"{bayes.ci95_ul[0]:.2f} to {bayes.ci95_ul[1]:.2f}" if bayes else "",
        f"{unit.asymmetry.paper:.2f}" if unit.asymmetry.paper is not None else "",
        f"{unit.asymmetry.bayes:.2f}" if unit.asymmetry.bayes is not None else "",
        ", ".join(unit.flags) + (f" ({why})" if why else ""),
    )
