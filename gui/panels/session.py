"""The session's own panel: who and what, one drop now, a note, the protocol's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QWheelEvent
from PyQt5.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui.behaviour_panel import BehaviourPanel
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.panels.now import WATER
from gui.parameter_form import ParameterForm
from gui.parameter_row import ParameterRow
from gui.requests import Asked, Reply, Requests
from gui.session_facts import SessionFacts
from gui.theme import Theme
from gui.words import rig_time, session_file
from rig.documents import Notice, SessionStarted
from rig.operator import ManualReward, Note, SetParameter
from rig.trial.spec import TrialRecord

SMALLEST_DROP_UL = 0.1
NO_ANSWER = "no answer; it may or may not have been taken"
PULSE_REFUSED = "the board refused a pulse"
"""How the session says that a drop it sent was not given (`rig.session`)."""


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
        Subject, protocol, rig, seed, file.
    form
        The parameters.
    drop_size, drop_button, drop_status
        One drop now.
    note, note_button, note_status
        A remark with the rig's time.
    why_not
        Why nothing can be asked for.
    """

    title: ClassVar[str] = "session"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.NOTICES | Aspect.TRIALS | Aspect.HEALTH
    area: ClassVar[str] = "left"
    order: ClassVar[int] = 10

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._requests = Requests()
        self._notices_seen = 0
        self._for: SessionStarted | None = None
        self.facts = SessionFacts(theme)
        self.form = ParameterForm(theme, self._set)
        self.why_not = self._status()
        self.drop_size, self.drop_button, self.drop_status = self._drop_field()
        self.note, self.note_button, self.note_status = QLineEdit(), QPushButton("Note"), self._status()
        self._wire()
        self._lay_out()

    @property
    def rows(self) -> dict[str, ParameterRow]:
        """Parameter name -> its line of the form."""
        return self.form.rows

    # --- building ---------------------------------------------------------------------------------

    def _status(self) -> QLabel:
        label = self.small()
        label.setTextFormat(Qt.PlainText)
        label.setWordWrap(True)
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
        column.addWidget(self.facts)
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
        column.addWidget(self.form)
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
        started, live = self.model.started, self.model.live
        self.show_unless(None if started else "No session yet. Start one, or attach to one that runs.")
        if started is None:
            return
        if started is not self._for:
            self._begin(started)
        self._read_notices()
        begun = max(len(self.model.records), live.number + 1 if live is not None else 0)
        self.form.show_values(started, self.model.changed, begun)
        health = self.model.health.health if self.model.health is not None else None
        self.facts.show_facts(started, session_file(self.model.session_file, health))
        self._enable()

    def tick(self, now_s: float) -> None:
        """Give up what nobody answers."""
        for request in self._requests.overdue(now_s):
            match request.command:
                case SetParameter(name=name):
                    self.form.doubt(name, NO_ANSWER)
                case ManualReward():
                    self._say(self.drop_status, f"? {NO_ANSWER}", self.theme.warn)
                case Note(text=text):
                    self._say(self.note_status, f"? {NO_ANSWER}: {_short(text)}", self.theme.warn)
            self._enable()

    def _begin(self, started: SessionStarted) -> None:
        """Another session: its own form, and nothing asked for."""
        self._for = started
        self._requests = Requests()
        self.form.begin(started)
        for label in (self.drop_status, self.note_status):
            label.hide()
        if started.max_drop_ul > 0:
            self.drop_size.setMaximum(started.max_drop_ul)
            self.drop_size.setToolTip(f"at most {started.max_drop_ul:g} uL a drop on this rig")
        sizes = started.sizes_ul
        self.drop_size.setValue(sizes[len(sizes) // 2] if sizes else 5.0)

    def _enable(self) -> None:
        state, why = self.model.state, self._why_nothing()
        accepts = () if why is not None or state is None else state.accepts
        self.form.enable("set" in accepts)
        self.drop_size.setEnabled("reward" in accepts)
        self.drop_button.setEnabled("reward" in accepts and not self._requests.waiting(ManualReward))
        self.note.setEnabled("note" in accepts)
        self.note_button.setEnabled("note" in accepts)
        if why is None and "reward" not in accepts:
            why = "No drop can be given: the board is not connected."
        self.why_not.setText(why or "")
        self.why_not.setVisible(why is not None)

    def _why_nothing(self) -> str | None:
        if self.model.over:
            return "The session is over; nothing can be changed any more."
        if self.model.link_reason is not None:
            return f"The engine is silent: {self.model.link_reason}. Nothing can be asked of it now."
        if self.model.state is None:
            return "No engine is attached; this is only to be looked at."
        return None

    # --- asking -----------------------------------------------------------------------------------

    def _set(self, name: str, text: str) -> None:
        self._ask(SetParameter(name=name, value=text))

    def _give(self) -> None:
        # The spin box takes what was typed only when it is left; a click must not give the old size.
        self.drop_size.interpretText()
        volume = round(self.drop_size.value(), 3)
        self._say(self.drop_status, f"… {volume:g} uL asked for", self.theme.warn)
        self._ask(ManualReward(volume_ul=volume, valve=valve_of(self.model.records)))
        self._enable()

    def _write(self) -> None:
        text = self.note.text().strip()
        if text:
            self.note.clear()
            self._say(self.note_status, f"… sent: {_short(text)}", self.theme.warn)
            self._ask(Note(text=text))

    def _ask(self, command: Asked) -> None:
        self._requests.add(command)
        self.controls.submit(command)

    # --- answers ----------------------------------------------------------------------------------

    def _read_notices(self) -> None:
        fresh = self.model.notices_since(self._notices_seen)
        self._notices_seen = self.model.notices_seen
        for notice in fresh:
            self._hear(notice)

    def _hear(self, notice: Notice) -> None:
        if notice.text.startswith(PULSE_REFUSED) and not self.drop_status.isHidden():
            self._say(self.drop_status, f"✖ {notice.text}: no drop was given", self.theme.bad)
            return
        reply = self._requests.answer(notice)
        if reply is None:
            return
        if reply.refusal is not None:
            self._refused(reply.command, reply.refusal)
        else:
            self._granted(reply)

    def _granted(self, reply: Reply) -> None:
        at = rig_time(reply.board_us)
        match reply.command:
            case SetParameter(name=name, value=value):
                self.form.accept(name, value, self._next_undecided())
            case ManualReward(volume_ul=volume):
                self._say(self.drop_status, f"✔ {volume:g} uL sent to the valve at {at}", self.theme.good)
            case Note(text=text):
                self._say(self.note_status, f"✔ noted at {at}: {_short(text)}", self.theme.good)

    def _refused(self, command: Asked, why: str) -> None:
        match command:
            case SetParameter(name=name):
                self.form.refuse(name, why)
            case ManualReward():
                self._say(self.drop_status, f"✖ {why}", self.theme.bad)
            case Note(text=text):
                self._say(self.note_status, f"✖ {why}: {_short(text)}", self.theme.bad)

    def _next_undecided(self) -> int:
        """1-based number of the first trial that is not decided yet."""
        state = self.model.state
        decided = state is not None and state.phase in {"uploading", "running"}
        return len(self.model.records) + (2 if decided else 1)

    @staticmethod
    def _say(label: QLabel, words: str, colour: str) -> None:
        label.setText(words)
        label.setStyleSheet(f"color: {colour};")
        label.show()


def valve_of(records: Sequence[TrialRecord]) -> str:
    """The valve that the newest reward came from; before there is any, what it is mostly called."""
    for record in reversed(records):
        for change in record.outputs:
            if change.on and change.at_us == record.reward_us:
                return change.name
    return WATER


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
