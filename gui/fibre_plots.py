"""The plots of the photometry panel: live traces, averages around events, response by size, latencies."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QFontMetrics

from gui.plot import SizeScale, scaled, small_font, themed_plot
from gui.theme import Theme
from rig.photometry.averages import Average
from rig.photometry.told import FibreEstimate, LoopLatency

Floats = NDArray[np.float64]

PERCENT: Final = 100.0
LEFT_PX: Final = 54
RIGHT_PX: Final = 52
LEAST_SHARE: Final = 0.002
"""Of a raw axis, to either side of the mean."""
HEAD_ROOM: Final = 0.15
"""Of the averages' span: for the legend."""
LEAST_SPAN: Final = 0.2
"""Of a dF/F axis, in percent: noise must not look like a signal."""


class LivePlots:
    """Raw samples above, dF/F below, over the same seconds.

    Signal and control each have an axis of their own, in their own colour. Both show the same share of
    their mean: what moves both alike, as movement does, looks alike.

    Attributes
    ----------
    raw, dff
        The two plots.
    """

    def __init__(self, theme: Theme, seconds: float) -> None:
        self.raw = themed_plot(theme, left="signal, V")
        self.dff = themed_plot(theme, left="dF/F, %", bottom="seconds ago")
        for plot in (self.raw, self.dff):
            plot.setXRange(-seconds, 0.0, padding=0)
            plot.getPlotItem().getAxis("left").setWidth(scaled(LEFT_PX))
            plot.getViewBox().enableAutoRange(y=False)
        self.raw.getPlotItem().getAxis("bottom").setStyle(showValues=False)
        self._seconds = seconds
        self._beside = self._second_axis(theme)
        self._left = self.raw.getPlotItem().getAxis("left")
        _name_axis(self._left, "signal, V", theme.series[0])
        self._control = pg.PlotCurveItem(
            pen=pg.mkPen(theme.series[3], width=scaled(1.2), style=Qt.DashLine), connect="finite"
        )
        self._signal = pg.PlotCurveItem(pen=pg.mkPen(theme.series[0], width=scaled(1.4)), connect="finite")
        self._made = pg.PlotCurveItem(pen=pg.mkPen(theme.text, width=scaled(1.4)), connect="finite")
        zero = pg.InfiniteLine(angle=0, pos=0, pen=pg.mkPen(theme.line, width=1))
        for item in (self._control, self._signal, self._made):
            item.setSegmentedLineMode("on")  # thick lines of many points are painted much faster so
        self._beside.addItem(self._control, ignoreBounds=True)
        for plot, item in ((self.raw, self._signal), (self.dff, zero)):
            plot.addItem(item, ignoreBounds=True)
        self.dff.addItem(self._made, ignoreBounds=True)
        self._words = pg.TextItem(color=theme.faint, anchor=(0.5, 0.5))
        self._words.setFont(small_font())
        self.dff.addItem(self._words, ignoreBounds=True)
        self._middle = -seconds / 2

    def _second_axis(self, theme: Theme) -> pg.ViewBox:
        """Give the control a view that lies over the signal's, and an axis on the right."""
        item, beside = self.raw.getPlotItem(), pg.ViewBox(enableMouse=False)
        self._right = item.getAxis("right")
        item.showAxis("right")
        item.scene().addItem(beside)
        self._right.linkToView(beside)
        self._right.setWidth(scaled(RIGHT_PX))
        self._right.setPen(pg.mkPen(theme.line))
        self._right.setTextPen(pg.mkPen(theme.faint))
        self._right.setTickFont(small_font())
        self._right.setStyle(tickLength=-4)
        _name_axis(self._right, "control, V", theme.series[3])
        beside.enableAutoRange(y=False)
        beside.setXRange(-self._seconds, 0.0, padding=0)
        within = item.getViewBox()
        within.sigResized.connect(lambda: beside.setGeometry(within.sceneBoundingRect()))
        self.dff.getPlotItem().showAxis("right")
        spare = self.dff.getPlotItem().getAxis("right")
        spare.setWidth(scaled(RIGHT_PX))
        spare.setStyle(showValues=False, tickLength=0)
        spare.setPen(pg.mkPen(None))
        return beside

    def in_units(self, unit: str) -> None:
        """Name the unit of the raw samples; empty: nobody knows it."""
        for axis, name in ((self._left, "signal"), (self._right, "control")):
            axis.setLabel(f"{name}, {unit}" if unit else name)

    def draw(self, at_s: Floats, values: Floats, why_none: str) -> None:
        """Draw the newest stretch: values of shape (points, 3), signal, control, dF/F."""
        self._words.setVisible(bool(why_none))
        if why_none:
            self._words.setText(why_none)
            self._words.setPos(self._middle, 0.0)
        for curve, column in ((self._signal, 0), (self._control, 1)):
            curve.setData(at_s, values[:, column] if len(values) else at_s)
        made = values[:, 2] * PERCENT if len(values) else at_s
        self._made.setData(at_s, made)
        self._fit_raw(values)
        _fit_y(self.dff, made, LEAST_SPAN)

    def _fit_raw(self, values: Floats) -> None:
        """Show the same share around the mean of signal and control."""
        found = []
        for column, view in enumerate((self.raw.getViewBox(), self._beside)):
            known = values[np.isfinite(values[:, column]), column] if len(values) else values
            if known.size:
                found.append((view, float(known.mean()), float(known.min()), float(known.max())))
        self._right.setStyle(showValues=len(found) > 1)
        self._right.label.setVisible(len(found) > 1)
        if not all(mean > 0 for _, mean, _, _ in found):  # no light at all: each for itself
            for view, _, low, high in found:
                view.setYRange(low - 1e-3, high + 1e-3, padding=0.1)
            return
        least = min((low / mean for _, mean, low, _ in found), default=1.0)
        most = max((high / mean for _, mean, _, high in found), default=1.0)
        spare = 0.08 * (most - least) + max(LEAST_SHARE - (most - least) / 2, 0.0)
        for view, mean, _, _ in found:
            view.setYRange((least - spare) * mean, (most + spare) * mean, padding=0)


class EventPlot:
    """Averages around an event, one curve a kind, with a band of one standard error.

    Attributes
    ----------
    plot
        The plot.
    """

    def __init__(self, theme: Theme) -> None:
        self.plot = themed_plot(theme, left="dF/F, %", bottom="s from the reward")
        self.plot.getPlotItem().getAxis("left").setWidth(scaled(46))
        self.plot.setXRange(-2.0, 4.0, padding=0)
        self._theme = theme
        self._curves: list[Any] = []
        self._bands: list[tuple[Any, Any, Any]] = []
        self.legend = pg.TextItem(anchor=(1, 0), fill=_shade(theme.raised, 190))
        self.legend.setFont(small_font(0.8))
        self.plot.getViewBox().sigRangeChanged.connect(lambda *_: self._place_legend())
        self._window = pg.LinearRegionItem(movable=False, brush=_shade(theme.accent, 26), pen=pg.mkPen(None))
        for line in (
            self._window,
            pg.InfiniteLine(angle=0, pos=0, pen=pg.mkPen(theme.line, width=1)),
            pg.InfiniteLine(angle=90, pos=0, pen=pg.mkPen(theme.faint, width=1, style=Qt.DashLine)),
        ):
            self.plot.addItem(line, ignoreBounds=True)
        self.legend.setZValue(10)
        self.plot.addItem(self.legend, ignoreBounds=True)

    def _place_legend(self) -> None:
        (_, right), (_, top) = self.plot.viewRange()
        self.legend.setPos(right, top)

    def name(self, kinds: Sequence[str], colours: Sequence[str], unit: str = "") -> None:
        """Name the curves in their colours: sizes on one line, conditions one below the other."""
        words = [
            f"<b style='color:{colour}'>{html.escape(kind)}</b>"
            for kind, colour in zip(kinds, colours, strict=True)
        ]
        unit = f"<span style='color:{self._theme.faint}'>{html.escape(unit)}</span>" if unit else ""
        self.legend.setHtml(" &nbsp;".join([*words, unit]) if unit else "<br>".join(words))

    def about(self, event: str) -> None:
        """Name the event."""
        self.plot.getPlotItem().getAxis("bottom").setLabel(f"s from the {event}")

    def set_window(self, start_ms: float, stop_ms: float) -> None:
        """Show where responses are measured."""
        self._window.setRegion((start_ms / 1e3, stop_ms / 1e3))

    def draw(self, times_ms: Floats, averages: Sequence[Average], colours: Sequence[str]) -> None:
        """Draw averages, one colour each."""
        while len(self._curves) < len(averages):
            ends = pg.PlotCurveItem(pen=pg.mkPen(None)), pg.PlotCurveItem(pen=pg.mkPen(None))
            band = pg.FillBetweenItem(*ends)
            curve = pg.PlotCurveItem(connect="finite", antialias=True)
            for item in (*ends, band, curve):
                self.plot.addItem(item, ignoreBounds=True)
            self._bands.append((*ends, band))
            self._curves.append(curve)
        seen = [average.trace * PERCENT for average in averages if average.n]
        for k, (curve, (bottom, top, band)) in enumerate(zip(self._curves, self._bands, strict=True)):
            shown = k < len(averages) and averages[k].n > 0
            curve.setVisible(shown)
            band.setVisible(shown and averages[k].n > 1)
            if not shown:
                continue
            trace = averages[k].trace * PERCENT
            curve.setData(times_ms / 1e3, trace, pen=pg.mkPen(colours[k], width=scaled(2)))
            sem = averages[k].trace_sem * PERCENT
            known = np.isfinite(sem) & np.isfinite(trace)
            bottom.setData(times_ms[known] / 1e3, (trace - sem)[known])
            top.setData(times_ms[known] / 1e3, (trace + sem)[known])
            band.setBrush(_shade(colours[k], 40))
        _fit_y(self.plot, np.concatenate(seen) if seen else np.zeros(1), LEAST_SPAN, HEAD_ROOM)


class SizePlot:
    """Mean response to each size with its standard error, and where it changes its sign.

    Attributes
    ----------
    plot
        The plot.
    """

    def __init__(self, theme: Theme) -> None:
        self.plot = themed_plot(theme, left="dF/F, %", bottom="reward, uL")
        self.plot.getPlotItem().getAxis("left").setWidth(scaled(46))
        self._theme = theme
        self._scale = SizeScale(())
        self.plot.getViewBox().sigResized.connect(lambda *_: self._name_sizes())
        self._between = pg.LinearRegionItem(movable=False, brush=_shade(theme.accent, 30), pen=pg.mkPen(None))
        zero = pg.InfiniteLine(angle=0, pos=0, pen=pg.mkPen(theme.faint, width=1))
        self._errors = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.text, width=scaled(1.8)))
        self._means = pg.ScatterPlotItem(size=scaled(9), pen=pg.mkPen(theme.raised, width=1))
        self._interval = pg.PlotCurveItem(pen=pg.mkPen(theme.accent, width=scaled(3)))
        self._point = pg.ScatterPlotItem(
            size=scaled(9), pen=pg.mkPen(theme.accent, width=scaled(2)), brush=pg.mkBrush(theme.raised)
        )
        for item in (self._between, zero, self._errors, self._means, self._interval, self._point):
            self.plot.addItem(item, ignoreBounds=True)

    def draw(self, sizes_ul: Sequence[float], estimate: FibreEstimate | None) -> None:
        """Draw the newest estimate."""
        scale = self._scale = SizeScale(sizes_ul)
        self._name_sizes()
        self.plot.setXRange(-0.7, max(len(sizes_ul) - 0.3, 0.7), padding=0)
        for item in (self._between, self._interval, self._point):
            item.setVisible(False)
        if estimate is None or len(estimate.mean_dff) != len(sizes_ul):
            self._means.setData([], [])
            self._errors.setData([], [])
            return
        mean = np.array([np.nan if v is None else v for v in estimate.mean_dff]) * PERCENT
        sem = np.array([np.nan if v is None else v for v in estimate.sem_dff]) * PERCENT
        met, sure = np.flatnonzero(np.isfinite(mean)), np.flatnonzero(np.isfinite(sem))
        brushes = [pg.mkBrush(self._theme.size_colour(int(k), len(sizes_ul))) for k in met]
        self._means.setData(met.astype(float), mean[met], brush=brushes)
        ends = np.stack([mean - sem, mean + sem], axis=1)[sure]
        self._errors.setData(np.repeat(sure.astype(float), 2), ends.ravel())
        if estimate.between_ul is not None:
            self._between.setRegion(tuple(scale.place(ul) for ul in estimate.between_ul))
            self._between.setVisible(True)
        if estimate.bayes_ul is not None and estimate.bayes_ci95_ul is not None:
            low, high = (scale.place(ul) for ul in estimate.bayes_ci95_ul)
            self._interval.setData(np.array([low, high]), np.zeros(2))
            self._point.setData([scale.place(estimate.bayes_ul)], [0.0])
            self._interval.setVisible(True)
            self._point.setVisible(True)
        _fit_y(self.plot, np.concatenate([mean[met], ends.ravel(), [0.0]]), LEAST_SPAN)

    def _name_sizes(self) -> None:
        """Name as many sizes as there is room for, the largest always."""
        ticks = self._scale.ticks()
        room = self.plot.getViewBox().width() / (1.2 * QFontMetrics(small_font()).horizontalAdvance("0.00"))
        step = max(1, math.ceil(len(ticks) / max(room, 1.0)))
        named = [(at, name if (len(ticks) - 1 - k) % step == 0 else "") for k, (at, name) in enumerate(ticks)]
        self.plot.getPlotItem().getAxis("bottom").setTicks([named])


class LatencyPlot:
    """How long a loop took: a histogram from the sample to the board's action.

    Attributes
    ----------
    plot
        The plot.
    """

    def __init__(self, theme: Theme) -> None:
        self.plot = themed_plot(theme, left="times", bottom="latency, ms")
        self.plot.getPlotItem().getAxis("left").setWidth(scaled(46))
        self._bars = pg.BarGraphItem(x=[0], height=[0], width=1.0, brush=theme.accent, pen=pg.mkPen(None))
        self._p99 = pg.InfiniteLine(angle=90, pen=pg.mkPen(theme.warn, width=scaled(2), style=Qt.DashLine))
        self.plot.addItem(self._bars, ignoreBounds=True)
        self.plot.addItem(self._p99, ignoreBounds=True)

    def draw(self, loop: LoopLatency | None) -> None:
        """Draw a loop's histogram; the last bin holds all that took longer."""
        counts = np.array(loop.counts if loop is not None else [0], dtype=np.float64)
        wide = loop.bin_ms if loop is not None else 0.5
        self._bars.setOpts(x=(np.arange(len(counts)) + 0.5) * wide, height=counts, width=wide)
        self._p99.setVisible(loop is not None and loop.total is not None)
        last = int(np.flatnonzero(counts).max(initial=8)) + 2
        if loop is not None and loop.total is not None:
            self._p99.setPos(min(loop.total.p99_ms, wide * len(counts)))
        self.plot.setXRange(0.0, min(last, len(counts)) * wide, padding=0)
        self.plot.setYRange(0.0, max(float(counts.max(initial=1.0)), 1.0) * 1.05, padding=0)


def _name_axis(axis: Any, label: str, colour: str) -> None:
    axis.setLabel(label, color=colour, **{"font-size": f"{small_font().pointSizeF() * 1.05:.1f}pt"})


def _shade(colour: str, alpha: int) -> Any:
    shade = QColor(colour)
    shade.setAlpha(alpha)
    return pg.mkBrush(shade)


def _fit_y(plot: Any, values: Floats, least: float, above: float = 0.0) -> None:
    """Show all values, with some room (and a share of the span more above them), and no less than a span."""
    known = values[np.isfinite(values)]
    if not len(known):
        return
    low, high = float(known.min()), float(known.max())
    spare = max(least - (high - low), 0.0) / 2 + 0.06 * (high - low)
    plot.setYRange(low - spare, high + spare + above * max(high - low, least), padding=0)
