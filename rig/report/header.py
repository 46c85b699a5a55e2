"""The top of the page: who, what, when, how it ended, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rig.documents import Audit
from rig.estimate.telling import NOT_SETTLED
from rig.report.facts import Epoch, Facts, Paper
from rig.report.tables import table, text
from rig.report.words import count, plain, probability, size
from rig.units import US_PER_S

MOST_NOTICES = 60


def header(facts: Facts, paper: Paper) -> str:
    """Return the top of the page as HTML."""
    subject = _said(facts, paper, "subject")
    protocol = _said(facts, paper, "protocol")
    bad, ended = how_it_ended(facts, paper)
    parts = [
        f"<header>\n<h1>{text(subject)}: {text(protocol)}</h1>\n",
        f'<p class="under">{" · ".join(text(part) for part in _under(facts, paper))}</p>\n',
        f'<p class="ended{" bad" if bad else ""}">{text(ended)}</p>\n',
        _key(facts),
        "</header>\n",
        _notices(facts),
        _audits(facts.epochs),
        _epochs(facts.epochs) if len(facts.epochs) > 1 else "",
    ]
    return "".join(parts)


def _said(facts: Facts, paper: Paper, name: str) -> str:
    told = getattr(facts.started, name, None) if facts.started else None
    return str(told if told is not None else paper.meta.get(name, f"unknown {name}"))


def title(facts: Facts, paper: Paper) -> str:
    """Return what the browser shows as the page's name."""
    date = str(paper.meta.get("started", ""))[:10]
    words = (_said(facts, paper, "subject"), _said(facts, paper, "protocol"), date)
    return plain(" ".join(word for word in words if word))


def _under(facts: Facts, paper: Paper) -> list[str]:
    rig: Any = paper.meta.get("rig")
    known = (
        facts.started.rig
        if facts.started
        else rig.get("name", "unknown")
        if isinstance(rig, dict)
        else "unknown"
    )
    seed = facts.started.seed if facts.started else paper.meta.get("seed", "unknown")
    return [when(str(paper.meta.get("started", ""))), f"rig {known}", f"seed {seed}", paper.file]


def when(started: str) -> str:
    """A date and time for people, from ISO 8601.

    Examples
    --------
    >>> when("2026-03-02T09:14:00.123+01:00")
    '2026-03-02 09:14'
    """
    return started[:16].replace("T", " ") if len(started) >= 16 else "date unknown"


def how_it_ended(facts: Facts, paper: Paper) -> tuple[bool, str]:
    """Whether something is amiss, and how the session ended."""
    if facts.ended is not None:
        return not facts.ended.ok, f"Ended: {facts.ended.reason}"
    if paper.ended is not None:
        return True, f"Ended: {paper.ended}"
    return (
        True,
        "No end yet: the session is still running, or it was cut short. This is what was stored so far.",
    )


def _key(facts: Facts) -> str:
    outcomes = Counter(record.outcome for record in facts.records)
    others = ", ".join(f"{number} {name}" for name, number in outcomes.items() if name != "complete")
    rows = [
        ("trials", str(len(facts.records)), others or ("all complete" if facts.records else "")),
        ("rewarded", str(facts.rewarded), ""),
        ("water", f"{facts.delivered_ul / 1000:.2f} mL", _by_hand(facts)),
        ("duration", _duration(facts), "first to last trial"),
    ]
    newest = facts.epochs[-1] if facts.epochs else None
    if newest is not None and newest.units:
        settled = sum(NOT_SETTLED not in unit.flags for unit in newest.units)
        rows.append(("units", str(len(newest.units)), f"{settled} settled"))
    else:
        rows.append(("units", "0", "no responses of units"))
    tossed = Counter(r.spec.stimulation for r in facts.records if r.spec.stimulation in {"light", "sham"})
    if tossed:
        rows.append(("light", str(tossed["light"]), f"trials; {tossed['sham']} of sham"))
    if facts.ended is not None and facts.ended.deadlines_expired:
        rows.append(("late decisions", str(facts.ended.deadlines_expired), "a response did not come in time"))
    cells = "".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}<small>{text(more)}</small></dd></div>\n"
        for name, value, more in rows
    )
    return f'<dl class="key">\n{cells}</dl>\n'


def _by_hand(facts: Facts) -> str:
    if facts.ended is None:
        return "in trials"
    more = facts.ended.delivered_ul - facts.delivered_ul
    return f"in trials; {more:.1f} µL besides" if more > 0.05 else "in trials"


def _duration(facts: Facts) -> str:
    if not facts.records:
        return "0 min"
    first, last = facts.records[0], facts.records[-1]
    minutes = (last.start_us + last.duration_us - first.start_us) / US_PER_S / 60
    return f"{minutes:.0f} min" if minutes >= 10 else f"{minutes:.1f} min"


def _notices(facts: Facts) -> str:
    grave = [notice for notice in facts.notices if notice.level != "info"]
    if not grave:
        return "<p>No warning, no error and no note in this session.</p>\n"
    # one line for what was said again and again
    times = Counter((notice.level, notice.source, notice.text) for notice in grave)
    first: dict[tuple[str, str, str], int | None] = {}
    for notice in grave:
        first.setdefault((notice.level, notice.source, notice.text), notice.board_us)
    rows = [
        (
            level,
            source,
            said if number == 1 else f"{said} ({number} times)",
            _clock(first[level, source, said]),
        )
        for (level, source, said), number in list(times.items())[:MOST_NOTICES]
    ]
    left = len(times) - len(rows)
    more = f"<p>{count(left, 'more notice')} in the session file.</p>\n" if left > 0 else ""
    return f"<h3>Notices</h3>\n{table(('level', 'from', 'what', 'rig time'), rows, (3,))}{more}"


def _clock(board_us: int | None) -> str:
    if board_us is None:
        return ""
    minutes, seconds = divmod(board_us // US_PER_S, 60)
    return f"{minutes}:{seconds:02d}"


def _audits(epochs: Sequence[Epoch]) -> str:
    told = [(epoch, epoch.audit) for epoch in epochs if epoch.audit is not None]
    if not told:
        return ""
    rows = [(epoch.title if len(epochs) > 1 else "the session", *_audited(audit)) for epoch, audit in told]
    head = ("epoch", "trials as declared", "astray", "every block exact", "G-test", "finding")
    return f"<h3>Audit: delivered against declared</h3>\n{table(head, rows, (1, 2))}"


def _audited(audit: Audit) -> tuple[str, str, str, str, str]:
    test = (
        "too few trials"
        if audit.p is None
        else f"G {audit.g or 0:.1f}, {audit.dof} df, P {probability(audit.p)}"
    )
    return (
        str(sum(audit.delivered)),
        str(audit.astray),
        "yes" if audit.exact else "no",
        test,
        audit.problem or "the declared distribution was delivered",
    )


def _epochs(epochs: Sequence[Epoch]) -> str:
    rows = [
        (
            epoch.title,
            epoch.first_trial + 1,
            ", ".join(size(volume) for volume in epoch.sizes_ul),
            epoch.reason or "the session's start",
            "; ".join(
                words
                for words, said in (
                    (f"first {count(epoch.discard, 'trial')} not estimated from", epoch.discard),
                    ("with light: its reversal points are new ones", epoch.stimulated),
                )
                if said
            ),
        )
        for epoch in epochs
    ]
    return f"<h3>Epochs</h3>\n{table(('epoch', 'from trial', 'sizes (µL)', 'why it began', ''), rows, (1,))}"
