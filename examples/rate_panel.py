"""A panel of a lab's own: rewards in each minute of rig time, to see early when the mouse has had enough."""

from typing import ClassVar

import numpy as np
import pyqtgraph as pg
from PyQt5.QtWidgets import QLabel, QVBoxLayout

from gui.model import Aspect, SessionModel
from gui.panel import Controls, Panel
from gui.plot import themed_plot
from gui.theme import Theme

MINUTE_US = 60_000_000


class RatePanel(Panel):
    """One bar a minute; the minute that is not over yet is drawn with the others."""

    title: ClassVar[str] = "rewards a minute"
    aspects: ClassVar[Aspect] = Aspect.TRIALS | Aspect.SESSION
    area: ClassVar[str] = "right"
    order: ClassVar[int] = 60

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.words = QLabel()
        self.bars = pg.BarGraphItem(x=[], height=[], width=0.8, brush=theme.reward, pen=None)
        plot = themed_plot(theme, left="rewards", bottom="minute of the session")
        plot.addItem(self.bars)
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addWidget(plot, 1)

    def refresh(self, changed: Aspect) -> None:
        """Count anew: a few hundred trials are quickly counted."""
        records = self.model.records
        if not records:
            self.words.setText("No trial has finished yet. Rewards are counted from the first one on.")
            self.bars.setOpts(x=[], height=[])
            return
        begin = records[0].start_us
        at_us = [r.start_us + r.reward_us - begin for r in records if r.reward_us is not None]
        minutes = (records[-1].start_us + records[-1].duration_us - begin) // MINUTE_US + 1
        counts = np.bincount(np.array(at_us, dtype=np.int64) // MINUTE_US, minlength=minutes)
        self.bars.setOpts(x=np.arange(1, len(counts) + 1), height=counts)
        self.words.setText(f"minute {len(counts)} so far: {counts[-1]}; session: {len(at_us)}")
