"""The window's menus: what is shown, and how it looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PyQt5.QtWidgets import QAction, QMenuBar

if TYPE_CHECKING:
    from gui.window import Window

SCALES: Final = (("Small", 0.85), ("Normal", 1.0), ("Large", 1.2), ("Very large", 1.45))


def fill_menus(window: Window, bar: QMenuBar) -> None:
    """Put the menus into the bar."""
    session = bar.addMenu("&Session")
    if window.on_start is not None:
        session.addAction("New session, or attach to another…").triggered.connect(window.on_start)
        session.addSeparator()
    close = session.addAction("Close window")
    close.setShortcut("Ctrl+W")
    close.triggered.connect(window.close)
    view = bar.addMenu("&View")
    for dock in window.docks:
        view.addAction(dock.toggleViewAction())
    view.addSeparator()
    view.addAction("Reset layout").triggered.connect(window.places.reset)
    view.addAction("Population layout").triggered.connect(window.places.show_population)
    dark = view.addAction("Dark")
    dark.setCheckable(True)
    dark.setChecked(window.theme.name == "dark")
    dark.triggered.connect(lambda on: window.dress("dark" if on else "light", window.scale))
    sizes = view.addMenu("Font size")
    for name, scale in SCALES:
        action: QAction = sizes.addAction(name)
        action.setCheckable(True)
        action.setChecked(scale == window.scale)
        action.triggered.connect(lambda _on, scale=scale: window.dress(window.theme.name, scale))
