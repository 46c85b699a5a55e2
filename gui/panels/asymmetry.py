"""How much more each unit makes of good surprises than of bad ones, and whether units differ in it."""

from __future__ import annotations

from typing import ClassVar, Final

from gui.population_panel import because
from gui.population_rows import PopulationRows
from gui.row_chart import RowChart
from gui.stat_words import p_rich
from gui.unit_rows import UnitRow, in_order
from rig.population.shapes import AsymmetryTest, PopulationView, UnitFigures

NORMAL_95: Final = 1.96
FEW: Final = "no estimate yet"


class AsymmetryPanel(PopulationRows):
    """One row a unit, by asymmetry: posterior mean and interval, and the published value of each fold."""

    title: ClassVar[str] = "asymmetry"
    order: ClassVar[int] = 140
    warns: ClassVar[str] = (
        "Units must differ in asymmetry for a distributional code, but that they do is no proof of one: "
        "slopes may differ for other reasons. What counts is whether asymmetry goes with the reversal point "
        "<i>in other trials</i> (panel <i>reliability</i>)."
    )
    warns_briefly: ClassVar[str] = (
        "That units differ is no proof. Does asymmetry go with reversal <i>in other trials</i>?"
    )

    def make_chart(self) -> RowChart:
        """Return the chart; the axis is the same for every session."""
        bottom = "asymmetry τ  (● mean, ━ 95 %, • folds)"
        chart = RowChart(self.theme, bottom)
        chart.set_axis((-0.03, 1.03), (-0.02, 1.02), (0.0, 0.25, 0.5, 0.75, 1.0), (0.5, "even"))
        ticks = [(k / 4, f"{k / 4:g}") for k in range(5)]
        chart.plot.getPlotItem().getAxis("bottom").setTicks([ticks])
        return chart

    def why_empty(self, view: PopulationView) -> str | None:
        """Say why no unit has an asymmetry."""
        if all(unit.asymmetry is None for unit in view.figures.units):
            return because(view, "asymmetry")
        return None

    def draw(self, view: PopulationView) -> None:
        """Put the units in order, and say whether they differ."""
        self._units = {unit.unit: unit for unit in view.figures.units}
        rows = {name: row_of(unit) for name, unit in self._units.items()}
        order = in_order(rows.values(), by_name=False)
        folds = {name: [f for f in unit.folds if f is not None] for name, unit in self._units.items()}
        self.lay_rows(rows, order, folds)
        test = view.population.asymmetry
        if test is None:
            self.lead.setText("no mean yet")
            self.legend.setText(because(view, "asymmetry"))
            return
        self.lead.setText(f"mean {test.mean:.2f}")
        self.legend.setText(f"Do units differ? {self._tests(test, because(view, 'asymmetry.f_anew'))}")

    def _tests(self, test: AsymmetryTest, why: str) -> str:
        """The ANOVA to trust, and beside it the published one."""
        if test.f_anew is None or test.p_anew is None:
            words = f"Not tested. {why}"
        else:
            bold = f"<b style='color:{self.theme.text}'>F&nbsp;{test.f_anew:.2f}, {p_rich(test.p_anew)}</b>"
            words = f"ANOVA over folds, all anew in each: {bold}"
        if test.f is not None and test.p is not None:
            published = f"F&nbsp;{test.f:.2f}, {p_rich(test.p)}"
            words += f" &middot; as published {published}: <i>finds differences where there are none</i>"
        return words

    def numbers(self, unit: str) -> list[tuple[str, str]]:
        """Asymmetry, interval, folds."""
        found = self._units[unit]
        lines = []
        if found.asymmetry is not None:
            low, high = ends_of(found)
            lines.append(("asymmetry", f"{found.asymmetry:.2f}  (95 %: {low:.2f} to {high:.2f})"))
        folds = [f"{fold:.2f}" for fold in found.folds if fold is not None]
        if folds:
            lines.append(("folds", "  ".join(folds)))
        return lines or [("asymmetry", FEW)]


def ends_of(unit: UnitFigures) -> tuple[float, float]:
    """Ends of a unit's 95 % interval, by its posterior SD, kept within 0 and 1."""
    middle, sd = unit.asymmetry or 0.0, unit.asymmetry_sd or 0.0
    return max(middle - NORMAL_95 * sd, 0.0), min(middle + NORMAL_95 * sd, 1.0)


def row_of(unit: UnitFigures) -> UnitRow:
    """Return a unit's row; an interval that reaches across even is drawn dashed."""
    if unit.asymmetry is None:
        return UnitRow(unit.unit, None, 0.0, 0.0, settled=False, edge=None, word=FEW)
    low, high = ends_of(unit)
    sure = low > 0.5 or high < 0.5
    return UnitRow(unit.unit, unit.asymmetry, low, high, settled=sure, edge=None, word="")
