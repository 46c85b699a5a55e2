"""A form for a protocol's parameters: names, units, limits and defaults as its class declares them."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QFormLayout, QHBoxLayout, QLabel, QLineEdit, QWidget

from gui.parameter_row import explain, wrong
from gui.theme import Theme
from rig.design.params import Params
from rig.documents import ParameterInfo


class StartForm(QWidget):
    """One field a parameter; what is wrong is said beside it while it is typed.

    Attributes
    ----------
    changed
        Emitted when any field has changed.
    """

    changed = pyqtSignal()

    def __init__(self, parameters: type[Params], theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._defaults = {name: as_text(value) for name, value in parameters().as_dict().items()}
        self.fields: dict[str, QLineEdit | QCheckBox] = {}
        self._about = {info.name: info for info in parameters.about()}
        self._notes: dict[str, QLabel] = {}
        layout = QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(4)
        for info in self._about.values():
            self._add(layout, info)

    def values(self) -> dict[str, str]:
        """Return what differs from the defaults, as text."""
        return {name: text for name, text in self._texts().items() if text != self._defaults[name]}

    def set_values(self, values: Mapping[str, str]) -> None:
        """Fill in a preset: its values, and the defaults for everything else."""
        for name, field in self.fields.items():
            text = values.get(name, self._defaults[name])
            if isinstance(field, QCheckBox):
                field.setChecked(text.lower() == "true")
            else:
                field.setText(text)

    @property
    def problems(self) -> list[str]:
        """What is wrong, one sentence a field."""
        found = []
        for name, text in self._texts().items():
            reason = wrong(self._about[name], text)
            if reason is not None:
                found.append(f"{name}: {reason}")
        return found

    def _texts(self) -> dict[str, str]:
        return {
            name: as_text(field.isChecked()) if isinstance(field, QCheckBox) else field.text().strip()
            for name, field in self.fields.items()
        }

    def _add(self, layout: QFormLayout, info: ParameterInfo) -> None:
        field: QLineEdit | QCheckBox
        if info.kind == "flag":
            field = QCheckBox()
            field.setChecked(self._defaults[info.name] == "true")
            field.toggled.connect(self.changed)
        else:
            field = QLineEdit(self._defaults[info.name])
            field.setCursorPosition(0)
            field.textChanged.connect(lambda text, info=info: self._judge(info, text))
        field.setToolTip(explain(info).replace("\nA change holds from the next trial on.", ""))
        field.setAccessibleName(info.name)
        self.fields[info.name] = field
        note = QLabel(info.unit)
        note.setMinimumWidth(24)
        self._notes[info.name] = note
        row = QHBoxLayout()
        row.addWidget(field, 1)
        row.addWidget(note)
        label = QLabel(info.name)
        label.setToolTip(info.doc)
        layout.addRow(label, row)

    def _judge(self, info: ParameterInfo, text: str) -> None:
        reason = wrong(info, text)
        note = self._notes[info.name]
        note.setText(f"✖ {reason}" if reason else info.unit)
        note.setStyleSheet(f"color: {self._theme.bad};" if reason else "")
        self.changed.emit()


def as_text(value: object) -> str:
    """Write a parameter's value as people type it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ", ".join(as_text(item) for item in value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)
