"""Board events in, a trial record out."""

from __future__ import annotations

from typing import Final, Literal

from rig.description import RigDescription
from rig.events import (
    BoardEvent,
    EndReason,
    EventsLost,
    InputEdge,
    OutputChange,
    StateEntered,
    TrialEnded,
    TrialStarted,
)
from rig.machine.calibration import volume_ul
from rig.machine.image import table_hash
from rig.machine.table import StateTable
from rig.trial.spec import LineChange, StateVisit, TrialRecord, TrialSpec

Outcome = Literal["complete", "aborted", "incomplete"]

_OUTCOMES: Final[dict[EndReason, Outcome]] = {
    EndReason.COMPLETE: "complete",
    EndReason.ABORTED: "aborted",
}


class TrialAssembler:
    """Collects what the board says about one trial.

    The record is complete once the trial has ended *and* every valve is closed, because a pulse may
    outlive the table that asked for it.
    """

    def __init__(self, number: int, spec: TrialSpec, table: StateTable, rig: RigDescription) -> None:
        self.number = number
        self.spec = spec
        self.table = table
        self._state_names = tuple(state.name for state in table.states)
        self._rig = rig
        self._inputs = {line.line: name for name, line in rig.board.inputs.items()}
        self._outputs = {line.line: name for name, line in rig.board.outputs.items()}
        self._valves = {name for name, line in rig.board.outputs.items() if line.kind == "valve"}
        self._start_us: int | None = None
        self._end: TrialEnded | None = None
        self._states: list[StateVisit] = []
        self._output_changes: list[LineChange] = []
        self._input_changes: list[LineChange] = []
        self._open: set[str] = set()
        self._lost = 0

    @property
    def started(self) -> bool:
        """Whether the board said that the trial began."""
        return self._start_us is not None

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the table's states, by number."""
        return self._state_names

    @property
    def complete(self) -> bool:
        """Whether the trial ended and all valves are closed."""
        return self._end is not None and not self._open

    def add(self, event: BoardEvent) -> None:
        """Take one board event; those from before the start or after the end are not the trial's."""
        match event:
            case TrialStarted():
                self._start_us = event.t_us
                self._lost = 0  # what was lost before is not missing in this trial
            case TrialEnded() if self.started:
                self._end = event
            case EventsLost():
                self._lost += event.count
            case StateEntered() | InputEdge() | OutputChange() if self._start_us is not None:
                self._add_timed(event, event.t_us - self._start_us)
            case _:
                pass

    def _add_timed(self, event: StateEntered | InputEdge | OutputChange, at_us: int) -> None:
        over = self._end is not None
        if isinstance(event, OutputChange):
            name = self._outputs.get(event.output, f"output {event.output}")
            if name in self._valves:
                (self._open.add if event.on else self._open.discard)(name)
            elif over:
                return
            self._output_changes.append(LineChange(name, event.on, at_us))
        elif over:
            return
        elif isinstance(event, StateEntered):
            known = event.state < len(self.table.states)
            name = self.table.states[event.state].name if known else f"state {event.state}"
            self._states.append(StateVisit(name, at_us))
        else:
            name = self._inputs.get(event.line, f"input {event.line}")
            self._input_changes.append(LineChange(name, event.rising, at_us))

    def record(self, *, interrupted: bool = False, unseen_us: int | None = None) -> TrialRecord:
        """Return the record.

        Parameters
        ----------
        interrupted
            Its end was never seen.
        unseen_us
            Board time to give a trial that may have begun, but whose start was never seen.

        Raises
        ------
        ValueError
            If the trial never began.
        """
        start_us = self._start_us if self._start_us is not None else unseen_us
        if start_us is None:
            raise ValueError("the trial has not started")
        onsets = [change for change in self._output_changes if change.on]
        cue = next((c.at_us for c in onsets if c.name == self.spec.cue), None)
        reward = next((c.at_us for c in onsets if c.name in self._valves), None)
        return TrialRecord(
            number=self.number,
            spec=self.spec,
            outcome=self._outcome(interrupted),
            start_us=start_us,
            duration_us=self._end.t_us - start_us if self._end else self._last_us(),
            states=tuple(self._states),
            outputs=tuple(self._output_changes),
            inputs=tuple(self._input_changes),
            cue_us=cue,
            reward_us=reward,
            stimulus_us=cue if cue is not None else reward,
            delivered_ul=self._delivered_ul(),
            table_hash=table_hash(self.table),
            lost_events=self._lost,
        )

    def _outcome(self, interrupted: bool) -> Outcome:
        if interrupted or self._end is None or self._lost:
            return "incomplete"
        return _OUTCOMES.get(self._end.reason, "incomplete")

    def _last_us(self) -> int:
        seen = [visit.at_us for visit in self._states] + [change.at_us for change in self._output_changes]
        return max(seen, default=0)

    def _delivered_ul(self) -> float:
        """Volume by the valves' real open times, as the board stamped them."""
        total = 0.0
        opened: dict[str, int] = {}
        for change in self._output_changes:
            if change.name not in self._valves:
                continue
            if change.on:
                opened[change.name] = change.at_us
            elif change.name in opened:
                open_us = change.at_us - opened.pop(change.name)
                total += volume_ul(self._rig.board.outputs[change.name], open_us)
        return total
