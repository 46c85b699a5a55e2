"""One unit's response against reward size: trials, means, two slopes, and where they meet."""

from __future__ import annotations

import html
from typing import ClassVar

import numpy as np
import pyqtgraph as pg
from PyQt5.QtGui import QColor, QFontMetricsF
from PyQt5.QtWidgets import QHBoxLayout

from gui.kink import SizeMeans, kink, size_means
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import scaled, small_font, themed_plot
from gui.theme import Theme
from gui.unit_panel import AboutUnits
from gui.unit_words import interval, marked, ul
from gui.utility_scale import UtilityScale
from gui.why_empty import why_no_reversal, why_not_this_unit
from rig.documents import UnitEstimate
from rig.estimate.counts import BoolArray, FloatArray, IntArray

JITTER, MOST_JITTER_HZ = 0.4, 0.45
"""Trials of one size are spread to each side, up to this part of the way to the nearest other size."""
GOLDEN = 0.6180339887498949
MARK_ROWS = 1.05
"""Height of the row of an estimate's mark, in lines of text; three are kept free above the trials."""


class UnitPanel(AboutUnits):
    """The selected unit: whether its responses really change sign at its reversal point."""

    title: ClassVar[str] = "unit: response by size"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.ESTIMATES | Aspect.SELECTION
    order: ClassVar[int] = 20

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._scale = UtilityScale((), ())
        self._jitter = np.empty(0)
        self._build()

    def refresh(self, changed: Aspect) -> None:
        """Draw the selected unit."""
        model = self.model
        showed = self.shows_content
        if not self.show_unless(why_no_reversal(model) or why_not_this_unit(model)) or (
            showed and not changed & ~Aspect.STATE
        ):
            return
        estimate = model.estimates[str(model.selected)]
        if self._scale.axis_hz != model.axis_hz or self._scale.sizes_ul != model.sizes_ul:
            self._dress()
        self._say(estimate)
        size, response, signalled, trial = self._responses(estimate.unit)
        means = size_means(size, response, len(model.sizes_ul))
        self._draw_trials(size, response, signalled, trial)
        self._draw_means(means)
        self._draw_slopes(estimate, size, response)
        self._draw_marks(estimate)

    # --- building ---------------------------------------------------------------------------------

    def _build(self) -> None:
        theme = self.theme
        self.name = self.headline()
        self.legend = self.fitting()
        self.numbers = self.small()
        self.numbers.setWordWrap(True)
        buttons, self.label_in = self.choice("uL", "Hz")
        self.label_in.buttonClicked.connect(lambda _: self._label_axis())
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name)
        head.addWidget(self.legend, 1)
        head.addLayout(buttons)
        self.body.addLayout(head)
        self.body.addWidget(self.numbers)
        self.plot = themed_plot(theme, left="response, Hz")
        self.body.addWidget(self.plot, 1)
        self.plot.getPlotItem().getAxis("left").setWidth(scaled(46))
        self._font = small_font(0.8)
        self._mark_px = MARK_ROWS * QFontMetricsF(self._font).height()
        self._add_items()
        self.plot.getViewBox().sigResized.connect(lambda _: self._fit())

    def _add_items(self) -> None:
        theme = self.theme
        shade, faint, hollow = QColor(theme.accent), QColor(theme.text), QColor(theme.text)
        shade.setAlpha(30)
        faint.setAlpha(70)
        hollow.setAlpha(95)
        self.region = pg.LinearRegionItem(movable=False, brush=pg.mkBrush(shade), pen=pg.mkPen(None))
        self._zero = pg.InfiniteLine(angle=0, pos=0, pen=pg.mkPen(theme.faint, width=1))
        self._grid = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.line, width=1))
        self.signalled = pg.ScatterPlotItem(
            symbol="o", size=4.5, pen=pg.mkPen(None), brush=pg.mkBrush(faint), antialias=True
        )
        self.unsignalled = pg.ScatterPlotItem(
            symbol="t1", size=6, pen=pg.mkPen(hollow, width=1), brush=pg.mkBrush(None), antialias=True
        )
        self.slopes = pg.PlotCurveItem(pen=pg.mkPen(theme.accent, width=2.6), antialias=True)
        self.errors = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.text, width=1.8), antialias=True)
        self.means = pg.ScatterPlotItem(size=10, pen=pg.mkPen(theme.raised, width=1.2), antialias=True)
        self.point = pg.ScatterPlotItem(
            size=9, pen=pg.mkPen(theme.accent, width=2), brush=pg.mkBrush(theme.raised), antialias=True
        )
        self.marks = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.accent, width=2))
        below = (self._grid, self.region, self._zero, self.signalled, self.unsignalled)
        above = (self.slopes, self.point, self.errors, self.means, self.marks)
        for z, item in enumerate((*below, *above)):
            item.setZValue(z)
            self.plot.addItem(item, ignoreBounds=True)
        self.mark_names = [pg.TextItem(color=theme.text, anchor=(0.0, 0.5)) for _ in range(3)]
        for text in self.mark_names:
            text.setFont(self._font)
            text.setZValue(20)
            self.plot.addItem(text, ignoreBounds=True)

    def _dress(self) -> None:
        """Draw what does not change within a session."""
        model = self.model
        self._scale = UtilityScale(model.sizes_ul, model.axis_hz)
        low, high = model.axis_hz[0], model.axis_hz[-1]
        gaps = np.concatenate([[np.inf], np.diff(model.axis_hz), [np.inf]])
        self._jitter = np.minimum(JITTER * np.minimum(gaps[:-1], gaps[1:]), MOST_JITTER_HZ)
        self.plot.setXRange(low - 0.04 * (high - low), high + 0.04 * (high - low), padding=0)
        self._label_axis()

    def _fit(self) -> None:
        """Labels and marks are set apart in pixels: place them anew for another size."""
        if self.shows_content and self._scale.sizes_ul:
            self._label_axis()
            self.refresh(Aspect.SELECTION)

    def _label_axis(self) -> None:
        if not self._scale.sizes_ul:
            return
        axis = self.plot.getPlotItem().getAxis("bottom")
        view = self.plot.getViewBox()
        in_hz = self.label_in.checkedId() == 1
        per_hz = max(view.width(), 1.0) / max(view.viewRect().width(), 1e-9)
        axis.setTicks(self._scale.hz_ticks() if in_hz else self._scale.ticks(per_hz))
        axis.setLabel(
            "utility, Hz" if in_hz else "reward, uL  (spaced by utility)",
            color=self.theme.faint,
            **{"font-size": f"{small_font(0.9).pointSizeF():.1f}pt"},
        )

    # --- drawing ----------------------------------------------------------------------------------

    def _responses(self, unit: str) -> tuple[IntArray, FloatArray, BoolArray, IntArray]:
        """Size index, response in Hz on the estimator's scale, whether signalled, number: of each trial."""
        model = self.model
        index = {size: k for k, size in enumerate(model.sizes_ul)}
        answers = [a for a in model.responses.get(unit, ()) if a.counts and a.reward_ul in index]
        signalled = np.array([a.signalled for a in answers], dtype=bool)
        response = np.array([a.hz for a in answers], dtype=float)
        return (
            np.array([index[a.reward_ul] for a in answers], dtype=np.int64),
            response + np.where(signalled, 0.0, model.unsignalled_shift_hz),
            signalled,
            np.array([a.trial for a in answers], dtype=np.int64),
        )

    def _say(self, estimate: UnitEstimate) -> None:
        self.name.setText(marked(estimate.unit, self.model.tagged, self.model.vanished))
        self.legend.say(
            "● signalled  △ unsignalled   large: mean ± s.e.m.", "● signalled  △ unsignalled", "● cued △ free"
        )
        n = sum(estimate.n)
        if estimate.bayes_ul is None or estimate.bayes_ci95_ul is None:
            reason = estimate.reason or "too few responses for an estimate"
            self.numbers.setText(html.escape(reason))
            return
        parts = [
            f"<b style='color:{self.theme.text}'>{ul(estimate.bayes_ul)} uL</b>"
            f" ({interval(estimate.bayes_ci95_ul)})"
        ]
        if estimate.asymmetry_bayes is not None:
            tau = f"{estimate.asymmetry_bayes:.2f}"
            parts.append(f"asymmetry &tau; <b style='color:{self.theme.text}'>{tau}</b>")
        parts.append(f"n {n}")
        if estimate.flags:
            parts.append(f"<b style='color:{self.theme.warn}'>{html.escape(', '.join(estimate.flags))}</b>")
        self.numbers.setText(" &nbsp;&middot;&nbsp; ".join(parts))

    def _draw_trials(
        self, size: IntArray, response: FloatArray, signalled: BoolArray, trial: IntArray
    ) -> None:
        axis = np.asarray(self.model.axis_hz)
        x = axis[size] + self._jitter[size] * (2 * ((trial * GOLDEN) % 1.0) - 1)
        self.signalled.setData(x[signalled], response[signalled])
        self.unsignalled.setData(x[~signalled], response[~signalled])
        top = max(float(response.max(initial=4.0)), 4.0)
        bottom = min(float(response.min(initial=-4.0)), -4.0)
        share = min(3.5 * self._mark_px / max(self.plot.getViewBox().height(), 1.0), 0.4)
        room = (top - bottom) * share / (1 - share)
        self.plot.setYRange(bottom - 0.03 * (top - bottom), top + room, padding=0)
        self._grid.setData(np.repeat(axis, 2), np.tile([bottom - 100.0, top + 100.0], len(axis)))

    def _draw_means(self, means: SizeMeans) -> None:
        theme, sizes = self.theme, len(self.model.sizes_ul)
        axis = np.asarray(self.model.axis_hz)
        known = np.flatnonzero(means.n > 0)
        brushes = [pg.mkBrush(theme.size_colour(int(k), sizes)) for k in known]
        self.means.setData(axis[known], means.mean_hz[known], brush=brushes)
        sure = np.flatnonzero(means.n > 1)
        ends = np.stack([means.mean_hz - means.sem_hz, means.mean_hz + means.sem_hz], axis=1)[sure]
        self.errors.setData(np.repeat(axis[sure], 2), ends.ravel())

    def _draw_slopes(self, estimate: UnitEstimate, size: IntArray, response: FloatArray) -> None:
        known = estimate.bayes_hz is not None and estimate.bayes_ci95_hz is not None
        for item in (self.slopes, self.point, self.region):
            item.setVisible(known)
        if estimate.bayes_hz is None or estimate.bayes_ci95_hz is None:
            return
        axis = self.model.axis_hz
        fitted = kink(size, response, axis, estimate.bayes_hz)
        self.slopes.setData(*fitted.line(axis[0], axis[-1]))
        self.point.setData([estimate.bayes_hz], [0.0])
        self.region.setRegion(estimate.bayes_ci95_hz)

    def _draw_marks(self, estimate: UnitEstimate) -> None:
        """Mark the three estimates above the trials, each in a row of its own so that names never meet."""
        (x_low, x_high), (bottom, top) = self.plot.getViewBox().viewRange()
        row = (top - bottom) / max(self.plot.getViewBox().height(), 1.0) * self._mark_px
        points: list[tuple[float, float]] = []
        shown = (
            ("Bayes", estimate.bayes_hz, estimate.bayes_ul),
            ("isotonic", estimate.isotonic_hz, estimate.isotonic_ul),
            ("published", estimate.paper_hz, estimate.paper_ul),
        )
        for k, (text, (name, hz, volume)) in enumerate(zip(self.mark_names, shown, strict=True)):
            text.setVisible(hz is not None)
            if hz is None or volume is None:
                continue
            y = top - (k + 0.75) * row
            points += [(hz, y - 0.42 * row), (hz, y + 0.42 * row)]
            on_left = hz > x_low + 0.7 * (x_high - x_low)
            text.setAnchor((1.0, 0.5) if on_left else (0.0, 0.5))
            text.setText(f"{name} {ul(volume)}")
            text.setPos(hz, y)
        table = np.array(points, dtype=float).reshape(-1, 2)
        self.marks.setData(table[:, 0], table[:, 1])
