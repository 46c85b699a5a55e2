"""What the auditor found, and the epochs of a session, in words. Knows no Qt."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from gui.model import SessionModel
from gui.stat_words import p_rich
from gui.theme import Theme
from gui.words import plain
from rig.documents import Audit, DeclaredTrial, EpochStarted

GOOD, BAD, RUNS, NEXT = "✔", "✖", "▸", "○"


@dataclass(frozen=True)
class Chance:
    """How often one condition was rewarded, and how often it is declared to be.

    Attributes
    ----------
    rewarded, trials
        So far, of those that took place as declared.
    declared
        Share of rewarded trials in a block.
    """

    condition: str
    rewarded: int
    trials: int
    declared: float

    @property
    def share(self) -> float:
        """Of the trials so far; 0 before the first."""
        return self.rewarded / self.trials if self.trials else 0.0


def chances(declared: Sequence[DeclaredTrial], audit: Audit | None) -> list[Chance]:
    """Return every condition of a block, in the order of the declaration."""
    delivered = audit.delivered if audit is not None and audit.declared == tuple(declared) else ()
    counts = delivered or (0,) * len(declared)
    found = []
    for condition in dict.fromkeys(kind.condition for kind in declared):
        mine = [(kind, n) for kind, n in zip(declared, counts, strict=True) if kind.condition == condition]
        found.append(
            Chance(
                condition=condition,
                rewarded=sum(n for kind, n in mine if kind.reward_ul > 0),
                trials=sum(n for _, n in mine),
                declared=sum(kind.count for kind, _ in mine if kind.reward_ul > 0)
                / max(sum(kind.count for kind, _ in mine), 1),
            )
        )
    return found


def audit_words(audit: Audit, theme: Theme) -> str:
    """One line on whether what was delivered is what was declared, as rich text."""
    tested = "" if audit.g is None or audit.p is None else f"G {audit.g:.1f}, {p_rich(audit.p)}; "
    astray = f"{audit.astray} trial{'s' * (audit.astray != 1)} astray"
    if audit.problem is not None:
        problem = audit.problem[0].upper() + audit.problem[1:]
        return f"<b style='color:{theme.bad}'>{BAD} {html.escape(problem)}.</b> {tested}{astray}"
    blocks = "" if audit.exact else "; a block was not exact"
    return (
        f"<b style='color:{theme.good}'>{GOOD} as declared</b>, sizes locked to the schedule &middot; "
        f"{tested}{astray}{blocks}"
    )


def epoch_lines(model: SessionModel, theme: Theme) -> list[str]:
    """One line an epoch, as rich text: which trials, what ended it; none in a session of one epoch."""
    names = _names(model)
    if len(names) < 2:
        return []
    declared = model.started.epochs if model.started else ()
    lines = []
    for number, name in enumerate(names):
        title = f"{number} {html.escape(plain(name))}"
        if number > model.epoch_number:
            until = declared[number - 1].until
            lines.append(f"{NEXT} {title}: to come" + (f", {html.escape(until)}" if until else ""))
        elif number == model.epoch_number:
            runs = f"<b style='color:{theme.text}'>{RUNS} {title}</b>"
            lines.append(f"{runs}: since trial {model.first_trial + 1}{_newest(model.epoch)}")
        else:
            lines.append(f"{_sign(model, number, theme)} {title}: {_past(model, number)}")
    return lines


def _names(model: SessionModel) -> list[str]:
    """Names of all epochs: those declared before the first trial, else those that were begun."""
    declared = [epoch.name for epoch in model.started.epochs] if model.started else []
    begun = ["the first", *(epoch.name for epoch in model.epochs)]
    return declared if len(declared) >= len(begun) else begun


def _newest(epoch: EpochStarted | None) -> str:
    if epoch is None:
        return ""
    discard = f", the first {epoch.discard} not estimated from" if epoch.discard else ""
    return discard + ("; light may be given" if epoch.stimulated else "")


def _past(model: SessionModel, number: int) -> str:
    first = model.epochs[number - 1].trial if number else 0
    after = model.epochs[number]
    # The session says "'name' is over: why"; the name stands there already.
    why = after.reason.rpartition(" is over: ")[2]
    return f"trials {first + 1} to {after.trial}" + (f"; {html.escape(why)}" if why else "")


def _sign(model: SessionModel, number: int, theme: Theme) -> str:
    """How an epoch that is over stood when it ended."""
    audit = model.audits.get(number)
    if audit is None:
        return "·"
    bad = audit.problem is not None
    return f"<b style='color:{theme.bad if bad else theme.good}'>{BAD if bad else GOOD}</b>"
