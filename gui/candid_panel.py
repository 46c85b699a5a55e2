"""A panel that draws, or says in one sentence why it cannot; with a header line and small buttons."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QFont
from PyQt5.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.fitting_label import FittingLabel
from gui.model import SessionModel
from gui.panel import Controls, Panel
from gui.theme import Theme


class CandidPanel(Panel):
    """Either its content, or one sentence that says why there is none.

    Attributes
    ----------
    content, body
        The page that is shown when there is something to draw, and its layout.
    empty
        The sentence that is shown when there is not.
    """

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.content = QWidget()
        self.body = QVBoxLayout(self.content)
        self.body.setContentsMargins(8, 4, 4, 2)
        self.body.setSpacing(1)
        self.empty = QLabel()
        self.empty.setAlignment(Qt.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setMargin(24)
        self.empty.setStyleSheet(f"color: {theme.faint}; background: {theme.raised};")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.content)
        self.content.setObjectName("content")
        self.content.setStyleSheet(f"QWidget#content {{ background: {theme.raised}; }}")

    @property
    def shows_content(self) -> bool:
        """Whether the panel draws something (and does not say why it cannot)."""
        return self._stack.currentWidget() is self.content

    def show_unless(self, why_empty: str | None) -> bool:
        """Show the content, or the reason for there being none; return whether to draw."""
        if why_empty is not None:
            self.empty.setText(why_empty)
            self._stack.setCurrentWidget(self.empty)
            return False
        self._stack.setCurrentWidget(self.content)
        return True

    def headline(self) -> QLabel:
        """Return a label for what is to be read from afar."""
        label = QLabel()
        font = QFont(self.font())
        font.setPointSizeF(self.font().pointSizeF() * 1.25)
        font.setBold(True)
        label.setFont(font)
        label.setStyleSheet(f"color: {self.theme.text};")
        return label

    def small(self) -> QLabel:
        """Return a label for numbers and explanations; it may be cut, never push the panel wider."""
        label = QLabel()
        label.setTextFormat(Qt.RichText)
        label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        font = QFont(self.font())
        font.setPointSizeF(self.font().pointSizeF() * 0.9)
        label.setFont(font)
        label.setStyleSheet(f"color: {self.theme.faint};")
        return label

    def fitting(self) -> FittingLabel:
        """Return a small label that chooses its words by the room there is."""
        label = FittingLabel()
        font = QFont(self.font())
        font.setPointSizeF(self.font().pointSizeF() * 0.9)
        label.setFont(font)
        label.setStyleSheet(f"color: {self.theme.faint};")
        return label

    def choice(self, *words: str, chosen: int = 0) -> tuple[QHBoxLayout, QButtonGroup]:
        """Return a row of buttons of which one is down, and their group (ids 0, 1, ...)."""
        row, group = QHBoxLayout(), QButtonGroup(self)
        row.setSpacing(0)
        for k, word in enumerate(words):
            button = self.switch(word)
            button.setChecked(k == chosen)
            group.addButton(button, k)
            row.addWidget(button)
        return row, group

    def switch(self, word: str) -> QToolButton:
        """Return a small button that stays down."""
        theme = self.theme
        button = QToolButton()
        button.setText(word)
        button.setCheckable(True)
        button.setFocusPolicy(Qt.NoFocus)
        button.setStyleSheet(
            f"QToolButton {{ border: 1px solid {theme.line}; padding: 2px 7px; color: {theme.faint};"
            f" background: {theme.raised}; font-size: {self.font().pointSizeF() * 0.85:.1f}pt; }}"
            f"QToolButton:hover {{ border-color: {theme.accent}; }}"
            f"QToolButton:checked {{ color: {theme.text}; background: {theme.state}; font-weight: bold; }}"
        )
        return button
