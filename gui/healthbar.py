"""The bar below everything: is what should be recorded being recorded? A word, a shape and a colour each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont, QFontMetrics
from PyQt5.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton

from gui.health import Level, Light
from gui.theme import Theme

SHAPES: Final = {Level.UNKNOWN: "○", Level.GOOD: "●", Level.WARN: "▲", Level.BAD: "■"}
SMALL: Final = 0.8
AGAIN_S: Final = 10.0
"""As long as something is red, it is heard again so often."""
FLASH_S: Final = 5.0
BLINK_S: Final = 0.5
"""What has just turned red is seen from the corner of an eye: the bar blinks once a second for a while."""


class HealthBar(QFrame):
    """Draws lights; the worst one is said in plain words beside them.

    Parameters
    ----------
    beep
        Makes the sound.

    Attributes
    ----------
    beeps
        How often it has sounded.
    lights
        What is shown.
    """

    def __init__(self, theme: Theme, beep: Callable[[], None] = QApplication.beep) -> None:
        super().__init__()
        self._theme = theme
        self._beep = beep
        self._labels: list[QLabel] = []
        self._red: set[str] = set()
        self._beeped_s = float("-inf")
        self._red_s = float("-inf")
        self._lit = False
        self._terse = self._small = False
        self.beeps = 0
        self.lights: list[Light] = []
        self.setObjectName("health")
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Fixed)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 3, 8, 3)
        self._row.setSpacing(16)
        self.words = QLabel()
        self.words.setObjectName("words")
        self.words.setTextFormat(Qt.PlainText)
        self.words.setMinimumWidth(60)
        self.words.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._row.addWidget(self.words, 1)
        self.mute = QToolButton()
        self.mute.setCheckable(True)
        self.mute.setAutoRaise(True)
        self.mute.toggled.connect(self._name_mute)
        self._name_mute(False)
        self._row.addWidget(self.mute)
        self._dress(alarm=False)
        # The same in an alarm, whatever is said then: nothing else in the window moves.
        self.setFixedHeight(max(self.sizeHint().height(), round(2.6 * self.fontMetrics().height() * SMALL)))

    def show_lights(self, lights: Sequence[Light], now_s: float, remark: str = "") -> None:
        """Show these lights; sound if one has turned red, and again while any is.

        Parameters
        ----------
        remark
            Said while nothing is wrong.
        """
        lights = list(lights)
        red = {light.name for light in lights if light.level is Level.BAD}
        worst = max(lights, key=lambda light: light.level, default=None)
        wrong = worst is not None and worst.level >= Level.WARN
        text = worst.why if worst is not None and wrong else remark
        if text != self.words.text():
            self.words.setText(text)
            self.words.setToolTip(text)
        terse = wrong and self._width(map(_whole, lights), text) > self.width()
        kept = [_named(light) if light.level is Level.GOOD else _whole(light) for light in lights]
        small = terse and self._width(kept, text) > self.width()
        if lights != self.lights or terse != self._terse:
            self.lights, self._terse = lights, terse
            self._draw()
        if red - self._red:
            self._red_s = now_s
        since_s = now_s - self._red_s
        lit = bool(red) and since_s < FLASH_S and since_s % (2 * BLINK_S) < BLINK_S
        if bool(red) != bool(self._red) or lit != self._lit or small != self._small:
            self._lit, self._small = lit, small
            self.words.setWordWrap(small)
            self._draw()
            self._dress(alarm=bool(red))
        if red - self._red or (red and now_s - self._beeped_s >= AGAIN_S):
            self._sound(now_s)
        self._red = red

    def _width(self, shown: Iterable[str], text: str) -> int:
        """How wide the bar would have to be for these lights and a sentence beside them."""
        bold = QFont(self.font())
        bold.setBold(True)
        widths = [self.fontMetrics().horizontalAdvance(words) for words in shown]
        widths.append(QFontMetrics(bold).horizontalAdvance(text))
        margins = self._row.contentsMargins()
        spare = margins.left() + margins.right() + self.mute.sizeHint().width()
        return sum(widths) + self._row.spacing() * (len(widths) + 1) + spare

    def _sound(self, now_s: float) -> None:
        self._beeped_s = now_s
        if not self.mute.isChecked():
            self.beeps += 1
            self._beep()

    def _draw(self) -> None:
        while len(self._labels) < len(self.lights):
            label = QLabel()
            label.setTextFormat(Qt.RichText)
            self._row.insertWidget(len(self._labels), label)
            self._labels.append(label)
        for label in self._labels[len(self.lights) :]:
            label.hide()
        theme, lit = self._theme, self._lit
        for label, light in zip(self._labels, self.lights, strict=False):
            colour = theme.raised if lit else self._colour(light.level)
            left_out = self._terse and light.level is Level.GOOD
            label.setText(
                f"<span style='color:{colour}'>{SHAPES[light.level]}</span> "
                f"<span style='color:{theme.raised if lit else theme.faint}'>{light.name}</span> "
                f"<span style='color:{colour if lit or light.level >= Level.WARN else theme.text}'>"
                f"{'' if left_out else light.value}</span>"
            )
            label.setToolTip(light.why)
            label.setAccessibleName(f"{light.name}: {light.value}")
            label.show()

    def _colour(self, level: Level) -> str:
        theme = self._theme
        return (theme.faint, theme.good, theme.warn, theme.bad)[level]

    def _dress(self, *, alarm: bool) -> None:
        theme = self._theme
        edge = f"3px solid {theme.bad}" if alarm else f"1px solid {theme.line}"
        colour = theme.text if not alarm else theme.raised if self._lit else theme.bad
        weight = "bold" if alarm else "normal"
        back = theme.bad if self._lit else theme.raised
        # Two lines of small letters stand where one of the usual ones does not fit.
        size = f" font-size: {SMALL * self.font().pointSizeF():.1f}pt;" if self._small else ""
        self.setStyleSheet(
            f"#health {{ background: {back}; border-top: {edge}; }}"
            f"#words {{ color: {colour}; font-weight: {weight};{size} }}"
        )

    def _name_mute(self, muted: bool) -> None:
        self.mute.setText("sound off" if muted else "sound on")
        self.mute.setToolTip("Alarms are silent" if muted else "An alarm is heard when something turns red")


def _named(light: Light) -> str:
    return f"{SHAPES[light.level]} {light.name}"


def _whole(light: Light) -> str:
    return f"{SHAPES[light.level]} {light.name} {light.value}"
