"""What the animal was given: sizes against the declared distribution, water against its cap."""

from __future__ import annotations

from typing import ClassVar, Final

import pyqtgraph as pg
from PyQt5.QtGui import QFontMetricsF
from PyQt5.QtWidgets import QApplication, QLabel, QProgressBar, QVBoxLayout, QWidget

from gui.audit_words import audit_words, epoch_lines
from gui.behaviour_panel import BehaviourPanel
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import themed_plot
from gui.theme import Theme
from gui.words import water
from rig.units import US_PER_S

MINUTE_US: Final = 60 * US_PER_S
BAR_TEXT_PX: Final = 26
"""Below this, counts would run into each other."""


class DeliveredPanel(BehaviourPanel):
    """Counts of each size beside what was to be expected, and the water so far.

    Attributes
    ----------
    given, expected
        Counts so far and expected counts, by size in uL.
    cap
        The water bar.
    facts
        Rate, trials and water left.
    audit, epochs
        Whether what was given is what was declared; which epochs there are, and what ended them.
    """

    title: ClassVar[str] = "delivered"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.TRIALS
    order: ClassVar[int] = 40

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.given: dict[float, int] = {}
        self.expected: dict[float, float] = {}
        self.water = self.headline()
        self.cap = self._water_bar()
        self.facts = self.small()
        self.facts.setWordWrap(True)
        self.audit, self.epochs = self.small(), self.small()
        for label in (self.audit, self.epochs):
            label.setWordWrap(True)
        self.sizes = QWidget()
        self.legend = self.small()
        self.plot = themed_plot(theme, left="rewards", bottom="size, uL")
        sizes = QVBoxLayout(self.sizes)
        sizes.setContentsMargins(0, 4, 0, 0)
        sizes.setSpacing(1)
        sizes.addWidget(self.legend)
        sizes.addWidget(self.plot, 1)
        self.legend.setText(f'<span style="color:{theme.accent}">■</span> given &nbsp; □ expected')
        self.bars = pg.BarGraphItem(x=[], height=[], width=0.7)
        self.outlines = pg.BarGraphItem(x=[], height=[], width=0.86, brush=None)
        self.outlines.setOpts(pen=pg.mkPen(theme.faint, width=1.5))
        self.plot.getAxis("bottom").setStyle(tickLength=0)
        self.plot.getViewBox().sigResized.connect(self._resized)
        self.plot.addItem(self.bars)
        self.plot.addItem(self.outlines)
        self._counts: list[pg.TextItem] = []
        self.single: QLabel = self.small()
        for part in (self.water, self.cap, self.facts, self.audit, self.epochs, self.single):
            self.body.addWidget(part)
        self.body.addWidget(self.sizes, 1)
        self.body.addStretch(0)

    def _water_bar(self) -> QProgressBar:
        bar = QProgressBar()
        bar.setRange(0, 1000)
        bar.setTextVisible(False)
        bar.setFixedHeight(10)
        bar.setStyleSheet(self._bar_style(self.theme.reward))
        return bar

    def _bar_style(self, colour: str) -> str:
        theme = self.theme
        return (
            f"QProgressBar {{ background: {theme.state}; border: none; border-radius: 4px; }}"
            f"QProgressBar::chunk {{ background: {colour}; border-radius: 4px; }}"
        )

    def refresh(self, changed: Aspect) -> None:
        """Draw counts and water."""
        started = self.model.started
        why = None if started else "No session yet. What the animal is given is counted here."
        if not self.show_unless(why):
            return
        self._show_water()
        self._show_audit()
        self._count()
        sizes = self.model.sizes_ul
        self.sizes.setVisible(len(sizes) > 1)
        self.single.setVisible(len(sizes) <= 1)
        if len(sizes) > 1:
            self._draw_sizes()
        elif sizes:
            self.single.setText(f"{self.given[sizes[0]]} rewards of {sizes[0]:g} uL, the only size")
        else:
            self.single.setText("This protocol declares no rewards.")

    # --- water ------------------------------------------------------------------------------------

    @property
    def delivered_ul(self) -> float:
        """Water given so far: as the session counts it, else what the trials add up to."""
        model = self.model
        if model.ended is not None:
            return model.ended.delivered_ul
        if model.state is not None:
            return model.state.delivered_ul
        return sum(record.delivered_ul for record in model.records)

    def last_minute_ul(self) -> float:
        """Water given in trials within the newest minute of rig time."""
        total = 0.0
        now_us = self._now_us()
        for record in reversed(self.model.records):
            if record.start_us + (record.reward_us or record.duration_us) < now_us - MINUTE_US:
                break
            total += record.delivered_ul
        return total

    def _now_us(self) -> int:
        records, state = self.model.records, self.model.state
        last_us = records[-1].start_us + records[-1].duration_us if records else 0
        return max(last_us, state.board_us if state is not None else 0)

    def _show_water(self) -> None:
        given, cap = self.delivered_ul, self.model.started.max_session_ul if self.model.started else 0.0
        part = given / cap if cap > 0 else 0.0
        self.water.setText(f"{water(given)}" + (f" of {water(cap)}" if cap > 0 else ""))
        self.cap.setVisible(cap > 0)
        self.cap.setValue(round(1000 * min(part, 1.0)))
        self.cap.setStyleSheet(self._bar_style(self.theme.warn if part > 0.9 else self.theme.reward))
        facts = []
        if not self.model.over:
            facts.append(f"last minute&nbsp;<b>{water(self.last_minute_ul())}</b>")
        facts += [self._trials(), self._mean_rate()]
        if cap > 0:
            left = f"<b>{water(max(cap - given, 0.0))}</b>&nbsp;left"
            facts.append(f"{left}&nbsp;(close to the cap)" if part > 0.9 else left)
        self.facts.setText("&nbsp;· ".join(fact for fact in facts if fact))

    def _trials(self) -> str:
        state, done = self.model.state, len(self.model.records)
        if state is not None and state.trials is not None and not self.model.over:
            return f"<b>{max(state.trials - done, 0)}</b>&nbsp;of&nbsp;{state.trials}&nbsp;trials&nbsp;left"
        return f"<b>{done}</b>&nbsp;trials"

    def _mean_rate(self) -> str:
        """Mean rate since the first trial; said once there is a minute to speak of."""
        records = self.model.records
        lasted_us = self._now_us() - records[0].start_us if records else 0
        if lasted_us < MINUTE_US:
            return ""
        return f"mean&nbsp;{self.delivered_ul * MINUTE_US / lasted_us:.0f}&nbsp;uL/min"

    # --- the auditor, and epochs ------------------------------------------------------------------

    def _show_audit(self) -> None:
        audit, lines = self.model.audit, epoch_lines(self.model, self.theme)
        self.audit.setVisible(audit is not None)
        if audit is not None:
            self.audit.setText(audit_words(audit, self.theme))
        self.epochs.setVisible(bool(lines))
        self.epochs.setText("<br>".join(lines))

    # --- sizes ------------------------------------------------------------------------------------

    def _count(self) -> None:
        self.given = self.model.counts_by_size()
        declared = dict.fromkeys(self.model.sizes_ul, 0)
        for kind in self.model.declared:
            if kind.reward_ul in declared:
                declared[kind.reward_ul] += kind.count
        whole, rewards = sum(declared.values()), sum(self.given.values())
        self.expected = {size: rewards * count / whole if whole else 0.0 for size, count in declared.items()}

    def _draw_sizes(self) -> None:
        sizes = self.model.sizes_ul
        places = list(range(len(sizes)))
        given = [self.given[size] for size in sizes]
        expected = [self.expected[size] for size in sizes]
        brushes = [self.theme.size_colour(k, len(sizes)) for k in places]
        self.bars.setOpts(x=places, height=given, brushes=brushes, pen=None)
        self.outlines.setOpts(x=places, height=expected)
        self.plot.getAxis("bottom").setTicks([[(k, f"{size:g}") for k, size in enumerate(sizes)]])
        top = max([*given, *expected, 1.0])
        self.plot.setXRange(-0.6, len(sizes) - 0.4, padding=0)
        line = 1.7 * QFontMetricsF(QApplication.font()).height()
        written = line / max(self.plot.getViewBox().height(), 2.0 * line)  # part of the height for the counts
        self.plot.setYRange(0.0, top / (1.0 - written), padding=0)
        self._write_counts(given, expected)

    def _write_counts(self, given: list[int], expected: list[float]) -> None:
        """Write every count above its bar, if there is room."""
        room = self.plot.getViewBox().width() / max(len(given), 1) >= BAR_TEXT_PX
        while len(self._counts) < len(given):
            self._counts.append(pg.TextItem(color=self.theme.text, anchor=(0.5, 1.0)))
            self.plot.addItem(self._counts[-1], ignoreBounds=True)
        for k, item in enumerate(self._counts):
            item.setVisible(room and k < len(given))
            if item.isVisible():
                item.setText(str(given[k]))
                item.setPos(k, max(given[k], expected[k]))
        self.plot.setToolTip(
            "\n".join(
                f"{size:g} uL: {self.given[size]} given, {self.expected[size]:.1f} expected"
                for size in self.model.sizes_ul
            )
        )

    def _resized(self) -> None:
        """Counts are written where there is room."""
        if self.shows_content and len(self.given) > 1:
            self._draw_sizes()

    def count_texts(self) -> list[str]:
        """The counts as they are written now."""
        return [item.toPlainText() for item in self._counts if item.isVisible()]
