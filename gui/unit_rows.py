"""A unit as a row of the reversal panel: its places on the size axis, and the words beside it. No Qt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rig.documents import UnitEstimate
from rig.estimate.telling import AT_EDGE, NOT_SETTLED

AT_LOW: Final = "low"
AT_HIGH: Final = "high"


class Scale(Protocol):
    """Turns a volume into a place on an axis."""

    def place(self, volume_ul: float) -> float:
        """Position of a volume in uL."""


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One row.

    Attributes
    ----------
    place, low, high
        Estimate and interval on the axis; `place` is None where there is no estimate.
    edge
        `AT_LOW` or `AT_HIGH` where the estimate sits at that end of the axis, else None.
    word
        What the row says of itself in words; empty for a settled unit.
    """

    unit: str
    place: float | None
    low: float
    high: float
    settled: bool
    edge: str | None
    word: str


def unit_row(estimate: UnitEstimate, scale: Scale, axis_hz: Sequence[float]) -> UnitRow:
    """Make the row of one unit.

    Parameters
    ----------
    scale
        The axis of the plot.
    axis_hz
        Utilities of the sizes, to tell at which end an estimate sits.
    """
    settled = NOT_SETTLED not in estimate.flags
    if estimate.bayes_ul is None or estimate.bayes_ci95_ul is None or estimate.bayes_hz is None:
        return UnitRow(estimate.unit, None, 0.0, 0.0, settled=False, edge=None, word=_too_few(estimate))
    low, high = estimate.bayes_ci95_ul
    edge = None
    if AT_EDGE in estimate.flags:
        edge = AT_LOW if estimate.bayes_hz - axis_hz[0] < axis_hz[-1] - estimate.bayes_hz else AT_HIGH
    words = [word for word in (NOT_SETTLED, AT_EDGE) if word in estimate.flags]
    return UnitRow(
        unit=estimate.unit,
        place=scale.place(estimate.bayes_ul),
        low=scale.place(low),
        high=scale.place(high),
        settled=settled,
        edge=edge,
        word=", ".join(words),
    )


def _too_few(estimate: UnitEstimate) -> str:
    responses = sum(estimate.n)
    return f"{responses} response{'s' * (responses != 1)} yet"


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Key that sorts ``Tetrode 2`` before ``Tetrode 10``.

    Examples
    --------
    >>> sorted(["T 10:1", "T 2:1"], key=natural)
    ['T 2:1', 'T 10:1']
    """
    parts = re.split(r"(\d+)", name)
    return tuple((1, int(p), "") if p.isdigit() else (0, 0, p) for p in parts)


def in_order(rows: Iterable[UnitRow], *, by_name: bool) -> list[str]:
    """Names from the top row down: by estimate, ascending (those without come last), or by name."""
    if by_name:
        return sorted((row.unit for row in rows), key=natural)
    ranked = sorted(rows, key=lambda row: (row.place is None, row.place or 0.0, natural(row.unit)))
    return [row.unit for row in ranked]
