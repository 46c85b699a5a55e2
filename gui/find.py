"""Dialogs that look for files and folders, and put what was found where it belongs."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtWidgets import QComboBox, QFileDialog, QLineEdit


def find_file(box: QComboBox, what: str, kind: str) -> None:
    """Look for a file and put its path into the box."""
    path, _ = QFileDialog.getOpenFileName(box, what, box.currentText(), kind)
    if path:
        box.setCurrentText(path)


def find_folder(field: QLineEdit, what: str) -> None:
    """Look for a folder and put its path into the field."""
    path = QFileDialog.getExistingDirectory(field, what, field.text())
    if path:
        field.setText(path)


def find_session(field: QLineEdit, on_found: Callable[[str], None]) -> None:
    """Look for a session file, in the folder that the field names, and hand it over."""
    path, _ = QFileDialog.getOpenFileName(field, "Session file", field.text(), "Session files (*.sqlite)")
    if path:
        on_found(path)
