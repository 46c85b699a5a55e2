"""Plots as all panels want them: themed, quiet, without a context menu that nobody asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import QApplication

from gui.theme import Theme


def small_font(share: float = 0.85) -> QFont:
    """Return the application's font, smaller: for ticks and marks. It grows with the window's scale."""
    font = QFont(QApplication.font())
    font.setPointSizeF(max(7.0, font.pointSizeF() * share))
    return font


def scaled(px: float) -> float:
    """A length that fits the application's usual font, for the font that it has now."""
    return px * QApplication.font().pointSizeF() / 10.0


def themed_plot(theme: Theme, *, left: str = "", bottom: str = "") -> pg.PlotWidget:
    """Return an empty plot in the theme's colours.

    Parameters
    ----------
    left, bottom
        Axis labels, with their unit.
    """
    plot = pg.PlotWidget(background=theme.raised)
    item = plot.getPlotItem()
    item.setMenuEnabled(False)
    item.hideButtons()
    item.setMouseEnabled(x=False, y=False)
    font = small_font()
    for name, label in (("left", left), ("bottom", bottom)):
        axis = item.getAxis(name)
        axis.setPen(pg.mkPen(theme.line))
        axis.setTextPen(pg.mkPen(theme.faint))
        axis.setTickFont(font)
        axis.setStyle(tickLength=-4)
        if label:
            axis.setLabel(label, color=theme.faint, **{"font-size": f"{font.pointSizeF() * 1.05:.1f}pt"})
    return plot


class SizeScale:
    """Reward sizes spaced evenly, and every volume between them in its place.

    The published sizes grow nearly geometrically, so this is nearly a logarithmic axis, with a tick at
    every size that was really given.
    """

    def __init__(self, sizes_ul: Sequence[float]) -> None:
        self.sizes_ul = tuple(sizes_ul)

    def place(self, volume_ul: float) -> float:
        """Position of a volume: 0 at the smallest size, 1 at the next, and so on; clamped."""
        sizes = self.sizes_ul
        if not sizes:
            return 0.0
        if volume_ul <= sizes[0]:
            return 0.0
        for k in range(len(sizes) - 1):
            if volume_ul <= sizes[k + 1]:
                return k + (volume_ul - sizes[k]) / (sizes[k + 1] - sizes[k])
        return len(sizes) - 1.0

    def ticks(self) -> list[tuple[float, str]]:
        """One tick a size."""
        return [(float(k), f"{size:g}") for k, size in enumerate(self.sizes_ul)]

    def dress(self, axis: Any) -> None:
        """Put the ticks on a pyqtgraph axis."""
        axis.setTicks([self.ticks()])
