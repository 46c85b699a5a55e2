"""The running trial as it unfolds; when none runs, the last one, faint."""

from __future__ import annotations

from typing import ClassVar

from PyQt5.QtWidgets import QHBoxLayout

from gui.behaviour_panel import BehaviourPanel
from gui.live_trial import LiveTrial
from gui.model import Aspect, SessionModel
from gui.panel import Controls
from gui.rig_clock import RigClock
from gui.theme import Theme
from gui.trial_chart import TrialChart
from gui.words import plain, trial_words
from rig.trial.spec import TrialRecord
from rig.units import US_PER_S

WATER = "water"
"""What a water valve is called where no trial has told us yet."""

RECENT = 20
"""Trials that tell how long one mostly lasts."""


class NowPanel(BehaviourPanel):
    """States, cue, valve and licks of the running trial against seconds since its start.

    Attributes
    ----------
    chart
        The picture.
    what, state
        What runs, and the state it is in with the seconds it has lasted.
    """

    title: ClassVar[str] = "now"
    aspects: ClassVar[Aspect] = (
        Aspect.SESSION | Aspect.STATE | Aspect.TRIALS | Aspect.ACTIVITY | Aspect.HEALTH
    )
    order: ClassVar[int] = 10

    def __init__(self, model: SessionModel, controls: Controls, theme: Theme) -> None:
        super().__init__(model, controls, theme)
        self.chart = TrialChart(theme, self._is_valve)
        self.what = self.small()
        self.state = self.headline()
        line = QHBoxLayout()
        line.addWidget(self.what, 1)
        line.addWidget(self.state)
        self.body.addLayout(line)
        self.body.addWidget(self.chart.plot, 1)
        self.chart.plot.getViewBox().sigResized.connect(lambda: self.refresh(Aspect.NOTHING))
        self._clock = RigClock()
        self._valves: set[str] = set()
        self._taken = 0
        self._first: TrialRecord | None = None

    def refresh(self, changed: Aspect) -> None:
        """Draw the running trial, or the last one."""
        self._learn()
        live, last = self._running, self.model.records[-1] if self.model.records else None
        if not self.show_unless(None if live or last else self._why_empty()):
            return
        if live is not None:
            self.chart.learn(live.states, live.outputs, live.inputs)
            self.what.setText(self._what_runs(live))
            self.chart.show(live.states, live.outputs, live.inputs, until_us=self._until(live), running=True)
            self._say_state(live)
        elif last is not None:
            self.what.setText(self._what_ran(last))
            self.state.setText(self._why_still())
            self.chart.show(last.states, last.outputs, last.inputs, until_us=last.duration_us, running=False)

    def tick(self, now_s: float) -> None:
        """Move the cursor on."""
        state, live = self.model.state, self.model.live
        heard = max(
            state.board_us if state is not None else 0,
            live.start_us + live.last_us if live is not None else 0,
        )
        if heard:
            self._clock.hear(heard, now_s)
        self._now_us = self._clock.now_us(now_s)
        running = self._running
        if running is not None and self.shows_content:
            self.chart.grow(self._until(running))
            self._say_state(running)

    # --- which trial ------------------------------------------------------------------------------

    _now_us = 0

    @property
    def _running(self) -> LiveTrial | None:
        live, model = self.model.live, self.model
        if live is None or live.end_us is not None or model.over or model.record(live.number) is not None:
            return None
        return live

    def _until(self, live: LiveTrial) -> int:
        return max(live.last_us, self._now_us - live.start_us)

    def _learn(self) -> None:
        """Learn names from the trials that are new."""
        records = self.model.records
        if len(records) < self._taken or (records and records[0] is not self._first):
            self.chart.forget()
            self._taken, self._valves = 0, set()
        for record in records[self._taken :]:
            self._valves.update(
                change.name for change in record.outputs if change.on and change.at_us == record.reward_us
            )
            self.chart.learn(record.states, record.outputs, record.inputs)
        if len(records) != self._taken:
            lasted = sorted(record.duration_us for record in records[-RECENT:])
            self.chart.usual_s = lasted[len(lasted) * 3 // 4] / US_PER_S
        self._taken = len(records)
        self._first = records[0] if records else None

    def _is_valve(self, name: str) -> bool:
        return name in self._valves or name == WATER

    # --- words ------------------------------------------------------------------------------------

    def _what_runs(self, live: LiveTrial) -> str:
        state = self.model.state
        words = f"trial {live.number + 1}"
        if state is not None and state.last_line.startswith(f"{words}: "):
            words = plain(state.last_line)
        if live.left_out:
            words += f" ({live.left_out} more input changes than can be drawn)"
        return words

    def _say_state(self, live: LiveTrial) -> None:
        if not live.states:
            self.state.setText("")
            return
        visit = live.states[-1]
        lasted_s = max(0, self._until(live) - visit.at_us) / US_PER_S
        lost = " (engine silent)" if self.model.link_reason else ""
        self.state.setText(f"{plain(visit.name)} {lasted_s:.1f} s{lost}")

    def _what_ran(self, record: TrialRecord) -> str:
        how = "" if record.outcome == "complete" else f" <b>({record.outcome})</b>"
        return f"last: trial {record.number + 1}, {trial_words(record.spec)}{how}"

    def _why_still(self) -> str:
        if self.model.over:
            return "session over"
        if self.model.state is not None and self.model.state.phase == "paused":
            return "paused"
        return ""

    def _why_empty(self) -> str:
        model = self.model
        if model.started is None:
            return "No session yet. Start one, or attach to one that is running."
        if model.over:
            return "This session ended before its first trial."
        if model.state is not None and model.state.phase == "running":
            return "A trial is running whose beginning was not seen. The next one is drawn from its start."
        return "No trial has begun yet. It is drawn here as it unfolds."
