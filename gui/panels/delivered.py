"""What the animal was given: sizes against the declared distribution, water against its cap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
import pyqtgraph as pg
from PyQt5.QtGui import QFontMetricsF
from PyQt5.QtWidgets import QApplication, QLabel, QProgressBar, QVBoxLayout, QWidget

from gui.audit_words import Chance, audit_words, chances, epoch_lines
from gui.behaviour_panel import BehaviourPanel
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import small_font, themed_plot
from gui.theme import Theme
from gui.words import plain, water
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
        self.chances: list[Chance] = []
        self.water = self.headline()
        self.cap = _water_bar(theme)
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
        self.chances = chances(self.model.declared, self.model.audit)
        self.sizes.setVisible(len(sizes) > 1 or self._by_condition)
        self.single.setVisible(len(sizes) <= 1)
        if len(sizes) > 1:
            self._draw_sizes()
        elif self._by_condition:
            self._draw_chances()
        if len(sizes) > 1:
            return
        if sizes:
            n = self.given[sizes[0]]
            self.single.setText(f"{n} reward{'s' * (n != 1)} of {sizes[0]:g} uL, the only size")
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
        self.cap.setStyleSheet(_bar_style(self.theme, self.theme.warn if part > 0.9 else self.theme.reward))
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

    @property
    def _by_condition(self) -> bool:
        """With one size the question is how often, if any cue leaves it open."""
        return len(self.model.sizes_ul) == 1 and any(0.0 < chance.declared < 1.0 for chance in self.chances)

    def _draw_sizes(self) -> None:
        sizes = self.model.sizes_ul
        given = [self.given[size] for size in sizes]
        self._label("rewards", "size, uL", "expected")
        self._draw(
            [f"{size:g}" for size in sizes],
            given,
            [self.expected[size] for size in sizes],
            [str(n) for n in given],
        )
        self.plot.setToolTip(
            "\n".join(
                f"{size:g} uL: {self.given[size]} given, {self.expected[size]:.1f} expected"
                for size in self.model.sizes_ul
            )
        )

    def _draw_chances(self) -> None:
        """How often each cue was followed by water, beside how often it is declared to be."""
        found = self.chances
        self._label("rewarded, %", "cue", "declared")
        self._draw(
            [plain(chance.condition) for chance in found],
            [100 * chance.share for chance in found],
            [100 * chance.declared for chance in found],
            [f"{chance.rewarded} of {chance.trials}" for chance in found],
            [f"{chance.rewarded}/{chance.trials}" for chance in found],
        )
        self.plot.setToolTip(
            "\n".join(
                f"{plain(chance.condition)}: {chance.rewarded} of {chance.trials} trials rewarded, "
                f"{100 * chance.declared:.0f} % declared"
                for chance in found
            )
        )

    def _label(self, left: str, bottom: str, outlined: str) -> None:
        size = f"{small_font().pointSizeF() * 1.05:.1f}pt"
        for side, words in (("left", left), ("bottom", bottom)):
            self.plot.getAxis(side).setLabel(words, color=self.theme.faint, **{"font-size": size})
        self.legend.setText(f'<span style="color:{self.theme.accent}">■</span> given &nbsp; □ {outlined}')

    def _draw(
        self, names: Sequence[str], given: Sequence[float], expected: Sequence[float], *written: Sequence[str]
    ) -> None:
        """Draw bars and outlines; `written` are the words above them, the longest wording first."""
        places = list(range(len(names)))
        brushes = [self.theme.size_colour(k, len(names)) for k in places]
        self.bars.setOpts(x=places, height=given, brushes=brushes, pen=None)
        self.outlines.setOpts(x=places, height=expected)
        self.plot.getAxis("bottom").setTicks([list(enumerate(names))])
        top = max([*given, *expected, 1.0])
        self.plot.setXRange(-0.6, len(names) - 0.4, padding=0)
        line = 1.7 * QFontMetricsF(QApplication.font()).height()
        above = line / max(self.plot.getViewBox().height(), 2.0 * line)  # part of the height for the counts
        self.plot.setYRange(0.0, top / (1.0 - above), padding=0)
        self._write_counts(written, np.maximum(given, expected).tolist())

    def _write_counts(self, wordings: Sequence[Sequence[str]], tops: Sequence[float]) -> None:
        """Write every count above its bar, if there is room."""
        metrics = QFontMetricsF(QApplication.font())
        each = self.plot.getViewBox().width() / max(len(tops), 1)
        fitting = (
            wording
            for wording in wordings
            if each >= max(BAR_TEXT_PX, *(metrics.horizontalAdvance(words) + 2 for words in wording))
        )
        written = next(fitting, ())
        while len(self._counts) < len(written):
            self._counts.append(pg.TextItem(color=self.theme.text, anchor=(0.5, 1.0)))
            self.plot.addItem(self._counts[-1], ignoreBounds=True)
        for k, item in enumerate(self._counts):
            item.setVisible(k < len(written))
            if item.isVisible():
                item.setText(written[k])
                item.setPos(k, tops[k])

    def _resized(self) -> None:
        """Counts are written where there is room."""
        if not self.shows_content:
            return
        if len(self.given) > 1:
            self._draw_sizes()
        elif self._by_condition:
            self._draw_chances()

    def count_texts(self) -> list[str]:
        """The counts as they are written now."""
        return [item.toPlainText() for item in self._counts if item.isVisible()]


def _water_bar(theme: Theme) -> QProgressBar:
    bar = QProgressBar()
    bar.setRange(0, 1000)
    bar.setTextVisible(False)
    bar.setFixedHeight(10)
    bar.setStyleSheet(_bar_style(theme, theme.reward))
    return bar


def _bar_style(theme: Theme, colour: str) -> str:
    return (
        f"QProgressBar {{ background: {theme.state}; border: none; border-radius: 4px; }}"
        f"QProgressBar::chunk {{ background: {colour}; border-radius: 4px; }}"
    )
