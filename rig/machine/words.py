"""Names for a table's numbers: lines, condition codes, actions, times."""

from __future__ import annotations

from rig.description import RigDescription
from rig.machine.table import EXIT, Action, ActionKind, Condition, StateTable
from rig.units import CYCLE_US


class Words:
    """What the numbers of a table mean to people; without a rig, lines keep their numbers."""

    def __init__(self, table: StateTable, rig: RigDescription | None = None) -> None:
        self._table = table
        self._outputs = {line.line: name for name, line in rig.board.outputs.items()} if rig else {}
        self._inputs = {line.line: name for name, line in rig.board.inputs.items()} if rig else {}

    def output(self, line: int) -> str:
        """Return the name of an output."""
        return self._outputs.get(line, f"output {line}")

    def outputs(self, mask: int) -> list[str]:
        """Return the names of the outputs in a bit mask, ascending by line."""
        return [self.output(line) for line in range(mask.bit_length()) if mask >> line & 1]

    def target(self, target: int) -> str:
        """Return the name of the state that a transition leads to."""
        if target == EXIT:
            return "END"
        states = self._table.states
        return states[target].name if 0 <= target < len(states) else f"state number {target}"

    def condition(self, code: int) -> str:
        """Return a condition code as a few words."""
        if Condition.INPUT <= code < Condition.SOFT:
            line = code // 2
            return f"{self._inputs.get(line, f'input {line}')} {'rises' if code % 2 else 'falls'}"
        if Condition.SOFT <= code < Condition.COUNTER:
            return f"soft event {code - Condition.SOFT + 1}"
        if Condition.COUNTER <= code < Condition.TIMER:
            return f"counter {code - Condition.COUNTER}"
        if Condition.TIMER <= code < Condition.STATE_TIMER:
            return f"global timer {code - Condition.TIMER}"
        return "state timer" if code == Condition.STATE_TIMER else f"condition code {code}"

    def action(self, action: Action) -> str:
        """Return an entry action as a few words."""
        match action.kind:
            case ActionKind.PULSE:
                return f"pulse {self.output(action.index)} {milliseconds(action.value)}"
            case ActionKind.TIMER_START:
                return f"start global timer {action.index}"
            case ActionKind.TIMER_CANCEL:
                return f"cancel global timer {action.index}"
            case ActionKind.COUNTER_RESET:
                return f"reset counter {action.index}"


def milliseconds(us: int) -> str:
    """Return microseconds as text in milliseconds.

    Examples
    --------
    >>> milliseconds(41_300)
    '41.3 ms'
    """
    return f"{us / 1000:g} ms"


def duration(cycles: int) -> str:
    """Return cycles as text, in milliseconds below a second and seconds above.

    Examples
    --------
    >>> duration(5), duration(32_000)
    ('0.5 ms', '3.2 s')
    """
    us = cycles * CYCLE_US
    return milliseconds(us) if us < 1_000_000 else f"{us / 1_000_000:.10g} s"
