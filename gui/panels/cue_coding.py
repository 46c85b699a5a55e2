"""How each unit answers the cue of 50 %: nearer to the certain cue, or nearer to the unlikely one."""

from __future__ import annotations

import math
from typing import ClassVar, Final

from gui.population_panel import because
from gui.population_rows import PopulationRows
from gui.row_chart import RowChart
from gui.stat_words import p_words
from gui.unit_rows import AT_HIGH, AT_LOW, UnitRow, natural
from gui.words import plain
from rig.population.shapes import Cues, CueUnit, PopulationView

LOW, HIGH = -0.5, 1.5
"""What is shown of c50; what lies beyond has an arrow."""
MIDPOINT: Final = 0.5
WORDS: Final = ("interpolating", "too few trials")


class CueCodingPanel(PopulationRows):
    """One row a unit, by c50."""

    title: ClassVar[str] = "cue coding"
    order: ClassVar[int] = 160
    about_reversals: ClassVar[bool] = False
    warns: ClassVar[str] = (
        "Trust c50 with its interval, and the spread over units, more than the labels: <i>does not "
        "differ</i> depends on how many trials there are. No unit is labelled before 60 trials of every cue."
    )
    warns_briefly: ClassVar[str] = (
        "Trust c50 with its interval, and the spread, more than the labels. None before 60 trials a cue."
    )

    def make_chart(self) -> RowChart:
        """Return the chart; the axis is the same for every session."""
        bottom = "c50 = (m50 - m10) / (m90 - m10)"
        chart = RowChart(self.theme, bottom, words=WORDS)
        chart.set_axis((LOW, HIGH), (LOW + 0.03, HIGH - 0.03), (0.0, 1.0), (MIDPOINT, "midpoint: classical"))
        ticks = [(0.0, "0: as 10 %"), (MIDPOINT, "0.5"), (1.0, "1: as 90 %")]
        chart.plot.getPlotItem().getAxis("bottom").setTicks([ticks])
        return chart

    def why_empty(self, view: PopulationView) -> str | None:
        """Say why there is nothing about cues: mostly because the protocol has no such cues."""
        return because(view, "cue_coding") if view.population.cue_coding is None else None

    def draw(self, view: PopulationView) -> None:
        """Put the units in order, and say whether they are spread."""
        found = view.population.cue_coding
        if found is None:
            return
        self._units = {unit.unit: unit for unit in found.units}
        rows = {name: row_of(unit) for name, unit in self._units.items()}
        order = sorted(rows.values(), key=lambda row: (row.place is None, self._c50(row), natural(row.unit)))
        self.lay_rows(rows, [row.unit for row in order], {})
        self.lead.setText(self._spread(found, view))
        self.legend.setText(self._counts(found))

    def _c50(self, row: UnitRow) -> float:
        return self._units[row.unit].c50 or 0.0

    def _spread(self, found: Cues, view: PopulationView) -> str:
        if found.spread is None:
            return "no spread yet"
        p = f", {p_words(found.spread_p)}" if found.spread_p is not None else ""
        return f"spread {found.spread:.2f}{p}"

    def _counts(self, found: Cues) -> str:
        labels = [unit.label for unit in found.units if unit.label is not None]
        told = [f"{labels.count(name)} {name}" for name in ("optimistic", "pessimistic", "interpolating")]
        low, middle, high = (plain(name) for name in found.conditions)
        cues = f"Cues {low}, {middle}, {high}. With a spread of 1 all units stand at the midpoint."
        return f"{cues} Labelled: {', '.join(told)}." if labels else f"{cues} No unit is labelled yet."

    def say_about(self, view: PopulationView) -> tuple[str, ...]:
        """Of how many units, after how many cues: reward trials are not what this is about."""
        found = view.population.cue_coding
        units = [unit for unit in found.units if unit.c50 is not None] if found is not None else []
        fewest = min((min(unit.n) for unit in units), default=0)
        of = f"{len(units)} unit{'s' * (len(units) != 1)}"
        return f"{of}, {fewest} or more trials of each cue", of

    def numbers(self, unit: str) -> list[tuple[str, str]]:
        """Everything about one unit's cues."""
        found = self._units[unit]
        lines = []
        if found.c50 is not None:
            ends = found.c50_ci95
            between = f"  (95 %: {_number(ends[0])} to {_number(ends[1])})" if ends is not None else ""
            lines.append(("c50", f"{found.c50:.2f}{between}"))
        if found.t is not None and found.p is not None:
            lines.append(("against the midpoint", f"t {found.t:.2f}, {p_words(found.p)}"))
        low, middle, high = found.n
        lines.append(("trials", f"10 %: {low}   50 %: {middle}   90 %: {high}"))
        lines.append(("label", found.label or f"none: {found.reason or 'not known yet'}"))
        return lines


def row_of(unit: CueUnit) -> UnitRow:
    """Return a unit's row; an interval that holds the midpoint is drawn dashed."""
    if unit.c50 is None:
        return UnitRow(unit.unit, None, 0.0, 0.0, settled=False, edge=None, word=unit.reason or "")
    low, high = unit.c50_ci95 or (LOW, HIGH)
    edge = AT_LOW if unit.c50 < LOW else AT_HIGH if unit.c50 > HIGH else None
    return UnitRow(
        unit=unit.unit,
        place=min(max(unit.c50, LOW), HIGH),
        low=max(low, LOW),
        high=min(high, HIGH),
        settled=low > MIDPOINT or high < MIDPOINT,
        edge=edge,
        word=unit.label or "",
    )


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "open"
