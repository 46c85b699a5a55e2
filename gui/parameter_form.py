"""The running protocol's parameters as a form; each line says what became of a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PyQt5.QtWidgets import QGridLayout, QWidget

from gui.parameter_row import ParameterRow
from gui.theme import Theme
from gui.words import value_text
from rig.documents import SessionStarted


class ParameterForm(QWidget):
    """One line a parameter, made from what the protocol says about it.

    Parameters
    ----------
    send
        Called with (name, text) when the operator wants a new value.

    Attributes
    ----------
    rows
        Parameter name -> its line.
    """

    def __init__(self, theme: Theme, send: Callable[[str, str], None]) -> None:
        super().__init__()
        self.rows: dict[str, ParameterRow] = {}
        self._theme = theme
        self._send = send
        self._holds_from: dict[str, int] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)

    def begin(self, started: SessionStarted) -> None:
        """Make the form of another session."""
        for row in self.rows.values():
            for part in row.widgets:
                self._grid.removeWidget(part)
                part.deleteLater()
        self._holds_from = {}
        self.rows = {info.name: ParameterRow(info, self._theme, self._send) for info in started.about}
        for k, row in enumerate(self.rows.values()):
            row.add_to(self._grid, 3 * k)

    def show_values(self, started: SessionStarted, changed: Mapping[str, str], begun: int) -> None:
        """Show the values in force.

        Parameters
        ----------
        changed
            Values as text that were changed since the session's start.
        begun
            Trials that have begun so far.
        """
        for name, row in self.rows.items():
            row.show_value(changed.get(name, value_text(started.parameters.get(name))))
            first = self._holds_from.get(name)
            if first is not None and begun >= first and not row.edited:
                del self._holds_from[name]
                row.say(f"✔ in force since trial {first}")

    def enable(self, on: bool) -> None:
        """Let values be changed, or only be read."""
        for row in self.rows.values():
            row.enable(on)

    def accept(self, name: str, text: str, first: int) -> None:
        """Say that a change was taken; it holds from trial `first` (1-based) on."""
        row = self.rows.get(name)
        if row is None:
            return
        self._holds_from[name] = first
        if row.field.text().strip() == text:
            row.value = text
        row.say("✔ accepted, from the next trial on", self._theme.good)

    def refuse(self, name: str, words: str) -> None:
        """Say why a change was not taken; what was typed stays, to be mended."""
        row = self.rows.get(name)
        if row is None:
            return
        row.say(f"✖ {words}", self._theme.bad)
        if row.box is not None:
            row.box.setChecked(row.value == "true")

    def doubt(self, name: str, words: str) -> None:
        """Say that nobody knows what became of a change."""
        if name in self.rows:
            self.rows[name].say(f"? {words}", self._theme.warn)
