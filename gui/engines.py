"""The list of engines that run on this computer, to attach to."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QTimer
from PyQt5.QtWidgets import QLabel, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from rig.runtime import registry
from rig.runtime.registry import RunningEngine

LOOK_MS = 1000


class EngineList(QWidget):
    """Shows running engines; kept up to date.

    Parameters
    ----------
    on_attach
        Called with the engine that the user chose.
    """

    def __init__(self, on_attach: Callable[[RunningEngine], None]) -> None:
        super().__init__()
        self._on_attach = on_attach
        self.engines: list[RunningEngine] = []
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.list = QListWidget()
        self.list.itemDoubleClicked.connect(lambda _item: self._attach())
        self.list.itemSelectionChanged.connect(self._enable)
        self.attach = QPushButton("Attach")
        self.attach.clicked.connect(self._attach)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.words, self.list, self.attach):
            column.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(LOOK_MS)
        self.look(first=True)

    def look(self, *, first: bool = False) -> None:
        """See which engines run."""
        engines = registry.running()
        if engines == self.engines and not first:
            return
        chosen = self._chosen()
        self.engines = engines
        self.list.clear()
        for engine in engines:
            item = QListWidgetItem(f"{engine.rig}: {engine.subject}, {engine.protocol}")
            item.setToolTip(engine.session_file)
            self.list.addItem(item)
            if engine == chosen or len(engines) == 1:
                item.setSelected(True)
        count = len(engines)
        self.list.setFixedHeight(8 + min(count, 5) * max(22, self.list.sizeHintForRow(0)))
        self.words.setText(
            f"{count} session{'s run' if count > 1 else ' runs'} on this computer."
            if engines
            else "No session runs on this computer."
        )
        for widget in (self.list, self.attach):
            widget.setVisible(bool(engines))
        self._enable()

    def _chosen(self) -> RunningEngine | None:
        row = self.list.currentRow() if self.list.selectedItems() else -1
        return self.engines[row] if 0 <= row < len(self.engines) else None

    def _enable(self) -> None:
        self.attach.setEnabled(bool(self.list.selectedItems()))

    def _attach(self) -> None:
        chosen = self.list.selectedItems()
        if chosen:
            self._on_attach(self.engines[self.list.row(chosen[0])])
