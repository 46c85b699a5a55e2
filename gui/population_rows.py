"""A panel about all units with one row each: select with a click or the arrow keys, hover for the numbers."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QKeyEvent

from gui.model import SessionModel
from gui.panel import Controls
from gui.population_panel import AboutPopulation
from gui.row_chart import RowChart
from gui.row_keys import unit_by_key
from gui.theme import Theme
from gui.unit_rows import UnitRow


class PopulationRows(AboutPopulation):
    """One row a unit. A panel of this kind makes its rows, and tells a unit's numbers.

    Attributes
    ----------
    chart
        The rows.
    """

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.all_rows = self.switch("all rows")
        self.all_rows.setToolTip("Squeeze every unit into the panel")
        self.head.addWidget(self.all_rows)
        self.chart = self.make_chart()
        self.all_rows.toggled.connect(self.chart.set_squeezed)
        self.chart.pointed.connect(self._point)
        self.chart.clicked.connect(self._click)
        self.legend = self.plain_label()
        self.body.addWidget(self.legend)
        self.body.addWidget(self.chart, 1)
        self.body.addWidget(self.warning)
        self.setFocusPolicy(Qt.StrongFocus)
        self._marked: str | None = None
        self._drawn = False

    def make_chart(self) -> RowChart:
        """Return the rows' chart, its axis laid out."""
        raise NotImplementedError

    def numbers(self, unit: str) -> list[tuple[str, str]]:
        """Return what is known of a unit, as (name, value)."""
        raise NotImplementedError

    def lay_rows(
        self, rows: Mapping[str, UnitRow], order: Sequence[str], values: Mapping[str, Sequence[float]]
    ) -> None:
        """Show the rows, in order from the top."""
        self.chart.set_rows(rows, order, self.model.tagged, values)

    def mark(self, unit: str | None) -> None:
        """Mark the selected unit's row, and draw; scroll to it only if it was selected just now."""
        self.chart.select(unit, scroll=self._drawn and unit != self._marked)
        self._marked, self._drawn = unit, True
        self.chart.draw()

    def tell(self, unit: str) -> str:
        """A unit's numbers as rich text."""
        lines = "".join(
            f"<tr><td>{html.escape(name)}&nbsp;&nbsp;</td><td>{html.escape(value)}</td></tr>"
            for name, value in self.numbers(unit)
        )
        return f"<b>{html.escape(unit)}</b><table>{lines}</table>"

    def _point(self, unit: str | None, at: QPoint) -> None:
        self.chart.hover(unit)
        self.tip(self.tell(unit) if unit is not None else "", at, self.chart)

    def _click(self, unit: str) -> None:
        self.setFocus()
        if unit:
            self.controls.select(unit)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Select the unit above or below, a page away, or at an end."""
        unit = unit_by_key(event.key(), self.chart.order, self.model.selected, int(self.chart.visible_rows()))
        if unit is None:
            super().keyPressEvent(event)
        else:
            self.controls.select(unit)
