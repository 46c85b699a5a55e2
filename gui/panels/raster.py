"""One unit's spikes around rewards, by reward size: a raster above, smoothed rates below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QResizeEvent
from PyQt5.QtWidgets import QHBoxLayout

from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import small_font, themed_plot
from gui.psth import Row, UnitRows, smoothed_rate
from gui.theme import Theme
from gui.unit_panel import AboutUnits
from gui.why_empty import why_not_this_unit

BOTH, SIGNALLED, UNSIGNALLED = 0, 1, 2
BEFORE_CUE, BEFORE_REWARD = 0, 1
ROW_PX: Final = 2.0
"""A row of the raster is at least this high: with more trials than that, the newest are shown."""
LEFT_PX: Final = 46
ENOUGH: Final = 10
"""A rate of fewer trials than this is drawn the fainter, the fewer they are."""
THICK_PX: Final = 3.0
"""From this height of a row on, spikes are drawn thicker."""
WIDE_PX: Final = 560
"""From this width on the buttons say whole words."""


class RasterPanel(AboutUnits):
    """When the unit fires, and how that depends on the size of the reward."""

    title: ClassVar[str] = "unit: raster and PSTH"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.SPIKES | Aspect.SELECTION
    order: ClassVar[int] = 30

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._unit_rows = UnitRows()
        self._build()

    def refresh(self, changed: Aspect) -> None:
        """Draw the selected unit's trials."""
        why = why_not_this_unit(self.model)
        if why is None and not self.model.spikes:
            why = "No spikes around a reward yet."
        showed = self.shows_content
        if not self.show_unless(why) or (showed and not changed & ~Aspect.STATE):
            return
        unit = str(self.model.selected)
        self._unit_rows.follow(self.model, unit)
        self.name.setText(("T " if unit in self.model.tagged else "") + unit)
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Spell the buttons out where there is room."""
        words = ("signalled", "unsignalled") if event.size().width() >= WIDE_PX else ("cued", "free")
        for k, word in enumerate(words, SIGNALLED):
            self.which.button(k).setText(word)
        super().resizeEvent(event)

    @property
    def drawn_rows(self) -> list[Row]:
        """The raster's rows, from the bottom to the top."""
        return list(self._drawn)

    # --- building ---------------------------------------------------------------------------------

    def _build(self) -> None:
        self._drawn: list[Row] = []
        self.name = self.headline()
        self.note = self.small()
        buttons, self.which = self.choice("both", "signalled", "unsignalled")
        self.which.buttonClicked.connect(lambda _: self._draw())
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name)
        head.addWidget(self.note, 1)
        head.addLayout(buttons)
        self.body.addLayout(head)
        self.raster = themed_plot(self.theme, left="reward, uL")
        self.psth = themed_plot(self.theme, left="Hz", bottom="time from reward, s")
        self.raster.getPlotItem().hideAxis("bottom")
        self.psth.setXLink(self.raster)
        for plot in (self.raster, self.psth):
            plot.getPlotItem().getAxis("left").setWidth(LEFT_PX)
        self.raster.getPlotItem().getAxis("left").setStyle(tickLength=0, tickAlpha=0)
        self.body.addWidget(self.raster, 6)
        self.body.addWidget(self.psth, 5)
        self._add_items()
        self.raster.getViewBox().sigResized.connect(lambda _: self._draw())

    def _add_items(self) -> None:
        theme = self.theme
        window, base = QColor(theme.accent), QColor(theme.faint)
        window.setAlpha(34)
        base.setAlpha(30)
        self.windows: list[pg.LinearRegionItem] = []
        self.baselines: list[tuple[pg.LinearRegionItem, pg.LinearRegionItem]] = []
        for plot in (self.raster, self.psth):
            self.windows.append(self._region(plot, window))
            self.baselines.append((self._region(plot, base), self._region(plot, base)))
            line = pg.InfiniteLine(angle=90, pos=0, pen=pg.mkPen(theme.reward, width=1.6))
            plot.addItem(line, ignoreBounds=True)
        self.cues = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.cue, width=3))
        self.raster.addItem(self.cues, ignoreBounds=True)
        self._cue_line = pg.InfiniteLine(angle=90, pen=pg.mkPen(theme.cue, width=1.6, style=Qt.DashLine))
        self.psth.addItem(self._cue_line, ignoreBounds=True)
        self._groups = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.line, width=1))
        self.raster.addItem(self._groups, ignoreBounds=True)
        self.spikes: list[pg.PlotCurveItem] = []
        self.rates: list[pg.PlotCurveItem] = []
        font = small_font(0.75)
        self._words = {}
        for word, colour, side in (
            ("response", theme.accent, 1.0),
            ("before cue", theme.faint, 0.5),
            ("before reward", theme.faint, 0.5),
            ("cue", theme.cue, 0.0),
        ):
            text = pg.TextItem(word, color=colour, anchor=(side, 0.0))
            text.setFont(font)
            text.setZValue(20)
            self.psth.addItem(text, ignoreBounds=True)
            self._words[word] = text

    def _region(self, plot: pg.PlotWidget, colour: QColor) -> pg.LinearRegionItem:
        region = pg.LinearRegionItem(movable=False, brush=pg.mkBrush(colour), pen=pg.mkPen(None))
        region.setZValue(-10)
        plot.addItem(region, ignoreBounds=True)
        return region

    def _curves(self, sizes: int) -> None:
        """Have one curve a size, in its colour, in both plots."""
        while len(self.spikes) < sizes:
            self.spikes.append(pg.PlotCurveItem(connect="pairs"))
            self.rates.append(pg.PlotCurveItem(antialias=True))
            # stroking one path of 700 joints takes ten times as long as drawing its segments
            self.rates[-1].setSegmentedLineMode("on")
            self.spikes[-1].setSegmentedLineMode("on")
            self.raster.addItem(self.spikes[-1], ignoreBounds=True)
            self.psth.addItem(self.rates[-1], ignoreBounds=True)
        for k, (spikes, rate) in enumerate(zip(self.spikes, self.rates, strict=True)):
            spikes.setVisible(k < sizes)
            rate.setVisible(k < sizes)
            if k < sizes:
                colour = self.theme.size_colour(k, sizes)
                spikes.setPen(pg.mkPen(colour, width=1))
                rate.setPen(pg.mkPen(colour, width=1.8))

    # --- drawing ----------------------------------------------------------------------------------

    def _draw(self) -> None:
        if not self.shows_content or not self._unit_rows.rows:
            return
        which = self.which.checkedId()
        rows = [
            row
            for row in self._unit_rows.rows
            if which in {BOTH, SIGNALLED if row.signalled else UNSIGNALLED}
        ]
        room = max(int(self.raster.getViewBox().height() / ROW_PX), 10)
        newest = rows[-room:]
        sizes = self.model.sizes_ul
        if len(self.spikes) != len(sizes):
            self._curves(len(sizes))
        self._say(len(newest), len(rows))
        groups = [sorted_rows(newest, size) for size in sizes]
        self._drawn = [row for group in groups for row in group]
        self._draw_rows(groups)
        self._draw_rates(rows)
        self._draw_windows(which, rows)

    def _draw_rows(self, groups: Sequence[Sequence[Row]]) -> None:
        y = 0
        width = 1.6 if self._row_px(sum(map(len, groups))) >= THICK_PX else 1.0
        ticks: list[tuple[float, str]] = []
        edges: list[float] = []
        cue_x: list[float] = []
        cue_y: list[float] = []
        for curve, group, size in zip(self.spikes, groups, self.model.sizes_ul, strict=False):
            curve.setPen(pg.mkPen(curve.opts["pen"].color(), width=width))
            curve.setData(*ticks_of(group, y))
            for k, row in enumerate(group):
                if row.cue_ms is not None:
                    cue_x += [row.cue_ms / 1e3] * 2
                    cue_y += [y + k, y + k + 1.0]
            if group:
                ticks.append((y + len(group) / 2, f"{size:g}"))
            y += len(group)
            edges.append(float(y))
        self.cues.setData(np.array(cue_x), np.array(cue_y))
        inner = np.array(edges[:-1])
        start, stop = self._span()
        self._groups.setData(np.tile([start, stop], len(inner)), np.repeat(inner, 2))
        self.raster.setYRange(0, max(y, 1), padding=0.01)
        self.raster.getPlotItem().getAxis("left").setTicks([roomy(ticks, self._row_px(y))])

    def _say(self, drawn: int, trials: int) -> None:
        if drawn == trials:
            words = f"{trials} trials"
        elif self.width() >= WIDE_PX:
            words = f"newest {drawn} of {trials} trials; rates of all"
        else:
            words = f"{drawn} of {trials}"
        self.note.setText(words)
        self.note.setToolTip(f"The raster shows the newest {drawn} trials, the rates are of all {trials}.")

    def _row_px(self, rows: int) -> float:
        return float(self.raster.getViewBox().height() / max(rows, 1))

    def _draw_rates(self, rows: Sequence[Row]) -> None:
        top = 10.0
        for curve, size in zip(self.rates, self.model.sizes_ul, strict=False):
            times = [row.times_ms for row in rows if row.reward_ul == size]
            if not times:
                curve.setData([], [])
                continue
            t, hz = smoothed_rate(times, self._unit_rows.start_ms, self._unit_rows.stop_ms)
            curve.setOpacity(min(0.25 + 0.75 * len(times) / ENOUGH, 1.0))
            # a point every 4 ms is enough for a kernel of 20 ms
            curve.setData(t[::4] / 1e3, hz[::4])
            top = max(top, float(hz.max()))
        self.psth.setYRange(0, top * 1.22, padding=0)

    def _span(self) -> tuple[float, float]:
        start, stop = self._unit_rows.start_ms / 1e3, self._unit_rows.stop_ms / 1e3
        window = self.model.started.window if self.model.started else None
        if self.which.checkedId() == UNSIGNALLED and window is not None:
            # nothing happens before the baseline: give the room to what comes after
            start = max(start, window.baseline_start_ms / 1e3 - 0.1)
        return start, stop

    def _draw_windows(self, which: int, rows: Sequence[Row]) -> None:
        """Shade where the response is counted, and the baseline (before the cue, or before the reward)."""
        start, stop = self._span()
        self.raster.setXRange(start, stop, padding=0)
        top = self.psth.getViewBox().viewRange()[1][1]
        cues = [row.cue_ms / 1e3 for row in rows if row.cue_ms is not None]
        cue = float(np.median(cues)) if cues else None
        self._cue_line.setVisible(cue is not None)
        self._words["cue"].setVisible(cue is not None)
        if cue is not None:
            self._cue_line.setValue(cue)
            self._words["cue"].setPos(cue, top)
        window = self.model.started.window if self.model.started else None
        shown = {BEFORE_CUE: cue is not None, BEFORE_REWARD: which != SIGNALLED or cue is None}
        for region in self.windows:
            region.setVisible(window is not None)
        for pair in self.baselines:
            for k, region in enumerate(pair):
                region.setVisible(window is not None and shown[k])
        self._words["response"].setVisible(window is not None)
        if window is None:
            return
        for region in self.windows:
            region.setRegion((window.start_ms / 1e3, window.stop_ms / 1e3))
        self._words["response"].setPos(window.stop_ms / 1e3, top)
        whose = ("cued", "free")
        for k, (word, stimulus) in enumerate((("before cue", cue or 0.0), ("before reward", 0.0))):
            base = (stimulus + window.baseline_start_ms / 1e3, stimulus + window.baseline_stop_ms / 1e3)
            for pair in self.baselines:
                pair[k].setRegion(base)
            self._words[word].setVisible(shown[k])
            self._words[word].setText("baseline" if sum(shown.values()) == 1 else f"baseline, {whose[k]}")
            self._words[word].setPos(sum(base) / 2, top)


def sorted_rows(rows: Sequence[Row], size_ul: float) -> list[Row]:
    """Rows of one size: unsignalled below, signalled above, each with the newest on top."""
    found = [row for row in rows if row.reward_ul == size_ul]
    return sorted(found, key=lambda row: (row.signalled, row.trial))


def ticks_of(rows: Sequence[Row], first: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of points: a short upright line at every spike, row `first` + k for trial k, time in s."""
    if not rows:
        return np.empty(0), np.empty(0)
    y = np.repeat(first + np.arange(len(rows), dtype=np.float64), [len(row.times_ms) for row in rows])
    x = np.concatenate([row.times_ms for row in rows]) / 1e3
    return np.repeat(x, 2), np.stack([y + 0.08, y + 0.92], axis=1).ravel()


def roomy(ticks: Sequence[tuple[float, str]], px: float, apart_px: float = 11.0) -> list[tuple[float, str]]:
    """Those of the labels that have room, from the top down; `px` is the height of a row."""
    kept: list[tuple[float, str]] = []
    for y, word in reversed(ticks):
        if not kept or (kept[-1][0] - y) * px >= apart_px:
            kept.append((y, word))
    return kept[::-1]
