"""A folder of sessions on one page: the figures about all their units, as `analyze` pools them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rig.report.facts import Epoch, Facts, Paper
from rig.report.page import chapter, document, read_first, unit_items
from rig.report.style import drawing
from rig.report.tables import table, text
from rig.report.tags import tags_table
from rig.report.words import count
from rig.results.tag_report import Tag

APART = (
    "Each session's units count as units of their own. A neuron that was recorded on several days is in here "
    "several times, and every P on this page is then too small."
)


@dataclass(frozen=True, slots=True)
class Pool:
    """What is said of a folder.

    Attributes
    ----------
    folder
        Its name.
    sessions
        Name of each session, its units, and their rewarded trials, all in all.
    skipped
        A sentence for each file that was left out.
    """

    folder: str
    sessions: tuple[tuple[str, int, int], ...]
    trials: int
    rewarded: int
    skipped: tuple[str, ...] = ()
    tags: Mapping[str, Tag] = field(default_factory=dict)
    program: str = "dopaloop"


def pooled_page(epoch: Epoch, pool: Pool) -> str:
    """Return the report on a folder of sessions as one page of HTML that needs no other file.

    Parameters
    ----------
    epoch
        The units of all sessions as if of one: estimates and the population's view.
    """
    nothing = Facts(started=None, ended=None, records=(), responses={}, notices=(), epochs=(epoch,))
    with drawing():
        items = [item for item in unit_items(nothing, epoch) if item.key != "settling"]
        read = read_first(epoch, rules=True) if len(epoch.estimated) > 1 else ""
        units = chapter("Units", items, iter(range(1, 1000)), read)
    name = f"{pool.folder}: {count(len(pool.sessions), 'session')}"
    paper = Paper(file=pool.folder, program=pool.program)
    return document(name, f"{_head(name, pool)}<main>\n{units}{tags_table(pool.tags)}</main>\n", paper)


def _head(name: str, pool: Pool) -> str:
    cells = "".join(
        f"<div><dt>{text(what)}</dt><dd>{text(value)}</dd></div>\n"
        for what, value in (
            ("sessions", len(pool.sessions)),
            ("units", sum(units for _, units, _ in pool.sessions)),
            ("trials", pool.trials),
            ("rewarded", pool.rewarded),
        )
    )
    skipped = "".join(f'<p class="missing">{text(sentence)}</p>\n' for sentence in pool.skipped)
    return (
        f'<header>\n<h1>{text(name)}</h1>\n<dl class="key">\n{cells}</dl>\n</header>\n'
        f"{table(('session', 'units', 'responses'), pool.sessions, (1, 2))}{skipped}"
        f'<p class="careful">{text(APART)}</p>\n'
    )
