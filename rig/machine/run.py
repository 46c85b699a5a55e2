"""The reference interpreter of a state table; `rig.machine.table` says what it must do.

It is event-driven: `next_cycle` names the next cycle in which something can happen without input, and
only those cycles, and the ones with input, need a `step`. Stepping every single cycle gives the same.
All numbers are integers; nothing here knows of outputs' levels, of microseconds or of bytes (those
are `rig.machine.core`).

What true conditions a cycle has is one integer with bit `1 << code` for each of them, so that the
lowest set bit is the one with precedence.
"""

from __future__ import annotations

from typing import Final

import msgspec

from rig.machine.table import EXIT, NO_TIMER, ActionKind, Condition, State, StateTable

OUTSIDE: Final = (1 << Condition.COUNTER) - 1
"""Mask of the conditions that come from outside: input edges and soft events."""

_STATE_TIMER_BIT: Final = 1 << Condition.STATE_TIMER


def mask(*codes: int) -> int:
    """Return the integer that stands for these condition codes being true in one cycle.

    Examples
    --------
    >>> mask(Condition.INPUT + 1, Condition.SOFT)
    65538
    """
    return sum(1 << code for code in set(codes))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What the entry into a state asks of the outputs.

    Parameters
    ----------
    state
        The state entered, or `EXIT`: the trial ended.
    outputs
        Bit mask of the lines that the state holds.
    pulses
        (output, duration in us) of each pulse to give now, in the table's order.
    """

    state: int
    outputs: int = 0
    pulses: tuple[tuple[int, int], ...] = ()


_END: Final = Entry(state=EXIT)


class _Row:
    """One state, made ready to run."""

    __slots__ = ("actions", "entry", "targets", "timer", "wanted")

    def __init__(self, number: int, state: State) -> None:
        pulses = tuple((a.index, a.value) for a in state.actions if a.kind is ActionKind.PULSE)
        self.entry = Entry(state=number, outputs=state.outputs, pulses=pulses)
        self.actions = tuple((a.kind, a.index) for a in state.actions if a.kind is not ActionKind.PULSE)
        self.timer = None if state.timer_cycles == NO_TIMER else max(1, state.timer_cycles)
        self.targets = {t.code: t.target for t in reversed(state.transitions)}
        self.wanted = mask(*self.targets)


class Machine:
    """Runs one table, again and again.

    Parameters
    ----------
    table
        A table that has an image (see `rig.machine.image.encode`); others may fail half-way.

    Attributes
    ----------
    state
        Number of the running state, or None.
    """

    def __init__(self, table: StateTable) -> None:
        self.table = table
        self.state: int | None = None
        self._rows = [_Row(number, state) for number, state in enumerate(table.states)]
        self._durations = [max(1, cycles) for cycles in table.timers_cycles]
        self._counters = [(1 << counter.code, counter.threshold) for counter in table.counters]
        self._row = self._rows[0]
        self._cycle = 0
        self._state_due: int | None = None
        self._timers_due: list[int | None] = [None] * len(self._durations)
        self._counts = [0] * len(self._counters)

    def start(self, cycle: int) -> Entry:
        """Enter state 0 in `cycle`; what the inputs do in that cycle is spent."""
        self._timers_due = [None] * len(self._durations)
        self._counts = [0] * len(self._counters)
        self._cycle = cycle
        return self._enter(0, cycle)

    def stop(self) -> None:
        """Leave the table at once."""
        self.state = None

    def next_cycle(self) -> int | None:
        """Return the next cycle in which a timer runs out, or None if only input can move it."""
        if self.state is None:
            return None
        due = self._state_due
        for timer in self._timers_due:
            if timer is not None and (due is None or timer < due):
                due = timer
        return due

    def step(self, cycle: int, codes: int = 0) -> Entry | None:
        """Run one cycle.

        Parameters
        ----------
        cycle
            Its number: above that of the last step, and not above `next_cycle`.
        codes
            Input edges and soft events of this cycle, see `mask`; other bits are ignored.

        Returns
        -------
        Entry or None
            The state entered (or the end of the trial), or None if no transition was taken.

        Raises
        ------
        ValueError
            If no table runs, or the cycle is out of turn.
        """
        if self.state is None:
            raise ValueError("no table is running")
        due = self.next_cycle()
        if cycle <= self._cycle or (due is not None and cycle > due):
            raise ValueError(f"cycle {cycle} is out of turn after {self._cycle}, with {due} due")
        self._cycle = cycle
        true = self._true(cycle, codes & OUTSIDE)
        hit = true & self._row.wanted
        if not hit:
            return None
        return self._enter(self._row.targets[(hit & -hit).bit_length() - 1], cycle)

    def _true(self, cycle: int, true: int) -> int:
        """Return all conditions that are true in this cycle; each counter and timer says so once."""
        for number, (edge, threshold) in enumerate(self._counters):
            if true & edge and self._counts[number] < threshold:
                self._counts[number] += 1
                if self._counts[number] == threshold:
                    true |= 1 << (Condition.COUNTER + number)
        for number, due in enumerate(self._timers_due):
            if due == cycle:
                self._timers_due[number] = None
                true |= 1 << (Condition.TIMER + number)
        if self._state_due == cycle:
            self._state_due = None
            true |= _STATE_TIMER_BIT
        return true

    def _enter(self, target: int, cycle: int) -> Entry:
        if target == EXIT:
            self.state = None
            return _END
        row = self._row = self._rows[target]
        self.state = target
        self._state_due = None if row.timer is None else cycle + row.timer
        for kind, index in row.actions:
            if kind is ActionKind.COUNTER_RESET:
                self._counts[index] = 0
            elif kind is ActionKind.TIMER_START:
                self._timers_due[index] = cycle + self._durations[index]
            else:
                self._timers_due[index] = None
        return row.entry
