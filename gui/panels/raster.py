"""One unit's spikes around rewards, by reward size: a raster above, smoothed rates below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QFontMetrics, QResizeEvent
from PyQt5.QtWidgets import QButtonGroup, QHBoxLayout

from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import scaled, small_font, themed_plot
from gui.psth import Row, UnitRows, smoothed_rate, span_ms
from gui.raster_groups import OTHER, AlignedTo, Group, both_kinds, groups, rows_of, window_of
from gui.theme import Theme
from gui.unit_panel import AboutUnits
from gui.unit_words import marked
from gui.why_empty import why_not_this_unit
from rig.documents import SessionStarted

BOTH, SIGNALLED, UNSIGNALLED = 0, 1, 2
AROUND_REWARDS, AROUND_CUES = 0, 1
BEFORE_CUE, BEFORE_REWARD = 0, 1
ROW_PX: Final = 2.0
"""A row of the raster is at least this high: with more trials than that, the newest are shown."""
LEFT_PX: Final = 46
MOST_LEFT_PX: Final = 110
ENOUGH: Final = 10
"""A rate of fewer trials than this is drawn the fainter, the fewer they are."""
THICK_PX: Final = 3.0
"""From this height of a row on, spikes are drawn thicker."""
WIDE_PX: Final = 560
"""From this width on the buttons say whole words."""


class RasterPanel(AboutUnits):
    """When the unit fires, and how that depends on the size of the reward.

    Longer than most: dots, lines of the groups and the PSTH below share one time axis and one set of items.
    """

    title: ClassVar[str] = "unit: raster and PSTH"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.SPIKES | Aspect.SELECTION
    order: ClassVar[int] = 30

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._unit_rows = UnitRows()
        self._drawn: list[Row] = []
        self._groups: list[Group] = []
        self._for: SessionStarted | None = None
        self.which: QButtonGroup
        self.align: QButtonGroup
        self._build()

    def refresh(self, changed: Aspect) -> None:
        """Draw the selected unit's trials."""
        if changed & Aspect.SESSION:
            self._choose()
        why = why_not_this_unit(self.model)
        around_cues = self.aligned == "cue"
        if why is None and not (self.model.cue_spikes if around_cues else self.model.spikes):
            why = f"No spikes around a {self.aligned} yet."
        showed = self.shows_content
        if not self.show_unless(why) or (showed and not changed & ~Aspect.STATE):
            return
        unit = str(self.model.selected)
        self._unit_rows.follow(self.model, unit, around_cues=around_cues)
        self.name.setText(marked(unit, self.model.tagged, self.model.vanished))
        self._draw()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Spell the buttons out where there is room."""
        words = ("signalled", "unsignalled") if event.size().width() >= WIDE_PX else ("cued", "free")
        for k, word in enumerate(words, SIGNALLED):
            self.which.button(k).setText(word)
        super().resizeEvent(event)

    @property
    def aligned(self) -> AlignedTo:
        """What time zero is."""
        return "cue" if self.align.checkedId() == AROUND_CUES else "reward"

    def _choose(self) -> None:
        """Offer what this session has; one that is about cues alone begins with them."""
        started = self.model.started
        has_cues = started is not None and started.cue_window is not None
        for k in (AROUND_REWARDS, AROUND_CUES):
            self.align.button(k).setVisible(has_cues)
        if started is not self._for:
            self._for = started
            cues = has_cues and self.model.reversal_conditions == ()
            self.align.button(AROUND_CUES if cues else AROUND_REWARDS).setChecked(True)
        for k in (BOTH, SIGNALLED, UNSIGNALLED):
            self.which.button(k).setVisible(both_kinds(self.model) and self.aligned == "reward")

    def _align(self) -> None:
        self._choose()
        self.which.button(BOTH).setChecked(True)
        self.refresh(Aspect.SELECTION)

    @property
    def drawn_rows(self) -> list[Row]:
        """The raster's rows, from the bottom to the top."""
        return list(self._drawn)

    # --- building ---------------------------------------------------------------------------------

    def _build(self) -> None:
        self.name = self.headline()
        self.note = self.fitting()
        buttons, self.which = self.choice("both", "signalled", "unsignalled")
        self.which.buttonClicked.connect(lambda _: self._draw())
        events, self.align = self.choice("reward", "cue")
        self.align.buttonClicked.connect(lambda _: self._align())
        for button in self.align.buttons():
            button.hide()  # until a session has cues to stand around: they would make the panel wide
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name)
        head.addWidget(self.note, 1)
        head.addLayout(events)
        head.addLayout(buttons)
        self.body.addLayout(head)
        self.raster = themed_plot(self.theme, left=" ")
        self.psth = themed_plot(self.theme, left="Hz", bottom=" ")
        self.raster.getPlotItem().hideAxis("bottom")
        self.psth.setXLink(self.raster)
        for plot in (self.raster, self.psth):
            plot.getPlotItem().getAxis("left").setWidth(scaled(LEFT_PX))
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
        self.zeros: list[pg.InfiniteLine] = []
        self.windows: list[pg.LinearRegionItem] = []
        self.baselines: list[tuple[pg.LinearRegionItem, pg.LinearRegionItem]] = []
        for plot in (self.raster, self.psth):
            self.windows.append(self._region(plot, window))
            self.baselines.append((self._region(plot, base), self._region(plot, base)))
            self.zeros.append(pg.InfiniteLine(angle=90, pos=0))
            plot.addItem(self.zeros[-1], ignoreBounds=True)
        self.unseen = pg.BarGraphItem(x0=[], y0=[], width=[], height=[], pen=None)
        self.unseen.setOpts(brush=pg.mkBrush(theme.line))
        self.unseen.setZValue(-9)
        self.raster.addItem(self.unseen, ignoreBounds=True)
        self.raster.setToolTip("Grey rows: not looked at, so early. No sign of silence.")
        self.others = pg.PlotCurveItem(connect="pairs")
        self.raster.addItem(self.others, ignoreBounds=True)
        self._other_line = pg.InfiniteLine(angle=90)
        self.psth.addItem(self._other_line, ignoreBounds=True)
        self._edges = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.line, width=1))
        self.raster.addItem(self._edges, ignoreBounds=True)
        self.spikes: list[pg.PlotCurveItem] = []
        self.rates: list[pg.PlotCurveItem] = []
        font = small_font(0.75)
        self._words = {}
        for word, colour, side in (
            ("response", theme.accent, 1.0),
            ("before cue", theme.faint, 0.5),
            ("before reward", theme.faint, 0.5),
            ("other", theme.faint, 0.0),
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

    def _curves(self) -> None:
        """Have one curve a group, in its colour, in both plots; lines in the colours of their events."""
        theme, found = self.theme, self._groups
        while len(self.spikes) < len(found):
            self.spikes.append(pg.PlotCurveItem(connect="pairs"))
            self.rates.append(pg.PlotCurveItem(antialias=True))
            # stroking one path of 700 joints takes ten times as long as drawing its segments
            self.rates[-1].setSegmentedLineMode("on")
            self.spikes[-1].setSegmentedLineMode("on")
            self.raster.addItem(self.spikes[-1], ignoreBounds=True)
            self.psth.addItem(self.rates[-1], ignoreBounds=True)
        for k, (spikes, rate) in enumerate(zip(self.spikes, self.rates, strict=True)):
            spikes.setVisible(k < len(found))
            rate.setVisible(k < len(found))
            if k < len(found):
                spikes.setPen(pg.mkPen(found[k].colour, width=1))
                rate.setPen(pg.mkPen(found[k].colour, width=1.8))
        colours = {"reward": theme.reward, "cue": theme.cue}
        here, other = colours[self.aligned], colours[OTHER[self.aligned]]
        for line in self.zeros:
            line.setPen(pg.mkPen(here, width=1.6))
        self.others.setPen(pg.mkPen(other, width=3))
        self._other_line.setPen(pg.mkPen(other, width=1.6, style=Qt.DashLine))
        self._words["other"].setColor(other)
        self._words["other"].setText(OTHER[self.aligned])
        self._name_axes()

    def _name_axes(self) -> None:
        by_size = self.aligned == "reward"
        style = {"color": self.theme.faint, "font-size": f"{small_font(0.9).pointSizeF():.1f}pt"}
        left = self.raster.getPlotItem().getAxis("left")
        left.setLabel("reward, uL" if by_size else "", **style)
        left.showLabel(by_size)
        self.psth.getPlotItem().getAxis("bottom").setLabel(f"time from {self.aligned}, s", **style)
        metrics = QFontMetrics(small_font())
        widest = max((metrics.horizontalAdvance(group.label) for group in self._groups), default=0)
        width = scaled(LEFT_PX) if by_size else max(scaled(LEFT_PX), min(widest + 12, scaled(MOST_LEFT_PX)))
        for plot in (self.raster, self.psth):
            plot.getPlotItem().getAxis("left").setWidth(width)
            for side in ("left", "bottom"):
                plot.getPlotItem().getAxis(side).resizeEvent(None)  # or the old label's place is kept

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
        found = groups(self.model, self.theme, self.aligned)
        if found != self._groups:
            self._groups = found
            self._curves()
        self._say(len(newest), len(rows))
        grouped = [rows_of(newest, group) for group in found]
        self._drawn = [row for group in grouped for row in group]
        self._draw_rows(grouped)
        self._draw_rates(rows)
        self._draw_windows(which, rows)

    def _draw_rows(self, grouped: Sequence[Sequence[Row]]) -> None:
        y = 0
        width = 1.6 if self._row_px(sum(map(len, grouped))) >= THICK_PX else 1.0
        ticks: list[tuple[float, str]] = []
        edges: list[float] = []
        other_x: list[float] = []
        other_y: list[float] = []
        for curve, group, what in zip(self.spikes, grouped, self._groups, strict=False):
            curve.setPen(pg.mkPen(curve.opts["pen"].color(), width=width))
            curve.setData(*ticks_of(group, y))
            for k, row in enumerate(group):
                if row.other_ms is not None:
                    other_x += [row.other_ms / 1e3] * 2
                    other_y += [y + k, y + k + 1.0]
            if group:
                ticks.append((y + len(group) / 2, what.label))
            y += len(group)
            edges.append(float(y))
        self.others.setData(np.array(other_x), np.array(other_y))
        inner = np.array(edges[:-1])
        start, stop = self._span()
        self.unseen.setOpts(**unseen_of(self._drawn, start))
        self._edges.setData(np.tile([start, stop], len(inner)), np.repeat(inner, 2))
        self.raster.setYRange(0, max(y, 1), padding=0.01)
        self.raster.getPlotItem().getAxis("left").setTicks([roomy(ticks, self._row_px(y))])

    def _say(self, drawn: int, trials: int) -> None:
        if drawn == trials:
            self.note.say(f"{trials} trials")
        else:
            self.note.say(f"newest {drawn} of {trials} trials; rates of all", f"{drawn} of {trials}")
        self.note.setToolTip(f"The raster shows the newest {drawn} trials, the rates are of all {trials}.")

    def _row_px(self, rows: int) -> float:
        return float(self.raster.getViewBox().height() / max(rows, 1))

    def _draw_rates(self, rows: Sequence[Row]) -> None:
        top = 10.0
        for curve, group in zip(self.rates, self._groups, strict=False):
            mine = rows_of(rows, group)
            if not mine:
                curve.setData([], [])
                continue
            t, hz = smoothed_rate(mine)
            curve.setOpacity(min(0.25 + 0.75 * len(mine) / ENOUGH, 1.0))
            # a point every 4 ms is enough for a kernel of 20 ms
            curve.setData(t[::4] / 1e3, hz[::4], connect="finite")
            top = max(top, float(np.nanmax(hz, initial=0.0)))
        self.psth.setYRange(0, top * 1.22, padding=0)

    def _span(self) -> tuple[float, float]:
        start, stop = (edge / 1e3 for edge in span_ms(self._unit_rows.rows))
        window = window_of(self.model, self.aligned)
        if self.which.checkedId() == UNSIGNALLED and window is not None:
            # nothing happens before the baseline: give the room to what comes after
            start = max(start, window.baseline_start_ms / 1e3 - 0.1)
        return start, stop

    def _draw_windows(self, which: int, rows: Sequence[Row]) -> None:
        """Shade where the response is counted, and the baseline (before the cue, or before the reward)."""
        start, stop = self._span()
        self.raster.setXRange(start, stop, padding=0)
        top = self.psth.getViewBox().viewRange()[1][1]
        others = [row.other_ms / 1e3 for row in rows if row.other_ms is not None]
        other = float(np.median(others)) if others else None
        self._other_line.setVisible(other is not None)
        self._words["other"].setVisible(other is not None)
        if other is not None:
            self._other_line.setValue(other)
            self._words["other"].setPos(other, top)
        window = window_of(self.model, self.aligned)
        # Around cues the baseline is before time zero; around rewards it is before the cue, if there was one.
        cue = other if self.aligned == "reward" else None
        free = self.aligned == "reward" and any(row.other_ms is None for row in rows)
        shown = {BEFORE_CUE: cue is not None, BEFORE_REWARD: free or cue is None}
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


def ticks_of(rows: Sequence[Row], first: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of points: a short upright line at every spike, row `first` + k for trial k, time in s."""
    if not rows:
        return np.empty(0), np.empty(0)
    y = np.repeat(first + np.arange(len(rows), dtype=np.float64), [len(row.times_ms) for row in rows])
    x = np.concatenate([row.times_ms for row in rows]) / 1e3
    return np.repeat(x, 2), np.stack([y + 0.08, y + 0.92], axis=1).ravel()


def unseen_of(rows: Sequence[Row], start_s: float) -> dict[str, list[float]]:
    """Where a raster of rows that begins at `start_s` shows what was not looked at, as bars.

    Examples
    --------
    >>> row = Row(0, 5.0, True, None, np.empty(0), -1000, 600)
    >>> unseen_of([row, row], -2.5)
    {'x0': [-2.5], 'width': [1.5], 'y0': [0.0], 'height': [2.0]}
    """
    bars: dict[str, list[float]] = {"x0": [], "width": [], "y0": [], "height": []}
    for y, row in enumerate(rows):
        late = row.start_ms / 1e3 - start_s
        if late <= 0:
            continue
        if bars["y0"] and bars["width"][-1] == late and bars["y0"][-1] + bars["height"][-1] == y:
            bars["height"][-1] += 1.0
            continue
        for name, value in (("x0", start_s), ("width", late), ("y0", float(y)), ("height", 1.0)):
            bars[name].append(value)
    return bars


def roomy(ticks: Sequence[tuple[float, str]], px: float, apart_px: float = 11.0) -> list[tuple[float, str]]:
    """Those of the labels that have room, from the top down; `px` is the height of a row."""
    kept: list[tuple[float, str]] = []
    for y, word in reversed(ticks):
        if not kept or (kept[-1][0] - y) * px >= apart_px:
            kept.append((y, word))
    return kept[::-1]
