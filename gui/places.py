"""Where a window's docks stand: the default layout, or the one that its user made, remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PyQt5.QtCore import QByteArray, QObject, QSettings, QTimer
from PyQt5.QtWidgets import QMainWindow

from gui.docks import PanelDock
from gui.layout import arrange, share_out
from gui.layout_population import arrange_population, share_out_population

LAYOUT_VERSION: Final = 2
RESIZED_MS: Final = 200


class Places(QObject):
    """Places the docks. Sessions with and without a neural stream have a layout each.

    Attributes
    ----------
    neural, photometry, light
        Whether the session has a neural stream, whether it has fibres, and whether light is given in it.
    own
        Whether the layout is the user's own: only such a one is remembered, and left alone when the window
        is resized.
    arranging
        Whether the docks move because we move them.
    """

    def __init__(self, window: QMainWindow, docks: Sequence[PanelDock], settings: QSettings) -> None:
        super().__init__(window)
        self._window = window
        self._docks = docks
        self._settings = settings
        self._placed = False
        self._front: str | None = None
        self.neural = True
        self.photometry = False
        self.light = False
        self.own = False
        self.arranging = True
        self._resized = QTimer(self)
        self._resized.setSingleShot(True)
        self._resized.setInterval(RESIZED_MS)
        self._resized.timeout.connect(self._on_new_size)
        for dock in docks:
            dock.hide()  # it is given a place when the window knows its size
            dock.dockLocationChanged.connect(self._on_moved)
            dock.topLevelChanged.connect(self._on_moved)
            dock.toggleViewAction().triggered.connect(self._on_moved)

    def lead_with(self, name: str | None) -> None:
        """Bring a panel to the front in the default layout: the one that this session is about."""
        if name != self._front:
            self._front = name
            if self._placed and not self.own:
                self._bring_front()

    def _bring_front(self) -> None:
        for dock in self._docks:
            if dock.objectName() == self._front and dock.isVisibleTo(self._window):
                dock.raise_()

    def shown(self) -> None:
        """Place the docks when the window is shown for the first time."""
        if not self._placed:
            self._place()

    def resized(self) -> None:
        """Arrange anew what nobody has arranged by hand, once the size is settled."""
        if self._placed and not self.own:
            self._resized.start()

    def reset(self) -> None:
        """Go back to the default layout."""
        self._settings.remove(self._key)
        self._place()

    def show_population(self) -> None:
        """Give the room to the panels about all units together. It is remembered like the user's own."""
        if not self._window.isVisible():
            return
        self.own, self.arranging = True, True
        bars = self._window.menuWidget().sizeHint().height() + self._window.statusBar().sizeHint().height()
        arrange_population(self._window, self._docks, height=self._window.height() - bars)
        QTimer.singleShot(0, self._share_out_population)

    def _share_out_population(self) -> None:
        self._name_docks()
        share_out_population(self._window, self._docks)
        self._bring_front()
        self.arranging = False

    def switch(self, *, neural: bool, photometry: bool = False, light: bool = False) -> None:
        """Change to the layout of another kind of session."""
        if (neural, photometry, light) != (self.neural, self.photometry, self.light):
            self.remember()
            self.neural, self.photometry, self.light = neural, photometry, light
            self._place()

    def remember(self) -> None:
        """Keep the layout, if it is the user's own, and the window's place on the screen."""
        if self._placed:
            self._settings.setValue("geometry", self._window.saveGeometry())
            if self.own:
                self._settings.setValue(self._key, self._window.saveState(LAYOUT_VERSION))

    @property
    def _kind(self) -> dict[str, bool]:
        return {"neural": self.neural, "photometry": self.photometry, "light": self.light}

    @property
    def _key(self) -> str:
        kind = "neural" if self.neural else "behaviour"
        return f"layout/{kind}{' photometry' * self.photometry}{' light' * self.light}"

    def _place(self) -> None:
        window = self._window
        if not window.isVisible():
            return
        self._placed = True
        kept: Any = self._settings.value(self._key)
        if isinstance(kept, QByteArray) and window.restoreState(kept, LAYOUT_VERSION):
            self.own, self.arranging = True, False
            self._name_docks()
            return
        self.own, self.arranging = False, True
        bars = window.menuWidget().sizeHint().height() + window.statusBar().sizeHint().height()
        arrange(window, self._docks, **self._kind, height=window.height() - bars)
        QTimer.singleShot(0, self._share_out)

    def _share_out(self) -> None:
        self._name_docks()
        share_out(self._window, self._docks, **self._kind)
        self._bring_front()
        self.arranging = False

    def _name_docks(self) -> None:
        for dock in self._docks:
            dock.show_title(not self._window.tabifiedDockWidgets(dock) or dock.isFloating())

    def _on_moved(self) -> None:
        """From the first panel that is moved on, the layout is the user's own."""
        if not self.arranging:
            self.own = True
            QTimer.singleShot(0, self._name_docks)

    def _on_new_size(self) -> None:
        if not self.own:
            self._place()
