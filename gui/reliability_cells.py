"""The small plots of the reliability panel: a line of words, and below it points, a histogram or bars."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QResizeEvent
from PyQt5.QtWidgets import QLabel, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from gui.fitting_label import FittingLabel
from gui.plot import scaled, small_font, themed_plot
from gui.theme import Theme
from gui.unit_scatter import UnitScatter
from gui.utility_scale import UtilityScale

LABELLED_PX: Final = 150
"""From this height of a plot on its axes are named (they are named on hovering anyway)."""
LEFT_PX: Final = 34
BINS: Final = 40
BETWEEN_PX: Final = 3.0


class Cell(QWidget):
    """Two lines of words above a plot, or a sentence that says why there is no plot.

    Parameters
    ----------
    axes
        What the axes are, in few words: said in the second line where they have no room for their names.

    Attributes
    ----------
    words
        What is to be read at a glance.
    detail
        Below it and always in sight: P, or of how many.
    why
        The sentence in the plot's place.
    brief
        What it is called where there is little room.
    """

    def __init__(self, theme: Theme, name: str, bottom: str, left: str, axes: str = "") -> None:
        super().__init__()
        self.theme, self.name, self.axes = theme, name, axes
        self.brief = name.partition(",")[0]
        self.bottom, self.left = bottom, left
        self._value: str | None = None
        self._more: tuple[str, ...] = ()
        self._what = ""
        self._roomy: bool | None = None
        self.words = QLabel()
        self.words.setTextFormat(Qt.RichText)
        self.words.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        font = QFont(self.font())
        font.setPointSizeF(self.font().pointSizeF() * 0.9)
        self.words.setFont(font)
        self.words.setStyleSheet(f"color: {theme.faint};")
        self.detail = FittingLabel()
        self.detail.setFont(small_font())
        self.detail.setStyleSheet(f"color: {theme.text};")
        self.why = QLabel()
        self.why.setFont(font)
        self.why.setWordWrap(True)
        self.why.setAlignment(Qt.AlignCenter)
        self.why.setStyleSheet(f"color: {theme.faint};")
        self._page = QWidget()
        self._stack = QStackedLayout()
        self._stack.addWidget(self._page)
        self._stack.addWidget(self.why)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.words)
        column.addWidget(self.detail)
        column.addLayout(self._stack, 1)

    def hold(self, plot: QWidget) -> None:
        """Put the plot below the words."""
        inside = QVBoxLayout(self._page)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(plot)

    def explain(self, what: str) -> None:
        """Say what the plot shows, and what it should show: on hovering over the words."""
        self._what = what
        self.words.setToolTip(f"<p>{html.escape(what)}</p>")

    def say(self, value: str | None, more: tuple[str, ...], why: str) -> None:
        """Say the statistic, or why there is none.

        Parameters
        ----------
        value
            To be read from afar; None if there is none.
        more
            Below it: wordings, the longest first.
        """
        self._value, self._more = value, more
        self._stack.setCurrentIndex(0 if value is not None else 1)
        self.why.setText(why)
        self._write()

    def _write(self) -> None:
        parts = [html.escape(self.name if self._room(self.name, self._value) else self.brief)]
        if self._value is not None:
            size = f"{self.font().pointSizeF() * 1.05:.1f}pt"
            style = f"color:{self.theme.text}; font-size:{size}"
            parts.append(f"&nbsp;<b style='{style}'>{html.escape(self._value)}</b>")
        self.words.setText(" ".join(parts))
        self._write_detail()
        more = f"<p><b>{html.escape(self._more[0])}</b></p>" if self._more else ""
        axes = f"<p>across: {html.escape(self.bottom)}; upwards: {html.escape(self.left)}</p>"
        self.words.setToolTip(f"<p>{html.escape(self._what)}</p>{more}{axes}")

    def _write_detail(self) -> None:
        """The longest wording that fits; with the axes, if the plot does not name them."""
        named = self._roomy or not self.axes
        with_axes = () if named else tuple(f"{more} · {self.axes}" for more in self._more)
        self.detail.setVisible(self._value is not None)
        self.detail.say(*sorted((*with_axes, *self._more), key=len, reverse=True))

    def _room(self, words: str, value: str | None) -> bool:
        """Whether there is room for words, and for the value in bold."""
        bold = QFont(self.font())
        bold.setBold(True)
        wanted = QFontMetricsF(self.words.font()).horizontalAdvance(f"{words}  ")
        return wanted + 1.05 * QFontMetricsF(bold).horizontalAdvance(value or "") <= self.width()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Say the whole name where there is room."""
        super().resizeEvent(event)
        self._write()

    def name_axes(self, plot: pg.PlotWidget) -> None:
        """Name the axes of a plot where it is high enough, else leave the room to the points."""
        roomy = plot.height() >= scaled(LABELLED_PX)
        if roomy is self._roomy:
            return
        self._roomy = roomy
        self._write_detail()
        size = f"{small_font().pointSizeF():.1f}pt"
        for side, label in (("bottom", self.bottom), ("left", self.left)):
            axis = plot.getPlotItem().getAxis(side)
            axis.setLabel(label, color=self.theme.faint, **{"font-size": size})
            axis.showLabel(roomy)
        plot.getPlotItem().getAxis("left").setWidth(scaled(LEFT_PX + 16 * roomy))


class ScatterCell(Cell):
    """One point a unit; reversal points on uL axes, or a reversal point against something else."""

    def __init__(self, theme: Theme, name: str, bottom: str, left: str, axes: str = "") -> None:
        super().__init__(theme, name, bottom, left, axes)
        self.scatter = UnitScatter(theme)
        self.hold(self.scatter)
        self._scale = UtilityScale((), ())
        self._both = False
        self.scatter.plot.getViewBox().sigResized.connect(self._fit)

    def show_pairs(
        self, units: Sequence[str], pairs: Sequence[tuple[float | None, float | None]], scale: UtilityScale
    ) -> None:
        """Draw two reversal points of each unit against each other, in Hz of utility."""
        self._scale, self._both = scale, True
        self.scatter.show_points(units, [one for one, _ in pairs], [other for _, other in pairs])
        span = _span(np.concatenate([self.scatter.across, self.scatter.upwards]), scale)
        self.scatter.set_ranges(span, span)
        self.scatter.guide.setData(np.array(span), np.array(span))
        self._fit()

    def show_against(
        self,
        units: Sequence[str],
        values: tuple[Sequence[float | None], Sequence[float | None]],
        scale: UtilityScale,
        span: tuple[float, float],
        guide: float | None = None,
    ) -> None:
        """Draw something of each unit against its reversal point.

        Parameters
        ----------
        values
            Reversal points in Hz of utility, and what is drawn against them.
        span
            How much of the latter is shown.
        guide
            A dashed line to compare it with.
        """
        self._scale, self._both = scale, False
        self.scatter.show_points(units, *values)
        across = _span(self.scatter.across, scale)
        self.scatter.set_ranges(across, span)
        level = [] if guide is None else [guide, guide]
        self.scatter.guide.setData(np.array(across if level else []), np.array(level))
        self._fit()

    def tell(self, unit: str) -> str:
        """One unit's name and values as rich text."""
        k = self.scatter.units.index(unit)
        x, y = float(self.scatter.across[k]), float(self.scatter.upwards[k])
        across, upwards = self._in_ul(x), self._in_ul(y) if self._both else f"{y:.2f}"
        return (
            f"<b>{html.escape(unit)}</b><br>{html.escape(self.bottom)}: {across}"
            f"<br>{html.escape(self.left)}: {upwards}"
        )

    def _in_ul(self, hz: float) -> str:
        return f"{np.interp(hz, self._scale.axis_hz, self._scale.sizes_ul):.2f}"

    def _fit(self) -> None:
        """Choose the ticks that have room."""
        plot = self.scatter.plot
        self.name_axes(plot)
        if not self._scale.axis_hz:
            return
        view = plot.getViewBox()
        (left, right), (bottom, top) = view.viewRange()
        item = plot.getPlotItem()
        per_hz = max(view.width(), 1.0) / max(right - left, 1e-9)
        item.getAxis("bottom").setTicks(self._scale.ticks(per_hz, within=(left, right)))
        if self._both:
            per_hz = max(view.height(), 1.0) / max(top - bottom, 1e-9)
            item.getAxis("left").setTicks(self._scale.ticks(per_hz, apart_px=14.0, within=(bottom, top)))


class HistogramCell(Cell):
    """How often each R came out over the partitions."""

    def __init__(self, theme: Theme, name: str, bottom: str, left: str) -> None:
        super().__init__(theme, name, bottom, left)
        self.plot = themed_plot(theme)
        self.bars = pg.BarGraphItem(x=[], height=[], width=0.05, brush=_soft(theme.accent), pen=None)
        self.zero = pg.InfiniteLine(0.0, pen=pg.mkPen(theme.faint, width=1, style=Qt.DashLine))
        self.mean = pg.InfiniteLine(0.0, pen=pg.mkPen(theme.text, width=2))
        for item in (self.bars, self.zero, self.mean):
            self.plot.addItem(item, ignoreBounds=True)
        _mute(self.plot, self)
        self.hold(self.plot)
        self.plot.getViewBox().sigResized.connect(lambda: self.name_axes(self.plot))

    def show_values(self, values: Sequence[float], mean: float | None) -> None:
        """Draw the histogram and the mean."""
        found = np.asarray(values, dtype=float)
        low = min(-0.2, float(np.floor(found.min(initial=0.0) * 10) / 10))
        count, edges = np.histogram(found, bins=BINS, range=(low, 1.0))
        width = float(edges[1] - edges[0])
        self.bars.setOpts(x=(edges[:-1] + edges[1:]) / 2, height=count, width=width)
        self.mean.setVisible(mean is not None)
        if mean is not None:
            self.mean.setValue(mean)
        self.plot.setXRange(low, 1.0, padding=0.01)
        self.plot.setYRange(0, max(int(count.max(initial=0)), 1) * 1.05, padding=0)
        self.name_axes(self.plot)


class BarsCell(Cell):
    """Units up (above zero, filled) and down (below zero, outlined) at each size."""

    def __init__(self, theme: Theme, name: str, bottom: str, left: str) -> None:
        super().__init__(theme, name, bottom, left)
        self.plot = themed_plot(theme)
        self.up = pg.BarGraphItem(x=[], height=[], width=0.7, brush=theme.accent, pen=None)
        self.down = pg.BarGraphItem(x=[], height=[], width=0.7, brush=None)
        self.down.setOpts(pen=pg.mkPen(theme.series[1], width=2))
        self.zero = pg.InfiniteLine(0.0, angle=0, pen=pg.mkPen(theme.faint, width=1))
        for item in (self.up, self.down, self.zero):
            self.plot.addItem(item, ignoreBounds=True)
        self.plot.getPlotItem().getAxis("left").setTicks([[]])
        self.counts: list[pg.TextItem] = []
        _mute(self.plot, self)
        self.hold(self.plot)
        self._shown: tuple[tuple[float, int, int], ...] = ()
        self.plot.getViewBox().sigResized.connect(lambda: self.show_bars(self._shown))

    def show_bars(self, up_down: Sequence[tuple[float, int, int]]) -> None:
        """Draw (size in uL, units up, units down), sizes ascending."""
        self._shown = tuple(up_down)
        ups = [(k, up) for k, (_, up, _) in enumerate(up_down) if up]
        downs = [(k, -down) for k, (_, _, down) in enumerate(up_down) if down]
        for bars, found in ((self.up, ups), (self.down, downs)):
            bars.setOpts(x=[k for k, _ in found], height=[height for _, height in found])
        item = self.plot.getPlotItem()
        item.getAxis("bottom").setTicks(self._size_ticks([size for size, _, _ in up_down]))
        most = max((max(up, down) for _, up, down in up_down), default=1)
        self._count(up_down)
        self.plot.setXRange(-0.6, max(len(up_down) - 0.4, 0.4), padding=0)
        line = 1.2 * QFontMetricsF(small_font(0.75)).height()
        written = min(2 * line / max(float(self.plot.getViewBox().height()), 1.0), 0.6)
        room = max(most, 1) / (1.0 - written)
        self.plot.setYRange(-room, room, padding=0)
        self.plot.setToolTip("\n".join(f"{size:g} uL: {up} up, {down} down" for size, up, down in up_down))
        self.name_axes(self.plot)

    def _size_ticks(self, sizes_ul: Sequence[float]) -> list[list[tuple[int, str]]]:
        """Every size if there is room for its name, else every second one, or third: the largest always."""
        names = [f"{size:g}" for size in sizes_ul]
        widest = max(map(QFontMetricsF(small_font()).horizontalAdvance, names), default=0.0) + BETWEEN_PX
        each = max(float(self.plot.getViewBox().width()), 1.0) / max(len(names), 1)
        step = max(int(np.ceil(widest / each)), 1)
        return [[(k, name) for k, name in enumerate(names) if (len(names) - 1 - k) % step == 0], []]

    def _count(self, up_down: Sequence[tuple[float, int, int]]) -> None:
        """Write every count at the end of its bar."""
        while len(self.counts) < 2 * len(up_down):
            text = pg.TextItem(color=self.theme.text, anchor=(0.5, 1.0 - len(self.counts) % 2))
            text.setFont(small_font(0.75))
            self.plot.addItem(text, ignoreBounds=True)
            self.counts.append(text)
        for k, text in enumerate(self.counts):
            size, down = divmod(k, 2)
            text.setVisible(size < len(up_down) and up_down[size][1 + down] > 0)
            if text.isVisible():
                count = up_down[size][1 + down]
                text.setText(str(count))
                text.setPos(size, -count if down else count)


class _Deaf(QObject):
    """Keeps the wheel and the buttons from moving a plot."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        return event.type() in {QEvent.Wheel, QEvent.MouseButtonPress, QEvent.MouseMove}


def _mute(plot: pg.PlotWidget, parent: QObject) -> None:
    plot.viewport().installEventFilter(_Deaf(parent))


def _soft(colour: str) -> QColor:
    soft = QColor(colour)
    soft.setAlpha(150)
    return soft


def _span(values: npt.NDArray[np.float64], scale: UtilityScale) -> tuple[float, float]:
    """A stretch of the utility axis that holds the values, from a size to a size: it seldom moves."""
    u = np.asarray(scale.axis_hz)
    if not u.size:
        return 0.0, 1.0
    low = u[np.flatnonzero(u <= values.min(initial=u[-1]))[-1:]]
    high = u[np.flatnonzero(u >= values.max(initial=u[0]))[:1]]
    ends = float(low[0]) if low.size else float(u[0]), float(high[0]) if high.size else float(u[-1])
    margin = 0.05 * (ends[1] - ends[0])
    return ends[0] - margin, ends[1] + margin
