"""How one unit's estimate settled, on how many rewards of each size, and how far it still has to go."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyqtgraph as pg
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import QComboBox, QHBoxLayout

from gui.epoch_lines import EpochMarks
from gui.forecast import Forecast, Target, forecast, mean_reward_ul, roundly, targets, water_left_ul
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import SizeScale, scaled, small_font, themed_plot
from gui.theme import Theme
from gui.unit_panel import AboutUnits
from gui.unit_words import interval, marked, ul
from gui.why_empty import why_no_reversal, why_not_this_unit
from rig.documents import UnitEstimate

BARS_PX = 96
"""Width of the counts per size, beside the plot."""
WIDE_PX = 500
"""From this width on the interval is told in words too."""
ROUGH = "rough: the width is taken to shrink with one over the square root of the trials"


class SettlingPanel(AboutUnits):
    """Whether we can stop yet, as far as the selected unit goes."""

    title: ClassVar[str] = "unit: settling"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.ESTIMATES | Aspect.SELECTION
    order: ClassVar[int] = 40

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._scale = SizeScale(())
        self._targets: list[Target] = []
        self._build()

    def refresh(self, changed: Aspect) -> None:
        """Draw the selected unit."""
        model = self.model
        showed = self.shows_content
        if not self.show_unless(why_no_reversal(model) or why_not_this_unit(model)) or (
            showed and not changed & ~Aspect.STATE
        ):
            return
        if self._scale.sizes_ul != tuple(model.sizes_ul) or changed & Aspect.SESSION:
            self._dress()
        estimate = model.estimates[str(model.selected)]
        self.name.setText(marked(estimate.unit, model.tagged, model.vanished))
        self._say(estimate)
        self._draw_path(estimate.unit)
        self._draw_counts(estimate)
        self.epochs.draw(model.epoch_marks)

    # --- building ---------------------------------------------------------------------------------

    def _build(self) -> None:
        theme = self.theme
        self.name = self.headline()
        self.now = self.small()
        self.target = QComboBox()
        self.target.activated.connect(lambda _: self.refresh(Aspect.ESTIMATES))
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.name)
        head.addWidget(self.now, 1)
        head.addWidget(self.target)
        self.body.addLayout(head)
        self.left = self.small()
        self.left.setWordWrap(True)
        self.left.setToolTip(ROUGH)
        self.body.addWidget(self.left)

        self.plot = themed_plot(theme, left="reversal point, uL", bottom="rewarded trial")
        self.plot.getPlotItem().getAxis("left").setWidth(scaled(46))
        self.counts = themed_plot(theme, bottom="n per size")
        self.counts.setFixedWidth(BARS_PX)
        self.counts.getPlotItem().hideAxis("left")
        sizes = self.counts.getPlotItem().getAxis("bottom")
        sizes.setTicks([[]])
        sizes.setPen(pg.mkPen(None))
        sizes.setTextPen(theme.faint)  # the label too went by the pen
        self.counts.setYLink(self.plot)
        plots = QHBoxLayout()
        plots.setSpacing(0)
        plots.addWidget(self.plot, 1)
        plots.addWidget(self.counts)
        self.body.addLayout(plots, 1)
        self._add_items()

    def _add_items(self) -> None:
        theme = self.theme
        shade, edge = QColor(theme.accent), QColor(theme.accent)
        shade.setAlpha(40)
        edge.setAlpha(120)
        self._grid = pg.PlotCurveItem(connect="pairs", pen=pg.mkPen(theme.line, width=1))
        self.low = pg.PlotCurveItem(pen=pg.mkPen(edge, width=1))
        self.high = pg.PlotCurveItem(pen=pg.mkPen(edge, width=1))
        self.band = pg.FillBetweenItem(self.low, self.high, brush=pg.mkBrush(shade))
        self.path = pg.PlotCurveItem(pen=pg.mkPen(theme.accent, width=2.2), antialias=True)
        self.newest = pg.ScatterPlotItem(size=9, pen=pg.mkPen(theme.accent, width=2), antialias=True)
        for item in (self._grid, self.band, self.low, self.high, self.path, self.newest):
            self.plot.addItem(item, ignoreBounds=True)
        self.epochs = EpochMarks(self.plot, theme)
        self.bars = pg.BarGraphItem(x0=[], y=[], width=[], height=0.6)
        self.counts.addItem(self.bars, ignoreBounds=True)
        self._font = small_font(0.8)
        self.bar_names: list[pg.TextItem] = []

    def _dress(self) -> None:
        """Draw what does not change within a session."""
        model = self.model
        self._scale = SizeScale(model.sizes_ul)
        self._scale.dress(self.plot.getPlotItem().getAxis("left"))
        last = max(len(model.sizes_ul) - 1, 1)
        self.plot.setYRange(-0.45, last + 0.45, padding=0)
        for text in self.bar_names:
            self.counts.removeItem(text)
        self.bar_names = []
        for k in range(len(model.sizes_ul)):
            text = pg.TextItem("", color=self.theme.text, anchor=(0.0, 0.5))
            text.setFont(self._font)
            text.setPos(0, k)
            self.counts.addItem(text, ignoreBounds=True)
            self.bar_names.append(text)
        chosen = self.target.currentText()
        self._targets = targets(model)
        self.target.clear()
        self.target.addItems([target.word for target in self._targets])
        self.target.setCurrentIndex(max(self.target.findText(chosen), 0))

    # --- words ------------------------------------------------------------------------------------

    def _say(self, estimate: UnitEstimate) -> None:
        ends = estimate.bayes_ci95_ul
        if estimate.bayes_ul is None or ends is None:
            self.now.setText(f"n {sum(estimate.n)}")
        else:
            about = f" ({interval(ends)})" if self.width() >= WIDE_PX else ""
            self.now.setText(f"<b style='color:{self.theme.text}'>{ul(estimate.bayes_ul)} uL</b>{about}")
        target = self._targets[max(self.target.currentIndex(), 0)]
        self.left.setText(self._what_is_left(target, forecast(estimate, target, mean_reward_ul(self.model))))

    def _what_is_left(self, target: Target, found: Forecast) -> str:
        unit = "Hz" if target.in_hz else "uL"
        aim = f"&plusmn;{target.half_width:g} {unit}"
        now = f"now &plusmn;{found.half_width:.2f} {unit}; " if found.half_width is not None else ""
        if found.trials is None or found.water_ul is None:
            return f"{now}{found.reason}"
        if found.trials == 0:
            return f"{now}<b style='color:{self.theme.good}'>{aim} is reached</b>"
        count = roundly(found.trials)
        text = (
            f"{now}to {aim} roughly <b style='color:{self.theme.text}'>{count} more rewarded"
            f" trial{'s' * (count != 1)}</b>, about {found.water_ul / 1000:.2f} mL"
        )
        left = water_left_ul(self.model)
        if left is not None and found.water_ul > left and not self.model.over:
            text += (
                f" &middot; <b style='color:{self.theme.warn}'>more than the {left / 1000:.2f} mL left</b>"
                " under this session's ceiling"
            )
        return text

    # --- drawing ----------------------------------------------------------------------------------

    def _draw_path(self, unit: str) -> None:
        path = self.model.settled_path(unit)
        trial = path[:, 0]
        # What is not known stays NaN: the line has a gap where another epoch began.
        places = np.array([self._scale.place(v) for v in path[:, 1:].ravel().tolist()]).reshape(-1, 3)
        places[np.isnan(path).any(axis=1)] = np.nan
        self.path.setData(trial, places[:, 0], connect="finite")
        self.low.setData(trial, places[:, 1], connect="finite")
        self.high.setData(trial, places[:, 2], connect="finite")
        settled = "not settled" not in self.model.estimates[unit].flags
        brush = pg.mkBrush(self.theme.accent if settled else self.theme.raised)
        known = np.flatnonzero(np.isfinite(places[:, 0]))[-1:]
        self.newest.setData(trial[known], places[known, 0], brush=brush)
        marks = self.model.epoch_marks
        last = max(float(self.model.rewarded + (marks[-1].rewarded if marks else 0)), 20.0)
        self.plot.setXRange(0, last * 1.02, padding=0)
        rows = np.repeat(np.arange(len(self._scale.sizes_ul), dtype=float), 2)
        self._grid.setData(np.tile([0.0, last * 1.1], len(rows) // 2), rows)

    def _draw_counts(self, estimate: UnitEstimate) -> None:
        n = np.array(estimate.n, dtype=float)
        most = max(float(n.max(initial=0.0)), 1.0)
        places = np.arange(len(n), dtype=float)
        brushes = [pg.mkBrush(self.theme.size_colour(k, len(n))) for k in range(len(n))]
        self.bars.setOpts(
            x0=np.zeros(len(n)), y=places, width=n, height=0.6, brushes=brushes, pen=pg.mkPen(None)
        )
        for text, k, count in zip(self.bar_names, places, estimate.n, strict=False):
            text.setText(str(count))
            text.setPos(float(count), float(k))
        self.counts.setXRange(0, most * 1.6, padding=0)
