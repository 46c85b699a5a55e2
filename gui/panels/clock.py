"""Every device's clock against the board's: what it is kept true by, how well, and how that went."""

from __future__ import annotations

import html
from typing import ClassVar, Final

import numpy as np
import pyqtgraph as pg

from gui.candid_panel import CandidPanel
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import themed_plot
from gui.theme import Theme
from rig.clock.health import ClockHealth

MOST_CURVES: Final = 6
MARKS: Final = {"ok": "●", "poor": "▲", "lost": "■"}
SHAPES: Final = ("o", "t1", "s", "d", "t", "star")


class ClockPanel(CandidPanel):
    """One line a device, and the residuals and the drift over the session.

    Attributes
    ----------
    lines
        What is known now.
    residual, drift
        The plots.
    """

    title: ClassVar[str] = "clocks"
    area: ClassVar[str] = "bottom"
    order: ClassVar[int] = 30
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.CLOCKS

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.lines = self.small()
        self.lines.setWordWrap(True)
        self.body.addWidget(self.lines)
        self.residual = themed_plot(theme, left="off, us")
        self.drift = themed_plot(theme, left="ppm", bottom="rig time, min")
        self.residual.getPlotItem().hideAxis("bottom")
        self.drift.setXLink(self.residual)
        self.residual.setToolTip("How far the newest sync pulse lay from where it was expected")
        self.drift.setToolTip("How much faster than it states a device's clock runs, in parts per million")
        for plot, share in ((self.residual, 1), (self.drift, 1)):
            plot.setMinimumHeight(36)
            plot.getPlotItem().getAxis("left").setWidth(52)
            plot.getPlotItem().getAxis("left").setStyle(maxTickLevel=0)
            self.body.addWidget(plot, share)
        self._zero = pg.InfiniteLine(angle=0, pos=0, pen=pg.mkPen(theme.line))
        self.residual.addItem(self._zero, ignoreBounds=True)
        self._curves: list[tuple[pg.ScatterPlotItem, pg.PlotCurveItem]] = []

    def refresh(self, changed: Aspect) -> None:
        """Draw what has changed."""
        devices = self.model.clocks.devices
        if not self.show_unless(_why_empty(self.model)):
            return
        rows = [
            self._line(k, name, path.newest)
            for k, (name, path) in enumerate(devices.items())
            if path.newest is not None
        ]
        self.lines.setText("<br>".join(rows))
        if changed & (Aspect.CLOCKS | Aspect.SESSION):
            self._draw()

    def _line(self, k: int, name: str, health: ClockHealth) -> str:
        theme = self.theme
        colour = {"ok": theme.good, "poor": theme.warn, "lost": theme.bad}[health.verdict]
        device = theme.series[k % len(theme.series)]
        numbers = ", ".join(clock_numbers(health))
        reason = f" <span style='color:{colour}'>{html.escape(health.reason)}</span>" if health.reason else ""
        return (
            f"<span style='color:{colour}'>{MARKS[health.verdict]} {health.verdict}</span> "
            f"<b style='color:{device}'>{html.escape(name)}</b> {html.escape(health.source)}"
            f"{': ' if numbers else ''}{numbers}{reason}"
        )

    def _draw(self) -> None:
        paths = list(self.model.clocks.devices.values())[:MOST_CURVES]
        while len(self._curves) < len(paths):
            self._curves.append(self._add_curves(len(self._curves)))
        most, drifts = 5.0, []
        for (dots, line), path in zip(self._curves, paths, strict=False):
            points = path.points
            known = points[np.isfinite(points[:, 1])]
            dots.setData(known[:, 0] / 60.0, known[:, 1])
            line.setData(points[:, 0] / 60.0, points[:, 3], connect="finite")
            if known.size:
                most = max(most, 1.2 * float(np.percentile(np.abs(known[:, 1]), 99)))
            drifts.append(points[np.isfinite(points[:, 3]), 3])
        self.residual.setYRange(-most, most, padding=0)
        found = np.concatenate(drifts) if drifts else np.zeros(0)
        middle = float(np.median(found)) if found.size else 0.0
        half = max(2.0, 1.2 * float(np.abs(found - middle).max(initial=0.0)))
        self.drift.setYRange(middle - half, middle + half, padding=0)
        ends = [path.points[-1, 0] / 60.0 for path in paths if len(path.points)]
        begins = [path.points[0, 0] / 60.0 for path in paths if len(path.points)]
        if ends:
            self.residual.setXRange(min(begins), max(*ends, min(begins) + 0.5), padding=0.01)

    def _add_curves(self, k: int) -> tuple[pg.ScatterPlotItem, pg.PlotCurveItem]:
        colour = self.theme.series[k % len(self.theme.series)]
        dots = pg.ScatterPlotItem(
            size=4, symbol=SHAPES[k % len(SHAPES)], pen=pg.mkPen(None), brush=pg.mkBrush(colour)
        )
        line = pg.PlotCurveItem(pen=pg.mkPen(colour, width=1.6))
        self.residual.addItem(dots)
        self.drift.addItem(line)
        return dots, line


def clock_numbers(health: ClockHealth) -> list[str]:
    """A clock's figures in words; only those that are known."""
    found = []
    if health.interval_us is not None:
        found.append(f"±{_length(health.interval_us)}")
    if health.residual_us is not None:
        found.append(f"newest pulse {health.residual_us:+.0f} us off")
    if health.ppm is not None:
        found.append(f"drift {health.ppm:+.0f} ppm")
    if health.missed >= 0.005:
        found.append(f"{health.missed:.0%} of pulses missed")
    return found


def _length(us: float) -> str:
    if us >= 1000:
        return f"{us / 1000:.1f} ms"
    return f"{us:.0f} us" if us >= 10 else f"{us:.1f} us"


def _why_empty(model: SessionModel) -> str | None:
    if model.clocks.devices:
        return None
    if model.started is None:
        return "No session yet. Start one, or attach to one that is running."
    if model.state is not None and not model.state.streams and not model.state.sources:
        return "No device but the board in this session: there is no other clock."
    return "No device has been heard yet."
