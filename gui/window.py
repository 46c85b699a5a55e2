"""The window of one session, live or recorded: a header, docks with panels, and the health bar.

One timer turns everything. Each turn takes what has come (for a few milliseconds at most), draws what
has changed in the panels that can be seen (for a few milliseconds at most), and leaves the rest to the
next turn: a flood of messages makes the picture late, never the window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Final, Protocol

from PyQt5.QtCore import QSettings, Qt, QTimer
from PyQt5.QtGui import QCloseEvent, QResizeEvent, QShowEvent
from PyQt5.QtWidgets import QMainWindow, QMenuBar, QStatusBar, QTabWidget, QVBoxLayout, QWidget

from gui.client import HealthSeen, Update
from gui.closing import ask_before_closing
from gui.docks import PanelClass, PanelDock
from gui.frames import FrameTimes
from gui.header import Header
from gui.health import Rates, judge
from gui.healthbar import HealthBar
from gui.later_tags import say_later
from gui.menus import fill_menus
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.places import Places
from gui.population_link import PopulationLink
from gui.recorded import Recorded
from gui.settings import remembered
from gui.theme import LIGHT, Theme
from gui.words import session_file
from rig.documents import Notice
from rig.errors import DopaloopError
from rig.operator import Note, Tag

FRAME_MS: Final = 40
TAKE_S: Final = 0.012
DRAW_S: Final = 0.015
WARNING_S: Final = 12.0
"""How long a warning stays in the bar; the notices keep it."""
NOTE_LENGTH: Final = 2000
SIZE: Final = (1366, 700)


class Source(Protocol):
    """Where a window's picture comes from: `gui.client.EngineLink`, or `gui.recorded.Recorded`."""

    def updates(self) -> Iterator[Update]:
        """Yield what has come since the last call; never wait."""
        ...

    def submit(self, command: object) -> Future[int]:
        """Hand over an operator's command."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class Window(QMainWindow):
    """The window.

    Longer than most: it is the one place that knows source, model, panels and header, and little else.

    Parameters
    ----------
    source
        Closed with the window.
    panels
        See `gui.docks.installed_panels`.
    make_bar
        Makes the bar below the docks; the health bar by default.
    live
        False for a recorded session: no buttons, nothing to ask on closing.
    session_file
        Of a recorded session.
    settings
        Where the layout is remembered.
    on_theme
        Called with (theme name, font scale) when the user has chosen; dresses the application.
    on_start
        Opens the start page.

    Attributes
    ----------
    frames
        How evenly the window turns.
    bar
        The bar below the docks.
    population
        The line to the process that works out the population.
    places
        Where the docks stand.
    """

    def __init__(
        self,
        source: Source,
        panels: Sequence[PanelClass],
        theme: Theme = LIGHT,
        *,
        scale: float = 1.0,
        make_bar: Callable[[Theme], QWidget] = HealthBar,
        live: bool = True,
        session_file: str = "",
        settings: QSettings | None = None,
        on_theme: Callable[[str, float], Theme] | None = None,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.setWindowTitle("dopaloop")
        # Whole groups, and single tabs, can be dragged out; tabs carry no title bar to drag.
        self.setDockOptions(
            QMainWindow.AllowNestedDocks | QMainWindow.AllowTabbedDocks | QMainWindow.GroupedDragging
        )
        self.setTabPosition(Qt.AllDockWidgetAreas, QTabWidget.North)
        self.source = source
        self.model = SessionModel()
        self.model.session_file = session_file
        self.live = live
        self.theme = theme
        self.scale = scale
        self.settings = settings if settings is not None else remembered()
        self.frames = FrameTimes()
        self.controls = Controls(self.submit, self._select)
        self.on_start = on_start
        self._make_bar = make_bar
        self._on_theme = on_theme
        self._asked: list[Future[int]] = []
        self._rates = Rates()
        self._answered_s: float | None = None
        self._warning, self._warned_until_s = "", 0.0
        self._close_when_over = False
        self._closing = False
        self._next = 0
        self.population = PopulationLink(self.warn)
        self.docks = [PanelDock(panel, self) for panel in panels]
        self.places = Places(self, self.docks, self.settings)
        self._build()
        self.resize(*SIZE)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(self._turn)
        self._timer.start(FRAME_MS)

    # --- what the user does ---------------------------------------------------------------------------

    def submit(self, command: object) -> None:
        """Hand a command to the session; a failure to do so becomes a notice."""
        if isinstance(command, Tag) and (self.model.over or not self.live):
            self._say_later(command)
            return
        self._asked.append(self.source.submit(command))

    def _say_later(self, command: Tag) -> None:
        """Nobody runs the session any more: a word on a unit goes into its file."""
        health = self.model.health.health if self.model.health is not None else None
        try:
            told = say_later(session_file(self.model.session_file, health), command)
        except DopaloopError as error:
            self.warn(f"not handed over: {error}")
            return
        if isinstance(self.source, Recorded):
            self.source.add(told[0])
        for document in told:
            self._changed(self.model.take(document))
            self.population.take(document)

    def remark(self, text: str) -> None:
        """Leave a note in the session file."""
        self.submit(Note(text=text[:NOTE_LENGTH]))

    def _select(self, unit: str | None) -> None:
        self._changed(self.model.select(unit))

    def dress(self, name: str, scale: float) -> None:
        """Change theme and font size; every panel is made anew."""
        if self._on_theme is not None:
            self.theme, self.scale = self._on_theme(name, scale), scale
        self._build()

    def stop_then_close(self) -> None:
        """Stop the session after the running trial, and close the window when it is over."""
        self._close_when_over = True
        self.header.stop_after_trial()

    def close_only(self) -> None:
        """Close the window; the session goes on."""
        self._closing = True
        self.close()

    # --- one turn -------------------------------------------------------------------------------------

    def _turn(self) -> None:
        begun = time.monotonic()
        self.frames.begin(begun)
        changed = self._take(begun + TAKE_S) | self._look_at_population()
        self._hear_answers()
        if changed & (Aspect.STATE | Aspect.SESSION):
            self.header.refresh()
            self._look_for_streams()
        self._changed(changed)
        self._watch(begun)
        self._draw(time.monotonic() + DRAW_S, begun)
        self.frames.end(time.monotonic())
        if self._close_when_over and self.model.over:
            self.close_only()

    def _take(self, until_s: float) -> Aspect:
        changed = Aspect.NOTHING
        for update in self.source.updates():
            news = self.model.take(update)
            changed |= news
            if news:
                self.population.take(update)
            if isinstance(update, HealthSeen):
                self._answered_s = time.monotonic()
                self._rates.take(update.health, self._answered_s)
            elif isinstance(update, Notice):
                self._heed(update)
            if time.monotonic() > until_s:
                break
        return changed

    @property
    def shows_population(self) -> bool:
        """Whether a panel about all units together can be seen."""
        return any(dock.on_screen and dock.panel_class.aspects & Aspect.POPULATION for dock in self.docks)

    def _look_at_population(self) -> Aspect:
        """Let the population's own process work while a panel that shows it can be seen."""
        news = self.population.turn(wanted=self.shows_population)
        return self.model.take(news) if news is not None else Aspect.NOTHING

    def _changed(self, aspects: Aspect) -> None:
        if aspects:
            for dock in self.docks:
                dock.changed(aspects)

    def _hear_answers(self) -> None:
        """Turn what could not be handed over into a notice."""
        for future in [future for future in self._asked if future.done()]:
            self._asked.remove(future)
            error = future.exception()
            if error is not None:
                self.warn(f"not handed over: {error}")

    def warn(self, text: str) -> None:
        """Put something into the notices that only this window knows."""
        notice = Notice(level="error", source="window", text=text)
        self._changed(self.model.take(notice))
        self._heed(notice)

    def _heed(self, notice: Notice) -> None:
        if notice.level in {"warning", "error"}:
            self._warning = f"{notice.source}: {notice.text}"
            self._warned_until_s = time.monotonic() + WARNING_S

    def _draw(self, until_s: float, now_s: float) -> None:
        """Draw panel by panel, beginning where the last turn ended, as long as there is time."""
        seen = [dock for dock in self.docks if dock.on_screen]
        for number in range(len(seen)):
            dock = seen[(self._next + number) % len(seen)]
            if dock.waiting:
                dock.refresh()
            dock.tick(now_s)
            if time.monotonic() > until_s:
                self._next = (self._next + number + 1) % len(seen)
                return

    # --- health ---------------------------------------------------------------------------------------

    def _watch(self, now_s: float) -> None:
        if isinstance(self.bar, HealthBar):
            age_s = None if self._answered_s is None else now_s - self._answered_s
            lights = judge(self.model, age_s, self._rates.per_s)
            self.bar.show_lights(lights, now_s, self._remark(now_s))

    def _remark(self, now_s: float) -> str:
        """The newest warning for a while, else why there are no unit panels."""
        if now_s < self._warned_until_s:
            return self._warning
        if self.places.neural:
            return ""
        heard = self.model.state is not None and bool(self.model.state.streams)
        why = "No responses" if heard else "No neural stream"
        return f"{why}: unit panels are put away (View)."

    # --- how it is built ------------------------------------------------------------------------------

    def _build(self) -> None:
        """Make header, panels and bar, or make them anew (in other colours)."""
        self.header = Header(self.model, self.submit, self.theme, live=self.live)
        menus = QMenuBar()
        fill_menus(self, menus)
        top = QWidget()
        column = QVBoxLayout(top)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(menus)
        column.addWidget(self.header)
        self.setMenuWidget(top)
        for dock in self.docks:
            dock.build(self.model, self.controls, self.theme)
        foot = QStatusBar()
        foot.setSizeGripEnabled(False)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setStyleSheet("QStatusBar::item { border: none; }")
        self.bar = self._make_bar(self.theme)
        foot.addWidget(self.bar, 1)
        self.setStatusBar(foot)

    def _look_for_streams(self) -> None:
        """Notice whether this session has a neural stream; each kind of session has a layout of its own."""
        state = self.model.state
        if state is None:
            return
        started = self.model.started
        neural = bool(state.streams) and (started is None or started.window is not None)
        fibres = started is not None and bool(started.photometry)
        light = bool(state.streams) and started is not None and started.stimulated
        self.places.switch(neural=neural, photometry=fibres, light=light)
        about_cues = self.model.reversal_conditions == () and self.model.cue_roles is not None
        about = "cue_coding" if about_cues else "photometry" if fibres and not neural else None
        self.places.lead_with("tagging" if light and not neural else about)

    # --- Qt's own -------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Put the docks in their places."""
        super().showEvent(event)
        self.places.shown()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the default layout fit for the size."""
        super().resizeEvent(event)
        self.places.resized()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask first if a session runs; the session is not touched either way."""
        running = self.live and not self.model.over and self.model.started is not None
        if running and not self._closing:
            event.ignore()
            ask_before_closing(self)
            return
        self._timer.stop()
        self.places.remember()
        self.settings.sync()
        self.source.close()
        self.population.close()
        super().closeEvent(event)
