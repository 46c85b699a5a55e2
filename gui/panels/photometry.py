"""Photometry: a fibre's live trace, its averages around events, its reversal point, and its loop."""

from __future__ import annotations

import html
from typing import ClassVar, Final

from PyQt5.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QStackedLayout, QWidget

from gui.candid_panel import CandidPanel
from gui.fibre_book import FibreView, Key
from gui.fibre_plots import EventPlot, LatencyPlot, LivePlots, SizePlot
from gui.fibre_words import (
    POPULATION,
    health_words,
    loops_words,
    reversal_words,
    why_no_fibre,
    why_no_live,
)
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.theme import Theme
from gui.words import plain
from rig.photometry.settings import PhotometryConfig
from rig.photometry.told import LoopLatency, SourceHealth

SHOWN_S: Final = 20.0
SHARES: Final = (42, 32, 26)
"""Of the width: live traces, averages around events, responses by size."""
REWARD, CUE, LOOP = 0, 1, 2


class PhotometryPanel(CandidPanel):
    """One fibre at a time. It is a population's signal, and the panel says so."""

    title: ClassVar[str] = "photometry"
    aspects: ClassVar[Aspect] = (
        Aspect.SESSION | Aspect.STATE | Aspect.FIBRES | Aspect.LIVE_FIBRES | Aspect.ESTIMATES
    )
    area: ClassVar[str] = "population"
    order: ClassVar[int] = 90
    photometry: ClassVar[bool] = True

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._keys: list[Key] = []
        self.chosen = QComboBox()
        self.chosen.setToolTip("which fibre is shown")
        self.chosen.currentIndexChanged.connect(lambda _: self._draw())
        self.name = self.headline()
        self.health = self.fitting()
        buttons, self.about = self.choice("reward", "cue", "loop")
        self.about.buttonClicked.connect(lambda _: self._draw())
        head = QHBoxLayout()
        head.setSpacing(8)
        for widget, stretch in ((self.name, 0), (self.chosen, 0), (self.health, 1)):
            head.addWidget(widget, stretch)
        head.addLayout(buttons)
        self.body.addLayout(head)
        self.numbers: QLabel = self.small()
        self.numbers.setWordWrap(True)
        self.body.addWidget(self.numbers)
        self._add_plots(theme)

    def _add_plots(self, theme: Theme) -> None:
        self.live = LivePlots(theme, SHOWN_S)
        self.events, self.sizes, self.latency = EventPlot(theme), SizePlot(theme), LatencyPlot(theme)
        right = QWidget()
        self._right = QStackedLayout(right)
        self._right.addWidget(self.sizes.plot)
        self._right.addWidget(self.latency.plot)
        grid = QGridLayout()
        grid.setSpacing(2)
        grid.addWidget(self.live.raw, 0, 0)
        grid.addWidget(self.live.dff, 1, 0)
        grid.addWidget(self.events.plot, 0, 1, 2, 1)
        grid.addWidget(right, 0, 2, 2, 1)
        for column, share in enumerate(SHARES):
            grid.setColumnStretch(column, share)
        for row in (0, 1):
            grid.setRowStretch(row, 1)
        for plot in (self.live.raw, self.live.dff, self.events.plot, right):
            plot.setMinimumSize(40, 40)
            plot.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Ignored)
        self.body.addLayout(grid, 1)

    # --- what the window calls --------------------------------------------------------------------

    def refresh(self, changed: Aspect) -> None:
        """Draw what has changed."""
        showed = self.shows_content
        if not self.show_unless(why_no_fibre(self.model)):
            return
        keys = list(self.model.fibres.fibres)
        if keys != self._keys:
            self._keys = keys
            self._name_fibres()
        if not showed or changed & ~(Aspect.LIVE_FIBRES | Aspect.STATE):
            self._draw()
            return
        if changed & Aspect.LIVE_FIBRES:
            self._draw_live()
        if changed & Aspect.STATE:
            self._say()

    @property
    def key(self) -> Key | None:
        """Which fibre is shown: (source, fibre)."""
        place = self.chosen.currentIndex()
        return self._keys[place] if 0 <= place < len(self._keys) else None

    # --- how ------------------------------------------------------------------------------------------

    def _name_fibres(self) -> None:
        before = self.chosen.currentText()
        several = len({source for source, _ in self._keys}) > 1
        self.chosen.blockSignals(True)
        self.chosen.clear()
        for source, fibre in self._keys:
            self.chosen.addItem(f"{source} / {fibre}" if several else fibre)
        self.chosen.setCurrentIndex(max(self.chosen.findText(before), 0))
        self.chosen.blockSignals(False)
        self.chosen.setVisible(len(self._keys) > 1)

    def _draw(self) -> None:
        key = self.key
        if key is None:
            return
        view = self.model.fibres.fibres[key]
        self._say()
        self._draw_live()
        about = self.about.checkedId()
        self._draw_events(view, "cue" if about == CUE else "reward")
        if about == LOOP:
            self.latency.draw(next(iter(self._loops(key)), None))
        else:
            self.sizes.draw(self.model.sizes_ul, view.told.estimate if view.told else None)
        self._right.setCurrentIndex(1 if about == LOOP else 0)

    def _draw_live(self) -> None:
        key = self.key
        if key is None:
            return
        view, config = self.model.fibres.fibres[key], self._config()
        self.live.in_units("V" if config is not None and config.driver == "pyphotometry" else "")
        at_s, values = view.live.newest(SHOWN_S)
        self.live.draw(at_s, values, why_no_live(self.model, view))

    def _draw_events(self, view: FibreView, aligned_to: str) -> None:
        config = self._config()
        if config is not None:
            self.events.set_window(config.window.start_ms, config.window.stop_ms)
        found = view.averages(aligned_to)
        colours = [self._colour(kind, place) for place, (kind, _) in enumerate(found)]
        self.events.draw(view.times_ms, [average for _, average in found], colours)
        names = [f"{kind:g}" if isinstance(kind, float) else plain(str(kind)) for kind, _ in found]
        self.events.about(aligned_to)
        self.events.name(names, colours, "uL" if aligned_to == "reward" and found else "")

    def _colour(self, kind: object, place: int) -> str:
        sizes = self.model.sizes_ul
        if isinstance(kind, float) and kind in sizes:
            return self.theme.size_colour(sizes.index(kind), len(sizes))
        return self.theme.series[place % len(self.theme.series)]

    def _say(self) -> None:
        key = self.key
        if key is None:
            return
        view, theme = self.model.fibres.fibres[key], self.theme
        self.name.setText(f"{key[1]}: {POPULATION}")
        words, wrong = health_words(self._state(key[0]))
        self.health.setStyleSheet(f"color: {theme.warn if wrong else theme.faint};")
        self.health.say(words)
        estimate = view.told.estimate if view.told is not None else None
        parts = [html.escape(reversal_words(estimate))]
        if estimate is not None and estimate.flags:
            parts.append(f"<b style='color:{theme.warn}'>{html.escape(', '.join(estimate.flags))}</b>")
        if self.about.checkedId() == LOOP:
            parts = [html.escape(words) for words in loops_words(self._loops(key))]
        elif view.withheld:
            (why, _), count = view.withheld.most_common(1)[0], sum(view.withheld.values())
            parts.append(f"{count} response{'s' * (count > 1)} withheld ({html.escape(why)})")
        self.numbers.setText(" &nbsp;&middot;&nbsp; ".join(parts))

    def _state(self, source: str) -> SourceHealth | None:
        states = self.model.state.sources if self.model.state is not None else ()
        return next((state for state in states if state.name == source), None)

    def _config(self) -> PhotometryConfig | None:
        key, started = self.key, self.model.started
        sources = started.photometry if started is not None else ()
        return next((source for source in sources if key is not None and source.name == key[0]), None)

    def _loops(self, key: Key) -> list[LoopLatency]:
        """Return the fibre's loops, the one that went round most often first."""
        mine = [loop for loop in self.model.fibres.loops if (loop.source, loop.fibre) == key]
        return sorted(mine, key=lambda loop: -loop.acted)
