"""What light did to the units, for a terminal; and `dopaloop tag`, the word of a person on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from rig.results.tag_report import TagTruth
from rig.runtime.tag_file import read_tags, tag_later
from rig.sim.truth import AnimalTruth
from rig.tagging.told import Confirmation, UnitTag

WORDS = {True: "yes", False: "no", None: "too early"}


def tag(
    session: Annotated[Path, typer.Argument(help="A session file (.sqlite) that is over.")],
    units: Annotated[
        list[str] | None, typer.Argument(help="Units that you have looked at; none: show all.")
    ] = None,
    not_tagged: Annotated[bool, typer.Option("--not", help="They are not tagged.")] = False,
    note: Annotated[str, typer.Option(help="Why, for who reads this in a year.")] = "",
    by: Annotated[str, typer.Option(help="Who says so; the user of this computer if not given.")] = "",
) -> None:
    """Confirm tags after a session, or show what light did to units."""
    for unit in units or ():
        word = tag_later(session, unit, tagged=not not_tagged, note=note, who=by)
        typer.echo(f"{word.unit} is {'' if word.tagged else 'not '}tagged, says {word.by}")
    if not units:
        found, _ = read_tags(session)
        show_tags(Console(), tuple(found.units.values()), found.words)


def light_truth(payload: bytes | None) -> dict[str, TagTruth]:
    """Read what a simulated animal reveals of light; nothing of a real one."""
    if payload is None:
        return {}
    revealed = msgspec.json.decode(payload, type=AnimalTruth)
    return {
        unit.unit: TagTruth(
            tagged=unit.light.tagged,
            latency_ms=unit.light.latency_ms,
            jitter_ms=unit.light.jitter_ms,
            reliability=unit.light.reliability,
        )
        for unit in revealed.units
        if unit.light is not None
    }


def show_tags(
    console: Console,
    units: Sequence[UnitTag],
    words: Mapping[str, Confirmation],
    truth: Mapping[str, TagTruth] | None = None,
) -> None:
    """Print what light did to the units, and how right the suggestions are if that is known."""
    for line in nothing_said(units, words):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if units:
        console.print(tags_table(units, words, truth or {}))
        for line in tag_lines(units, words, truth or {}):
            console.print(line, highlight=False, markup=False, soft_wrap=True)


def nothing_said(units: Sequence[UnitTag], words: Mapping[str, Confirmation]) -> Iterator[str]:
    """Yield the words on units that were not listened to in this session."""
    heard = {tag.unit for tag in units}
    for word in words.values():
        if word.unit not in heard:
            says = f"{word.unit}: {'tagged' if word.tagged else 'not tagged'}"
            yield f"{says} ({', '.join(part for part in (word.by, word.source) if part)})"


def tags_table(
    units: Sequence[UnitTag], words: Mapping[str, Confirmation], truth: Mapping[str, TagTruth]
) -> Table:
    """Return what light did to each unit."""
    title = "units and light: P, latency (SD) in ms, share of pulses answered (by chance)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    columns = ["unit", "P", "latency", "answered", "tagged?", "word"]
    for column in (*columns, *(["truth"] if truth else [])):
        left = column in {"unit", "tagged?", "word", "truth"}
        table.add_column(column, justify="left" if left else "right", no_wrap=True)
    for unit in units:
        word = words.get(unit.unit)
        row = [
            unit.unit,
            unit.salt.p_text.removeprefix("P ").removeprefix("= ") if unit.salt else "",
            _pair(unit.latency_mean_ms, unit.jitter_ms, "{:.1f}"),
            _pair(unit.reliability, unit.by_chance, "{:.2f}"),
            WORDS[unit.suggestion],
            "" if word is None else "yes" if word.tagged else "no",
        ]
        if truth:
            known = truth.get(unit.unit)
            row.append("" if known is None else _truth(known))
        table.add_row(*row)
    return table


def tag_lines(
    units: Sequence[UnitTag], words: Mapping[str, Confirmation], truth: Mapping[str, TagTruth]
) -> list[str]:
    """Return what the table comes to."""
    looks = [unit.unit for unit in units if unit.suggestion]
    confirmed = sum(word.tagged for word in words.values())
    lines = [f"{len(looks)} of {len(units)} units look tagged; {confirmed} are confirmed"]
    told = [unit for unit in units if unit.unit in truth]
    if told:
        right = sum(bool(unit.suggestion) is truth[unit.unit].tagged for unit in told)
        lines.append(f"the animal's truth: {right} of {len(told)} suggestions are right")
    if len(looks) > confirmed:
        lines.append("a suggestion is no tag: look at the rasters, then confirm")
    return lines


def _pair(value: float | None, beside: float | None, form: str) -> str:
    if value is None:
        return ""
    return form.format(value) if beside is None else f"{form.format(value)} ({form.format(beside)})"


def _truth(known: TagTruth) -> str:
    return f"yes, {known.latency_ms:.1f}" if known.tagged else "no"
