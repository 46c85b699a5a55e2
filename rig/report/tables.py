"""Text and tables as HTML, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from rig.report.words import plain


def text(value: object) -> str:
    """Escape anything for HTML."""
    return escape(plain(str(value)))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], numbers: Sequence[int] = ()) -> str:
    """Return an HTML table; columns in `numbers` stand at the right."""

    def cell(kind: str, place: int, value: object) -> str:
        look = ' class="number"' if place in numbers else ""
        return f"<{kind}{look}>{text(value)}</{kind}>"

    told = "".join(cell("th", k, name) for k, name in enumerate(head))
    body = "".join(f"<tr>{''.join(cell('td', k, v) for k, v in enumerate(row))}</tr>\n" for row in rows)
    return f"<table>\n<thead><tr>{told}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>\n"
