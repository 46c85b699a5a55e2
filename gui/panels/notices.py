"""Everything that people were told: refusals, noise, gaps, notes; filtered by level."""

from __future__ import annotations

from typing import ClassVar, Final

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QFont, QTextBlockFormat, QTextCharFormat, QTextCursor
from PyQt5.QtWidgets import QHBoxLayout, QTextEdit, QToolButton

from gui.behaviour_panel import BehaviourPanel
from gui.model import MOST_NOTICES, Aspect, SessionModel
from gui.panel import Controls
from gui.theme import Theme
from gui.words import rig_time
from rig.documents import Notice

LEVELS: Final = ("error", "warning", "note", "info")
SIGNS: Final = {"error": "✖", "warning": "▲", "note": "✎", "info": "●"}
PLURALS: Final = {"error": "errors", "warning": "warnings", "note": "notes", "info": "info"}


class NoticesPanel(BehaviourPanel):
    """Newest at the bottom; the list follows it unless somebody has scrolled up.

    Attributes
    ----------
    filters
        Level -> the button that shows or hides it.
    text
        The list; it can be selected and copied.
    """

    title: ClassVar[str] = "notices"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.NOTICES
    area: ClassVar[str] = "bottom"
    order: ClassVar[int] = 20

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.filters: dict[str, QToolButton] = {}
        line = QHBoxLayout()
        line.setSpacing(4)
        for level in LEVELS:
            button = self.switch("")
            button.setChecked(True)
            button.setFocusPolicy(Qt.TabFocus)
            button.toggled.connect(self._write_all)
            self.filters[level] = button
            line.addWidget(button)
        line.addStretch(1)
        self.body.addLayout(line)
        self.hidden = self.small()
        self.body.addWidget(self.hidden)
        self.text = QTextEdit()
        self.text.setReadOnly(True)
        self.text.setFrameShape(QTextEdit.NoFrame)
        self.text.setUndoRedoEnabled(False)
        self.text.setTabStopDistance(self.fontMetrics().horizontalAdvance("00:00:00.0   "))
        self.text.document().setMaximumBlockCount(MOST_NOTICES + 1)
        self.body.addWidget(self.text, 1)
        self._seen = 0
        self._ended = False
        self._empty = True

    def refresh(self, changed: Aspect) -> None:
        """Add what is new."""
        model = self.model
        if not self.show_unless(self._why_empty()):
            return
        if model.notices_seen < self._seen or (self._ended and model.ended is None):
            self._write_all()
            return
        fresh = model.notices_since(self._seen)
        self._seen = model.notices_seen
        self._write(fresh)
        self._write_end()
        self._count()

    def _why_empty(self) -> str | None:
        if self.model.notices or self.model.ended is not None:
            return None
        if self.model.started is None:
            return "No session yet. What goes wrong, and every note, will be listed here."
        return "Nothing to report so far."

    # --- writing ----------------------------------------------------------------------------------

    def _write_all(self) -> None:
        self.text.clear()
        self._empty = True
        self._ended = False
        self._seen = self.model.notices_seen
        self._write(list(self.model.notices))
        self._write_end()
        self._count()

    def _write(self, notices: list[Notice]) -> None:
        bar = self.text.verticalScrollBar()
        follows = bar is None or bar.value() >= bar.maximum() - 4
        for notice in notices:
            if self.filters[notice.level].isChecked():
                self._append(notice.level, rig_time(notice.board_us), notice.source, notice.text)
        if follows and bar is not None:
            bar.setValue(bar.maximum())

    def _write_end(self) -> None:
        ended = self.model.ended
        if ended is None or self._ended:
            return
        self._ended = True
        level = "info" if ended.ok else "error"
        if self.filters[level].isChecked():
            self._append(level, "end", "session", ended.reason)

    def _append(self, level: str, time: str, source: str, words: str) -> None:
        """Add one notice: time, sign and level, source, words; wrapped lines hang below the words."""
        cursor = QTextCursor(self.text.document())
        cursor.movePosition(QTextCursor.End)
        hang = QTextBlockFormat()
        hang.setLeftMargin(self.text.tabStopDistance())
        hang.setTextIndent(-self.text.tabStopDistance())
        hang.setBottomMargin(2)
        if not self._empty:
            cursor.insertBlock(hang)
        cursor.setBlockFormat(hang)
        self._empty = False
        cursor.insertText(f"{time}\t", self._format(self.theme.faint))
        colour = {"error": self.theme.bad, "warning": self.theme.warn, "note": self.theme.accent}.get(
            level, self.theme.faint
        )
        cursor.insertText(f"{SIGNS[level]} {level}", self._format(colour, bold=level != "info"))
        cursor.insertText(f"  {source}  ", self._format(self.theme.faint))
        cursor.insertText(words, self._format(self.theme.text))

    @staticmethod
    def _format(colour: str, *, bold: bool = False) -> QTextCharFormat:
        made = QTextCharFormat()
        made.setForeground(QColor(colour))
        made.setFontWeight(QFont.Bold if bold else QFont.Normal)
        return made

    def _count(self) -> None:
        counts = dict.fromkeys(LEVELS, 0)
        for notice in self.model.notices:
            counts[notice.level] += 1
        for level, button in self.filters.items():
            button.setText(
                f"{SIGNS[level]} {counts[level]} {PLURALS[level] if counts[level] != 1 else level}"
            )
        left_out = sum(count for level, count in counts.items() if not self.filters[level].isChecked())
        older = self.model.notices_seen - len(self.model.notices)
        words = [f"{left_out} hidden by the filter"] if left_out else []
        if older:
            words.append(f"{older} older ones are in the session file only")
        self.hidden.setText(" · ".join(words))
        self.hidden.setVisible(bool(words))
