"""Units and light: what was measured of each, and what a person has said of it, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rig.report.tables import table, text
from rig.report.words import short
from rig.results.tag_report import Tag

HEAD: Final = (
    *("unit", "tagged", "it looks", "SALT P", "sham P", "latency", "jitter"),
    *("reliability", "by chance", "pulses"),
)
CAREFUL: Final = (
    "Light only suggests: a unit counts as tagged when a person has said so. A P of SALT cannot fall below "
    "its resolution; that of sham pulses should not be small."
)


def tags_table(tags: Mapping[str, Tag]) -> str:
    """Return the chapter on light as HTML; empty if no light was given and nobody has said a word."""
    if not tags:
        return ""
    order = sorted(
        tags.items(), key=lambda item: (item[1].tagged is not True, item[1].suggestion is not True)
    )
    rows = [(short(unit), *_words(tag)) for unit, tag in order]
    confirmed = sum(tag.tagged is True for tag in tags.values())
    looks = sum(tag.suggestion is True and tag.tagged is None for tag in tags.values())
    return (
        f'<section id="light">\n<h2>Light</h2>\n<p>{confirmed} of {len(tags)} units confirmed as tagged; '
        f"{looks} more look tagged, and nobody has said a word on them.</p>\n"
        f'<p class="careful">{text(CAREFUL)}</p>\n'
        f"{table(HEAD, rows, numbers=range(3, len(HEAD)))}</section>\n"
    )


def _words(tag: Tag) -> Iterator[str]:
    said = {True: "yes", False: "no", None: ""}[tag.tagged]
    yield said + (f", {short(tag.by, 16)}" if said and tag.by else "")
    yield {True: "tagged", False: "not tagged", None: "too little"}[tag.suggestion]
    yield _p(tag.p, tag.resolution)
    yield _p(tag.sham_p, tag.resolution)
    yield from _with_unit((tag.latency_ms, tag.jitter_ms), "ms")
    yield from ("" if share is None else f"{100 * share:.0f} %" for share in (tag.reliability, tag.by_chance))
    yield str(tag.pulses)


def _p(p: float | None, resolution: float | None) -> str:
    if p is None:
        return ""
    return f"< {resolution:.1g}" if p == 0 and resolution else f"{p:.2g}"


def _with_unit(values: Sequence[float | None], unit: str) -> Iterator[str]:
    for value in values:
        yield "" if value is None else f"{value:.1f} {unit}"
