"""Reversal points: one row a unit, its estimate and 95 % interval against the delivered sizes."""

from __future__ import annotations

import html
from typing import ClassVar

import numpy as np
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QHBoxLayout, QToolTip

from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.reversal_chart import ReversalChart
from gui.row_keys import unit_by_key
from gui.theme import Theme
from gui.unit_panel import AboutUnits
from gui.unit_rows import UnitRow, in_order, unit_row
from gui.unit_words import unit_numbers
from gui.why_empty import why_no_reversal
from rig.documents import DeclaredTrial

HOLD_S = 4.0
"""Rows keep their places this long after the pointer last moved over them, so that a click hits its row."""
BY_ESTIMATE, BY_NAME = 0, 1


class ReversalPanel(AboutUnits):
    """The population at a glance. Click a row, or use the arrow keys, to see one unit below."""

    title: ClassVar[str] = "reversal points"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.ESTIMATES | Aspect.SELECTION
    order: ClassVar[int] = 10

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._rows: dict[str, UnitRow] = {}
        self._epoch = 0
        self._now_s = 0.0
        self._held_until_s = 0.0
        self.count = self.headline()
        self.note = self.fitting()
        buttons, self.sort = self.choice("by estimate", "by name", chosen=BY_ESTIMATE)
        self.sort.buttonClicked.connect(lambda _: self._let_go())
        self.all_rows = self.switch("all rows")
        self.all_rows.setToolTip("Squeeze every unit into the panel")
        self.chart = ReversalChart(theme)
        self.all_rows.toggled.connect(self.chart.set_squeezed)
        self.chart.pointed.connect(self._point)
        self.chart.clicked.connect(self._click)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.count)
        head.addWidget(self.note, 1)
        head.addLayout(buttons)
        head.addWidget(self.all_rows)
        self.body.addLayout(head)
        self.body.addWidget(self.chart, 1)
        self.setFocusPolicy(Qt.StrongFocus)

    # --- what the window calls --------------------------------------------------------------------

    def refresh(self, changed: Aspect) -> None:
        """Draw the newest estimates."""
        if not self.show_unless(why_no_reversal(self.model)):
            return
        if changed & (Aspect.ESTIMATES | Aspect.SESSION) or not self._rows:
            self._take()
        elif not changed & Aspect.SELECTION:
            return
        self._draw()

    def tick(self, now_s: float) -> None:
        """Let rows move again once the pointer has come to rest."""
        self._now_s = now_s
        if self._held_until_s and now_s >= self._held_until_s:
            self._let_go()

    @property
    def shown_units(self) -> list[str]:
        """All units in the order of the rows, from the top."""
        return list(self.chart.order)

    # --- data -------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Read the model's estimates and put the rows in order."""
        model = self.model
        if tuple(model.sizes_ul) != self.chart.scale.sizes_ul or model.epoch_number != self._epoch:
            self._epoch = model.epoch_number
            self.chart.set_sizes(model.sizes_ul, _mean_place(model))
        held = self._held_until_s > 0 and model.estimates.keys() == self._rows.keys()
        self._rows = {
            unit: unit_row(estimate, self.chart.scale, model.axis_hz)
            for unit, estimate in model.estimates.items()
        }
        by_name = self.sort.checkedId() == BY_NAME
        order = self.chart.order if held else in_order(self._rows.values(), by_name=by_name)
        self.chart.set_rows(self._rows, order, model.tagged)
        settled = sum(row.settled for row in self._rows.values())
        few = sum(row.place is None for row in self._rows.values())
        self.count.setText(f"{settled} of {len(self._rows)} settled")
        note = "" if model.epoch is None else f"epoch {model.epoch_number}, "
        note += f"after {model.rewarded} rewarded trial{'s' * (model.rewarded != 1)}"
        brief, bare = f"{model.rewarded} rewards", f"; {few} with too few responses yet" if few else ""
        self.note.say(note + bare, brief + bare, note, brief)

    def _draw(self) -> None:
        self.chart.select(self.model.selected)
        self.chart.draw()

    def _let_go(self) -> None:
        """Put the rows in their true order."""
        self._held_until_s = 0.0
        if self.shows_content:
            self._take()
            self._draw()

    # --- pointer and keys -------------------------------------------------------------------------

    def _click(self, unit: str) -> None:
        self.setFocus()
        if unit:
            self.controls.select(unit)

    def _point(self, unit: str | None, at: QPoint) -> None:
        """Say the numbers of the unit under the pointer."""
        self.chart.hover(unit)
        if unit is None:
            QToolTip.hideText()
            self._held_until_s = min(self._held_until_s, self._now_s + 0.01)
            return
        self._held_until_s = self._now_s + HOLD_S
        QToolTip.showText(at, self.tell(unit), self.chart)

    def tell(self, unit: str) -> str:
        """Everything that is known of a unit, as rich text."""
        numbers = unit_numbers(self.model.estimates[unit], self.model.sizes_ul)
        tagged = " &middot; tagged" if unit in self.model.tagged else ""
        if unit in self.model.vanished:
            tagged += " &middot; silent"
        lines = "".join(
            f"<tr><td>{html.escape(name)}&nbsp;&nbsp;</td><td>{html.escape(value)}</td></tr>"
            for name, value in numbers
        )
        return f"<b>{html.escape(unit)}</b>{tagged}<table>{lines}</table>"

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Select the unit above or below, a page away, or at an end."""
        unit = unit_by_key(event.key(), self.chart.order, self.model.selected, int(self.chart.visible_rows()))
        if unit is None:
            super().keyPressEvent(event)
        else:
            self.controls.select(unit)


def _mean_place(model: SessionModel) -> float | None:
    """Where every unit would reverse if all of them predicted the mean utility of the declared rewards."""
    if not model.axis_hz:
        return None

    def counted(declared: DeclaredTrial) -> bool:
        return declared.reward_ul in known and model.counts(declared.condition)

    known = dict(zip(model.sizes_ul, model.axis_hz, strict=True))
    weighed = [(known[d.reward_ul], d.count) for d in model.declared if counted(d)]
    total = sum(count for _, count in weighed)
    if not total:
        return None
    mean = sum(hz * count for hz, count in weighed) / total
    return float(np.interp(mean, model.axis_hz, np.arange(len(model.axis_hz))))
