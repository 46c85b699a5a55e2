"""One unit around light: a row a pulse, sham pulses apart, and below them the first spikes' latencies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyqtgraph as pg
from PyQt5.QtGui import QColor, QFontMetrics
from PyQt5.QtWidgets import QVBoxLayout, QWidget

from gui.light_book import LightBook, Pulse
from gui.plot import scaled, small_font, themed_plot
from gui.theme import Theme

BEFORE_MS: Final = 20.0
AFTER_MS: Final = 40.0
WINDOW_MS: Final = 10.0
"""SALT looks so far behind a pulse (`rig.tagging.salt`)."""
BIN_MS: Final = 0.5
ROW_PX: Final = 1.0
"""A row of the raster is at least this high: with more pulses than that, the newest are shown."""
TICK_PX: Final = 2.0
LEFT_PX: Final = 52


class LightPlots(QWidget):
    """Raster and latencies.

    Attributes
    ----------
    drawn
        The rows of the raster, from the bottom to the top.
    shares
        Share of the light pulses whose first spike falls into each bin of half a millisecond, from 0 on.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.drawn: list[Pulse] = []
        self.shares = np.zeros(0)
        self.raster = themed_plot(theme, left=" ")
        self.latencies = themed_plot(theme, left="%", bottom="ms from the pulse")
        self.raster.getPlotItem().hideAxis("bottom")
        self.raster.getPlotItem().getAxis("left").setStyle(tickLength=0)
        self.latencies.setXLink(self.raster)
        for plot in (self.raster, self.latencies):
            plot.getPlotItem().getAxis("left").setWidth(scaled(LEFT_PX))
            plot.setMinimumHeight(40)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.raster, 3)
        column.addWidget(self.latencies, 2)
        self._add_items()

    def _add_items(self) -> None:
        theme = self._theme
        light, window = QColor(theme.cue), QColor(theme.accent)
        light.setAlpha(60)
        window.setAlpha(22)
        self.lights: list[pg.LinearRegionItem] = []
        self.windows: list[pg.LinearRegionItem] = []
        for plot in (self.raster, self.latencies):
            for kept, colour, z in ((self.windows, window, -10), (self.lights, light, -9)):
                region = pg.LinearRegionItem((0.0, WINDOW_MS), movable=False, brush=pg.mkBrush(colour))
                for line in region.lines:
                    line.setPen(pg.mkPen(None))
                region.setZValue(z)
                plot.addItem(region, ignoreBounds=True)
                kept.append(region)
        self.lit = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.text, width=scaled(2)))
        self.sham = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.faint, width=scaled(2)))
        self.edges = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.line, width=1))
        for item in (self.lit, self.sham, self.edges):
            item.setSegmentedLineMode("on")
            self.raster.addItem(item, ignoreBounds=True)
        self.bars = pg.BarGraphItem(x0=[], height=[], width=BIN_MS, pen=None, brush=pg.mkBrush(theme.accent))
        self.by_sham = pg.PlotCurveItem(pen=pg.mkPen(theme.faint, width=1.4))
        self.latencies.addItem(self.bars, ignoreBounds=True)
        self.latencies.addItem(self.by_sham, ignoreBounds=True)
        self.raster.setXRange(-BEFORE_MS, AFTER_MS, padding=0)
        self.legend = pg.TextItem("light", color=theme.text, anchor=(0.0, 0.0))
        self.legend.setFont(small_font(0.8))
        self.latencies.addItem(self.legend, ignoreBounds=True)
        self.latencies.setToolTip("Latency of the first spike: how many of the pulses had it there")

    def _legend_html(self, newest: str) -> str:
        theme = self._theme
        above = f"<br><span style='color:{theme.faint}'>{newest}</span>" if newest else ""
        return (
            f"<span style='color:{theme.accent}'>■</span> light"
            f"&nbsp; <span style='color:{theme.faint}'>▔</span> sham{above}"
        )

    def draw(self, light: LightBook, unit: str) -> None:
        """Draw one unit."""
        pulses = list(light.pulses(unit, BEFORE_MS, AFTER_MS))
        room = max(int(self.raster.getViewBox().height() / ROW_PX), 20)
        groups = _groups(pulses[-room:])
        self.drawn = [pulse for _, group in groups for pulse in group]
        newest = f"newest {len(self.drawn)} of {len(pulses)}" if len(self.drawn) < len(pulses) else ""
        self.raster.setToolTip(f"A row a pulse. {newest}" if newest else "A row a pulse")
        self.legend.setHtml(self._legend_html(newest))
        tall = max(1.0, scaled(TICK_PX) * len(self.drawn) / max(self.raster.getViewBox().height(), 1.0))
        ticks, edges, y = [], [], 0
        x: dict[bool, list[np.ndarray]] = {False: [], True: []}
        rows: dict[bool, list[np.ndarray]] = {False: [], True: []}
        for label, group in groups:
            for k, pulse in enumerate(group):
                x[pulse.sham].append(pulse.spikes_ms)
                rows[pulse.sham].append(np.full(pulse.spikes_ms.size, float(y + k)))
            ticks.append((y + len(group) / 2, label, len(group)))
            y += len(group)
            edges.append(float(y))
        for item, sham in ((self.lit, False), (self.sham, True)):
            at, row = (np.concatenate(parts) if parts else np.zeros(0) for parts in (x[sham], rows[sham]))
            item.setData(np.repeat(at, 2), np.column_stack([row, row + tall]).ravel())
        inner = np.array(edges[:-1])
        self.edges.setData(np.tile([-BEFORE_MS, AFTER_MS], inner.size), np.repeat(inner, 2))
        self.raster.setYRange(0, max(y, 1), padding=0.01)
        self.raster.getPlotItem().getAxis("left").setTicks([self._roomy(ticks, y)])
        for region in self.lights:
            region.setRegion((0.0, light.pulse_ms or 1.0))
        self._draw_latencies(pulses)

    def _roomy(self, ticks: Sequence[tuple[float, str, int]], rows: int) -> list[tuple[float, str]]:
        """Leave out labels of groups that are lower than a line of text."""
        px = self.raster.getViewBox().height() / max(rows, 1)
        least = QFontMetrics(small_font()).height() * 0.8
        return [(at, label) for at, label, count in ticks if count * px >= least]

    def _draw_latencies(self, pulses: Sequence[Pulse]) -> None:
        bins = np.arange(0.0, AFTER_MS / 2 + BIN_MS, BIN_MS)
        lit = [pulse for pulse in pulses if not pulse.sham]
        sham = [pulse for pulse in pulses if pulse.sham]
        self.shares, by_sham = _shares(lit, bins), _shares(sham, bins)
        self.bars.setOpts(x0=bins[:-1], height=100.0 * self.shares, width=BIN_MS)
        self.by_sham.setVisible(bool(sham))
        if sham:
            self.by_sham.setData(bins, 100.0 * by_sham, stepMode="center")
        top = max(100.0 * float(max(self.shares.max(initial=0.0), by_sham.max(initial=0.0))), 5.0)
        self.latencies.setYRange(0, 1.15 * top, padding=0)
        self.legend.setPos(-BEFORE_MS, 1.15 * top)


def _groups(pulses: Sequence[Pulse]) -> list[tuple[str, list[Pulse]]]:
    """Sham at the bottom, then the fast trains, the slow ones on top."""
    rates = sorted({pulse.rate_hz for pulse in pulses if not pulse.sham}, reverse=True)
    found = [("sham", [pulse for pulse in pulses if pulse.sham])]
    found += [(f"{rate:g} Hz", [p for p in pulses if not p.sham and p.rate_hz == rate]) for rate in rates]
    return [(label, group) for label, group in found if group]


def _shares(pulses: Sequence[Pulse], bins: np.ndarray) -> np.ndarray:
    """Share of the pulses whose first spike after the onset falls into each bin."""
    firsts = [after[0] for pulse in pulses if (after := pulse.spikes_ms[pulse.spikes_ms >= 0.0]).size]
    counts, _ = np.histogram(firsts, bins)
    return counts / max(len(pulses), 1)
