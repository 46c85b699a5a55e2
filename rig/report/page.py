"""The page as a whole: which figures, in which order, and the HTML around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from rig.report.appendix import appendix
from rig.report.asymmetry import asymmetry_figure
from rig.report.baseline import baseline_figure
from rig.report.behaviour import behaviour_figure
from rig.report.css import CSS
from rig.report.cues import cues_figure
from rig.report.decoded import decoded_figure
from rig.report.epochs import epochs_figure
from rig.report.evidence import evidence_figure
from rig.report.facts import Epoch, Facts, Paper
from rig.report.fibres import fibres_figure
from rig.report.halves import halves_figure
from rig.report.header import header, title
from rig.report.parts import Grid, Item, Missing, Number, Shown
from rig.report.responses import responses_figure
from rig.report.reversal import reversal_figure
from rig.report.settling import settling_figure
from rig.report.style import drawing
from rig.report.tables import text
from rig.report.tags import tags_table
from rig.report.together import divided, together
from rig.report.truth import truth_figure
from rig.report.tuning import tuning_figure

GENERATOR: Final = "dopaloop report"
"""What tells a report from any other page: the value of its ``generator``."""
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
"""No script runs and nothing is fetched, whatever a name in the session tries."""
READ_FIRST: Final = (
    "Look at split-half R, time-split R and asymmetry-reversal R together, never at one of them. That "
    "reversal points repeat does not prove a distributional code.",
    "A time-split R well below the random-split R means that something drifts.",
    "Reversal points should not go with baseline rates.",
    "At some size some units should be significantly up while others are significantly down. A constant for "
    "each unit does that too.",
    "Reliability is not accuracy: the isotonic crossing repeats best, and it is pulled into the gap "
    "between two sizes.",
    "Nothing on this page may steer a trial of a session that still runs.",
)


def page(facts: Facts, paper: Paper) -> str:
    """Return the report as one page of HTML that needs no other file.

    Parameters
    ----------
    facts
        The session (`rig.report.facts.Gathering`).
    paper
        What its documents do not say: file name, description, truth.
    """
    with drawing():
        chapters = "".join(_chapters(facts, paper))
    body = f"{header(facts, paper)}<main>\n{chapters}</main>\n{appendix(facts)}"
    return document(title(facts, paper), body, paper)


def document(name: str, body: str, paper: Paper) -> str:
    """Return a page of HTML around its body; `name` is shown by the browser."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<title>{escape(name)}</title>\n<meta name="generator" content="{GENERATOR}">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{CSS}</style>\n</head>\n<body>\n{body}{_footer(paper)}</body>\n</html>\n"
    )


def _chapters(facts: Facts, paper: Paper) -> Iterator[str]:
    numbers = iter(range(1, 1000))
    yield chapter("Behaviour", [behaviour_figure(facts, "water-and-licks")], numbers)
    for epoch in facts.epochs:
        several = len(facts.epochs) > 1
        name = f"Units in epoch {epoch.title}" if several else "Units"
        read = read_first(epoch, rules=epoch is facts.epochs[0]) if len(epoch.estimated) > 1 else ""
        yield chapter(name, unit_items(facts, epoch), numbers, read)
    for epoch in facts.epochs:
        if epoch.fibres:
            name = f"Fibres in epoch {epoch.title}" if len(facts.epochs) > 1 else "Fibres"
            mark = f"e{epoch.number}-" if epoch.number else ""
            yield chapter(name, [fibres_figure(epoch, f"{mark}fibres")], numbers)
    yield tags_table(facts.tags)
    if len(facts.epochs) > 1:
        yield chapter("Epochs compared", [epochs_figure(facts, "epochs")], numbers)
    if facts.epochs and (paper.truth or paper.no_truth):
        yield chapter("The animal's truth", [truth_figure(facts.epochs[-1], paper, "truth")], numbers)


def unit_items(facts: Facts, epoch: Epoch) -> list[Item]:
    """Draw all figures about the units of one epoch."""
    mark = f"e{epoch.number}-" if epoch.number else ""
    return [
        responses_figure(epoch, f"{mark}responses"),
        reversal_figure(epoch, f"{mark}reversal"),
        tuning_figure(epoch, f"{mark}curves"),
        settling_figure(facts, epoch, f"{mark}settling"),
        halves_figure(epoch, f"{mark}halves"),
        asymmetry_figure(epoch, f"{mark}asymmetry"),
        baseline_figure(epoch, f"{mark}baseline"),
        evidence_figure(epoch, f"{mark}evidence"),
        decoded_figure(epoch, f"{mark}decoded"),
        cues_figure(epoch, f"{mark}cues"),
    ]


def chapter(name: str, items: Sequence[Item], numbers: Iterator[int], read: str = "") -> str:
    """Return a chapter: what is to be read first, the figures, and why others are not there."""
    parts = [f"<section>\n<h2>{text(name)}</h2>\n", read]
    parts += [_figure(item, next(numbers)) for item in items if isinstance(item, Shown)]
    parts.append(_absent([item for item in items if isinstance(item, Missing)]))
    parts.append("</section>\n")
    return "".join(parts)


def read_first(epoch: Epoch, *, rules: bool) -> str:
    """Return what is to be read before an epoch's figures: the rules, once, and all checks side by side."""
    parts = []
    if rules:
        told = "".join(f"<li>{escape(rule)}</li>\n" for rule in READ_FIRST)
        parts.append(f"<h3>Read this first</h3>\n<ol>\n{told}</ol>\n")
    checks = together(epoch.view) if epoch.view is not None else None
    if epoch.view is not None and checks is not None:
        parts.append(f"<h3>All checks together</h3>\n{_grid(checks)}")
        parts.append(f'<p class="divided">{escape(divided(epoch.view))}</p>\n')
    return f'<div class="read">\n{"".join(parts)}</div>\n' if parts else ""


def _figure(item: Shown, number: int) -> str:
    careful = f'<p class="careful">{escape(item.careful)}</p>\n' if item.careful else ""
    missing = "".join(f'<p class="missing">{text(_sentence(words))}</p>\n' for words in item.missing)
    told = f"{careful}{missing}{_numbers(item.numbers)}{_grid(item.grid)}"
    return (
        f'<figure id="{item.key}">\n<h3>Figure {number}. {escape(item.title)}</h3>\n{item.drawing}\n'
        f"<figcaption>\n<p>{text(item.caption)}</p>\n{told}</figcaption>\n</figure>\n"
    )


def _numbers(numbers: Sequence[Number]) -> str:
    if not numbers:
        return ""
    rows = "".join(_number(number) for number in numbers)
    return f'<dl class="numbers">\n{rows}</dl>\n'


def _grid(grid: Grid | None) -> str:
    if grid is None:
        return ""
    head = "".join(f"<th>{text(name)}</th>" for name in grid.head)
    rows = []
    for name, numbers in grid.rows:
        cells = "".join(f"<td>{_value(number) if number else ''}</td>" for number in numbers)
        rows.append(f"<tr><th>{text(name)}</th>{cells}</tr>\n")
    return (
        f'<table class="grid">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{"".join(rows)}</tbody>\n</table>\n'
    )


def _value(number: Number) -> str:
    """The text, and within it the exact value for those who copy it out of the page."""
    if number.value is None:
        return text(number.text)
    return f'<data value="{float(number.value)!r}" title="{text(number.name)}">{text(number.text)}</data>'


def _number(number: Number) -> str:
    told = _value(number)
    long = ' class="long"' if len(number.name) + len(number.text) > 58 else ""
    return f"<div{long}><dt>{text(number.name)}</dt><dd>{told}</dd></div>\n"


def _absent(items: Sequence[Missing]) -> str:
    """Say why figures are not there; those with one reason together."""
    by_reason: dict[str, list[str]] = {}
    for item in items:
        by_reason.setdefault(_sentence(item.why), []).append(item.title)
    if not by_reason:
        return ""
    rows = "".join(
        f"<p><b>Not shown:</b> {escape(' · '.join(names))}. <i>Why: {text(reason)}</i></p>\n"
        for reason, names in by_reason.items()
    )
    return f'<div class="absent">\n{rows}</div>\n'


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."


def _footer(paper: Paper) -> str:
    versions = paper.meta.get("versions")
    told = (
        ", ".join(f"{name} {version}" for name, version in versions.items())
        if isinstance(versions, dict)
        else ""
    )
    recorded = f" Recorded with {text(told)}." if told else ""
    return (
        f"<footer>\n<p>Made by {text(paper.program)} from {text(paper.file)}; nothing on this page is "
        f"fetched from anywhere.{recorded} The figures follow Dabney et al. 2020, Nature 577:671-675 (doi "
        "10.1038/s41586-019-1924-6). What each number means, and how often it is wrong on simulated "
        "animals, "
        "is told in dopaloop's documentation, page “population”.</p>\n</footer>\n"
    )
