"""Whether the units are still what they were: the estimate of recent trials beside that of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from gui.plot import SizeScale
from gui.population_panel import because
from gui.population_rows import PopulationRows
from gui.row_chart import RowChart
from gui.unit_rows import UnitRow, natural
from gui.unit_words import ul
from rig.population.shapes import DriftUnit, PopulationView, Together

LOST: Final = "▲ lost"
PARTED: Final = "▲ parted"
MARGIN: Final = 0.3
TOGETHER_SE: Final = 3.0
"""From here on a change of all units together is pointed out."""

Places = tuple[float | None, float | None]


class DriftPanel(PopulationRows):
    """One row a unit, alarms first: from the estimate of all trials (small dot) to that of recent ones."""

    title: ClassVar[str] = "drift"
    order: ClassVar[int] = 150
    warns: ClassVar[str] = (
        "A quiet alarm is no proof of stability: within a session one unit's drift is hard to see. By chance "
        "3 units of 100 are called in 630 rewards."
    )
    warns_briefly: ClassVar[str] = "A quiet alarm is no proof of stability."

    def make_chart(self) -> RowChart:
        """Return the chart; its axis follows the sizes."""
        self._scale = SizeScale(())
        self._axis_hz: tuple[float, ...] = ()
        bottom = "reversal point, uL  (• all trials, ○ recent)"
        return RowChart(self.theme, bottom, words=[f"{PARTED}, 4.0 SD"])

    def why_empty(self, view: PopulationView) -> str | None:
        """Say why there is nothing to compare."""
        known = any(unit.full_hz is not None or unit.lost for unit in view.population.drift)
        return None if known else because(view, "drift", "drift_together")

    def draw(self, view: PopulationView) -> None:
        """Put alarms first, then the units that moved most."""
        if self._scale.sizes_ul != view.sizes_ul or self._axis_hz != view.utility_axis_hz:
            self._lay_axis(view)
        self._units = {unit.unit: unit for unit in view.population.drift}
        places = self._places(view.population.drift)
        rows = {name: _row(unit, places[name]) for name, unit in self._units.items()}
        order = sorted(self._units.values(), key=_rank)
        values = {name: [full] for name, (full, _) in places.items() if full is not None}
        self.lay_rows(rows, [unit.unit for unit in order], values)
        parted = sum(unit.parted for unit in self._units.values())
        lost = sum(unit.lost is True for unit in self._units.values())
        watched = any(unit.sds for unit in self._units.values())
        quiet = "no alarm" if watched else "too early to say"
        self.lead.setText(f"{parted} parted, {lost} lost" if parted or lost else quiet)
        self.lead.setStyleSheet(f"color: {self.theme.warn if parted or lost else self.theme.text};")
        self.legend.setText(self._together(view.population.drift_together, because(view, "drift_together")))

    def _lay_axis(self, view: PopulationView) -> None:
        self._scale, self._axis_hz = SizeScale(view.sizes_ul), view.utility_axis_hz
        self._scale.dress(self.chart.plot.getPlotItem().getAxis("bottom"))
        last = max(len(view.sizes_ul) - 1, 1)
        self.chart.set_axis((-MARGIN, last + MARGIN), (0.0, float(last)), range(len(view.sizes_ul)), None)

    def _places(self, units: Sequence[DriftUnit]) -> dict[str, Places]:
        """Where both estimates of each unit stand on the axis. Between two sizes it is straight in Hz too."""
        hz = np.array([[unit.full_hz, unit.recent_hz] for unit in units], dtype=np.float64)
        places = np.interp(hz.ravel(), self._axis_hz, np.arange(len(self._axis_hz))).tolist()
        pairs = zip(places[::2], places[1::2], strict=True)
        return {
            unit.unit: (
                full if unit.full_hz is not None else None,
                recent if unit.recent_hz is not None else None,
            )
            for unit, (full, recent) in zip(units, pairs, strict=True)
        }

    def _ul(self, hz: float) -> float:
        return float(np.interp(hz, self._axis_hz, self._scale.sizes_ul))

    def _together(self, found: Together | None, why: str) -> str:
        if found is None:
            return f"All units together: {why}"
        sign = f"{found.hz:+.2f} Hz".replace("-", "−")
        words = f"{sign}, {abs(found.standard_errors):.1f} standard errors"
        text = f"All units together, recent less all: <b style='color:{self.theme.text}'>{words}</b>"
        if abs(found.standard_errors) >= TOGETHER_SE:
            text += f" <b style='color:{self.theme.warn}'>▲ they change together</b>"
        return text

    def numbers(self, unit: str) -> list[tuple[str, str]]:
        """Both estimates of one unit."""
        found = self._units[unit]
        lines = []
        for name, hz in (("all trials", found.full_hz), ("recent trials", found.recent_hz)):
            if hz is not None:
                lines.append((name, f"{ul(self._ul(hz))} uL"))
        lines.append(("apart", f"{abs(found.sds):.1f} standard deviations"))
        if found.parted:
            lines.append(("alarm", "the recent trials have left the interval of all trials"))
        if found.lost:
            lines.append(("alarm", "it has fallen silent"))
        return lines


def _rank(unit: DriftUnit) -> tuple[bool, bool, float, object]:
    return unit.lost is not True, not unit.parted, -abs(unit.sds), natural(unit.unit)


def _row(unit: DriftUnit, places: Places) -> UnitRow:
    apart = f"{abs(unit.sds):.1f} SD"
    word = LOST if unit.lost else f"{PARTED}, {apart}" if unit.parted else apart if unit.sds else ""
    full, recent = places
    if full is None or recent is None:
        word = LOST if unit.lost else ""
        return UnitRow(unit.unit, None, 0.0, 0.0, settled=False, edge=None, word=word)
    low, high = min(full, recent), max(full, recent)
    return UnitRow(unit.unit, recent, low, high, settled=unit.parted, edge=None, word=word)
