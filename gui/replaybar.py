"""The bar of a recorded session: play, speed, a slider over all of it, and steps from trial to trial."""

from __future__ import annotations

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QPushButton, QSlider, QToolButton

from gui.recorded import SPEEDS, Recorded
from gui.theme import Theme

FOLLOW_MS = 100


class ReplayBar(QFrame):
    """Moves a `Recorded` source; the window draws what follows."""

    def __init__(self, recorded: Recorded, theme: Theme) -> None:
        super().__init__()
        self._recorded = recorded
        self.setObjectName("replay")
        self.setStyleSheet(
            f"#replay {{ background: {theme.raised}; border-top: 1px solid {theme.line}; }}"
            f"QLabel {{ color: {theme.faint}; }}"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 12, 4)
        row.setSpacing(8)
        self.play = QPushButton("Play")
        self.play.setShortcut("Space")
        self.play.setMinimumWidth(80)
        self.play.clicked.connect(self._toggle)
        self.back, self.forth = QToolButton(), QToolButton()
        for button, text, tip, trials in (
            (self.back, "◀ trial", "To the end of the trial before", -1),
            (self.forth, "trial ▶", "To the end of the next trial", 1),
        ):
            button.setText(text)
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked=False, trials=trials: self._step(trials))
        self.speed = QComboBox()
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g} x", speed)
        self.speed.setCurrentIndex(SPEEDS.index(recorded.speed) if recorded.speed in SPEEDS else 0)
        self.speed.activated.connect(lambda index: recorded.set_speed(SPEEDS[index]))
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setRange(0, -(-(recorded.end_us - recorded.begin_us) // 1000))
        self.slider.setPageStep(60_000)
        self.slider.valueChanged.connect(self._slid)
        self.where = QLabel()
        self.where.setMinimumWidth(190)
        self.where.setAlignment(Qt.AlignRight | Qt.AlignVCenter)
        row.addWidget(QLabel(f"replay of {recorded.path.name}"))
        for widget in (self.back, self.play, self.forth, self.speed):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        row.addWidget(self.where)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._follow)
        self._timer.start(FOLLOW_MS)
        self._follow()

    def _toggle(self) -> None:
        self._recorded.play(not self._recorded.playing)
        self._follow()

    def _step(self, trials: int) -> None:
        self._recorded.step(trials)
        self._follow()

    def _slid(self, at_ms: int) -> None:
        self._recorded.seek(self._recorded.begin_us + at_ms * 1000)
        self._tell()

    def _follow(self) -> None:
        """Show where the recording is; the slider's own signal would take it for the user's hand."""
        self.slider.blockSignals(True)
        self.slider.setValue((self._recorded.now_us - self._recorded.begin_us) // 1000)
        self.slider.blockSignals(False)
        self._tell()

    def _tell(self) -> None:
        recorded = self._recorded
        self.play.setText("Hold" if recorded.playing else "Play")
        here, whole = recorded.now_us - recorded.begin_us, recorded.end_us - recorded.begin_us
        trials = len(recorded.trial_ends_us)
        self.where.setText(f"trial {recorded.trial} of {trials}   {_minutes(here)} of {_minutes(whole)}")


def _minutes(us: int) -> str:
    minutes, seconds = divmod(us // 1_000_000, 60)
    return f"{minutes}:{seconds:02d}"
