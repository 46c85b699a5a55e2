"""Was every valve that was asked for heard to open? A reward without an echo is no reward.

A table's own pulse begins in the cycle in which its state is entered, and the board tells both in order: what
comes later and finds the valve untold, finds it silent. A pulse by hand is given half a second of board time.
Silence means a refused pulse, a valve driver at fault, a line that is not the valve's, or bad firmware.
"""

from __future__ import annotations

from typing import Final

from rig.description import RigDescription
from rig.events import BoardEvent, BoardReady, EventsLost, OutputChange, StateEntered
from rig.machine.table import ActionKind, StateTable
from rig.units import CYCLE_US, US_PER_MS

BY_HAND_US: Final = 500 * US_PER_MS


class Echo:
    """Follows the board's events.

    Attributes
    ----------
    silent
        Names of valves that were last asked for and did not open; one that opens is off the list.
    """

    def __init__(self, rig: RigDescription) -> None:
        self._valves = {line.line: name for name, line in rig.board.outputs.items() if line.kind == "valve"}
        self._table: StateTable | None = None
        self._due_us: dict[int, int] = {}
        self.silent: tuple[str, ...] = ()

    def begin(self, table: StateTable) -> None:
        """Know the table of the trial to come."""
        self._table = table

    def ask(self, output: int, now_us: int) -> None:
        """Take note that a pulse was asked for by hand."""
        if output in self._valves:
            self._due_us.setdefault(output, now_us + BY_HAND_US)

    def see(self, event: BoardEvent) -> None:
        """Take what the board told."""
        match event:
            case EventsLost() | BoardReady():
                self._due_us.clear()  # its echo may be among what was lost
                return
            case OutputChange() if event.on and event.output in self._valves:
                self._due_us.pop(event.output, None)
                name = self._valves[event.output]
                self.silent = tuple(other for other in self.silent if other != name)
            case _:
                pass
        t_us: int | None = getattr(event, "t_us", None)
        if t_us is not None and self._due_us:
            self._judge(t_us)
        if isinstance(event, StateEntered):
            for output in self._pulsed(event.state):
                self._due_us.setdefault(output, event.t_us + CYCLE_US)

    def _pulsed(self, state: int) -> list[int]:
        states = self._table.states if self._table is not None else ()
        if state >= len(states):
            return []
        actions = states[state].actions
        return [a.index for a in actions if a.kind is ActionKind.PULSE and a.index in self._valves]

    def _judge(self, now_us: int) -> None:
        for output, due_us in list(self._due_us.items()):
            if now_us > due_us:
                del self._due_us[output]
                self.silent = tuple(sorted({*self.silent, self._valves[output]}))
