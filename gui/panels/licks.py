"""Lick rate around the first event or the reward, by condition."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor

from gui.behaviour_panel import BehaviourPanel
from gui.lick_book import ALIGNMENTS, Alignment, LickBook
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import themed_plot
from gui.theme import Theme
from gui.words import plain

BIN_S: Final = 0.1
MOST_CONDITIONS: Final = 6
STYLES: Final = (Qt.SolidLine, Qt.DashLine, Qt.DotLine, Qt.DashDotLine, Qt.SolidLine, Qt.DashLine)
SIGNS: Final = ("━━", "╍╍", "┅┅", "━·", "━━", "╍╍")


class Course:
    """One condition's line, with the band of its standard error."""

    def __init__(self, plot: pg.PlotWidget, colour: str, style: Qt.PenStyle) -> None:
        soft = QColor(colour)
        soft.setAlpha(50)
        self.colour = colour
        self.low = pg.PlotCurveItem(pen=None, connect="finite")
        self.high = pg.PlotCurveItem(pen=None, connect="finite")
        self.band = pg.FillBetweenItem(self.low, self.high, brush=pg.mkBrush(soft))
        self.line = pg.PlotCurveItem(pen=pg.mkPen(colour, width=2.5, style=style), connect="finite")
        for item in (self.band, self.line):
            plot.addItem(item, ignoreBounds=True)
        self.top = 0.0

    def draw(self, at_s: npt.NDArray[np.float64], rates_hz: npt.NDArray[np.float64]) -> None:
        """Draw the mean over trials; `rates_hz` has shape (trials, bins) with NaN for what is not known."""
        mean, sem = mean_and_sem(rates_hz)
        self.line.setData(at_s, mean)
        self.low.setData(at_s, mean - sem)
        self.high.setData(at_s, mean + sem)
        self.top = float(np.nanmax(mean + np.nan_to_num(sem), initial=0.0))

    def remove(self, plot: pg.PlotWidget) -> None:
        """Take it off the plot."""
        for item in (self.band, self.line):
            plot.removeItem(item)

    def clear(self) -> None:
        """Draw nothing."""
        for item in (self.line, self.low, self.high):
            item.setData([], [])
        self.top = 0.0


class LicksPanel(BehaviourPanel):
    """Licks a second in bins of 0.1 s: mean over trials and its standard error.

    Attributes
    ----------
    courses
        Condition -> its line, in the order in which the conditions came up.
    """

    title: ClassVar[str] = "licks"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.TRIALS
    order: ClassVar[int] = 30

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.aligned: Alignment = ALIGNMENTS[0]
        self.align_buttons = self.alignment()
        self.align_buttons.idClicked.connect(self._align)
        self.plot = themed_plot(theme, left="licks, Hz", bottom="seconds from the first event")
        self.plot.addItem(pg.InfiniteLine(0.0, pen=pg.mkPen(theme.faint, style=Qt.DashLine)))
        self.reward = pg.InfiniteLine(pen=pg.mkPen(theme.reward, style=Qt.DotLine), label="reward")
        self.reward.label.setColor(theme.reward)
        self.reward.label.setPosition(0.94)
        self.plot.addItem(self.reward)
        self.body.addWidget(self.plot, 1)
        self.courses: dict[str, Course] = {}
        self.book = LickBook()
        self._rates = np.zeros((0, 0))
        self._edges = np.zeros(0)
        self._shape: tuple[Alignment, tuple[float, float]] | None = None

    def refresh(self, changed: Aspect) -> None:
        """Take in what is new; draw the means."""
        first = self.book.take(self.model.records)
        if self.show_unless(self._why_empty()):
            self._draw(first)

    def _why_empty(self) -> str | None:
        trials = len(self.book.records)
        if not trials:
            return "No trial has finished yet. Lick rates are drawn from the first one on."
        if not self.book.licks_s().size:
            count = "the first trial" if trials == 1 else f"{trials} trials"
            return (
                f"No lick in {count}. Is the lick detector connected, and has its input 'lick' in its name?"
            )
        if not np.isfinite(self.book.events_s("first event")).any():
            return "There is no cue and no reward in these trials, so nothing to draw licks around."
        return None

    def _align(self, choice: int) -> None:
        self.aligned = ALIGNMENTS[choice]
        self.plot.getAxis("bottom").setLabel(f"seconds from the {self.aligned}")
        self._draw(0)

    # --- drawing ----------------------------------------------------------------------------------

    def _draw(self, first: int) -> None:
        window = self.book.window_s(self.aligned)
        if self._shape != (self.aligned, window):
            self._shape, first = (self.aligned, window), 0
            bins = round((window[1] - window[0]) / BIN_S)
            self._edges = np.linspace(window[0], window[1], bins + 1)
            self.plot.setXRange(*window, padding=0)
        events = self.book.events_s(self.aligned)
        first = min(first, len(self._rates))
        fresh = self.book.rates_hz(events[first:], self._edges)
        self._rates = np.concatenate([self._rates[:first], fresh]) if first else fresh
        self._draw_courses(np.isfinite(events))

    def _draw_courses(self, aligned: npt.NDArray[np.bool_]) -> None:
        conditions = np.array([record.spec.condition for record in self.book.records])
        numbers = np.array([record.number for record in self.book.records], dtype=np.int64)
        aligned = aligned & (numbers >= self.model.first_trial)
        at_s = (self._edges[:-1] + self._edges[1:]) / 2
        names = self._in_order(conditions.tolist())
        if not set(self.courses) <= set(names):
            self._forget()
        for course in self.courses.values():
            course.clear()
        parts, left_out = [], set()
        for place, condition in enumerate(names):
            mine = aligned & (conditions == condition)
            if not mine.any():
                continue
            if place >= MOST_CONDITIONS:
                left_out.add(condition)
                continue
            course = self._course(condition, place)
            course.draw(at_s, self._rates[mine])
            words = plain(condition).replace(" ", "&nbsp;")
            sign = f'<span style="color:{course.colour}"><b>{SIGNS[place]}</b></span>'
            parts.append(f"{sign}&nbsp;{words}&nbsp;({mine.sum()})")
        if left_out:
            parts.append(f"and {len(left_out)} more conditions, not drawn")
        if self.model.epoch is not None:
            parts.append(f"since&nbsp;trial&nbsp;{self.model.first_trial + 1}")
        self.legend.setText(" &nbsp; ".join(parts))
        self._place_reward()
        top = max((course.top for course in self.courses.values()), default=0.0)
        self.plot.setYRange(0.0, max(top * 1.1, 1.0), padding=0)

    def _in_order(self, seen: list[str]) -> list[str]:
        """Conditions as they are declared, so that each keeps its colour from day to day; others follow."""
        declared = self.model.session_declared
        return list(dict.fromkeys([*(kind.condition for kind in declared), *seen]))

    def _forget(self) -> None:
        """Begin anew: another session has conditions of its own."""
        for course in self.courses.values():
            course.remove(self.plot)
        self.courses = {}

    def _course(self, condition: str, place: int) -> Course:
        if condition not in self.courses:
            self.courses[condition] = Course(self.plot, self.theme.series[place], STYLES[place])
        return self.courses[condition]

    def _place_reward(self) -> None:
        """Mark when the reward usually comes, if it does not stand at zero."""
        delays = self.book.events_s("reward") - self.book.events_s("first event")
        delays = delays[delays > 0]
        self.reward.setVisible(self.aligned == "first event" and delays.size > 0)
        if delays.size:
            self.reward.setValue(float(np.median(delays)))


def mean_and_sem(rates: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean over rows and its standard error, NaN where none (or for the error, only one) is known.

    Examples
    --------
    >>> mean_and_sem(np.array([[1.0, np.nan], [3.0, 5.0]]))
    (array([2., 5.]), array([ 1., nan]))
    """
    known = np.isfinite(rates)
    n = known.sum(axis=0)
    values = np.where(known, rates, 0.0)
    mean = np.full(rates.shape[1], np.nan)
    np.divide(values.sum(axis=0), n, out=mean, where=n > 0)
    squares = np.where(known, (rates - mean) ** 2, 0.0).sum(axis=0)
    variance = np.full(rates.shape[1], np.nan)
    np.divide(squares, n - 1, out=variance, where=n > 1)
    return mean, np.sqrt(variance / np.maximum(n, 1))
