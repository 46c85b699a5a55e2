"""Board events with their names, for those who watch: one document a step."""

from __future__ import annotations

from rig.description import RigDescription
from rig.documents import BoardActivity, Happening
from rig.events import BoardEvent, InputEdge, OutputChange, StateEntered, TrialEnded, TrialStarted


class Activity:
    """Collects what the board did within one step.

    Inputs that are `log_only` (camera frames) stay out: they come too fast for anybody to watch.
    """

    def __init__(self, rig: RigDescription) -> None:
        self._inputs = {line.line: name for name, line in rig.board.inputs.items() if not line.log_only}
        self._outputs = {line.line: name for name, line in rig.board.outputs.items()}
        self._happened: list[Happening] = []

    def add(self, event: BoardEvent, states: tuple[str, ...]) -> None:
        """Take a board event; `states` are the names of the running table's states."""
        match event:
            case StateEntered():
                name = states[event.state] if event.state < len(states) else f"state {event.state}"
                self._keep("state", name, True, event.t_us)
            case InputEdge():
                if event.line in self._inputs:
                    self._keep("input", self._inputs[event.line], event.rising, event.t_us)
            case OutputChange():
                name = self._outputs.get(event.output, f"output {event.output}")
                self._keep("output", name, event.on, event.t_us)
            case TrialStarted():
                self._keep("start", "", True, event.t_us)
            case TrialEnded():
                self._keep("end", event.reason.name.lower(), False, event.t_us)
            case _:
                pass

    def take(self, trial: int) -> BoardActivity | None:
        """Return what was collected, or None."""
        if not self._happened:
            return None
        happened, self._happened = tuple(self._happened), []
        return BoardActivity(trial=trial, happened=happened)

    def _keep(self, kind: str, name: str, on: bool, t_us: int) -> None:
        self._happened.append(Happening(kind, name, on, t_us))
