"""A label that says as much as it has room for: a longer or a shorter wording, never half of one."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QLabel, QSizePolicy


class FittingLabel(QLabel):
    """Shows the first of its wordings that fits; plain text, on one line."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.PlainText)
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._wordings: tuple[str, ...] = ()

    def say(self, *wordings: str) -> None:
        """Take wordings, the longest first; where none fits nothing is said."""
        self._wordings = wordings
        self.setToolTip(wordings[0] if wordings else "")
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Choose anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        fitting = (words for words in self._wordings if metrics.horizontalAdvance(words) <= self.width())
        self.setText(next(fitting, ""))
