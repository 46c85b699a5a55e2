"""A state table as a Bpod's state matrix.

What has no counterpart is built from what there is:

* A pulse is a global timer whose channel is the output: the device itself ends it. Pulses of one output
  and length share a timer; the table's own global timers come first, with no channel.
* A Bpod knows no transition from a state to itself. Such a state is there twice, and the two lead to each
  other.
* A timer that is cancelled and started by the same entry is only started (that begins it anew).

What would run otherwise than the table says is refused (`rig.machine.board_rules`). Left over are two
differences, both of counters: they come a cycle late, and after global timers.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from drivers.bpod.hardware import Hardware
from drivers.bpod.matrix import MOST_STATES, EventCounter, GlobalTimer, MatrixState, StateMatrix
from rig.errors import EncodeError
from rig.machine.board_rules import cancelled
from rig.machine.table import EXIT, NO_TIMER, ActionKind, Condition, State, StateTable
from rig.units import us_to_cycles_up


class Wiring(msgspec.Struct, frozen=True, kw_only=True):
    """Lines as the machine's own numbers: line -> channel."""

    hardware: Hardware
    inputs: Mapping[int, int]
    outputs: Mapping[int, int]


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A matrix, and what its numbers mean to the rig.

    Parameters
    ----------
    states
        The table's state behind each state of the matrix.
    held
        Output lines that each state of the matrix holds, as a bit mask.
    pulses
        Output line behind each global timer; None: a timer of the table's own.
    """

    matrix: StateMatrix
    states: tuple[int, ...]
    held: tuple[int, ...]
    pulses: tuple[int | None, ...]


def compile_table(table: StateTable, wiring: Wiring) -> Compiled:
    """Return the matrix of a table.

    Raises
    ------
    EncodeError
        If the machine does not have what the table asks for.
    """
    return _Compiler(table, wiring).compiled()


class _Compiler:
    def __init__(self, table: StateTable, wiring: Wiring) -> None:
        self._table = table
        self._wiring = wiring
        self._hardware = wiring.hardware
        self._pulses: dict[tuple[int, int], int] = {}  # (line, cycles) -> timer
        for state in table.states:
            for action in state.actions:
                if action.kind is ActionKind.PULSE:
                    key = action.index, us_to_cycles_up(action.value)
                    self._pulses.setdefault(key, len(table.timers_cycles) + len(self._pulses))
        own = [n for n, s in enumerate(table.states) if any(way.target == n for way in s.transitions)]
        self._twins = {number: len(table.states) + k for k, number in enumerate(own)}

    def compiled(self) -> Compiled:
        table, hardware = self._table, self._hardware
        copies = [*range(len(table.states)), *self._twins]
        timers = len(table.timers_cycles) + len(self._pulses)
        for what, count, most in (
            ("states", len(copies), min(hardware.states - 1, MOST_STATES)),
            ("timers", timers, hardware.timers),
            ("counters", len(table.counters), hardware.counters),
        ):
            if count > most:
                raise EncodeError(f"the table needs {count} {what}; this {hardware.name} has {most}")
        matrix = StateMatrix(
            states=tuple(self._state(number, copy) for copy, number in enumerate(copies)),
            timers=(
                *(GlobalTimer(duration=max(1, cycles)) for cycles in table.timers_cycles),
                *(self._pulse(line, cycles) for line, cycles in self._pulses),
            ),
            counters=tuple(
                EventCounter(event=self._edge(counter.code), threshold=counter.threshold)
                for counter in table.counters
            ),
        )
        return Compiled(
            matrix=matrix,
            states=tuple(copies),
            held=tuple(table.states[number].outputs for number in copies),
            pulses=(*(None for _ in table.timers_cycles), *(line for line, _ in self._pulses)),
        )

    def _pulse(self, line: int, cycles: int) -> GlobalTimer:
        channel = self._output(line)
        return GlobalTimer(duration=cycles, channel=channel, on=self._hardware.full_on(channel))

    def _state(self, number: int, copy: int) -> MatrixState:
        state = self._table.states[number]
        ways = {way.code: self._target(way.target, number, copy) for way in state.transitions}
        soft = self._hardware.soft_event

        def among(base: int, end: int) -> tuple[tuple[int, int], ...]:
            return tuple((code - base, target) for code, target in ways.items() if base <= code < end)

        edges = [(self._edge(code), ways[code]) for code in ways if code < Condition.SOFT]
        softs = [(soft + event, target) for event, target in among(Condition.SOFT, Condition.COUNTER)]
        timed = state.timer_cycles != NO_TIMER
        trigger, cancel, reset = self._entry(state)
        return MatrixState(
            timer=state.timer_cycles if timed else 0,
            after=ways.get(Condition.STATE_TIMER) if timed else None,
            inputs=(*softs, *edges),
            outputs=self._held(state),
            timer_ends=among(Condition.TIMER, Condition.STATE_TIMER),
            counters=among(Condition.COUNTER, Condition.TIMER),
            trigger=trigger,
            cancel=cancel,
            reset=reset,
        )

    def _target(self, target: int, number: int, copy: int) -> int:
        if target == EXIT:
            return len(self._table.states) + len(self._twins)
        return self._twins[number] if target == number and copy == number else target

    def _held(self, state: State) -> tuple[tuple[int, int], ...]:
        lines = [line for line in range(state.outputs.bit_length()) if state.outputs >> line & 1]
        channels = sorted(self._output(line) for line in lines)
        return tuple((channel, self._hardware.full_on(channel)) for channel in channels)

    def _entry(self, state: State) -> tuple[int, int, int]:
        """Return the bits of timers to trigger and to cancel, and the counter to reset."""
        trigger = reset = 0
        off = cancelled(state)
        for action in state.actions:
            if action.kind is ActionKind.PULSE:
                trigger |= 1 << self._pulses[action.index, us_to_cycles_up(action.value)]
            elif action.kind is ActionKind.TIMER_START and action.index not in off:
                trigger |= 1 << action.index
            elif action.kind is ActionKind.COUNTER_RESET:
                reset = action.index + 1
        return trigger, sum(1 << index for index in off), reset

    def _edge(self, code: int) -> int:
        line, rising = divmod(code, 2)
        if line not in self._wiring.inputs:
            raise EncodeError(f"the table waits for input line {line}, which is not wired to the Bpod")
        return self._hardware.edge(self._wiring.inputs[line], rising=bool(rising))

    def _output(self, line: int) -> int:
        if line not in self._wiring.outputs:
            raise EncodeError(f"the table uses output line {line}, which is not wired to the Bpod")
        return self._wiring.outputs[line]
