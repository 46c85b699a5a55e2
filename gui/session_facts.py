"""Who and what: subject, protocol, rig, seed and file of a session."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFontMetrics, QResizeEvent
from PyQt5.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from gui.theme import Theme
from rig.documents import SessionStarted

FACTS = ("subject", "protocol", "rig", "seed", "file")


class SessionFacts(QWidget):
    """One line a fact; they can be selected and copied. A long file name is cut at its beginning.

    Attributes
    ----------
    labels
        Name of the fact -> the label that shows it.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._file = ""
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.9)
        self.labels: dict[str, QLabel] = {}
        for k, name in enumerate(FACTS):
            title, label = QLabel(name), QLabel()
            for part, colour in ((title, theme.faint), (label, theme.text)):
                part.setFont(font)
                part.setStyleSheet(f"color: {colour};")
            title.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
            label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
            label.setTextFormat(Qt.PlainText)
            label.setTextInteractionFlags(Qt.TextSelectableByMouse)
            grid.addWidget(title, k, 0)
            grid.addWidget(label, k, 1)
            self.labels[name] = label

    def show_facts(self, started: SessionStarted, file: str) -> None:
        """Show a session; `file` may be empty."""
        for name in ("subject", "protocol", "rig", "seed"):
            self.labels[name].setText(str(getattr(started, name)))
        self._file = file
        self.labels["file"].setToolTip(file)
        self._elide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Shorten the file's name to what fits."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        label = self.labels["file"]
        metrics = QFontMetrics(label.font())
        shown = metrics.elidedText(self._file, Qt.ElideLeft, max(label.width() - 2, 40))
        label.setText(shown or "not known here")
