"""The session's own panel: who and what, one drop now, a note, the protocol's parameters."""

from __future__ import annotations

from typing import ClassVar

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFontMetrics, QResizeEvent, QWheelEvent
from PyQt5.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui.behaviour_panel import BehaviourPanel
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.panels.now import WATER
from gui.parameter_row import ParameterRow
from gui.requests import Reply, Requests
from gui.theme import Theme
from gui.words import rig_time, session_file, value_text
from rig.documents import SessionStarted
from rig.operator import ManualReward, Note, SetParameter

FACTS = ("subject", "protocol", "rig", "seed", "file")
SMALLEST_DROP_UL = 0.1


class DropSize(QDoubleSpinBox):
    """A volume that the wheel does not change: who scrolls the panel wants no bigger drop."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the wheel to the panel."""
        event.ignore()


class SessionPanel(BehaviourPanel):
    """Shows the session and takes what the operator wants of it; enabled by what the session accepts.

    Attributes
    ----------
    facts
        Label -> what it shows.
    rows
        Parameter name -> its line of the form.
    drop_size, drop_button, drop_status
        One drop now.
    note, note_button, note_status
        A remark with the rig's time.
    """

    title: ClassVar[str] = "session"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.NOTICES | Aspect.TRIALS | Aspect.HEALTH
    area: ClassVar[str] = "left"
    order: ClassVar[int] = 10

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.rows: dict[str, ParameterRow] = {}
        self._requests = Requests()
        self._notices_seen = 0
        self._accepted_at: dict[str, int] = {}
        self._for: SessionStarted | None = None
        self._file = ""
        self._form_widgets: list[QWidget] = []
        self.facts = {name: self._fact() for name in FACTS}
        self.why_not = self._status()
        self.drop_size, self.drop_button, self.drop_status = self._drop_field()
        self.note, self.note_button, self.note_status = QLineEdit(), QPushButton("Note"), self._status()
        self._wire()
        self._lay_out()

    # --- building ---------------------------------------------------------------------------------

    def _fact(self) -> QLabel:
        label = self.small()
        label.setTextFormat(Qt.PlainText)
        label.setStyleSheet(f"color: {self.theme.text};")
        label.setTextInteractionFlags(Qt.TextSelectableByMouse)
        return label

    def _status(self) -> QLabel:
        label = QLabel()
        label.setWordWrap(True)
        label.setStyleSheet(f"color: {self.theme.faint}; font-size: 8.5pt;")
        label.hide()
        return label

    def _drop_field(self) -> tuple[QDoubleSpinBox, QPushButton, QLabel]:
        size = DropSize()
        size.setDecimals(1)
        size.setRange(SMALLEST_DROP_UL, 25.0)
        size.setSuffix(" uL")
        size.setAccessibleName("size of one drop")
        size.setFocusPolicy(Qt.StrongFocus)
        button = QPushButton("Give one drop")
        button.setToolTip(
            "Opens the water valve once, now. A drop within a trial takes that trial out of the estimates."
        )
        return size, button, self._status()

    def _wire(self) -> None:
        self.drop_button.clicked.connect(self._give)
        self.note.setPlaceholderText("a note")
        self.note.setAccessibleName("note")
        self.note.setToolTip("Kept in the session with the rig's time")
        self.note.setMaxLength(2000)
        self.note.returnPressed.connect(self._write)
        self.note_button.clicked.connect(self._write)

    def _lay_out(self) -> None:
        inside = QWidget()
        inside.setObjectName("inside")
        inside.setStyleSheet(f"QWidget#inside {{ background: {self.theme.raised}; }}")
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 4, 8, 4)
        column.setSpacing(4)
        facts = QGridLayout()
        facts.setVerticalSpacing(1)
        facts.setColumnStretch(1, 1)
        for k, (name, label) in enumerate(self.facts.items()):
            title = self.small()
            title.setText(name)
            title.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
            facts.addWidget(title, k, 0)
            facts.addWidget(label, k, 1)
        column.addLayout(facts)
        column.addWidget(self.why_not)
        for left, button, status in (
            (self.drop_size, self.drop_button, self.drop_status),
            (self.note, self.note_button, self.note_status),
        ):
            line = QHBoxLayout()
            line.addWidget(left, 1)
            line.addWidget(button)
            column.addSpacing(4)
            column.addLayout(line)
            column.addWidget(status)
        column.addWidget(self._rule())
        self._form = QGridLayout()
        self._form.setVerticalSpacing(2)
        self._form.setColumnStretch(1, 1)
        column.addLayout(self._form)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        self.body.addWidget(scroll)

    def _rule(self) -> QFrame:
        rule = QFrame()
        rule.setFixedHeight(1)
        rule.setStyleSheet(f"background: {self.theme.line};")
        return rule

    # --- showing ----------------------------------------------------------------------------------

    def refresh(self, changed: Aspect) -> None:
        """Show the session, the values in force and what became of requests."""
        started = self.model.started
        self.show_unless(None if started else "No session yet. Start one, or attach to one that runs.")
        if started is None:
            return
        if started is not self._for:
            self._begin(started)
        self._read_notices()
        for name, row in self.rows.items():
            row.show_value(self.model.changed.get(name, value_text(started.parameters.get(name))))
            self._settle(row)
        self._show_facts(started)
        self._enable()

    def tick(self, now_s: float) -> None:
        """Give up what nobody answers."""
        for request in self._requests.overdue(now_s):
            self._say(request.command, "? no answer; it may or may not have been taken", self.theme.warn)
            self._enable()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The file's name is shortened to fit."""
        super().resizeEvent(event)
        self._elide()

    def _begin(self, started: SessionStarted) -> None:
        """Make the form of another protocol."""
        self._for = started
        for widget in self._form_widgets:
            self._form.removeWidget(widget)
            widget.deleteLater()
        self.rows = {info.name: ParameterRow(info, self.theme, self._set) for info in started.about}
        for k, row in enumerate(self.rows.values()):
            row.add_to(self._form, 3 * k)
        self._form_widgets = [part for row in self.rows.values() for part in row.widgets]
        if started.max_drop_ul > 0:
            self.drop_size.setMaximum(started.max_drop_ul)
            self.drop_size.setToolTip(f"at most {started.max_drop_ul:g} uL a drop on this rig")
        sizes = started.sizes_ul
        self.drop_size.setValue(sizes[len(sizes) // 2] if sizes else 5.0)
        self._requests = Requests()
        self._accepted_at = {}

    def _show_facts(self, started: SessionStarted) -> None:
        for name in ("subject", "protocol", "rig", "seed"):
            self.facts[name].setText(str(getattr(started, name)))
        health = self.model.health.health if self.model.health is not None else None
        self._file = session_file(self.model.session_file, health)
        self.facts["file"].setToolTip(self._file)
        self._elide()

    def _elide(self) -> None:
        label = self.facts["file"]
        metrics = QFontMetrics(label.font())
        shown = metrics.elidedText(self._file, Qt.ElideLeft, max(label.width() - 2, 40))
        label.setText(shown or "not known here")

    def _enable(self) -> None:
        state, model = self.model.state, self.model
        why = None
        if model.over:
            why = "The session is over; nothing can be changed any more."
        elif model.link_reason is not None:
            why = f"The engine is silent: {model.link_reason}. Nothing can be asked of it now."
        elif state is None:
            why = "No engine is attached; this is only to be looked at."
        accepts = () if why is not None or state is None else state.accepts
        for row in self.rows.values():
            row.enable("set" in accepts)
        waits = self._requests.waiting(ManualReward)
        self.drop_size.setEnabled("reward" in accepts)
        self.drop_button.setEnabled("reward" in accepts and not waits)
        self.note.setEnabled("note" in accepts)
        self.note_button.setEnabled("note" in accepts)
        if why is None and "reward" not in accepts:
            why = "No drop can be given: the board is not connected."
        self.why_not.setText(why or "")
        self.why_not.setVisible(why is not None)

    # --- asking -----------------------------------------------------------------------------------

    def _set(self, name: str, text: str) -> None:
        self._ask(SetParameter(name=name, value=text))

    def _give(self) -> None:
        # The spin box takes what was typed only when it is left; a click must not give the old size.
        self.drop_size.interpretText()
        self.drop_status_say(f"… {self.drop_size.value():g} uL asked for", self.theme.warn)
        self._ask(ManualReward(volume_ul=round(self.drop_size.value(), 3), valve=self._valve()))
        self._enable()

    def _write(self) -> None:
        text = self.note.text().strip()
        if not text:
            return
        self.note.clear()
        self._say(Note(text=text), "… sent", self.theme.warn)
        self._ask(Note(text=text))

    def _ask(self, command: ManualReward | Note | SetParameter) -> None:
        self._requests.add(command)
        self.controls.submit(command)

    def _valve(self) -> str:
        """The valve that the newest reward came from; before there is any, what it is mostly called."""
        for record in reversed(self.model.records):
            for change in record.outputs:
                if change.on and change.at_us == record.reward_us:
                    return change.name
        return WATER

    # --- answers ----------------------------------------------------------------------------------

    def _read_notices(self) -> None:
        seen, kept = self.model.notices_seen, self.model.notices
        fresh = min(seen - self._notices_seen if seen >= self._notices_seen else seen, len(kept))
        self._notices_seen = seen
        for k in range(len(kept) - fresh, len(kept)):
            reply = self._requests.answer(kept[k])
            if reply is not None:
                self._on_reply(reply)

    def _on_reply(self, reply: Reply) -> None:
        if reply.refusal is not None:
            self._say(reply.command, f"✖ {reply.refusal}", self.theme.bad)
            if isinstance(reply.command, SetParameter) and reply.command.name in self.rows:
                row = self.rows[reply.command.name]
                if row.box is not None:
                    row.box.setChecked(row.value == "true")
            return
        at = rig_time(reply.board_us)
        match reply.command:
            case SetParameter(name=name, value=value):
                self._accepted_at[name] = len(self.model.records)
                if name in self.rows and self.rows[name].field.text().strip() == value:
                    self.rows[name].value = value
                self._say(reply.command, "✔ accepted, from the next trial on", self.theme.good)
            case ManualReward(volume_ul=volume):
                self._say(reply.command, f"✔ {volume:g} uL given at {at}", self.theme.good)
            case Note():
                self._say(reply.command, f"✔ noted at {at}", self.theme.good)

    def _settle(self, row: ParameterRow) -> None:
        """Say from which trial on a change has held, once that trial has come."""
        accepted = self._accepted_at.get(row.info.name)
        if accepted is not None and len(self.model.records) > accepted and not row.edited:
            del self._accepted_at[row.info.name]
            row.say(f"✔ in force since trial {accepted + 2}", self.theme.faint)

    def _say(self, command: ManualReward | Note | SetParameter, words: str, colour: str) -> None:
        match command:
            case SetParameter(name=name):
                if name in self.rows:
                    self.rows[name].say(words, colour)
            case ManualReward():
                self.drop_status_say(words, colour)
            case Note(text=text):
                short = text if len(text) <= 40 else f"{text[:39]}…"
                _show(self.note_status, f"{words}: {short}", colour)

    def drop_status_say(self, words: str, colour: str) -> None:
        """Say what became of the drop."""
        _show(self.drop_status, words, colour)


def _show(label: QLabel, words: str, colour: str) -> None:
    label.setText(words)
    label.setStyleSheet(f"color: {colour}; font-size: 8.5pt;")
    label.show()
