"""Start an engine in a process of its own, and wait until it can be attached to."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PyQt5.QtCore import QObject, QProcess, QTimer, pyqtSignal

from rig.runtime import registry

LOOK_MS: Final = 100
PATIENCE_S: Final = 30.0
SETTLE_S: Final = 1.0
"""An engine that finds no board ends at once; its reason is told here, not by a window that came too late."""


class Spawn(QObject):
    """An engine that is coming up. It outlives this program, whatever becomes of it.

    Attributes
    ----------
    ready
        Emitted with the `RunningEngine` once it can be attached to.
    failed
        Emitted with a sentence if it ends before that.
    pid
        Its process.
    """

    ready = pyqtSignal(object)
    failed = pyqtSignal(str)

    def __init__(self, log: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pid: int | None = None
        self._log = log
        self._until_s = 0.0
        self._seen_s: float | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)

    def start(self, arguments: Sequence[str]) -> None:
        """Start ``dopaloop ARGUMENTS`` on its own."""
        process = QProcess()
        process.setProgram(sys.executable)
        process.setArguments(["-m", "rig", *arguments])
        self._log.parent.mkdir(parents=True, exist_ok=True)
        process.setStandardOutputFile(str(self._log))
        process.setStandardErrorFile(str(self._log), QProcess.Append)
        process.setStandardInputFile(QProcess.nullDevice())
        started, pid = process.startDetached()
        if not started:
            self.failed.emit("no process could be started for the engine")
            return
        self.pid = int(pid)
        self._until_s = time.monotonic() + PATIENCE_S
        self._timer.start(LOOK_MS)

    def _look(self) -> None:
        now = time.monotonic()
        for engine in registry.running():
            if engine.pid == self.pid:
                self._seen_s = now if self._seen_s is None else self._seen_s
                if now - self._seen_s >= SETTLE_S:
                    self._timer.stop()
                    self.ready.emit(engine)
                return
        if self.pid is not None and not registry.alive(self.pid):
            self._give_up(self._last_words() or "the engine ended without a word")
        elif now > self._until_s:
            self._give_up(f"the engine did not come up within {PATIENCE_S:g} s. {self._last_words()}")

    def _give_up(self, why: str) -> None:
        self._timer.stop()
        self.failed.emit(why)

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            return ""
        return " ".join(lines[-3:])
