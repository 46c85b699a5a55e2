"""The bar above everything: who, where, how far, how much water, and the four buttons that matter."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QShortcut,
    QSizePolicy,
    QVBoxLayout,
)

from gui.model import SessionModel
from gui.theme import Theme
from gui.words import plain
from rig.documents import SessionState
from rig.operator import EmergencyStop, Pause, Resume, Stop

EMERGENCY_KEY = "F12"
_BETWEEN = {"deciding", "uploading", "closing"}
"""Phases that pass between two trials of a running session."""


class Header(QFrame):
    """Shows where the session stands; its buttons are enabled by what the session accepts.

    Parameters
    ----------
    submit
        Takes a command of `rig.operator`.
    live
        False for a recorded session: it has no buttons.
    """

    def __init__(
        self, model: SessionModel, submit: Callable[[object], None], theme: Theme, *, live: bool = True
    ) -> None:
        super().__init__()
        self._model = model
        self._submit = submit
        self._live = live
        self._stopping = False
        self._zero_us: int | None = None
        self.setObjectName("header")
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Fixed)
        self.setStyleSheet(
            f"#header {{ background: {theme.raised}; border-bottom: 1px solid {theme.line}; }}"
            f"QLabel {{ color: {theme.text}; }} QLabel[faint=true] {{ color: {theme.faint}; }}"
        )
        self.who, self.line = _label("", 1.15, bold=True), _label("", 0.9, faint=True)
        self.phase = _label("connecting", 1.3, bold=True)
        self.trial, self.time, self.water = _label("", 1.3), _label("", 1.3), _label("", 1.3)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 12, 5)
        row.setSpacing(18)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.who)
        names.addWidget(self.line)
        row.addLayout(names, 1)
        for label, caption in (
            (self.phase, "session"),
            (self.trial, "trial"),
            (self.time, "rig time"),
            (self.water, "water, mL"),
        ):
            row.addLayout(_figure(label, caption))
        self.pause = QPushButton("Pause")
        self.pause.setToolTip("Wait at the next trial boundary (Ctrl+P)")
        self.pause.setShortcut("Ctrl+P")
        self.stop = QPushButton("Stop…")
        self.stop.setToolTip("End the session after the running trial")
        self.emergency = QPushButton(f"■ Emergency stop  {EMERGENCY_KEY}")
        self.emergency.setObjectName("emergency")
        self.emergency.setToolTip("All valves off now; the trial is aborted and the session ends")
        self._key = QShortcut(QKeySequence(EMERGENCY_KEY), self, self.emergency_stop)
        self._key.setContext(Qt.ApplicationShortcut)
        self.pause.clicked.connect(self._toggle_pause)
        self.stop.clicked.connect(self._ask_to_stop)
        self.emergency.clicked.connect(self.emergency_stop)
        for button in (self.pause, self.stop, self.emergency):
            button.setVisible(live)
            row.addWidget(button)
        self._key.setEnabled(live)
        self.refresh()

    def refresh(self) -> None:
        """Show the model's newest state."""
        model, state = self._model, self._model.state
        started = model.started
        if state is not None:
            self.who.setText(f"{state.subject}  ·  {state.protocol}  ·  {state.rig}{_epoch_words(model)}")
            self.line.setText(state.last_line)
            self.trial.setText(f"{state.trial} of {state.trials}" if state.trials else str(state.trial))
            self.time.setText(_clock(state.board_us - self._begin(state)))
            cap = f" of {started.max_session_ul / 1000:.1f}" if started and started.max_session_ul else ""
            self.water.setText(f"{state.delivered_ul / 1000:.2f}{cap}")
        elif started is not None:
            self.who.setText(f"{started.subject}  ·  {started.protocol}  ·  {started.rig}")
        word = phase_word(model, stopping=self._stopping)
        self.phase.setText(word if self._live or model.over else "replay")
        if model.ended is not None:
            self.line.setText(model.ended.reason)
        self._enable(state)

    def emergency_stop(self) -> None:
        """Stop at once; no question is asked."""
        if not self._model.over:
            self._submit(EmergencyStop())

    def stop_after_trial(self) -> None:
        """Stop after the running trial."""
        self._stopping = True
        self._submit(Stop())
        self.refresh()

    def _begin(self, state: SessionState) -> int:
        """Board time that counts as the session's beginning: a board may have run for days before."""
        if self._zero_us is None or self._zero_us > state.board_us:
            told = [record.start_us for record in self._model.records[:1]]
            told += [notice.board_us for notice in self._model.notices if notice.board_us][:1]
            self._zero_us = min([state.board_us, *told])
        return self._zero_us

    def _enable(self, state: SessionState | None) -> None:
        over, accepts = self._model.over, state.accepts if state else ()
        resume = "resume" in accepts
        self.pause.setText("Resume" if resume else "Pause")
        self.pause.setEnabled(not over and (resume or "pause" in accepts))
        self.stop.setEnabled(not over and "stop" in accepts and not self._stopping)
        self.emergency.setEnabled(not over)

    def _toggle_pause(self) -> None:
        state = self._model.state
        if state is not None:
            self._submit(Resume() if "resume" in state.accepts else Pause())

    def _ask_to_stop(self) -> None:
        box = QMessageBox(self)
        box.setObjectName("ask to stop")
        box.setIcon(QMessageBox.Question)
        box.setText("Stop the session?")
        box.setInformativeText("The running trial is finished first; then the session file is closed.")
        stop = box.addButton("Stop after this trial", QMessageBox.AcceptRole)
        box.addButton("Go on", QMessageBox.RejectRole)
        box.setAttribute(Qt.WA_DeleteOnClose)
        stop.clicked.connect(self.stop_after_trial)
        box.open()


def phase_word(model: SessionModel, *, stopping: bool = False) -> str:
    """Say in a word or two what the session does."""
    if model.ended is not None:
        return "ended" if model.ended.ok else "ended early"
    if model.link_reason is not None:
        return "not heard"
    state = model.state
    if state is None:
        return "connecting"
    if state.phase in _BETWEEN or state.phase == "running":
        if stopping:
            return "stopping after this trial"
        return "pausing after this trial" if "resume" in state.accepts else "running"
    return state.phase


def _epoch_words(model: SessionModel) -> str:
    """Name the epoch that runs, in a session of several."""
    if model.epoch is not None:
        return f"  ·  epoch {model.epoch.epoch}: {plain(model.epoch.name)}"
    several = model.started is not None and len(model.started.epochs) > 1
    return f"  ·  epoch 0: {plain(model.started.epochs[0].name)}" if several and model.started else ""


def _clock(board_us: int) -> str:
    minutes, seconds = divmod(max(0, board_us) // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def _label(text: str, scale: float, *, bold: bool = False, faint: bool = False) -> QLabel:
    label = QLabel(text)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * scale)
    font.setBold(bold)
    label.setFont(font)
    label.setProperty("faint", faint)
    label.setTextFormat(Qt.PlainText)
    if faint or bold:
        label.setMinimumWidth(40)
    return label


def _figure(label: QLabel, caption: str) -> QVBoxLayout:
    """Put a figure above its caption."""
    column = QVBoxLayout()
    column.setSpacing(0)
    label.setAlignment(Qt.AlignHCenter | Qt.AlignVCenter)
    under = _label(caption, 0.8, faint=True)
    under.setAlignment(Qt.AlignHCenter)
    column.addWidget(label)
    column.addWidget(under)
    return column
