"""A trial's state table as a diagram: states from top to bottom, arrows with what leads where."""

from __future__ import annotations

import math
from typing import Final

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF, QResizeEvent
from PyQt5.QtWidgets import QGraphicsScene, QGraphicsView

from gui.theme import Theme
from rig.description import RigDescription
from rig.machine.draw import doing, when
from rig.machine.table import EXIT, StateTable
from rig.machine.words import Words

WIDTH: Final = 210.0
GAP: Final = 46.0
LINE: Final = 16.0
LANE: Final = 26.0
"""Between two arrows that pass by other states."""


class Diagram(QGraphicsView):
    """Shows one table; fits it into the view."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._scene = QGraphicsScene(self)
        self.setScene(self._scene)
        self.setRenderHint(QPainter.Antialiasing)
        self.setBackgroundBrush(QColor(theme.raised))
        self.setFrameShape(QGraphicsView.NoFrame)
        self.states: list[str] = []

    def show_table(self, table: StateTable, rig: RigDescription) -> None:
        """Draw a table."""
        self._scene.clear()
        words = Words(table, rig)
        self.states = [state.name for state in table.states]
        boxes: list[QRectF] = []
        top = 0.0
        for state in table.states:
            lines = doing(state, words)
            box = QRectF(0.0, top, WIDTH, LINE * (1 + len(lines)) + 14.0)
            self._box(box, state.name, lines)
            boxes.append(box)
            top = box.bottom() + GAP
        end = QRectF(WIDTH / 2 - 32.0, top, 64.0, 28.0)
        self._box(end, "END", [])
        lanes = 0
        for number, state in enumerate(table.states):
            targets: dict[int, list[str]] = {}
            for transition in state.transitions:
                target = len(boxes) if transition.target == EXIT else transition.target
                targets.setdefault(target, []).append(when(state, transition.code, words))
            for target, conditions in targets.items():
                goal = end if target == len(boxes) else boxes[target]
                if target == number + 1:
                    self._straight(boxes[number], goal, " or ".join(conditions))
                else:
                    lanes += 1
                    self._around(boxes[number], goal, lanes, " or ".join(conditions))
        self._scene.setSceneRect(self._scene.itemsBoundingRect().adjusted(-12, -12, 12, 12))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep all of it in view."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        rect = self._scene.sceneRect()
        if rect.isEmpty():
            return
        share = min(self.viewport().width() / rect.width(), self.viewport().height() / rect.height(), 1.3)
        self.resetTransform()
        self.scale(max(share, 0.45), max(share, 0.45))

    def _box(self, box: QRectF, name: str, lines: list[str]) -> None:
        theme = self._theme
        shape = QPainterPath()
        shape.addRoundedRect(box, 6.0, 6.0)
        self._scene.addPath(shape, QPen(QColor(theme.accent), 1.4), QBrush(QColor(theme.state)))
        self._text(name, box.center().x(), box.top() + 6.0, theme.text, bold=True)
        for row, line in enumerate(lines, 1):
            self._text(line, box.center().x(), box.top() + 6.0 + row * LINE, theme.faint)

    def _text(self, text: str, x: float, y: float, colour: str, *, bold: bool = False) -> None:
        """Put text with its middle at x; it never hides what is below it."""
        font = QFont(self.font())
        font.setPointSizeF(9.0)
        font.setBold(bold)
        item = self._scene.addSimpleText(text, font)
        item.setBrush(QBrush(QColor(colour)))
        item.setPos(x - item.boundingRect().width() / 2, y)

    def _straight(self, source: QRectF, goal: QRectF, text: str) -> None:
        x = source.center().x()
        self._scene.addLine(x, source.bottom(), x, goal.top() - 6.0, self._pen())
        self._head(QPointF(x, goal.top()), math.pi / 2)
        self._beside(text, x + 8.0, (source.bottom() + goal.top()) / 2)

    def _around(self, source: QRectF, goal: QRectF, lane: int, text: str) -> None:
        """Lead an arrow past other states, on a lane of its own to the right."""
        x = WIDTH + 10.0 + lane * LANE
        begin = QPointF(source.right(), source.center().y() + 4.0)
        stop = QPointF(goal.right(), goal.center().y() - (4.0 if goal.height() > 30.0 else 0.0))
        path = QPainterPath(begin)
        path.cubicTo(QPointF(x, begin.y()), QPointF(x, begin.y()), QPointF(x, (begin.y() + stop.y()) / 2))
        path.cubicTo(QPointF(x, stop.y()), QPointF(x, stop.y()), QPointF(stop.x() + 6.0, stop.y()))
        self._scene.addPath(path, self._pen())
        self._head(stop, math.pi)
        self._beside(text, x + 4.0, (begin.y() + stop.y()) / 2)

    def _beside(self, text: str, x: float, y: float) -> None:
        font = QFont(self.font())
        font.setPointSizeF(8.0)
        item = self._scene.addSimpleText(text, font)
        item.setBrush(QBrush(QColor(self._theme.faint)))
        item.setPos(x, y - item.boundingRect().height() / 2)

    def _head(self, tip: QPointF, angle: float) -> None:
        corners = [tip]
        for side in (-0.4, 0.4):
            back = angle + math.pi + side
            corners.append(tip + QPointF(8.0 * math.cos(back), 8.0 * math.sin(back)))
        colour = QColor(self._theme.faint)
        self._scene.addPolygon(QPolygonF(corners), QPen(Qt.NoPen), QBrush(colour))

    def _pen(self) -> QPen:
        return QPen(QColor(self._theme.faint), 1.3)
