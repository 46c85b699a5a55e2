"""Lines where another epoch began: upright on an axis of rewarded trials, level between rows of trials."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor

from gui.answers import EpochMark
from gui.plot import small_font
from gui.theme import Theme
from rig.documents import EpochStarted
from rig.trial.spec import TrialRecord


class _Lines:
    """Lines and names that are made once and moved after that."""

    def __init__(self, plot: pg.PlotWidget, theme: Theme, angle: int) -> None:
        self._plot, self._angle = plot, angle
        self._pen = pg.mkPen(theme.warn, width=1.6, style=Qt.DashDotLine)
        self._colour = theme.warn
        self._paper = QColor(theme.raised)
        self._paper.setAlpha(200)
        self._font = small_font(0.8)
        self._made: list[tuple[pg.InfiniteLine, pg.TextItem]] = []

    def _lay(self, found: Sequence[tuple[float, float, float, str]], anchor: tuple[float, float]) -> None:
        """Show a line at each (line, name's x, name's y, name)."""
        while len(self._made) < len(found):
            line = pg.InfiniteLine(angle=self._angle, pen=self._pen)
            text = pg.TextItem(color=self._colour, anchor=anchor, fill=self._paper)
            text.setFont(self._font)
            line.setZValue(15)
            text.setZValue(16)
            self._plot.addItem(line, ignoreBounds=True)
            self._plot.addItem(text, ignoreBounds=True)
            self._made.append((line, text))
        for k, (line, text) in enumerate(self._made):
            line.setVisible(k < len(found))
            text.setVisible(k < len(found))
            if k < len(found):
                at, x, y, name = found[k]
                line.setValue(at)
                text.setText(name)
                text.setPos(x, y)

    @property
    def names(self) -> list[str]:
        """The names as they are shown."""
        return [text.toPlainText() for _, text in self._made if text.isVisible()]


class EpochMarks(_Lines):
    """Upright lines on an axis of rewarded trials, named at the top."""

    def __init__(self, plot: pg.PlotWidget, theme: Theme) -> None:
        super().__init__(plot, theme, angle=90)

    def draw(self, marks: Sequence[EpochMark]) -> None:
        """Draw a line where each later epoch began."""
        top = self._plot.getViewBox().viewRange()[1][1]
        self._lay([(mark.rewarded, mark.rewarded, top, mark.name) for mark in marks], (0.0, 0.0))


class EpochLines(_Lines):
    """Level lines between the rows of trials, named at the right; rows count downwards."""

    def __init__(self, plot: pg.PlotWidget, theme: Theme) -> None:
        super().__init__(plot, theme, angle=0)

    def draw(
        self, trials: Sequence[TrialRecord], epochs: Sequence[EpochStarted], window_s: tuple[float, float]
    ) -> None:
        """Draw a line above the first row of each epoch that begins within the rows."""
        found = []
        for epoch in epochs:
            row = next((k for k, record in enumerate(trials) if record.number >= epoch.trial), 0)
            if row > 0:
                found.append((row - 0.5, window_s[1], row - 0.5, epoch.name))
        self._lay(found, (1.0, 1.0))
