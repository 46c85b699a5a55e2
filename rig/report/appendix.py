"""The end of the page: what was declared, and the parameters."""

from __future__ import annotations

from collections.abc import Sequence

from rig.documents import DeclaredTrial
from rig.report.facts import Epoch, Facts
from rig.report.tables import table, text
from rig.report.words import size


def appendix(facts: Facts) -> str:
    """Return the end of the page as HTML: what was declared, and the parameters."""
    if facts.started is None:
        return ""
    return f"<section>\n<h2>How it was set up</h2>\n{_declared(facts.epochs)}{_parameters(facts)}</section>\n"


def _declared(epochs: Sequence[Epoch]) -> str:
    parts = []
    for epoch in epochs:
        if not epoch.declared:
            continue
        where = f", epoch {epoch.title}" if len(epochs) > 1 else ""
        parts.append(f"<h3>Declared block{text(where)}</h3>\n{_block(epoch.declared, epoch.conditions)}")
    return "".join(parts)


def _block(declared: Sequence[DeclaredTrial], conditions: tuple[str, ...] | None) -> str:
    """One row a condition: sizes and how often a block holds them."""
    by_condition: dict[str, list[DeclaredTrial]] = {}
    for kind in declared:
        by_condition.setdefault(kind.condition, []).append(kind)
    total = sum(kind.count for kind in declared) or 1
    rows = [
        (
            condition,
            ",  ".join(
                f"{kind.count}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{_outcome(kind)}" for kind in kinds
            ),
            f"{100 * sum(kind.count for kind in kinds) / total:.0f} %",
            _estimated_from(condition, kinds, conditions),
        )
        for condition, kinds in by_condition.items()
    ]
    return table(("condition", "outcomes in a block", "trials", "for reversal points"), rows, (2,))


def _outcome(kind: DeclaredTrial) -> str:
    return f"{size(kind.reward_ul)}\N{NO-BREAK SPACE}µL" if kind.reward_ul else "nothing"


def _estimated_from(condition: str, kinds: list[DeclaredTrial], conditions: tuple[str, ...] | None) -> str:
    if not any(kind.reward_ul for kind in kinds):
        return "no reward"
    return "yes" if conditions is None or condition in conditions else "no"


def _parameters(facts: Facts) -> str:
    if facts.started is None or not facts.started.parameters:
        return ""
    about = {info.name: info for info in facts.started.about}
    rows = []
    for name, value in facts.started.parameters.items():
        info = about.get(name)
        shown = ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in value) if isinstance(
            value, (list, tuple)) else value  # fmt: skip
        rows.append((name, f"{shown} {info.unit}".strip() if info else shown, info.doc if info else ""))
    return f"<h3>Parameters</h3>\n{table(('name', 'value', 'meaning'), rows)}"
