"""All units and light: one line each, to choose from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QResizeEvent
from PyQt5.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from gui.plot import scaled, small_font
from gui.theme import Theme
from gui.unit_rows import natural
from rig.tagging.told import Confirmation, Salt, UnitTag

HEADS: Final = ("unit", "P", "ms", "hits", "looks", "said")
TIPS: Final = (
    "",
    "SALT: how often chance alone is as much in step with the light",
    "mean latency of the first spike after a pulse",
    "share of the pulses that are answered within 10 ms",
    "what the numbers suggest; a person decides",
    "what a person has said",
)
BOUNDS: Final = (0.001, 0.01, 0.05, 0.1)
NARROW_PX: Final = 330
NUMBERS: Final = (1, 2, 3)
LOOKS: Final = {True: "✔ yes", False: "✖ no", None: "…"}


class LightTable(QTableWidget):
    """The table.

    Parameters
    ----------
    select
        Called with the unit of a line that is clicked, or reached with the arrow keys.
    """

    def __init__(self, theme: Theme, select: Callable[[str], None]) -> None:
        super().__init__(0, len(HEADS))
        self._theme = theme
        self._select = select
        self._units: list[str] = []
        self.setHorizontalHeaderLabels(list(HEADS))
        for column, tip in enumerate(TIPS):
            head = self.horizontalHeaderItem(column)
            if head is not None:
                head.setToolTip(tip)
        self.setFont(small_font(0.9))
        self.horizontalHeader().setFont(small_font(0.85))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectRows)
        self.setSelectionMode(QAbstractItemView.SingleSelection)
        self.setWordWrap(False)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(28)
        header.setSectionResizeMode(QHeaderView.ResizeToContents)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.setStyleSheet(
            f"QTableWidget {{ background: {theme.raised}; color: {theme.text}; border: none; }}"
            f"QTableWidget::item:selected {{ background: {theme.state}; color: {theme.text}; }}"
            f"QHeaderView::section {{ background: {theme.raised}; color: {theme.faint}; border: none;"
            f" border-bottom: 1px solid {theme.line}; padding: 2px 4px; }}"
        )
        self.currentCellChanged.connect(self._on_current)

    def show_units(
        self, units: Mapping[str, UnitTag], words: Mapping[str, Confirmation], selected: str | None
    ) -> None:
        """Show what is known now; the lines stay where they are."""
        names = sorted(units, key=natural)
        self.blockSignals(True)
        if names != self._units:
            self._units = names
            self.setRowCount(len(names))
        for row, name in enumerate(names):
            self._fill(row, units[name], words.get(name))
        if selected in self._units and self.currentRow() != self._units.index(selected):
            self.setCurrentCell(self._units.index(selected), 0)
        self.blockSignals(False)

    def _fill(self, row: int, tag: UnitTag, word: Confirmation | None) -> None:
        said = "" if word is None else "T yes" if word.tagged else "no"
        latency = "" if tag.latency_mean_ms is None else f"{tag.latency_mean_ms:.1f}"
        answers = "" if tag.reliability is None else f"{tag.reliability:.0%}"
        texts = (tag.unit, _short(tag.salt), latency, answers, LOOKS[tag.suggestion], said)
        theme = self._theme
        looks = {True: theme.good, False: theme.faint, None: theme.faint}[tag.suggestion]
        for column, text in enumerate(texts):
            item = self.item(row, column)
            if item is None:
                item = QTableWidgetItem()
                side = Qt.AlignRight if column in NUMBERS else Qt.AlignLeft
                item.setTextAlignment(int(side | Qt.AlignVCenter))
                self.setItem(row, column, item)
            if item.text() != text:
                item.setText(text)
            if column == HEADS.index("looks"):
                item.setForeground(QColor(looks))

    def _on_current(self, row: int, *_: int) -> None:
        if 0 <= row < len(self._units):
            self._select(self._units[row])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Where there is little room, leave out what stands beside the raster as well."""
        super().resizeEvent(event)
        narrow = event.size().width() < scaled(NARROW_PX)
        for column in (HEADS.index("ms"), HEADS.index("hits")):
            self.setColumnHidden(column, narrow)


def _short(salt: Salt | None) -> str:
    """P in few letters, and never less than can be resolved.

    Examples
    --------
    >>> _short(Salt(p=0.0, resolution=2 / (46 * 45), effect=0.7, pulses=100))
    '<0.001'
    >>> _short(Salt(p=0.0, resolution=2 / (15 * 14), effect=0.7, pulses=100))
    '<0.01'
    """
    if salt is None:
        return ""
    if salt.p >= salt.resolution:
        return f"{salt.p:.2g}"
    return f"<{next((bound for bound in BOUNDS if bound >= salt.resolution), salt.resolution):g}"
