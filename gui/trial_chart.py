"""One trial along a time axis: a row for each state, output and input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PyQt5.QtGui import QColor

from gui.plot import themed_plot
from gui.theme import Theme
from gui.words import plain
from rig.trial.spec import LineChange, StateVisit
from rig.units import US_PER_S

LOWEST_ROW_PX: Final = 13
"""Below this, names would touch: all states then share one row, and write their names into their blocks."""
HIGHEST_ROW_PX: Final = 64
MOST_ROWS: Final = 24
SHORTEST_AXIS_S: Final = 8.0
NAMES: Final = 12


class TrialChart:
    """Draws states, outputs and inputs; what is still going on grows with the time it is given.

    Parameters
    ----------
    is_valve
        Tells the valves from the other outputs, which are drawn as cues.

    Attributes
    ----------
    plot
        The widget.
    rows
        The names on the vertical axis, from the top; a name once seen keeps its place.
    usual_s
        How long trials mostly last: the time axis is never shorter, so that it need not jump.
    """

    def __init__(self, theme: Theme, is_valve: Callable[[str], bool]) -> None:
        self.theme = theme
        self._is_valve = is_valve
        self.plot = themed_plot(theme, bottom="seconds since the trial began")
        self.plot.invertY(True)
        self.plot.getAxis("left").setTextPen(pg.mkPen(theme.text))
        self.plot.showGrid(x=True, alpha=0.15)
        self.plot.getAxis("bottom").setZValue(-1)  # the grid behind the bars
        self.states = pg.BarGraphItem(x0=[], y=[], width=[], height=0.8)
        self.outputs = pg.BarGraphItem(x0=[], y=[], width=[], height=0.7)
        self.licks = pg.PlotCurveItem(pen=pg.mkPen(theme.lick, width=1.5), connect="pairs")
        self.now = pg.InfiniteLine(pen=pg.mkPen(theme.accent, width=2))
        self.now.setZValue(10)
        for item in (self.states, self.outputs, self.licks, self.now):
            self.plot.addItem(item, ignoreBounds=True)
        self._names = [pg.TextItem(color=theme.text, anchor=(0, 0.5)) for _ in range(NAMES)]
        for name in self._names:
            name.hide()
            self.plot.addItem(name, ignoreBounds=True)
        self._state_rows: list[str] = []
        self._line_rows: list[str] = []
        self.rows: list[str] = []
        self._drawn: tuple[Sequence[StateVisit], Sequence[LineChange], Sequence[LineChange]] = ((), (), ())
        self._axis_s = 0.0
        self._bottom = 0.0
        self.usual_s = SHORTEST_AXIS_S

    # --- what rows there are ----------------------------------------------------------------------

    def learn(
        self, states: Iterable[StateVisit], outputs: Iterable[LineChange], inputs: Iterable[LineChange]
    ) -> None:
        """Make room for every name; states stand in the order in which they are passed through."""
        place = 0
        for visit in states:
            if visit.name in self._state_rows:
                place = self._state_rows.index(visit.name) + 1
            elif len(self._state_rows) < MOST_ROWS:
                self._state_rows.insert(place, visit.name)
                place += 1
        for change in (*outputs, *inputs):
            if change.name not in self._line_rows and len(self._line_rows) < MOST_ROWS:
                self._line_rows.append(change.name)
        self._line_rows.sort(key=self._rank)

    def _rank(self, name: str) -> int:
        """Cues above valves above licks."""
        return 2 if "lick" in name.lower() else int(self._is_valve(name))

    def forget(self) -> None:
        """Another session: its rows are its own."""
        self._state_rows, self._line_rows = [], []

    @property
    def in_one_row(self) -> bool:
        """Whether there is no room for a row a state."""
        rows = len(self._state_rows) + len(self._line_rows)
        return bool(self.plot.getViewBox().height() < LOWEST_ROW_PX * rows)

    # --- drawing ----------------------------------------------------------------------------------

    def show(
        self,
        states: Sequence[StateVisit],
        outputs: Sequence[LineChange],
        inputs: Sequence[LineChange],
        *,
        until_us: int,
        running: bool,
    ) -> None:
        """Draw one trial as it stands `until_us` after its start; faint if it is not running."""
        self._drawn = (states, outputs, inputs)
        self._lay_rows()
        onsets = [change for change in inputs if change.on and change.name in self._line_rows]
        x = np.repeat([change.at_us / US_PER_S for change in onsets], 2)
        y = np.repeat([float(self.rows.index(change.name)) for change in onsets], 2)
        y[0::2] -= 0.32
        y[1::2] += 0.32
        self.licks.setData(x, y)
        for item in (self.states, self.outputs, self.licks):
            item.setOpacity(1.0 if running else 0.45)
        self.now.setVisible(running)
        self.grow(until_us)

    def grow(self, until_us: int) -> None:
        """Let what is going on reach `until_us`."""
        states, outputs, _ = self._drawn
        self._draw_states(states, until_us)
        self._draw_outputs(outputs, until_us)
        self.now.setValue(until_us / US_PER_S)
        wanted = max(
            SHORTEST_AXIS_S, *(4.0 * np.ceil((s + 0.5) / 4.0) for s in (until_us / US_PER_S, self.usual_s))
        )
        if wanted != self._axis_s:
            self._axis_s = wanted
            self.plot.setXRange(0.0, wanted, padding=0.01)

    def _lay_rows(self) -> None:
        states = ["state"] if self.in_one_row else self._state_rows
        rows = [*states, *self._line_rows]
        bottom = max(len(rows) - 0.4, float(self.plot.getViewBox().height()) / HIGHEST_ROW_PX - 0.6)
        if rows == self.rows and bottom == self._bottom:
            return
        self.rows, self._bottom = rows, bottom
        self.plot.getAxis("left").setTicks([[(k, plain(name)) for k, name in enumerate(rows)]])
        self.plot.setYRange(-0.6, bottom, padding=0)

    def _draw_states(self, states: Sequence[StateVisit], until_us: int) -> None:
        alone = self.rows[:1] == ["state"] and "state" not in self._state_rows
        shown = [(k, visit) for k, visit in enumerate(states) if visit.name in self._state_rows]
        starts = [visit.at_us / US_PER_S for _, visit in shown]
        ends = [_until(states, k, until_us) / US_PER_S for k, _ in shown]
        rows = [0 if alone else self.rows.index(visit.name) for _, visit in shown]
        running = self.now.isVisible()
        current = [running and k == len(states) - 1 for k, _ in shown]
        self.states.setOpts(
            x0=starts,
            width=[max(end - start, 0.0) for start, end in zip(starts, ends, strict=True)],
            y=rows,
            brushes=[_soft(self.theme.accent) if now else self.theme.state for now in current] or None,
            pens=[pg.mkPen(self.theme.accent if now else self.theme.faint) for now in current] or None,
        )
        blocks = [(a, b, visit.name) for a, b, (_, visit) in zip(starts, ends, shown, strict=True)]
        self._write_names(blocks if alone else [])

    def _draw_outputs(self, outputs: Sequence[LineChange], until_us: int) -> None:
        bars = list(_stretches(outputs, until_us))
        bars = [bar for bar in bars if bar[0] in self._line_rows]
        colours = [self.theme.reward if self._is_valve(name) else self.theme.cue for name, _, _ in bars]
        self.outputs.setOpts(
            x0=[start / US_PER_S for _, start, _ in bars],
            width=[(end - start) / US_PER_S for _, start, end in bars],
            y=[self.rows.index(name) for name, _, _ in bars],
            brushes=colours or None,
            # A drop is milliseconds: the outline keeps it to be seen on an axis of many seconds.
            pens=[pg.mkPen(colour, width=3) for colour in colours] or None,  # an empty list breaks it
        )

    def _write_names(self, blocks: list[tuple[float, float, str]]) -> None:
        """Write names into the blocks that are wide enough for them."""
        box = self.plot.getViewBox()
        second_px = box.width() / max(self._axis_s or SHORTEST_AXIS_S, 1e-9)
        fitting = [block for block in blocks if (block[1] - block[0]) * second_px > 8 * len(block[2])]
        for k, item in enumerate(self._names):
            item.setVisible(k < len(fitting[-NAMES:]))
            if item.isVisible():
                start, _, name = fitting[-NAMES:][k]
                item.setText(plain(name))
                item.setPos(start, 0.0)


def _until(states: Sequence[StateVisit], k: int, until_us: int) -> int:
    return states[k + 1].at_us if k + 1 < len(states) else until_us


def _stretches(outputs: Sequence[LineChange], until_us: int) -> Iterable[tuple[str, int, int]]:
    """Yield (name, on, off) of every stretch for which an output was on."""
    opened: dict[str, int] = {}
    for change in outputs:
        if change.on:
            opened.setdefault(change.name, change.at_us)
        elif change.name in opened:
            yield change.name, opened.pop(change.name), change.at_us
    for name, at_us in opened.items():
        yield name, at_us, max(until_us, at_us)


def _soft(colour: str) -> Any:
    soft = QColor(colour)
    soft.setAlpha(90)
    return pg.mkBrush(soft)
