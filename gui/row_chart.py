"""One row a unit: an estimate and its interval; draws the rows in view, tells which one is pointed at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QFontMetrics, QMouseEvent, QWheelEvent
from PyQt5.QtWidgets import QHBoxLayout, QScrollBar, QWidget

from gui.plot import scaled, small_font, themed_plot
from gui.theme import Theme
from gui.unit_rows import AT_HIGH, AT_LOW, UnitRow

ROW_HEIGHT = 1.25
"""Height of a readable row, in heights of its label."""
LONGEST_NAME = 22
Bar = tuple[float, float, float]
Spot = dict[str, object]


class RowChart(QWidget):
    """One row a unit.

    Longer than most: rows, scrolling, hovering and choosing read the same few arrays.

    Parameters
    ----------
    bottom
        Label of the axis.
    words
        What is likely to stand beside a row: room is kept for it.

    Attributes
    ----------
    pointed
        Signal: the unit under the pointer (or None), and where the pointer is on the screen.
    clicked
        Signal: the unit whose row was clicked; an empty text beside the rows.
    firm, loose
        The intervals of settled and of other units, as drawn.
    dots
        The estimates in view, and the arrows of those at an edge.
    ghosts
        Further values of the rows in view, drawn faintly.
    """

    pointed = pyqtSignal(object, QPoint)
    clicked = pyqtSignal(str)

    def __init__(self, theme: Theme, bottom: str, words: Sequence[str] = ()) -> None:
        super().__init__()
        self._theme = theme
        self._bottom, self._usual_words = bottom, set(words)
        self.order: list[str] = []
        self._values: Mapping[str, Sequence[float]] = {}
        self._grid_at: tuple[float, ...] = ()
        self._ends = (0.0, 0.0)
        self._rows: Mapping[str, UnitRow] = {}
        self._tagged: set[str] = set()
        self._selected: str | None = None
        self._hovered: str | None = None
        self._squeezed = False
        self._font = small_font()
        self._metrics = QFontMetrics(self._font)
        self._build()

    # --- what the panel asks ----------------------------------------------------------------------

    def set_axis(
        self,
        span: tuple[float, float],
        ends: tuple[float, float],
        grid: Sequence[float],
        mark: tuple[float, str] | None,
    ) -> None:
        """Lay out the axis (its ticks are the plot's own).

        Parameters
        ----------
        span
            What is shown of it.
        ends
            Where the arrows of estimates at an edge stand.
        grid
            Where upright lines are drawn.
        mark
            A dashed line and its name above the plot.
        """
        self._ends, self._grid_at = ends, tuple(grid)
        item = self.plot.getPlotItem()
        item.setXRange(*span, padding=0)
        self._mark.setVisible(mark is not None)
        item.getAxis("top").setTicks([[mark]] if mark is not None else [[]])
        if mark is not None:
            self._mark.setValue(mark[0])

    def set_rows(
        self,
        rows: Mapping[str, UnitRow],
        order: Sequence[str],
        tagged: set[str],
        values: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        """Take new rows, in order from the top, with further values of each (draws nothing yet)."""
        self._rows, self.order, self._tagged = rows, list(order), tagged
        self._values = values or {}
        item = self.plot.getPlotItem()
        names = [self._label(unit) for unit in self.order]
        item.getAxis("left").setWidth(self._widest(names, 40) + 10)
        words = {row.word for row in rows.values()} | self._usual_words
        item.getAxis("right").setWidth(self._widest(words, 40) + 12)

    def set_squeezed(self, squeezed: bool) -> None:
        """Show all rows at once, however low they get."""
        self._squeezed = squeezed
        self.draw()

    def select(self, unit: str | None, *, scroll: bool = True) -> None:
        """Mark the selected unit, and scroll to it if so wished (draws nothing yet)."""
        self._selected = unit
        if unit not in self.order or not scroll:
            return
        y, first, visible = self.order.index(unit), self.bar.value(), int(self.visible_rows())
        if y < first or y >= first + visible:
            self.bar.setMaximum(max(self.bar.maximum(), len(self.order) - visible))
            self.bar.setValue(y if y < first else y - visible + 1)

    def hover(self, unit: str | None) -> None:
        """Mark the unit under the pointer."""
        if unit != self._hovered:
            self._hovered = unit
            self._lay(self._over, unit)

    def visible_rows(self) -> float:
        """How many rows fit."""
        return float(max(self.plot.getViewBox().height(), 1.0) / self._pitch())

    def row_centre(self, unit: str) -> QPoint:
        """Where a unit's row is, in the plot's viewport."""
        view = self.plot.getViewBox()
        scene = view.mapViewToScene(pg.Point(view.viewRect().center().x(), self.order.index(unit)))
        return self.plot.mapFromScene(scene)  # type: ignore[no-any-return]

    # --- building ---------------------------------------------------------------------------------

    def _build(self) -> None:
        theme = self._theme
        self.plot = themed_plot(theme, bottom=self._bottom)
        self.plot.setFocusPolicy(Qt.NoFocus)
        item = self.plot.getPlotItem()
        for name, colour in (("left", theme.text), ("right", theme.faint), ("top", theme.faint)):
            item.showAxis(name)
            axis = item.getAxis(name)
            axis.setPen(pg.mkPen(None))
            axis.setTextPen(pg.mkPen(colour))
            axis.setTickFont(self._font)
            axis.setStyle(tickLength=0, tickAlpha=0)
        item.getAxis("top").setHeight(self._metrics.height() + 2)
        view = self.plot.getViewBox()
        view.invertY(True)
        view.sigResized.connect(lambda _: self.draw())
        self._add_items()
        self.plot.viewport().installEventFilter(self)
        self.bar = _thin_bar(theme)
        self.bar.valueChanged.connect(lambda _: self.draw())
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.bar)

    def _add_items(self) -> None:
        theme = self._theme
        faded, band, over = QColor(theme.accent), QColor(theme.accent), QColor(theme.text)
        faded.setAlpha(170)
        band.setAlpha(38)
        over.setAlpha(16)
        self._band, self._over = pg.QtWidgets.QGraphicsRectItem(), pg.QtWidgets.QGraphicsRectItem()
        for rect, colour in ((self._band, band), (self._over, over)):
            rect.setBrush(pg.mkBrush(colour))
            rect.setPen(pg.mkPen(None))
            rect.setVisible(False)
        self._grid = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.line, width=1))
        self._mark = pg.InfiniteLine(angle=90, pen=pg.mkPen(theme.faint, width=1, style=Qt.DashLine))
        solid = pg.mkPen(theme.accent, width=2.4)
        dashed = pg.mkPen(faded, width=1.6, style=Qt.DashLine)
        self.firm = pg.PlotCurveItem(connect="pairs", antialias=True, pen=solid)
        self.loose = pg.PlotCurveItem(connect="pairs", antialias=True, pen=dashed)
        self.dots = pg.ScatterPlotItem(pxMode=True, antialias=True)
        ghost = QColor(theme.text)
        ghost.setAlpha(120)
        self.ghosts = pg.ScatterPlotItem(
            size=scaled(4.5), pen=pg.mkPen(None), brush=pg.mkBrush(ghost), antialias=True
        )
        lines = (self._band, self._over, self._grid, self._mark, self.loose, self.firm)
        drawn = (*lines, self.dots, self.ghosts)
        for z, item in enumerate(drawn):
            item.setZValue(z)
            self.plot.addItem(item, ignoreBounds=True)
        self._brush = {True: pg.mkBrush(theme.accent), False: pg.mkBrush(theme.raised)}
        self._pen = pg.mkPen(theme.accent, width=1.6)

    def _widest(self, words: Sequence[str] | set[str], least: int) -> int:
        return max((self._metrics.horizontalAdvance(word) for word in words), default=least)

    def _label(self, unit: str) -> str:
        name = unit if len(unit) <= LONGEST_NAME else f"{unit[:9]}...{unit[-10:]}"
        tag = "T " if unit in self._tagged else ""
        return f"{'▸ ' if unit == self._selected else '  '}{tag}{name}"

    # --- drawing ----------------------------------------------------------------------------------

    def _pitch(self) -> float:
        """Height of a row in pixels."""
        height = max(self.plot.getViewBox().height(), 1.0)
        readable = self._metrics.height() * ROW_HEIGHT
        natural = height / max(len(self.order), 1)
        least = 0.0 if self._squeezed else readable
        return float(min(max(natural, least), readable * 2))

    def draw(self) -> None:
        """Draw the rows in view; those out of view cost nothing."""
        if not self.order:
            return
        visible = self.visible_rows()
        most = max(int(np.ceil(len(self.order) - visible - 1e-6)), 0)
        self.bar.blockSignals(True)
        self.bar.setRange(0, most)
        self.bar.setPageStep(max(int(visible), 1))
        self.bar.setVisible(most > 0)
        self.bar.blockSignals(False)
        first = self.bar.value()
        top, bottom = first - 0.5, first + visible - 0.5
        self.plot.getViewBox().setYRange(top, bottom, padding=0)
        self._draw_rows(range(first, min(int(np.ceil(first + visible)), len(self.order))))
        self._lay(self._band, self._selected)
        self._lay(self._over, self._hovered)
        x = np.repeat(np.array(self._grid_at, dtype=float), 2)
        self._grid.setData(x, np.tile([top, bottom], len(x) // 2))

    def _draw_rows(self, places: range) -> None:
        bars: dict[bool, list[Bar]] = {True: [], False: []}
        spots: list[Spot] = []
        pitch = self._pitch()
        size = float(np.clip(pitch * 0.55, 5.0, scaled(10.0)))
        ends = {AT_LOW: (self._ends[0], "t3"), AT_HIGH: (self._ends[1], "t2")}
        for y in places:
            row = self._rows[self.order[y]]
            if row.place is None:
                continue
            bars[row.settled].append((row.low, row.high, float(y)))
            tagged = row.unit in self._tagged
            shape, large = ("d", size * 1.3) if tagged else ("o", size)
            spots.append(self._spot(row.place, y, shape, large, settled=row.settled))
            if row.edge is not None:
                x, arrow = ends[row.edge]
                spots.append(self._spot(x, y, arrow, size, settled=row.settled))
        for curve, found in ((self.firm, bars[True]), (self.loose, bars[False])):
            table = np.array(found, dtype=float).reshape(-1, 3)
            curve.setData(table[:, :2].ravel(), np.repeat(table[:, 2], 2))
        self.dots.setData(spots)
        shown = [(x, y) for y in places for x in self._values.get(self.order[y], ())]
        self.ghosts.setData(pos=np.array(shown, dtype=float).reshape(-1, 2))
        self._name_rows(places, pitch)

    def _name_rows(self, places: range, pitch: float) -> None:
        """Label the rows; where they are too low for it, the selected one only."""
        low = pitch < self._metrics.height() * 0.95
        named = [y for y in places if not low or self.order[y] == self._selected]
        item = self.plot.getPlotItem()
        item.getAxis("left").setTicks([[(y, self._label(self.order[y])) for y in named]])
        item.getAxis("right").setTicks([[(y, self._rows[self.order[y]].word) for y in named]])

    def _spot(self, x: float, y: float, symbol: str, size: float, *, settled: bool) -> Spot:
        look = {"pen": self._pen, "brush": self._brush[settled]}
        return {"pos": (x, y), "symbol": symbol, "size": size, **look}

    def _lay(self, rect: pg.QtWidgets.QGraphicsRectItem, unit: str | None) -> None:
        """Lay a band over a unit's row."""
        rect.setVisible(unit in self._rows)
        if unit in self._rows:
            (left, right), _ = self.plot.getViewBox().viewRange()
            rect.setRect(left, self.order.index(str(unit)) - 0.5, right - left, 1.0)

    # --- the pointer ------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Turn what the pointer does over the plot into signals and scrolling."""
        kind = event.type()
        if kind == QEvent.MouseMove and isinstance(event, QMouseEvent):
            self.pointed.emit(self._unit_at(event.pos()), event.globalPos())
        elif kind == QEvent.MouseButtonPress and isinstance(event, QMouseEvent):
            if event.button() == Qt.LeftButton:
                self.clicked.emit(self._unit_at(event.pos()) or "")
            return True
        elif kind == QEvent.Wheel and isinstance(event, QWheelEvent):
            self.bar.setValue(self.bar.value() - round(event.angleDelta().y() / 40))
            return True
        elif kind == QEvent.Leave:
            self.pointed.emit(None, QPoint())
        return super().eventFilter(watched, event)

    def _unit_at(self, at: QPoint) -> str | None:
        """Return the unit whose row is at a place of the plot's viewport (names and words count)."""
        view = self.plot.getViewBox()
        here = self.plot.mapToScene(at)
        area = view.sceneBoundingRect()
        row = int(np.floor(view.mapSceneToView(here).y() + 0.5))
        inside = area.top() <= here.y() <= area.bottom() and 0 <= row < len(self.order)
        return self.order[row] if inside else None


def _thin_bar(theme: Theme) -> QScrollBar:
    """Return a scroll bar that does not draw the eye."""
    bar = QScrollBar(Qt.Vertical)
    bar.setStyleSheet(
        f"QScrollBar {{ background: {theme.raised}; width: 10px; border: none; }}"
        f"QScrollBar::handle {{ background: {theme.line}; border-radius: 4px; min-height: 24px;"
        " margin: 1px; }"
        f"QScrollBar::handle:hover {{ background: {theme.faint}; }}"
        "QScrollBar::add-line, QScrollBar::sub-line { height: 0; }"
        "QScrollBar::add-page, QScrollBar::sub-page { background: none; }"
    )
    return bar
