"""The application around the windows: colours, font size, and the three ways in."""

from __future__ import annotations

import signal
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtWidgets import QApplication, QWidget

from gui.client import EngineLink
from gui.docks import installed_panels
from gui.recorded import Recorded
from gui.replaybar import ReplayBar
from gui.settings import remembered
from gui.start import StartPage
from gui.theme import DARK, LIGHT, Theme, apply
from gui.window import Window
from rig.runtime.keys import read_client

THEMES: Final = {theme.name: theme for theme in (LIGHT, DARK)}


class Shell:
    """The application: it dresses itself and keeps its windows.

    Attributes
    ----------
    windows
        Every window that is open.
    """

    def __init__(self) -> None:
        self.app = _application()
        settings = remembered()
        self.theme = THEMES.get(str(settings.value("theme", LIGHT.name)), LIGHT)
        self.scale = _number(settings.value("scale", 1.0))
        self.windows: list[QWidget] = []
        apply(self.app, self.theme, scale=self.scale)
        sys.excepthook = self._survive

    def dress(self, name: str, scale: float) -> Theme:
        """Change colours and font size, for good."""
        self.theme, self.scale = THEMES.get(name, LIGHT), scale
        settings = remembered()
        settings.setValue("theme", self.theme.name)
        settings.setValue("scale", scale)
        apply(self.app, self.theme, scale=scale)
        return self.theme

    def attach(self, publish: str, commands: str, key: str = "") -> Window:
        """Open the window of a running engine; `key` is a key file, if it asks for one."""
        link = EngineLink(publish, commands, key=read_client(Path(key)) if key else None)
        return self._open(
            Window(
                link,
                installed_panels(),
                self.theme,
                scale=self.scale,
                on_theme=self.dress,
                on_start=self.start,
            )
        )

    def replay(self, path: Path | str) -> Window:
        """Open a session file.

        Raises
        ------
        ConfigError
            If it cannot be read.
        """
        recorded = Recorded(path)
        window = Window(
            recorded,
            installed_panels(),
            self.theme,
            scale=self.scale,
            make_bar=lambda theme: ReplayBar(recorded, theme),
            live=False,
            session_file=str(recorded.path),
            on_theme=self.dress,
            on_start=self.start,
        )
        window.setWindowTitle(f"dopaloop: replay of {recorded.path.name}")
        return self._open(window)

    def start(self) -> None:
        """Open the start page."""
        page = StartPage(on_attach=self.attach, on_replay=self.replay, theme=self.theme)
        self._keep(page)
        page.show()

    def run(self) -> int:
        """Turn until the last window is closed."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a window may be killed at any time
        return int(self.app.exec_())

    def _survive(
        self, kind: type[BaseException], error: BaseException, trace: types.TracebackType | None
    ) -> None:
        """Go on after an error in whatever a click set off: Qt would end the program otherwise."""
        traceback.print_exception(kind, error, trace)
        for window in self.windows:
            if isinstance(window, Window):
                window.warn(f"an error of the window's own, {kind.__name__}: {error}")

    def _open(self, window: Window) -> Window:
        geometry = window.settings.value("geometry")
        self._keep(window)
        if geometry is not None and window.restoreGeometry(geometry):
            window.show()
        else:
            # Where no window manager maximises it, it has at least the size of the screen.
            screen = self.app.primaryScreen()
            if screen is not None:
                window.setGeometry(screen.availableGeometry())
            window.showMaximized()
        return window

    def _keep(self, window: QWidget) -> None:
        self.windows.append(window)
        window.destroyed.connect(self._forgetter(window))

    def _forgetter(self, window: QWidget) -> Callable[[], None]:
        def forget() -> None:
            self.windows[:] = [other for other in self.windows if other is not window]

        return forget


def open_window(publish: str, commands: str, key: str = "") -> int:
    """Attach to a running engine, and show it until the window is closed.

    Parameters
    ----------
    publish, commands
        The engine's endpoints.
    key
        Key file, for an engine that asks for one.

    Raises
    ------
    ConfigError
        If an endpoint cannot be understood, or the key not read.
    """
    shell = Shell()
    shell.attach(publish, commands, key)
    return shell.run()


def open_start() -> int:
    """Show the start page, and what is opened from it."""
    shell = Shell()
    shell.start()
    return shell.run()


def open_replay(path: Path | str) -> int:
    """Show a session file.

    Raises
    ------
    ConfigError
        If it cannot be read.
    """
    shell = Shell()
    shell.replay(path)
    return shell.run()


def _application() -> QApplication:
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QApplication.setAttribute(Qt.AA_EnableHighDpiScaling)
    QApplication.setAttribute(Qt.AA_UseHighDpiPixmaps)
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    pg.setConfigOptions(antialias=True)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("dopaloop")
    return app


def _number(value: object) -> float:
    try:
        return min(max(float(str(value)), 0.5), 3.0)
    except ValueError:
        return 1.0
