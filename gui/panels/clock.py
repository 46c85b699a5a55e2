"""Every device's clock against the board's: what it is kept true by, how well, and how that went."""

from __future__ import annotations

import html
import math
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg

from gui.candid_panel import CandidPanel
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import scaled, themed_plot
from gui.theme import Theme
from rig.clock.health import ClockHealth

MOST_CURVES: Final = 6
MOST_DRAWN: Final = 600
"""Points of all devices; more than that are not told apart."""
LEFT_PX: Final = 60
LEAST_US: Final = 10.0
"""Of the residuals' axis, to either side."""
ALIKE: Final = 10.0
"""Devices whose residuals differ by less than this factor share a linear axis."""
DECADES_US: Final = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6)
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
        self.residual = themed_plot(theme, left="off")
        self.drift = themed_plot(theme, left="ppm", bottom="rig time, min")
        self.residual.getPlotItem().hideAxis("bottom")
        self.drift.setXLink(self.residual)
        self.residual.setToolTip(
            "How far each sync pulse lay from where it was expected; "
            "for devices that differ much, logarithmic beyond the middle"
        )
        self.drift.setToolTip("How much faster than it states a device's clock runs, in parts per million")
        for plot, share in ((self.residual, 1), (self.drift, 1)):
            plot.setMinimumHeight(36)
            plot.getPlotItem().getAxis("left").setWidth(scaled(LEFT_PX))
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
        points = [path.thinned(MOST_DRAWN // max(len(paths), 2)) for path in paths]
        known = [each[np.isfinite(each[:, 1])] for each in points]
        linear_us = self._fit_residual([np.abs(each[:, 1]) for each in known if len(each)])
        self._fit_drift([each[np.isfinite(each[:, 3]), 3] for each in points])
        for (dots, line), all_of, seen in zip(self._curves, points, known, strict=False):
            dots.setData(seen[:, 0] / 60.0, squeezed(seen[:, 1], linear_us))
            line.setData(all_of[:, 0] / 60.0, all_of[:, 3], connect="finite")
        for dots, line in self._curves[len(paths) :]:  # of another session
            dots.setData([], [])
            line.setData([], [])
        minutes = [each[:, 0] / 60.0 for each in points if len(each)]
        if minutes:
            begin = min(each[0] for each in minutes)
            end = max(begin + 0.5, *(each[-1] for each in minutes))
            self.residual.setXRange(begin, end, padding=0.01)

    def _fit_residual(self, sizes_us: list[npt.NDArray[np.float64]]) -> float:
        """Show all residuals; return up to where the axis is linear: all of it if the devices are alike."""
        tops = [float(np.percentile(size, 99)) for size in sizes_us]
        most, least = max([LEAST_US, *tops]), min(tops, default=LEAST_US)
        if most <= ALIKE * max(least, LEAST_US):
            linear, named = 1.2 * most, [_round_down(0.9 * most)]  # a wild pulse stays in sight
        else:
            linear = max([us for us in DECADES_US if us <= least], default=LEAST_US)
            decades = [us for us in DECADES_US if linear <= us <= most]
            room = self.residual.height() / (2.2 * self.residual.fontMetrics().height())
            named = decades[:: -max(1, math.ceil((2 * len(decades) + 1) / max(room, 1.0)))]
        ticks = [(0.0, "0")]
        for us in named:
            place = float(squeezed(np.array([us]), linear)[0])
            ticks += [(place, _length(us)), (-place, f"-{_length(us)}")]
        top = 1.2 * float(squeezed(np.array([most]), linear)[0])
        self.residual.setYRange(-top, top, padding=0)
        self.residual.getPlotItem().getAxis("left").setTicks([ticks])
        return linear

    def _fit_drift(self, drifts: list[npt.NDArray[np.float64]]) -> None:
        """Show the drifts as they settled; a clock's first guesses may lie far off."""
        found = np.concatenate([each[len(each) // 10 :] for each in drifts]) if drifts else np.zeros(0)
        if not found.size:
            return
        low, high = (float(value) for value in np.percentile(found, [2, 98]))
        spare = max(0.25 * (high - low), 2.0)
        self.drift.setYRange(low - spare, high + spare, padding=0)

    def _add_curves(self, k: int) -> tuple[pg.ScatterPlotItem, pg.PlotCurveItem]:
        colour = self.theme.series[k % len(self.theme.series)]
        dots = pg.ScatterPlotItem(
            size=scaled(4), symbol=SHAPES[k % len(SHAPES)], pen=pg.mkPen(None), brush=pg.mkBrush(colour)
        )
        line = pg.PlotCurveItem(pen=pg.mkPen(colour, width=scaled(1.6)))
        self.residual.addItem(dots)
        self.drift.addItem(line)
        return dots, line


def squeezed(us: npt.NDArray[np.float64], linear_us: float) -> npt.NDArray[np.float64]:
    """Microseconds on an axis that is linear within `linear_us` and logarithmic beyond.

    Examples
    --------
    >>> squeezed(np.array([-100.0, 0.0, 5.0, 10.0, 1000.0]), 10.0).tolist()
    [-2.0, 0.0, 0.5, 1.0, 3.0]
    """
    size = np.abs(us) / linear_us
    return np.asarray(np.sign(us) * np.where(size <= 1.0, size, 1.0 + np.log10(np.maximum(size, 1.0))))


def _round_down(us: float) -> float:
    """The next of 1, 2, 5, 10, ... at or below."""
    decade = 10.0 ** math.floor(math.log10(us))
    return max(step for step in (decade, 2 * decade, 5 * decade) if step <= us)


def clock_numbers(health: ClockHealth) -> list[str]:
    """A clock's figures in words; only those that are known."""
    found: list[str] = []
    if health.verdict == "lost":
        return found  # all of it is old
    if health.interval_us is not None:
        found.append(f"±{_length(health.interval_us)}")
    if health.residual_us is not None:
        sign = "-" if health.residual_us < 0 else "+"
        found.append(f"last pulse {sign}{_length(abs(health.residual_us))}")
    if health.ppm is not None:
        found.append(f"drift {health.ppm:+.0f} ppm")
    if health.missed >= 0.005:
        found.append(f"{health.missed:.0%} of pulses missed")
    return found


def _length(us: float) -> str:
    if us >= 1000:
        return f"{us / 1000:g} ms" if us % 1000 == 0 else f"{us / 1000:.1f} ms"
    return f"{us:.0f} us" if us >= 10 or us == round(us) else f"{us:.1f} us"


def _why_empty(model: SessionModel) -> str | None:
    if model.clocks.devices:
        return None
    if model.started is None:
        return "No session yet. Start one, or attach to one that is running."
    if model.state is not None and not model.state.streams and not model.state.sources:
        return "No device but the board in this session: there is no other clock."
    return "No device has been heard yet."
