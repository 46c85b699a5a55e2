"""One parameter of the running protocol as a line of a form: name, field, unit, what became of it."""

from __future__ import annotations

import math
from collections.abc import Callable

from PyQt5.QtCore import QObject, Qt
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QCheckBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from gui.theme import Theme
from rig.documents import ParameterInfo


class Field(QLineEdit):
    """A line to type in; Escape takes back what was typed."""

    def __init__(self, undo: Callable[[], None]) -> None:
        super().__init__()
        self._undo = undo

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Take back on Escape."""
        if event.key() == Qt.Key_Escape:
            self._undo()
            return
        super().keyPressEvent(event)


class ParameterRow(QObject):
    """Name, field and unit in one row of a grid, and a line below that speaks when there is news.

    Parameters
    ----------
    send
        Called with (name, text) when the operator wants a new value.
    """

    def __init__(self, info: ParameterInfo, theme: Theme, send: Callable[[str, str], None]) -> None:
        super().__init__()
        self.info = info
        self.theme = theme
        self.value = ""
        self._send = send
        self.label = QLabel(info.name)
        self.label.setToolTip(explain(info))
        self.unit = QLabel(info.unit)
        self.unit.setStyleSheet(f"color: {theme.faint};")
        self.status = QLabel()
        self.status.setWordWrap(True)
        font = self.status.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        self.status.setFont(font)
        self.status.hide()
        self.field = Field(self.undo)
        self.field.setToolTip(explain(info))
        self.field.setAccessibleName(info.name)
        self.field.setMinimumWidth(56)
        self.field.setMaximumWidth(360)
        self.field.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.field.textEdited.connect(self._edited)
        self.field.returnPressed.connect(self._entered)
        self.box: QCheckBox | None = None
        if info.kind == "flag":
            self.box = QCheckBox()
            self.box.setToolTip(explain(info))
            self.box.setAccessibleName(info.name)
            self.box.clicked.connect(lambda on: self._ask("true" if on else "false"))

    def add_to(self, grid: QGridLayout, row: int) -> None:
        """Take three rows of a grid with three columns; a list of numbers has the second to itself."""
        grid.addWidget(self.label, row, 0)
        if self.info.kind == "numbers":
            grid.addWidget(self.field, row + 1, 0, 1, 2)
            grid.addWidget(self.unit, row + 1, 2)
        else:
            grid.addWidget(self.box or self.field, row, 1)
            grid.addWidget(self.unit, row, 2)
        grid.addWidget(self.status, row + 2, 0, 1, 3)

    @property
    def widgets(self) -> list[QWidget]:
        """All of its parts that stand in the grid."""
        return [self.label, self.box or self.field, self.unit, self.status]

    @property
    def edited(self) -> bool:
        """Whether something was typed that was not sent."""
        return self.box is None and self.field.text() != self.value

    def enable(self, on: bool) -> None:
        """Let the value be changed, or only be read."""
        self.field.setReadOnly(not on)
        self.field.setEnabled(on)
        if self.box is not None:
            self.box.setEnabled(on)

    def show_value(self, text: str) -> None:
        """Show the value in force; what is being typed stays."""
        keep = self.edited and bool(self.value)
        self.value = text
        if self.box is not None:
            self.box.setChecked(text == "true")
        if not keep:
            self.field.setText(text)
            self.field.setCursorPosition(0)

    def undo(self) -> None:
        """Show the value in force again."""
        self.field.setText(self.value)
        if self.box is not None:
            self.box.setChecked(self.value == "true")
        self.say("")

    def say(self, words: str, colour: str = "") -> None:
        """Say what became of it."""
        self.status.setText(words)
        self.status.setStyleSheet(f"color: {colour or self.theme.faint};")
        self.status.setVisible(bool(words))

    # --- how --------------------------------------------------------------------------------------

    def _edited(self, text: str) -> None:
        reason = wrong(self.info, text) if text != self.value else None
        if reason:
            self.say(f"✖ {reason}", self.theme.bad)
        else:
            self.say("↵ Enter sends it, Escape takes it back" if text != self.value else "")

    def _entered(self) -> None:
        text = self.field.text().strip()
        if text != self.value and wrong(self.info, text) is None:
            self._ask(text)

    def _ask(self, text: str) -> None:
        self.say("… sent", self.theme.warn)
        self._send(self.info.name, text)


def explain(info: ParameterInfo) -> str:
    """What a parameter means, with its limits."""
    unit = f" {info.unit}" if info.unit else ""
    limits = []
    if info.minimum is not None:
        limits.append(f"at least {info.minimum:g}{unit}")
    if info.maximum is not None:
        limits.append(f"at most {info.maximum:g}{unit}")
    return "\n".join(filter(None, [info.doc, ", ".join(limits), "A change holds from the next trial on."]))


def wrong(info: ParameterInfo, text: str) -> str | None:
    """Return what is wrong with a value as typed, or None; the session has the last word.

    Examples
    --------
    >>> odour = ParameterInfo(name="odour_s", kind="number", doc="", unit="s", minimum=0.1)
    >>> wrong(odour, "0"), wrong(odour, "0,5"), wrong(odour, "0.5")
    ('the least is 0.1 s', 'write a number, as 0.5', None)
    """
    if info.kind not in {"number", "integer", "numbers"}:
        return None
    parts = text.strip().strip("[]").split(",") if info.kind == "numbers" else [text]
    for part in parts:
        try:
            value = int(part) if info.kind == "integer" else float(part)
        except ValueError:
            return {
                "integer": "write a whole number",
                "number": "write a number, as 0.5",
                "numbers": "write numbers with commas between them, as 0.1, 0.3",
            }[info.kind]
        unit = f" {info.unit}" if info.unit else ""
        if not math.isfinite(value):
            return "it must be a finite number"
        if info.minimum is not None and value < info.minimum:
            return f"the least is {info.minimum:g}{unit}"
        if info.maximum is not None and value > info.maximum:
            return f"the most is {info.maximum:g}{unit}"
    return None
