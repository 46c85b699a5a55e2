"""What many drills of one fault came to, as a line of a table."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

from benchmarks.faults.judge import Found
from benchmarks.faults.sources import SourceFound

HEAD = ("fault", "tried", "what was lost", "what people were told", "promises")
TOLD = 3
"""Notices that are shown, the most frequent first."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line.

    Attributes
    ----------
    broken
        Promises that were not kept, in sentences.
    blind
        Why some cannot be kept.
    """

    name: str
    what: str
    tried: int
    lost: str
    told: str
    broken: tuple[str, ...]
    blind: str = ""
    runs_broken: int = 0


def row(name: str, what: str, found: Sequence[Found], blind: str = "") -> Row:
    """Sum up drills of a session."""
    trials, incomplete = sum(f.trials for f in found), sum(f.incomplete for f in found)
    unseen = sum(f.unseen for f in found)
    asked, lost = sum(f.asked_again for f in found), sum(f.events_lost for f in found)
    messages = sum(f.messages_lost for f in found)
    missing, responses = sum(f.missing for f in found), sum(f.responses for f in found)
    over_ul = max((f.over_ul for f in found), default=0.0)
    parts = [
        f"{incomplete} of {trials} trials incomplete" if incomplete else "",
        f"{unseen} trials not recorded" if unseen else "",
        f"{asked} events asked for again, {lost} lost" if asked or lost else "",
        f"{messages} messages" if messages else "",
        f"{missing} of {responses} responses missing" if missing else "",
        f"up to {over_ul:.0f} uL counted too much" if over_ul > 0.5 else "",
    ]
    return _row(name, what, found, [part for part in parts if part], blind)


def source_row(name: str, what: str, found: Sequence[SourceFound], blind: str = "") -> Row:
    """Sum up drills of a source of samples."""
    samples, true = sum(f.samples for f in found), sum(f.true for f in found)
    lost, noise = sum(f.lost for f in found), sum(f.noise for f in found)
    restarts = sum(f.restarts for f in found)
    parts = [
        f"{100 * (1 - samples / true):.1f} % of {true} samples" if samples < true else "",
        f"{lost} told as lost" if lost else "",
        f"{restarts} new beginnings" if restarts else "",
        f"{noise} bytes of noise" if noise else "",
    ]
    return _row(name, what, found, [part for part in parts if part], blind)


def _row(
    name: str, what: str, found: Sequence[Found] | Sequence[SourceFound], parts: list[str], blind: str
) -> Row:
    notices: Counter[str] = Counter()
    for one in found:
        notices.update(one.notices.keys())  # how many drills told it, not how often
    told = [f"{text} ({count})" for text, count in notices.most_common(TOLD)]
    return Row(
        name=name,
        what=what,
        tried=len(found),
        lost="; ".join(parts) or "nothing",
        told="; ".join(told) or "nothing",
        broken=tuple(text for one in found for text in one.broken),
        blind=blind,
        runs_broken=sum(bool(one.broken) for one in found),
    )


def markdown(one: Row | None = None) -> str:
    """Return a line of the table; its head without a row."""
    if one is None:
        return "| " + " | ".join(HEAD) + " |\n" + "| " + " | ".join("---" for _ in HEAD) + " |"
    kept = "kept" if not one.broken else f"{one.runs_broken} of {one.tried} drills broke one"
    if one.broken and one.blind:
        kept += f": {one.blind}"
    cells = (f"{one.what} (`{one.name}`)", str(one.tried), one.lost, one.told, kept)
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
