"""What all panels about the animal and the session share."""

from __future__ import annotations

from typing import ClassVar

from PyQt5.QtWidgets import QButtonGroup, QLabel

from gui.candid_panel import CandidPanel


class BehaviourPanel(CandidPanel):
    """A panel about the animal or the session: it needs no neural stream."""

    area: ClassVar[str] = "right"
    neural: ClassVar[bool] = False

    def alignment(self) -> QButtonGroup:
        """Add a line with an explanation (`self.legend`) and a choice: first event (0) or reward (1)."""
        row, group = self.choice("first event", "reward")
        self.legend: QLabel = self.small()
        self.legend.setWordWrap(True)
        row.insertWidget(0, self.legend, 1)
        row.insertSpacing(1, 8)
        self.body.addLayout(row)
        return group
