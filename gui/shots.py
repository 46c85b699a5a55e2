"""Pictures of the window and of every panel, for the README, the manual, and eyes that check the layout."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    # A machine without a screen draws into memory; this must be said before Qt begins.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt5.QtCore import QSettings, Qt
from PyQt5.QtWidgets import QApplication

from gui.client import HealthSeen, Update
from gui.docks import installed_panels
from gui.recorded import told_by
from gui.theme import DARK, LIGHT, apply
from gui.window import Window
from rig.documents import BoardActivity, Document, SessionEnded, SessionState, TrialDone
from rig.errors import ConfigError

MOMENTS: Final = {"early": 0.05, "middle": 0.5, "late": 1.0}
"""Share of the session's trials that each picture of the window shows."""
SETTLE_S: Final = 1.5
PATIENCE_S: Final = 30.0
MESSAGES_HZ: Final = 320.0

PORT: Final = {"open": True, "error": None, "failures": 0, "last_heard_s": 0.01, "answer_ms": 0.9}
HEALTH: Final = {
    "uptime_s": 1200.0,
    "ports": {"board": PORT},
    "recorder": {
        "error": None,
        "lag_s": 0.004,
        "file": "DA12_20261123_101500.sqlite",
        "file_bytes": 180_000_000,
        "free_bytes": 212_000_000_000,
    },
    "guard": {"longest_gap_ms": 12.0},
    "loop_s": 0.0,
}
"""A picture has no engine behind it; this stands for one that is well."""


class Still:
    """A source that holds a session still at one moment."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._waiting: list[Update] = list(documents)
        states = [document for document in documents if isinstance(document, SessionState)]
        self._streams = [stream.name for stream in states[-1].streams] if states else []
        self._sources = [source.name for source in states[-1].sources] if states else []
        self._begun = time.monotonic()

    def told(self) -> bool:
        """Whether everything was told."""
        return not self._waiting

    def updates(self) -> Iterator[Update]:
        """Yield everything once."""
        while self._waiting:
            yield self._waiting.pop(0)
        count = 250_000 + round(MESSAGES_HZ * (time.monotonic() - self._begun))
        stream = {"messages": count, "answers": True, "last_heard_s": 0.02}
        ports = dict.fromkeys(["board", *self._sources], PORT)
        yield HealthSeen({**HEALTH, "ports": ports, "feeds": dict.fromkeys(self._streams, stream)}, 0.9)

    def submit(self, command: object) -> Future[int]:
        """Refuse: nobody is there."""
        future: Future[int] = Future()
        future.set_exception(ConfigError("a picture takes no commands"))
        return future

    def close(self) -> None:
        """Nothing to let go."""


def until(documents: Sequence[Document], share: float) -> list[Document]:
    """Return the documents of a session up to the reward of a trial, `share` of the way through."""
    trials = sum(isinstance(document, TrialDone) for document in documents)
    wanted = max(1, round(share * (trials - 1)))
    done = 0
    kept: list[Document] = []
    for document in documents:
        if isinstance(document, SessionEnded) or (
            isinstance(document, SessionState) and document.phase == "ended"
        ):
            continue
        kept.append(document)
        done += isinstance(document, TrialDone)
        if done >= wanted and isinstance(document, BoardActivity):
            names = [happening.name for happening in document.happened if happening.kind == "state"]
            if "drink" in names:
                break
    return kept


def take(
    documents: Sequence[Document] | Path, out: Path, size: tuple[int, int], *, dark: bool = False
) -> list[Path]:
    """Draw the pictures; return their paths.

    Parameters
    ----------
    documents
        Everything a session told, in order; or its file.
    out
        Folder, made if need be.
    size
        Width and height of the window in pixels.

    Raises
    ------
    ConfigError
        If the folder cannot be written, the file cannot be read, or no trial was finished.
    """
    if isinstance(documents, Path):
        documents = told_by(documents)
    if not any(isinstance(document, TrialDone) for document in documents):
        raise ConfigError("no trial was finished in this session; there is nothing to draw")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder '{out}': {error.strerror or error}") from None
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication([sys.argv[0]])
    theme = DARK if dark else LIGHT
    scale = max(1.0, size[1] / 1200)
    apply(app, theme, scale=scale)
    written = []
    suffix = "_dark" if dark else ""
    for moment, share in MOMENTS.items():
        # A file that does not exist yet: the default layout, whatever this user has made of theirs.
        settings = QSettings(str(out / ".layout.ini"), QSettings.IniFormat)
        settings.clear()
        still = Still(until(documents, share))
        window = Window(still, installed_panels(), theme, scale=scale, settings=settings)
        window.setAttribute(Qt.WA_DontShowOnScreen, False)
        window.resize(*size)
        window.show()
        _await(app, still.told)
        _settle(app)
        _await_population(app, window)
        written.append(_save(window, out / f"window_{moment}{suffix}.png"))
        if share == 1.0:
            for dock in window.docks:
                if dock.isHidden():
                    continue  # this session has nothing for it
                dock.raise_()
                _settle(app, 0.4)
                _await_population(app, window)
                written.append(_save(dock, out / f"panel_{dock.panel_class.name}{suffix}.png"))
            window.places.show_population()
            _settle(app)
            _await_population(app, window)
            written.append(_save(window, out / f"window_population{suffix}.png"))
        window.live = False  # closing a picture asks nothing
        window.close()
        _settle(app, 0.1)
    (out / ".layout.ini").unlink(missing_ok=True)
    return written


def _settle(app: QApplication, seconds: float = SETTLE_S) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        app.processEvents()
        time.sleep(0.005)


def _await_population(app: QApplication, window: Window) -> None:
    """Let the population's own process answer, if the panel in front shows it."""
    _await(app, lambda: not (window.shows_population and window.population.behind))
    _settle(app, 0.3)  # new words are laid out in a later turn


def _await(app: QApplication, done: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not done() and time.monotonic() < until_s:
        _settle(app, 0.05)


def _save(widget: object, path: Path) -> Path:
    if not widget.grab().save(str(path)):  # type: ignore[attr-defined]
        raise ConfigError(f"the picture '{path}' cannot be written")
    return path
