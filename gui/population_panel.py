"""What all panels about the units together share: where they stand, why they are empty, their warnings."""

from __future__ import annotations

import html
from typing import ClassVar, Final

from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QResizeEvent
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QToolTip, QWidget

from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.plot import scaled
from gui.theme import Theme
from gui.unit_panel import AboutUnits
from gui.why_empty import why_no_population, why_no_reversal
from rig.population.shapes import PopulationView

WIDE_PX: Final = 520
HIGH_PX: Final = 300
"""From this width and height on the warning is said in full: in a low panel the rows need the room."""


class AboutPopulation(AboutUnits):
    """A panel about all units together. It draws the model's newest view, which comes every few seconds.

    Attributes
    ----------
    about
        After how many trials, of how many units.
    trouble
        What is wrong with working it out; hidden while nothing is.
    warning
        How the panel can mislead; always in sight.
    """

    area: ClassVar[str] = "population"
    aspects: ClassVar[Aspect] = Aspect.SESSION | Aspect.STATE | Aspect.POPULATION | Aspect.SELECTION
    about_reversals: ClassVar[bool] = True
    warns: ClassVar[str] = ""
    warns_briefly: ClassVar[str] = ""

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.lead = self.headline()
        self.about = self.fitting()
        self.head = QHBoxLayout()
        self.head.setSpacing(8)
        self.head.addWidget(self.lead)
        self.head.addWidget(self.about, 1)
        self.body.addLayout(self.head)
        self.trouble = self.plain_label()
        self.trouble.setVisible(False)
        self.body.addWidget(self.trouble)
        self.warning = self._warning_label()

    def _warning_label(self) -> QLabel:
        label = self.plain_label()
        label.setToolTip(f"<p>{self.warns}</p>")
        label.setStyleSheet(
            f"color: {self.theme.text}; background: {self.theme.background};"
            f" border-left: 3px solid {self.theme.warn}; padding: 2px 6px;"
        )
        return label

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Warn in full where there is room; on hovering always."""
        super().resizeEvent(event)
        size = event.size()
        roomy = size.width() >= scaled(WIDE_PX) and size.height() >= scaled(HIGH_PX)
        words = self.warns if roomy else self.warns_briefly
        self.warning.setText(f"<b style='color:{self.theme.warn}'>▲</b> {words}")
        if self.shows_content:
            self.refresh(Aspect.POPULATION)  # what has room depends on the size

    # --- what the window calls --------------------------------------------------------------------

    def refresh(self, changed: Aspect) -> None:
        """Draw the newest view, or say why there is none."""
        view = self.model.population
        why = why_no_population(self.model)
        if why is None and view is not None:
            why = self.why_empty(view)
            if why is not None and self.about_reversals:
                why = why_no_reversal(self.model) or why  # the plainer reason, if there is one
        showed = self.shows_content
        if not self.show_unless(why) or view is None:
            return
        if showed and not changed & ~(Aspect.STATE | Aspect.SELECTION):
            if changed & Aspect.SELECTION:
                self.mark(self.model.selected)
            return
        self.about.say(*self.say_about(view))
        note = html.escape(self.model.population_note)
        self.trouble.setText(f"<b style='color:{self.theme.warn}'>▲ {note}</b>")
        self.trouble.setVisible(bool(note))
        self.draw(view)
        self.lead.setVisible(bool(self.lead.text()))
        self.mark(self.model.selected)

    def why_empty(self, view: PopulationView) -> str | None:
        """Return why this panel has nothing to draw of a view, or None."""
        raise NotImplementedError

    def draw(self, view: PopulationView) -> None:
        """Draw a view."""
        raise NotImplementedError

    def mark(self, unit: str | None) -> None:
        """Mark the selected unit."""

    # --- what the panels share --------------------------------------------------------------------

    def say_about(self, view: PopulationView) -> tuple[str, ...]:
        """After how many trials, of how many units: wordings, the longest first."""
        trials, units = view.rewarded, view.population.units
        of = f"{units} unit{'s' * (units != 1)}"
        words = short = f"{of}, {trials} reward{'s' * (trials != 1)}"
        if view.population.counted == "tagged":
            words += f", {view.population.left_out} not tagged left out"
        if self.model.epoch_number or view.epoch:
            words += f", epoch {view.epoch}"
        return words, short, of

    def tip(self, words: str, at: QPoint, over: QWidget) -> None:
        """Say something about what is pointed at."""
        if words:
            QToolTip.showText(at, words, over)
        else:
            QToolTip.hideText()

    def plain_label(self) -> QLabel:
        """Return a small label that wraps."""
        label = self.small()
        label.setWordWrap(True)
        label.setAlignment(Qt.AlignLeft | Qt.AlignTop)
        return label


def because(view: PopulationView, *paths: str) -> str:
    """The reason for a null, by the first of its paths that has one.

    A reason is stored where it is known: for a whole part (``split_half``) or for a value in it.
    """
    reasons = view.population.reasons
    for path in paths:
        parts = path.split(".")
        for k in range(len(parts), 0, -1):
            found = reasons.get(".".join(parts[:k]))
            if found:
                return found[0].upper() + found[1:].rstrip(".") + "."
    return "Not known yet."
