"""Raster of past trials: licks, cues and rewards around the first event or the reward."""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QColor, QWheelEvent
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QScrollBar

from gui.behaviour_panel import BehaviourPanel
from gui.epoch_lines import EpochLines
from gui.lick_book import ALIGNMENTS, Alignment, LickBook
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import themed_plot
from gui.theme import Theme
from gui.words import plain
from rig.trial.spec import TrialRecord
from rig.units import US_PER_S

ROW_PX: Final = 6
FEWEST_ROWS: Final = 12
MOST_ROWS: Final = 400
CUE_SIGNS: Final = ("■", "□", "▬", "▭")
"""Cues in the order in which they came up: filled, outlined, and both again at half the height."""


class TrialsPanel(BehaviourPanel):
    """One row a trial, the newest at the bottom. Only the rows in view are drawn, however many there are.

    Attributes
    ----------
    aligned
        What stands at zero.
    bar
        Which trials are in view; at its end it follows the newest.
    rows
        Trials that have the event, oldest first, as numbers into the session's records.
    """

    title: ClassVar[str] = "past trials"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.TRIALS
    order: ClassVar[int] = 20

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.aligned: Alignment = ALIGNMENTS[0]
        self.align_buttons = self.alignment()
        self.align_buttons.idClicked.connect(self._align)
        self.sizes = self.small()
        self.body.addWidget(self.sizes)
        self.plot = themed_plot(theme, left="← trial", bottom="seconds from the first event")
        self.plot.invertY(True)
        self.plot.setToolTip("One row a trial, the newest at the bottom. The wheel scrolls.")
        self.zero = pg.InfiniteLine(0.0, pen=pg.mkPen(theme.faint, style=Qt.DashLine))
        self.plot.addItem(self.zero)
        self.epochs = EpochLines(self.plot, theme)
        self.rewards = pg.ScatterPlotItem(pxMode=True)
        self.rewards.setZValue(5)
        self.plot.addItem(self.rewards, ignoreBounds=True)
        self.licks: list[pg.PlotCurveItem] = []
        self.cues: dict[str, pg.BarGraphItem] = {}
        self.bar = QScrollBar(Qt.Vertical)
        self.bar.setRange(0, 0)
        self.bar.valueChanged.connect(self._draw)
        self.plot.viewport().installEventFilter(self)
        self.plot.getViewBox().sigResized.connect(self._resized)
        line = QHBoxLayout()
        line.setSpacing(2)
        line.addWidget(self.plot, 1)
        line.addWidget(self.bar)
        self.body.addLayout(line, 1)
        self.book = LickBook()
        self.rows: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def refresh(self, changed: Aspect) -> None:
        """Take in what is new; draw the rows in view."""
        self.book.take(self.model.records)
        why = None if self.book.records else "No trial has finished yet. Each becomes a row here."
        if self.show_unless(why):
            self._find_rows()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Let the wheel over the plot scroll."""
        if isinstance(event, QWheelEvent):
            self.bar.setValue(self.bar.value() - event.angleDelta().y() // 24)
            return True
        return super().eventFilter(watched, event)

    def _resized(self) -> None:
        """More room shows more trials."""
        if self.shows_content:
            self._find_rows()

    # --- which rows -------------------------------------------------------------------------------

    def _align(self, choice: int) -> None:
        self.aligned = ALIGNMENTS[choice]
        self.plot.getAxis("bottom").setLabel(f"seconds from the {self.aligned}")
        self._find_rows()

    def _find_rows(self) -> None:
        follows = self.bar.value() == self.bar.maximum()
        self.rows = np.flatnonzero(np.isfinite(self.book.events_s(self.aligned)))
        room = int(np.clip(self.plot.getViewBox().height() // ROW_PX, FEWEST_ROWS, MOST_ROWS))
        last = max(len(self.rows) - room, 0)
        self.bar.blockSignals(True)
        self.bar.setRange(0, last)
        self.bar.setPageStep(room)
        if follows:
            self.bar.setValue(last)
        self.bar.blockSignals(False)
        self.bar.setVisible(last > 0)
        self._draw()

    # --- drawing ----------------------------------------------------------------------------------

    def _draw(self) -> None:
        top, room = self.bar.value(), self.bar.pageStep()
        shown = self.rows[top : top + room]
        window = self.book.window_s(self.aligned)
        trials = [self.book.records[k] for k in shown]
        events = self.book.events_s(self.aligned)[shown]
        colours = np.array([self._colour_of(record) for record in trials], dtype=np.int64)
        self._draw_licks(events, colours, window)
        self._draw_cues(trials, events)
        self._draw_rewards(trials, events, colours)
        self.epochs.draw(trials, self.model.epochs, window)
        self.plot.setXRange(*window, padding=0)
        self.plot.setYRange(-0.7, max(len(shown), FEWEST_ROWS) - 0.3, padding=0)
        step = next(n for n in (1, 2, 5, 10, 20, 50, 100) if n * 8 >= len(shown) or n == 100)
        ticks = [(j, f"{r.number + 1}") for j, r in enumerate(trials) if (r.number + 1) % step == 0]
        self.plot.getAxis("left").setTicks([ticks])
        self._explain()

    def _colour_of(self, record: TrialRecord) -> int:
        """Number of the trial's declared size; -1 for no reward, and for a size that was not declared."""
        sizes = self.model.session_sizes_ul
        given = record.reward_us is not None and record.spec.reward_ul in sizes
        return sizes.index(record.spec.reward_ul) if given else -1

    def _colour(self, index: int) -> str:
        return (
            self.theme.lick if index < 0 else self.theme.size_colour(index, len(self.model.session_sizes_ul))
        )

    def _draw_licks(
        self, events: npt.NDArray[np.float64], colours: npt.NDArray[np.int64], window: tuple[float, float]
    ) -> None:
        licks = self.book.licks_s()
        first = np.searchsorted(licks, events + window[0])
        counts = np.searchsorted(licks, events + window[1]) - first
        row = np.repeat(np.arange(len(events)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        x = licks[first[row] + within] - events[row]
        while len(self.licks) <= len(self.model.session_sizes_ul):
            curve = pg.PlotCurveItem(connect="pairs")
            self.licks.append(curve)
            self.plot.addItem(curve, ignoreBounds=True)
        for k, curve in enumerate(self.licks):
            mine = colours[row] == k - 1
            y = np.repeat(row[mine].astype(np.float64), 2)
            y[0::2] -= 0.42
            y[1::2] += 0.42
            curve.setPen(pg.mkPen(self._colour(k - 1), width=1))
            curve.setData(np.repeat(x[mine], 2), y)

    def _draw_cues(self, trials: list[TrialRecord], events: npt.NDArray[np.float64]) -> None:
        bars: dict[str, list[tuple[int, float, float]]] = {name: [] for name in self._cue_names(trials)}
        for j, (record, event) in enumerate(zip(trials, events, strict=True)):
            cue = record.spec.cue
            if cue is None or record.cue_us is None or cue not in bars:
                continue
            at = (record.start_us + record.cue_us) / US_PER_S - event
            bars[cue].append((j, at, _cue_s(record, cue)))
        for name, found in bars.items():
            if name not in self.cues:
                self.cues[name] = self._cue_item(len(self.cues))
            rows, starts, lasted = zip(*found, strict=True) if found else ((), (), ())
            self.cues[name].setOpts(x0=list(starts), y=list(rows), width=list(lasted))

    def _cue_names(self, trials: list[TrialRecord]) -> list[str]:
        """Cues as they are declared, so that each keeps its sign in every window; others follow."""
        declared = self.model.session_declared
        seen = [*self.cues, *(record.spec.cue for record in trials)]
        names = dict.fromkeys([*(kind.cue for kind in declared), *seen])
        return [name for name in names if name is not None][: len(CUE_SIGNS)]

    def _cue_item(self, number: int) -> pg.BarGraphItem:
        soft = QColor(self.theme.cue)
        soft.setAlpha(110)
        outlined = number % 2 == 1
        item = pg.BarGraphItem(
            x0=[],
            y=[],
            width=[],
            height=0.9 if number < 2 else 0.4,
            pen=pg.mkPen(self.theme.cue, width=1.2) if outlined else pg.mkPen(None),
            brush=pg.mkBrush(None) if outlined else pg.mkBrush(soft),
        )
        item.setZValue(-5)
        self.plot.addItem(item, ignoreBounds=True)
        return item

    def _draw_rewards(
        self,
        trials: list[TrialRecord],
        events: npt.NDArray[np.float64],
        colours: npt.NDArray[np.int64],
    ) -> None:
        given = [j for j, record in enumerate(trials) if record.reward_us is not None]
        at = [(trials[j].start_us + (trials[j].reward_us or 0)) / US_PER_S - events[j] for j in given]
        many = max(len(self.model.session_sizes_ul) - 1, 1)
        self.rewards.setData(
            x=at,
            y=given,
            size=[4.0 + 5.0 * max(colours[j], 0) / many for j in given],
            brush=[pg.mkBrush(self._colour(int(colours[j]))) for j in given],
            pen=pg.mkPen(self.theme.raised, width=0.7),
        )

    def _explain(self) -> None:
        """Say what the colours and signs mean."""
        sizes = self.model.session_sizes_ul
        biggest = max(len(sizes) - 1, 1)
        small = 0.8 * self.font().pointSizeF()
        style = [
            f"color:{self._colour(k)}; font-size:{small * (1 + 0.5 * k / biggest):.1f}pt"
            for k in range(len(sizes))
        ]
        dots = [f'<span style="{style[k]}">●</span>&nbsp;{size:g}' for k, size in enumerate(sizes)]
        cues = [
            f'<span style="color:{self.theme.cue}">{CUE_SIGNS[k]}</span>&nbsp;{plain(cue)}'
            for k, cue in enumerate(self.cues)
        ]
        left_out = len(self.book.records) - len(self.rows)
        if left_out:
            what = "a reward" if self.aligned == "reward" else "an event"
            cues.append(f"({left_out} without {what}: left out)")
        self._say(self.sizes, " ".join([*dots, "uL"]) if sizes else "")
        self._say(self.legend, " &nbsp;".join(["| lick", *cues]))

    @staticmethod
    def _say(label: QLabel, words: str) -> None:
        if label.text() != words:
            label.setText(words)
            label.setVisible(bool(words))


def _cue_s(record: TrialRecord, cue: str) -> float:
    """How long the cue lasted."""
    on = record.cue_us or 0
    off = next((c.at_us for c in record.outputs if c.name == cue and not c.on and c.at_us > on), None)
    return ((record.duration_us if off is None else off) - on) / US_PER_S
