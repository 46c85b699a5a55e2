"""What is asked when the window of a running session is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QMessageBox

if TYPE_CHECKING:
    from gui.window import Window


def ask_before_closing(window: Window) -> None:
    """Say that the session goes on, and offer to stop it properly; the window keeps turning meanwhile."""
    box = QMessageBox(window)
    box.setObjectName("ask before closing")
    box.setAttribute(Qt.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Information)
    box.setText("The session goes on without this window.")
    box.setInformativeText("It is recorded as before, and `dopaloop gui` finds it again.")
    only = box.addButton("Close the window only", QMessageBox.AcceptRole)
    stop = box.addButton("Stop the session after this trial", QMessageBox.DestructiveRole)
    cancel = box.addButton("Cancel", QMessageBox.RejectRole)
    box.setDefaultButton(cancel)
    box.setEscapeButton(cancel)
    only.clicked.connect(window.close_only)
    stop.clicked.connect(window.stop_then_close)
    box.open()
