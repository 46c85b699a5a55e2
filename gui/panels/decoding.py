"""The reward distribution that the units stand for, against the one that was delivered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import QHBoxLayout

from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import scaled, small_font, themed_plot
from gui.population_panel import AboutPopulation, because
from gui.theme import Theme
from gui.utility_scale import UtilityScale
from rig.population.shapes import Decoding, PopulationView

CONVEX, PUBLISHED = 0, 1
WAYS: Final = ("convex", "published")
LEFT_PX: Final = 46
GOLDEN: Final = 0.6180339887498949

FloatArray = npt.NDArray[np.float64]


class DecodingPanel(AboutPopulation):
    """Two distributions above; below, how far ours is from the delivered one, among its shuffles.

    Attributes
    ----------
    delivered, decoded
        Outlines of both, as densities on the utility axis: equal areas are equal probabilities.
    low, high
        The 95 % band of the decoded one.
    shuffles, ours
        Distances with shuffled asymmetries, and ours.
    """

    title: ClassVar[str] = "decoding"
    order: ClassVar[int] = 130
    warns: ClassVar[str] = (
        "Reversal points and asymmetries are from <b>different</b> halves of the trials. From the same "
        "trials this would beat its shuffles even without any code: an error in one is an error in the "
        "other. What counts is the gap to the shuffles; a smooth guess alone is already close."
    )
    warns_briefly: ClassVar[str] = (
        "From <b>different</b> halves: from the same trials it would beat its shuffles without any code."
    )

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._scale = UtilityScale((), ())
        buttons, self.way = self.choice(*WAYS, chosen=CONVEX)
        self.way.buttonClicked.connect(lambda _: self.refresh(Aspect.POPULATION))
        self.head.addLayout(buttons)
        self.legend = self.plain_label()
        self.body.addWidget(self.legend)
        self.plot = themed_plot(theme, left="share per Hz", bottom="reward, uL  (spaced by utility)")
        self.plot.getPlotItem().getAxis("left").setWidth(scaled(LEFT_PX))
        self.plot.getPlotItem().getAxis("left").enableAutoSIPrefix(False)
        self.strip = themed_plot(theme, left="distance, Hz", bottom="shuffled")
        self.strip.getPlotItem().getAxis("left").setWidth(scaled(LEFT_PX))
        self.strip.getPlotItem().getAxis("bottom").setTicks([[]])
        self.strip.setXRange(0, 1, padding=0)
        plots = QHBoxLayout()
        plots.setSpacing(4)
        plots.addWidget(self.plot, 7)
        plots.addWidget(self.strip, 3)
        self.body.addLayout(plots, 1)
        self.body.addWidget(self.warning)
        self._add_items()
        self.plot.getViewBox().sigResized.connect(self._label_axis)

    def _add_items(self) -> None:
        theme = self.theme
        colour = theme.series[1]
        band, grey = QColor(colour), QColor(theme.faint)
        band.setAlpha(55)
        grey.setAlpha(70)
        self.delivered = pg.PlotCurveItem(fillLevel=0, brush=pg.mkBrush(grey), pen=pg.mkPen(theme.faint))
        self.low, self.high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
        self.band = pg.FillBetweenItem(self.low, self.high, brush=pg.mkBrush(band))
        self.decoded = pg.PlotCurveItem(pen=pg.mkPen(colour, width=2.6), antialias=True)
        self.decoded.setSegmentedLineMode("on")
        for item in (self.delivered, self.band, self.decoded):
            self.plot.addItem(item, ignoreBounds=True)
        dot = QColor(theme.text)
        dot.setAlpha(90)
        self.shuffles = pg.ScatterPlotItem(size=scaled(5), pen=pg.mkPen(None), antialias=True)
        self.shuffles.setBrush(pg.mkBrush(dot))
        self.line = pg.InfiniteLine(angle=0, pen=pg.mkPen(colour, width=2.5))
        self.ours = pg.ScatterPlotItem(
            size=scaled(13),
            symbol="d",
            pen=pg.mkPen(theme.raised, width=1.2),
            brush=pg.mkBrush(colour),
            antialias=True,
        )
        self.ours_name = pg.TextItem("ours", color=theme.text, anchor=(1.0, 0.0))
        self.ours_name.setFont(small_font(0.9))
        for item in (self.shuffles, self.line, self.ours, self.ours_name):
            self.strip.addItem(item, ignoreBounds=True)

    # --- drawing ----------------------------------------------------------------------------------

    def why_empty(self, view: PopulationView) -> str | None:
        """Say why nothing was decoded."""
        told = view.population.decoding
        if told.convex is None and told.published is None:
            return because(view, "decoding.convex")
        return None

    def draw(self, view: PopulationView) -> None:
        """Draw both distributions and the control."""
        told = view.population.decoding
        for k, one in enumerate((told.convex, told.published)):
            button = self.way.button(k)
            button.setVisible(told.convex is not None and told.published is not None)
            button.setEnabled(one is not None)
        wanted = told.published if self.way.checkedId() == PUBLISHED else told.convex
        found = wanted or told.convex or told.published
        if found is None:
            return
        self._scale = UtilityScale(view.sizes_ul, view.utility_axis_hz)
        self._draw_distributions(found, view)
        self._draw_control(found)

    def _draw_distributions(self, found: Decoding, view: PopulationView) -> None:
        x = np.asarray(found.x_hz)
        width = np.gradient(x)
        edges = cells(view.utility_axis_hz)
        share = np.asarray(view.figures.delivered) / np.diff(edges)
        self.delivered.setData(edges, share, stepMode="center")
        density = np.asarray(found.p) / width
        self.decoded.setData(x, density)
        banded = len(found.p_low) == len(x)
        self.band.setVisible(banded)
        top = [density.max(), share.max(initial=0.0)]
        if banded:
            self.low.setData(x, np.asarray(found.p_low) / width)
            self.high.setData(x, np.asarray(found.p_high) / width)
            top.append(float(np.quantile(np.asarray(found.p_high) / width, 0.9)))
        self.plot.setXRange(float(edges[0]), float(edges[-1]), padding=0.01)
        self.plot.setYRange(0, max(top) * 1.12, padding=0)
        self._label_axis()

    def _label_axis(self) -> None:
        if not self._scale.axis_hz:
            return
        view = self.plot.getViewBox()
        per_hz = max(view.width(), 1.0) / max(view.viewRect().width(), 1e-9)
        self.plot.getPlotItem().getAxis("bottom").setTicks(self._scale.ticks(per_hz))

    def _draw_control(self, found: Decoding) -> None:
        shuffled = np.asarray(found.shuffled_hz, dtype=float)
        closer = int((found.wasserstein_hz < shuffled).sum())
        beaten = f"beats {closer} of {shuffled.size} shuffles"
        self.lead.setText(beaten if shuffled.size else "no control")
        theme = self.theme
        drawn = (
            f'<span style="color:{theme.faint}">▇</span> delivered &nbsp;'
            f'<b style="color:{theme.series[1]}">━</b> decoded, with its 95 % band'
        )
        self.legend.setText(f"{drawn} &nbsp;&middot;&nbsp; {self._distances(found.wasserstein_hz, shuffled)}")
        across = 0.15 + 0.7 * ((np.arange(shuffled.size) * GOLDEN) % 1.0)
        self.shuffles.setData(across, shuffled)
        self.line.setValue(found.wasserstein_hz)
        self.ours.setData([0.5], [found.wasserstein_hz])
        self.ours_name.setPos(0.98, found.wasserstein_hz)
        top = max(float(shuffled.max(initial=0.0)), found.wasserstein_hz)
        self.strip.setYRange(0, top * 1.1 + 0.05, padding=0)

    def _distances(self, ours: float, shuffled: FloatArray) -> str:
        def bold(hz: float) -> str:
            return f"<b style='color:{self.theme.text}'>{hz:.2f}&nbsp;Hz</b>"

        if not shuffled.size:
            return f"distance {bold(ours)}"
        return f"distance {bold(ours)}, shuffled {bold(float(np.median(shuffled)))}"


def cells(axis_hz: Sequence[float]) -> FloatArray:
    """Edges of the stretch of the axis that is nearest to each size, shape (sizes + 1,).

    A probability over the width of its stretch is a density, and so can be drawn beside another one.

    Examples
    --------
    >>> cells([0.0, 1.0, 4.0]).tolist()
    [-0.5, 0.5, 2.5, 5.5]
    """
    u = np.asarray(axis_hz, dtype=float)
    middle = (u[:-1] + u[1:]) / 2
    return np.concatenate([[2 * u[0] - middle[0]], middle, [2 * u[-1] - middle[-1]]])
