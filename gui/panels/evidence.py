"""Classical or distributional: how probable each of four explanations is, and whether that is an answer."""

from __future__ import annotations

from typing import ClassVar, Final

import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QFontMetricsF

from gui.model import SessionModel
from gui.panel import Controls
from gui.plot import scaled, small_font, themed_plot
from gui.population_panel import AboutPopulation, because
from gui.stat_words import percent
from gui.theme import Theme
from rig.population.evidence import EXPLANATIONS, STANDARD_ERRORS, SURE
from rig.population.shapes import Evidence, HeldOutSigns, PopulationView

MEANING: Final = {
    "common": "one reversal point for all",
    "offset": "one for all, plus a constant each",
    "distributional": "each unit at its own expectile",
    "both": "expectiles, plus a constant each",
}
UNDECIDED: Final = "undecided"
SIGNS_PX: Final = 96
"""Height of the held-out signs."""
TALL_PX: Final = 330
"""From this height on they are drawn."""
FULL: Final = "  > 99 %  "
"""What may stand behind a full bar."""
NAMES_PX: Final = 118
WIDE_PX: Final = 520
"""From this width on each bar says what it means."""


class EvidencePanel(AboutPopulation):
    """Four bars and a word. The word is `undecided` unless the answer stands two tests.

    Attributes
    ----------
    bars
        Probability of each explanation, from the top.
    signs
        Share of unseen signs foretold, by one reversal point for all and by each unit's own.
    """

    title: ClassVar[str] = "evidence"
    order: ClassVar[int] = 120
    warns: ClassVar[str] = (
        "An answer is the best of these four stories, not the truth: saturation, drift and reversal points "
        "that differ for some other reason are in none of them. <i>Undecided</i> is an answer too."
    )
    warns_briefly: ClassVar[str] = (
        "The best of four stories, not the truth. <i>Undecided</i> is an answer too."
    )

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.because = self.plain_label()
        self.body.addWidget(self.because)
        self.plot = self._rows_plot(len(EXPLANATIONS))
        self.bars, self.values = self._rows(self.plot, len(EXPLANATIONS))
        self.needed = pg.InfiniteLine(SURE, pen=pg.mkPen(theme.text, width=1.5, style=Qt.DashLine))
        self.plot.addItem(self.needed, ignoreBounds=True)
        bottom = self.plot.getPlotItem().getAxis("bottom")
        size = f"{small_font().pointSizeF() * 1.05:.1f}pt"
        bottom.setLabel("probability, %", color=theme.faint, **{"font-size": size})
        bottom.setTicks([[(0, "0"), (0.25, "25"), (0.5, "50"), (SURE, f"{100 * SURE:.0f} % needed")]])
        self.body.addWidget(self.plot, 1)
        self.signs_words = self.plain_label()
        self.body.addWidget(self.signs_words)
        self.signs = self._rows_plot(2)
        self.signs.setFixedHeight(round(scaled(SIGNS_PX)))
        self.sign_bars, self.sign_values = self._rows(self.signs, 2)
        self.signs.getPlotItem().getAxis("left").setTicks([[(0, "one for all"), (1, "each its own")]])
        self.body.addWidget(self.signs)
        self.body.addWidget(self.warning)
        self.plot.getViewBox().sigResized.connect(lambda _: self._make_room())

    def _rows_plot(self, rows: int) -> pg.PlotWidget:
        plot = themed_plot(self.theme)
        plot.invertY(True)
        plot.setYRange(-0.6, rows - 0.4, padding=0)
        axis = plot.getPlotItem().getAxis("left")
        axis.setWidth(scaled(NAMES_PX))
        axis.setPen(pg.mkPen(None))
        axis.setTextPen(pg.mkPen(self.theme.text))
        axis.setStyle(tickLength=0)
        return plot

    def _rows(self, plot: pg.PlotWidget, rows: int) -> tuple[pg.BarGraphItem, list[pg.TextItem]]:
        bars = pg.BarGraphItem(
            x0=[0.0] * rows, y=list(range(rows)), width=[0.0] * rows, height=0.62, pen=None
        )
        plot.addItem(bars, ignoreBounds=True)
        values = []
        for k in range(rows):
            text = pg.TextItem(color=self.theme.text, anchor=(0.0, 0.5), fill=self.theme.raised)
            text.setFont(small_font(0.9))
            text.setZValue(10)
            text.setPos(0.0, k)
            plot.addItem(text, ignoreBounds=True)
            values.append(text)
        return bars, values

    # --- drawing ----------------------------------------------------------------------------------

    def why_empty(self, view: PopulationView) -> str | None:
        """Say why nothing was compared."""
        return because(view, "evidence") if view.population.evidence is None else None

    def draw(self, view: PopulationView) -> None:
        """Draw probabilities, the answer, and the signs."""
        found = view.population.evidence
        if found is None:
            return
        self.lead.setText(found.verdict)
        self.lead.setStyleSheet(
            f"color: {self.theme.text if found.verdict == UNDECIDED else self.theme.accent};"
        )
        self.because.setText(_because(found))
        self._draw_bars(found)
        self._draw_signs(found.held_out, because(view, "evidence.held_out"))

    def _draw_bars(self, found: Evidence) -> None:
        shares = [getattr(found, name) for name in EXPLANATIONS]
        soft = QColor(self.theme.accent)
        soft.setAlpha(110)
        brushes = [self.theme.accent if name == found.verdict else soft for name in EXPLANATIONS]
        self.bars.setOpts(width=shares, brushes=brushes)
        names = [f"▸ {name}" if name == found.verdict else name for name in EXPLANATIONS]
        self.plot.getPlotItem().getAxis("left").setTicks([list(enumerate(names))])
        self.plot.getPlotItem().getAxis("bottom").showLabel(self.height() >= scaled(TALL_PX))
        self._make_room()
        wide = self.width() >= scaled(WIDE_PX)
        for k, (name, share, text) in enumerate(zip(EXPLANATIONS, shares, self.values, strict=True)):
            meaning = f"  {MEANING[name]}" if wide and share < 0.45 else ""
            text.setText(f"{percent(share)}{meaning}")
            text.setPos(share + 0.01, k)
        self.plot.setToolTip(
            "\n".join(
                f"{name}: {MEANING[name]}, {percent(share, 1)}"
                for name, share in zip(EXPLANATIONS, shares, strict=True)
            )
        )

    def _make_room(self) -> None:
        """End the axis where the words behind a full bar end."""
        words = QFontMetricsF(small_font(0.9)).horizontalAdvance(FULL)
        width = max(float(self.plot.getViewBox().width()), 2 * words)
        self.plot.setXRange(0, width / (width - words), padding=0)

    def _draw_signs(self, found: HeldOutSigns | None, why: str) -> None:
        roomy = self.height() >= scaled(TALL_PX)
        self.signs.setVisible(found is not None and roomy)
        if found is None:
            self.signs_words.setText(f"Signs of unseen responses: {why}")
            return
        gain = 100 * (found.own - found.common)
        better = f"{abs(gain):.1f} ± {100 * found.gain_se:.1f} points {'better' if gain > 0 else 'worse'}"
        numbers = "" if roomy else f" ({percent(found.own, 1)}, {percent(found.common, 1)})"
        bold = f"<b style='color:{self.theme.text}'>{better}</b>"
        self.signs_words.setText(
            f"Signs of <i>unseen</i> responses: foretold {bold} by each unit's own reversal point than by "
            f"one for all{numbers}."
        )
        shares = [found.common, found.own]
        low = min(0.5, *shares)
        high = max(*shares) + 0.35 * (max(*shares) - low) + 0.02
        brushes = [self.theme.line, self.theme.accent]
        self.sign_bars.setOpts(x0=[low, low], width=[share - low for share in shares], brushes=brushes)
        self.signs.setXRange(low - 0.1 * (high - low), high, padding=0)
        ticks = [(k / 100, f"{k}") for k in range(55, 101, 5) if low <= k / 100 <= max(shares)]
        ticks.append((0.5, "chance"))
        self.signs.getPlotItem().getAxis("bottom").setTicks([ticks])
        for k, (share, text) in enumerate(zip(shares, self.sign_values, strict=True)):
            text.setText(percent(share, 1))
            text.setPos(share, k)


def _because(found: Evidence) -> str:
    """The answer in a sentence."""
    best = max(EXPLANATIONS, key=lambda name: float(getattr(found, name)))
    if found.verdict != UNDECIDED:
        meaning = MEANING[found.verdict].capitalize()
        return f"{meaning}: this explains the counts best, and it stands both tests."
    if getattr(found, best) < SURE:
        return f"No explanation reaches {100 * SURE:.0f} %: these trials do not tell them apart."
    return (
        f"<i>{best}</i> is probable enough, but unit by unit it is not {STANDARD_ERRORS:g} standard errors "
        "ahead of each rival."
    )
