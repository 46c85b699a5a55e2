"""Where everything stands on the start page; what it does is said in `gui.start`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QIntValidator
from PyQt5.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.device_check import DeviceCheck
from gui.diagram import Diagram
from gui.engines import EngineList
from gui.theme import Theme


class StartWidgets:
    """Every widget of the page, by name."""

    def __init__(
        self, page: QWidget, theme: Theme, diagram: Diagram, on_attach: Callable[[Any], Any]
    ) -> None:
        self._theme = theme
        self.rig, self.find_rig = _editable(), _finder()
        self.rig_words = QLabel()
        self.rig_words.setWordWrap(True)
        self.devices = DeviceCheck()
        self.protocol, self.find_protocol = _editable(), _finder()
        self.preset, self.save_preset = QComboBox(), QPushButton("Save as preset…")
        self.subject = _editable()
        self.weight = QDoubleSpinBox()
        self.weight.setRange(0.0, 2000.0)
        self.weight.setDecimals(1)
        self.weight.setSuffix(" g")
        self.weight.setSpecialValueText("not weighed")
        self.last_weight = QLabel()
        self.notes = QPlainTextEdit()
        self.notes.setMaximumHeight(54)
        self.notes.setPlaceholderText("kept in the session file")
        self.seed = QLineEdit()
        self.seed.setValidator(QIntValidator(0, 2**31 - 1))
        self.trials = QSpinBox()
        self.trials.setRange(0, 100_000)
        self.trials.setSpecialValueText("until stopped")
        self.out, self.find_out = QLineEdit(), _finder()
        self.engines = EngineList(on_attach)
        self.replay = QPushButton("Replay a session file…")
        self.demo = QPushButton("Demo rig")
        self.demo.setToolTip(
            "An emulated rig with 40 simulated dopamine units: nothing needs to be plugged in"
        )
        self.check = QPushButton("Check")
        self.start = QPushButton("Start")
        self.start.setObjectName("primary")
        self.start.setEnabled(False)
        self.start.setToolTip("Check first: only what was checked is started")
        self.kinds = QComboBox()
        self.words = QLabel("Check shows every kind of trial as a diagram of its states.")
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self._form_room = QVBoxLayout()
        self._form: QWidget | None = None
        row = QHBoxLayout(page)
        row.setContentsMargins(14, 12, 14, 12)
        row.setSpacing(14)
        row.addWidget(self._questions(), 5)
        row.addLayout(self._answers(diagram), 6)

    def put_form(self, form: QWidget | None) -> None:
        """Show the parameters of another protocol."""
        if self._form is not None:
            self._form.hide()
            self._form.deleteLater()
        self._form = form
        if form is not None:
            self._form_room.addWidget(form)

    def say(self, text: str, *, bad: bool = False) -> None:
        """Say how it stands."""
        self.words.setText(text)
        self.words.setStyleSheet(f"color: {self._theme.bad};" if bad else "")

    def _questions(self) -> QScrollArea:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(10)
        box, form = _group("Rig")
        form.addRow("rig file", _beside(self.rig, self.find_rig))
        form.addRow("", self.rig_words)
        form.addRow("", self.devices)
        column.addWidget(box)
        box, form = _group("Subject")
        form.addRow("subject", self.subject)
        form.addRow("weight", _beside(self.weight, self.last_weight))
        form.addRow("notes", self.notes)
        column.addWidget(box)
        box, form = _group("Protocol")
        form.addRow("protocol", _beside(self.protocol, self.find_protocol))
        form.addRow("preset", _beside(self.preset, self.save_preset))
        form.addRow(self._form_room)
        column.addWidget(box)
        box, form = _group("Session")
        form.addRow("trials", self.trials)
        form.addRow("seed", self.seed)
        form.addRow("folder", _beside(self.out, self.find_out))
        column.addWidget(box)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        return scroll

    def _answers(self, diagram: Diagram) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(8)
        box = QGroupBox("Running now")
        inside = QVBoxLayout(box)
        inside.addWidget(self.engines)
        others = QHBoxLayout()
        others.addWidget(self.demo)
        others.addWidget(self.replay)
        others.addStretch(1)
        inside.addLayout(others)
        column.addWidget(box)
        column.addWidget(self.kinds)
        column.addWidget(diagram, 1)
        column.addWidget(self.words)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.check)
        buttons.addWidget(self.start)
        column.addLayout(buttons)
        return column


def _editable() -> QComboBox:
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.NoInsert)
    box.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(18)
    box.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
    return box


def _finder() -> QToolButton:
    button = QToolButton()
    button.setText("…")
    button.setToolTip("Look for it")
    return button


def _group(title: str) -> tuple[QGroupBox, QFormLayout]:
    box = QGroupBox(title)
    form = QFormLayout(box)
    form.setVerticalSpacing(6)
    form.setFieldGrowthPolicy(QFormLayout.ExpandingFieldsGrow)
    return box, form


def _beside(field: QWidget, other: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(field, 1)
    row.addWidget(other)
    return row
