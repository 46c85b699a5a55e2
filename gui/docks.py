"""A panel in its dock. Whatever a panel does wrong stays in its dock, as a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QDockWidget, QLabel, QWidget

from gui.model import Aspect, SessionModel
from gui.panel import Controls, Panel
from gui.theme import Theme
from rig.errors import DopaloopError
from rig.runtime import plugins


class PanelClass:
    """A panel that is installed: its class, or why there is none.

    Parameters
    ----------
    name
        Of its entry point.
    """

    def __init__(self, name: str, found: type[Panel] | None, error: str | None = None) -> None:
        self.name = name
        self.found = found
        self.error = error
        self.title: str = found.title if found is not None else name
        self.aspects: Aspect = found.aspects if found is not None else Aspect.NOTHING
        self.area: str = found.area if found is not None else "bottom"
        self.order: int = found.order if found is not None else 99
        self.neural: bool = found.neural if found is not None else False
        self.photometry: bool = found.photometry if found is not None else False
        self.light: bool = found.light if found is not None else False

    def belongs(self, *, neural: bool, photometry: bool, light: bool = False) -> bool:
        """Whether it belongs into a session with or without units, with or without fibres, and light."""
        wanted = (neural or not self.neural) and (photometry or not self.photometry)
        return wanted and (light or not self.light)


def installed_panels() -> list[PanelClass]:
    """Return every panel that an entry point names, in the order of the default layout."""
    panels = [_load(name) for name in plugins.names("panel")]
    return sorted(panels, key=lambda panel: (panel.order, panel.name))


def _load(name: str) -> PanelClass:
    try:
        found = plugins.find("panel", name)
    except DopaloopError as error:
        return PanelClass(name, None, str(error))
    if not (isinstance(found, type) and issubclass(found, Panel)):
        return PanelClass(name, None, f"panel '{name}' is no subclass of gui.panel.Panel")
    return PanelClass(name, found)


class PanelDock(QDockWidget):
    """One panel and what it has not drawn yet.

    Attributes
    ----------
    failed
        The sentence of the panel's error, if it has failed.
    """

    def __init__(self, panel: PanelClass, parent: QWidget | None = None) -> None:
        super().__init__(panel.title, parent)
        self.setObjectName(panel.name)
        self.setAllowedAreas(Qt.AllDockWidgetAreas)
        self.panel_class = panel
        self.failed: str | None = panel.error
        self._pending = Aspect.EVERYTHING
        self._seen = False
        self.visibilityChanged.connect(self._on_visibility)

    @property
    def on_screen(self) -> bool:
        """Whether anybody can see the panel: not closed, and not behind another tab."""
        return self._seen and self.isVisible()

    @property
    def waiting(self) -> bool:
        """Whether there is something to draw."""
        return bool(self._pending) and self.failed is None

    def build(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        """Make the panel, or make it anew; an error is shown in its place."""
        self._pending = Aspect.EVERYTHING
        if self.panel_class.found is None:
            self._show_failure(self.panel_class.error or "there is no such panel")
            return
        self.failed = None
        found = self.panel_class.found
        made = self._guarded(lambda: found(model, controls, theme))
        if made is not None:
            self._put(made)

    def show_title(self, shown: bool) -> None:
        """Show the title bar, or leave it out: a dock behind a tab is named there already."""
        if shown:
            self.setTitleBarWidget(None)  # type: ignore[arg-type]  # Qt's own again
        elif self.titleBarWidget() is None:
            self.setTitleBarWidget(QWidget())

    def changed(self, aspects: Aspect) -> None:
        """Take note of what changed; drawn when the panel is seen next."""
        self._pending |= aspects & self.panel_class.aspects

    def refresh(self) -> None:
        """Draw what changed."""
        panel, changed = self.widget(), self._pending
        self._pending = Aspect.NOTHING
        if isinstance(panel, Panel):
            self._guarded(lambda: panel.refresh(changed))

    def tick(self, now_s: float) -> None:
        """Let time pass."""
        panel = self.widget()
        if isinstance(panel, Panel) and self.failed is None:
            self._guarded(lambda: panel.tick(now_s))

    def _on_visibility(self, visible: bool) -> None:
        self._seen = visible

    def _guarded(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:  # noqa: BLE001 - a visiting lab's panel may fail in any way
            self._show_failure(f"{type(error).__name__}: {error}")
            return None

    def _show_failure(self, why: str) -> None:
        self.failed = why
        label = QLabel(f"Panel '{self.panel_class.name}' has failed and draws no more.\n{why}")
        label.setObjectName("failure")
        label.setWordWrap(True)
        label.setAlignment(Qt.AlignCenter)
        label.setMargin(12)
        label.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self._put(label)

    def _put(self, widget: QWidget) -> None:
        old = self.widget()
        self.setWidget(widget)
        if old is not None:
            old.hide()
            old.deleteLater()
