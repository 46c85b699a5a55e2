"""A small scatter plot with one point a unit: tells which is pointed at, marks the selected one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QObject, QPoint, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QMouseEvent
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from gui.plot import scaled, small_font, themed_plot
from gui.theme import Theme

NEAR_PX: Final = 12.0
"""A point is pointed at from so far."""
NAMED_PX: Final = 230
"""From this width on the selected unit's name stands beside its point."""

FloatArray = npt.NDArray[np.float64]


class UnitScatter(QWidget):
    """One point a unit.

    Parameters
    ----------
    left_px
        Width of the axis on the left.

    Attributes
    ----------
    pointed
        Signal: the unit under the pointer (or None), and where the pointer is on the screen.
    clicked
        Signal: the unit whose point was clicked.
    units, across, upwards
        What is drawn; units that lack a value are not.
    """

    pointed = pyqtSignal(object, QPoint)
    clicked = pyqtSignal(str)

    def __init__(self, theme: Theme, *, left: str = "", bottom: str = "", left_px: int = 34) -> None:
        super().__init__()
        self.units: list[str] = []
        self.across: FloatArray = np.empty(0)
        self.upwards: FloatArray = np.empty(0)
        self._selected: str | None = None
        self.plot = themed_plot(theme, left=left, bottom=bottom)
        self.plot.setFocusPolicy(Qt.NoFocus)
        self.plot.getPlotItem().getAxis("left").setWidth(scaled(left_px + (14 if left else 0)))
        self.plot.viewport().installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._add_items(theme)

    def _add_items(self, theme: Theme) -> None:
        soft = QColor(theme.accent)
        soft.setAlpha(185)
        guide = pg.mkPen(theme.faint, width=1, style=Qt.DashLine)
        self.guide = pg.PlotCurveItem(connect="pairs", pen=guide, antialias=True)
        self.points = pg.ScatterPlotItem(
            size=scaled(7), pen=pg.mkPen(theme.raised, width=0.7), antialias=True
        )
        self.points.setBrush(pg.mkBrush(soft))
        self.ring = pg.ScatterPlotItem(size=scaled(13), pen=pg.mkPen(theme.text, width=2), antialias=True)
        self.ring.setBrush(pg.mkBrush(None))
        self.name = pg.TextItem(color=theme.text, anchor=(0.0, 0.5))
        self.name.setFont(small_font(0.8))
        self.name.hide()
        for z, item in enumerate((self.guide, self.points, self.ring, self.name)):
            item.setZValue(z)
            self.plot.addItem(item, ignoreBounds=True)

    def show_points(self, units: Sequence[str], x: Sequence[float | None], y: Sequence[float | None]) -> None:
        """Draw one point for each unit that has both values."""
        table = np.array([x, y], dtype=np.float64)
        known = np.isfinite(table[0]) & np.isfinite(table[1])
        self.units = [unit for unit, kept in zip(units, known, strict=True) if kept]
        self.across, self.upwards = table[:, known]
        self.points.setData(self.across, self.upwards)

    def set_ranges(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Show this much of both axes."""
        self.plot.setXRange(*x, padding=0)
        self.plot.setYRange(*y, padding=0)

    def select(self, unit: str | None) -> None:
        """Mark a unit, if it is there."""
        self._selected = unit
        here = [k for k, name in enumerate(self.units) if name == unit]
        self.ring.setData(self.across[here], self.upwards[here])
        view = self.plot.getViewBox()
        self.name.setVisible(bool(here) and view.width() >= scaled(NAMED_PX))
        if self.name.isVisible():
            (low, high), _ = view.viewRange()
            at = float(self.across[here[0]])
            to_left = at > (low + high) / 2
            self.name.setAnchor((1.0, 0.5) if to_left else (0.0, 0.5))
            self.name.setText(f"{unit}   " if to_left else f"   {unit}")
            self.name.setPos(at, float(self.upwards[here[0]]))

    def place(self, unit: str) -> QPoint:
        """Where a unit's point is, in the plot's viewport."""
        k = self.units.index(unit)
        scene = self.plot.getViewBox().mapViewToScene(pg.Point(float(self.across[k]), float(self.upwards[k])))
        return self.plot.mapFromScene(scene)  # type: ignore[no-any-return]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Turn what the pointer does into signals."""
        kind = event.type()
        if kind == QEvent.MouseMove and isinstance(event, QMouseEvent):
            self.pointed.emit(self._unit_at(event.pos()), event.globalPos())
        elif kind == QEvent.MouseButtonPress and isinstance(event, QMouseEvent):
            unit = self._unit_at(event.pos())
            if event.button() == Qt.LeftButton and unit is not None:
                self.clicked.emit(unit)
            return True
        elif kind == QEvent.Wheel:
            return True
        elif kind == QEvent.Leave:
            self.pointed.emit(None, QPoint())
        return super().eventFilter(watched, event)

    def _unit_at(self, at: QPoint) -> str | None:
        """Return the unit whose point is nearest, if it is near."""
        if not self.units:
            return None
        view = self.plot.getViewBox()
        here = view.mapSceneToView(self.plot.mapToScene(at))
        (left, right), (bottom, top) = view.viewRange()
        dx = (self.across - here.x()) * view.width() / max(right - left, 1e-9)
        dy = (self.upwards - here.y()) * view.height() / max(top - bottom, 1e-9)
        away = np.hypot(dx, dy)
        nearest = int(away.argmin())
        return self.units[nearest] if away[nearest] <= NEAR_PX else None
