"""Which units answer light: a row a unit, the raster of one of them, and where a person says what it is."""

from __future__ import annotations

import html
from typing import ClassVar, Final

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout

from gui.candid_panel import CandidPanel
from gui.light_plots import LightPlots
from gui.light_table import LightTable
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.requests import Reply, Requests
from gui.theme import Theme
from gui.unit_words import marked
from rig.documents import Notice
from rig.operator import Tag
from rig.tagging.told import UnitTag

LOOKS: Final = {True: "✔ looks tagged", False: "✖ does not look tagged", None: "… too early to say"}
NOTE_LENGTH: Final = 500
NO_ANSWER: Final = "no answer; it may or may not have been taken"


class TaggingPanel(CandidPanel):
    """Raster and latencies around light, what they suggest, and the person's word.

    Attributes
    ----------
    table
        All units that were listened to.
    plots
        Raster and latencies of the selected one.
    confirm, reject, note, status
        What a person says of it, and what became of that.
    """

    title: ClassVar[str] = "tagging"
    area: ClassVar[str] = "population"
    order: ClassVar[int] = 170
    light: ClassVar[bool] = True
    aspects: ClassVar[Aspect] = (
        Aspect.SESSION | Aspect.STATE | Aspect.LIGHT | Aspect.SELECTION | Aspect.NOTICES
    )

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self._requests = Requests()
        self._notices_seen = model.notices_seen
        self.name = self.headline()
        self.looks = self.fitting()
        self.numbers = self.small()
        self.numbers.setWordWrap(True)
        self.table = LightTable(theme, controls.select)
        self.plots = LightPlots(theme)
        self.confirm, self.reject = QPushButton("Confirm tag"), QPushButton("Not tagged")
        self.note, self.status = QLineEdit(), self.small()
        self._lay_out()

    def _lay_out(self) -> None:
        self.confirm.setObjectName("primary")
        self.confirm.setToolTip("Say that this unit is tagged; kept in the session with your name and time")
        self.reject.setToolTip("Say that it is not; a later word replaces an earlier one")
        self.confirm.clicked.connect(lambda: self._say(tagged=True))
        self.reject.clicked.connect(lambda: self._say(tagged=False))
        self.note.setPlaceholderText("why (optional)")
        self.note.setMaxLength(NOTE_LENGTH)
        self.note.setAccessibleName("why")
        self.status.setTextFormat(Qt.PlainText)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name)
        head.addWidget(self.looks, 1)
        foot = QHBoxLayout()
        foot.setSpacing(6)
        for widget in (self.confirm, self.reject):
            foot.addWidget(widget)
        foot.addWidget(self.note, 1)
        right = QVBoxLayout()
        right.setSpacing(2)
        right.addLayout(head)
        right.addWidget(self.numbers)
        right.addWidget(self.plots, 1)
        right.addLayout(foot)
        right.addWidget(self.status)
        both = QHBoxLayout()
        both.setSpacing(8)
        both.addWidget(self.table, 4)
        both.addLayout(right, 5)
        self.body.addLayout(both)

    # --- what the window calls --------------------------------------------------------------------

    def refresh(self, changed: Aspect) -> None:
        """Draw what has changed."""
        if changed & Aspect.NOTICES:
            self._read_notices()
        if not self.show_unless(why_no_light(self.model)):
            return
        if changed & (Aspect.LIGHT | Aspect.SESSION | Aspect.SELECTION):
            self.table.show_units(self.model.light.units, self.model.light.words, self.model.selected)
            self._draw_unit()
        self._enable()

    def tick(self, now_s: float) -> None:
        """Give up what nobody answers."""
        for request in self._requests.overdue(now_s):
            self._tell(f"✖ {request.confirmation}: {NO_ANSWER}", self.theme.bad)

    # --- one unit -----------------------------------------------------------------------------------

    @property
    def unit(self) -> str | None:
        """The unit that is shown."""
        selected = self.model.selected
        return selected if selected in self.model.light.units else next(iter(self.model.light.units), None)

    def _draw_unit(self) -> None:
        unit, light = self.unit, self.model.light
        tag = light.units.get(unit or "")
        if unit is None or tag is None:
            return
        word = light.words.get(unit)
        self.name.setText(marked(unit, self.model.tagged, self.model.vanished))
        said = f"{word.by or word.source} says {'tagged' if word.tagged else 'not tagged'}" if word else ""
        looks = LOOKS[tag.suggestion]
        whole = f"{looks}: {'; '.join(tag.reasons)}"
        self.looks.say(f"{said} · {whole}" if said else whole, looks)
        colour = {True: self.theme.good, False: self.theme.text, None: self.theme.faint}[tag.suggestion]
        self.looks.setStyleSheet(f"color: {colour};")
        self.numbers.setText(_numbers(tag, self.theme))
        self.numbers.setToolTip(_withheld(light.withheld))
        self.plots.draw(light, unit)

    # --- a person's word ------------------------------------------------------------------------------

    def _enable(self) -> None:
        model, unit = self.model, self.unit
        accepts = model.state.accepts if model.state is not None else ()
        # What is over, or recorded, is told to the file itself.
        can = unit is not None and ("tag" in accepts or model.over or bool(model.session_file))
        for widget in (self.confirm, self.reject, self.note):
            widget.setEnabled(can)

    def _say(self, *, tagged: bool) -> None:
        unit = self.unit
        if unit is None:
            return
        command = Tag(unit=unit, tagged=tagged, note=self.note.text().strip())
        self.note.clear()
        self._tell(f"… sent: {unit} is {'' if tagged else 'not '}tagged", self.theme.warn)
        self._requests.add(command)
        self.controls.submit(command)

    def _read_notices(self) -> None:
        fresh = self.model.notices_since(self._notices_seen)
        self._notices_seen = self.model.notices_seen
        for notice in fresh:
            self._hear(notice)

    def _hear(self, notice: Notice) -> None:
        reply: Reply | None = self._requests.answer(notice)
        if reply is None:
            return
        if reply.refusal is not None:
            self._tell(f"✖ {reply.refusal}", self.theme.bad)
        else:
            self._tell(f"✔ {notice.text}, says {notice.source}", self.theme.good)

    def _tell(self, words: str, colour: str) -> None:
        self.status.setText(words)
        self.status.setStyleSheet(f"color: {colour};")


def why_no_light(model: SessionModel) -> str | None:
    """Return why there is nothing to show, or None if there is."""
    if model.light.units:
        return None
    if model.started is None:
        return "No session yet. Start one, or attach to one that is running."
    if model.state is not None and not model.state.streams:
        return "No neural stream in this session: nobody can hear what light does."
    if not model.started.stimulated:
        known = len(model.tagged)
        if known:
            names = ", ".join(sorted(model.tagged))
            return f"No light in this session. {known} tagged before it: {names}."
        return "No light in this session. The protocol optotagging identifies units, in a session of its own."
    if model.over:
        return "No train of light was heard in this session."
    return "No train of light yet. Every unit that is heard will stand here after the first one."


def _numbers(tag: UnitTag, theme: Theme) -> str:
    """What is known of a unit, as rich text."""

    def strong(text: str) -> str:
        return f"<b style='color:{theme.text}'>{html.escape(text)}</b>"

    parts = [f"{tag.eligible} of {tag.pulses} pulses tested"]
    if tag.salt is not None:
        parts = [f"SALT {strong(tag.salt.p_text)} (in steps of {tag.salt.resolution:.2g})", *parts]
    if tag.sham is not None:
        parts.append(f"sham {html.escape(tag.sham.p_text)}")
    if tag.latency_mean_ms is not None:
        jitter = "" if tag.jitter_ms is None else f" &plusmn; {tag.jitter_ms:.1f}"
        parts.append(f"latency {strong(f'{tag.latency_mean_ms:.1f}')}{jitter} ms")
    if tag.reliability is not None and tag.by_chance is not None:
        parts.append(f"answers {strong(f'{tag.reliability:.0%}')} (by chance {tag.by_chance:.0%})")
    if len(tag.following) > 1:
        parts.append("follows " + ", ".join(f"{f.rate_hz:g} Hz {f.share:.0%}" for f in tag.following))
    if tag.waveform_r is not None:
        parts.append(f"waveform r {strong(f'{tag.waveform_r:.2f}')}")
    return " &middot; ".join(parts)


def _withheld(withheld: dict[str, int]) -> str:
    if not withheld:
        return ""
    lines = "<br>".join(f"{count} pulses: {html.escape(why)}" for why, count in withheld.items())
    return f"<p>Not heard as a whole, so not counted:<br>{lines}</p>"
