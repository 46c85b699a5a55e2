"""Run a table without a board and without any input: when what happens if the animal does nothing."""

from __future__ import annotations

from rig.machine.run import Entry, Machine
from rig.machine.table import EXIT, ActionKind, StateTable
from rig.units import CYCLE_US

MOST_STEPS = 10_000


class Rehearsal:
    """What a table does on its own.

    Attributes
    ----------
    onsets_us
        Output line -> when it first came on (by state or pulse), in microseconds after the start.
    visits
        Number of each state that was entered, and when, likewise.
    end_us
        When the table ended; None if it waits for an input that never comes.
    """

    def __init__(self, table: StateTable) -> None:
        self.onsets_us: dict[int, int] = {}
        self.visits: list[tuple[int, int]] = []
        self.end_us: int | None = None
        machine = Machine(table)
        entry: Entry | None = machine.start(0)
        cycle = 0
        for _ in range(MOST_STEPS):
            if entry is not None:
                self._note(table, entry.state, cycle)
            due = machine.next_cycle()
            if due is None:
                break
            cycle = due
            entry = machine.step(cycle)
            if entry is not None and entry.state == EXIT:
                self.end_us = cycle * CYCLE_US
                break

    def _note(self, table: StateTable, number: int, cycle: int) -> None:
        if number >= len(table.states):
            return
        state = table.states[number]
        self.visits.append((number, cycle * CYCLE_US))
        lines = {line for line in range(16) if state.outputs >> line & 1}
        lines |= {action.index for action in state.actions if action.kind is ActionKind.PULSE}
        for line in lines:
            self.onsets_us.setdefault(line, cycle * CYCLE_US)
