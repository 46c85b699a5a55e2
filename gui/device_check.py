"""`dopaloop devices` in a process of its own, and what it says."""

from __future__ import annotations

import sys

from PyQt5.QtCore import QProcess, QProcessEnvironment
from PyQt5.QtGui import QFontDatabase
from PyQt5.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

LISTEN_S = 1.0


class DeviceCheck(QWidget):
    """A button and its answer; ports are only open while the check runs.

    Attributes
    ----------
    verdict
        One line: all found, or not.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rig = ""
        self._process = QProcess(self)
        self._process.setProcessChannelMode(QProcess.MergedChannels)
        environment = QProcessEnvironment.systemEnvironment()
        environment.insert("COLUMNS", "96")
        environment.insert("PYTHONIOENCODING", "utf-8")
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardOutput.connect(self._read)
        self._process.finished.connect(self._finished)
        self.button = QPushButton("Check devices")
        self.button.clicked.connect(self.check)
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.said = QPlainTextEdit()
        self.said.setReadOnly(True)
        self.said.setFont(QFontDatabase.systemFont(QFontDatabase.FixedFont))
        self.said.setLineWrapMode(QPlainTextEdit.NoWrap)
        self.said.setMaximumHeight(170)
        self.said.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.button, self.verdict, self.said):
            column.addWidget(widget)

    def set_rig(self, path: str) -> None:
        """Choose the rig file; what was said of another one no longer holds."""
        if path != self._rig:
            self._rig = path
            self.verdict.clear()
            self.said.clear()
            self.said.hide()
        self.button.setEnabled(bool(path))

    def check(self) -> None:
        """Look for every device of the rig."""
        if self._process.state() != QProcess.NotRunning:
            return
        self.said.clear()
        self.said.show()
        self.verdict.setText("… looking for the board and every stream")
        self.button.setEnabled(False)
        self._process.start(sys.executable, ["-m", "rig", "devices", self._rig, "--listen", f"{LISTEN_S:g}"])

    def close_check(self) -> None:
        """End a check that still runs."""
        if self._process.state() != QProcess.NotRunning:
            self._process.kill()
            self._process.waitForFinished(2000)

    def _read(self) -> None:
        self.said.appendPlainText(
            bytes(self._process.readAllStandardOutput()).decode(errors="replace").rstrip()
        )

    def _finished(self, code: int) -> None:
        self.button.setEnabled(True)
        self.verdict.setText(
            "✔ every device of the rig is there" if code == 0 else "✖ not everything is there; see below"
        )
