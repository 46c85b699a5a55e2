"""Rules about single states: what they name must exist on the rig, and valves only ever get pulses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import msgspec

from rig.description import OutputLine, RigDescription
from rig.device import BoardLimits
from rig.errors import ConfigError
from rig.machine.calibration import in_range, open_us, range_us
from rig.machine.graph import can_come_true
from rig.machine.image import image_size
from rig.machine.table import EXIT, Action, ActionKind, Condition, State, StateTable
from rig.machine.words import Words, milliseconds
from rig.units import US_PER_MS


class Problem(msgspec.Struct, frozen=True):
    """One rule that a table breaks.

    Parameters
    ----------
    state
        Name of the state, or None if it is about the whole table.
    rule
        The rule's name; see `rig.machine.check` for the list.
    message
        What is wrong and what to do, for people.
    kind
        An ``error`` keeps the table from the board; a ``warning`` is only told.
    """

    state: str | None
    rule: str
    message: str
    kind: Literal["error", "warning"] = "error"


def table_problems(table: StateTable, limits: BoardLimits) -> Iterator[Problem]:
    """Yield what is wrong with the table as a whole."""
    counts = (
        ("states", len(table.states), limits.states),
        ("transitions", sum(len(state.transitions) for state in table.states), limits.transitions),
        ("global timers", len(table.timers_cycles), limits.timers),
        ("counters", len(table.counters), limits.counters),
        ("bytes", image_size(table), limits.table_bytes),
    )
    for what, count, most in counts:
        if count > most:
            yield Problem(None, "board-limit", f"it has {count} {what}; the board holds {most}")
    if not table.states:
        yield Problem(None, "board-limit", "it has no states; give it one at least")
    for name, times in Counter(state.name for state in table.states).items():
        if times > 1:
            yield Problem(name, "duplicate-name", f"{times} states have this name; give each its own")


class StateRules:
    """Rules about one state at a time."""

    def __init__(self, table: StateTable, rig: RigDescription) -> None:
        self._table = table
        self._rig = rig
        self._words = Words(table, rig)
        self._outputs = {line.line: (name, line) for name, line in rig.board.outputs.items()}
        self._inputs = {line.line: (name, line) for name, line in rig.board.inputs.items()}

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong with the counters and with each state."""
        for number, counter in enumerate(self._table.counters):
            yield from self._input_problems(None, counter.code, f"counter {number}")
            if not 1 <= counter.threshold <= 0xFFFF:
                yield Problem(None, "bad-number", f"counter {number} has threshold {counter.threshold}")
        yield from self._trains()
        for state in self._table.states:
            yield from self._held(state)
            yield from self._transitions(state)
            yield from self._actions(state)

    def _trains(self) -> Iterator[Problem]:
        """A laser may not be pulsed in more places than it may be pulsed in a trial (loops: `FlowRules`)."""
        pulses = Counter(a.index for s in self._table.states for a in s.actions if a.kind is ActionKind.PULSE)
        for line, count in pulses.items():
            name, output = self._outputs.get(line, ("", None))
            if output is not None and output.kind == "laser" and count > output.max_pulses_per_trial:
                yield Problem(
                    None,
                    "laser-pulses",
                    f"it pulses laser '{name}' {count} times; the rig allows {output.max_pulses_per_trial} a "
                    "trial (max_pulses_per_trial)",
                )

    def _held(self, state: State) -> Iterator[Problem]:
        for line in range(max(0, state.outputs).bit_length()):
            if not state.outputs >> line & 1:
                continue
            if line not in self._outputs:
                yield self._unknown_output(state, line)
            elif self._outputs[line][1].kind == "laser":
                yield Problem(
                    state.name,
                    "laser-held",
                    f"it holds laser '{self._outputs[line][0]}' on as long as it runs; lasers come on by "
                    "timed pulses only, which the board ends by itself: pulses={NAME: SECONDS}",
                )
            elif self._outputs[line][1].kind == "valve":
                yield Problem(
                    state.name,
                    "valve-held",
                    f"it holds valve '{self._outputs[line][0]}' open as long as it runs; valves open by a "
                    "timed pulse only: deliver_ul=..., or deliver=(VALVE, UL)",
                )

    def _unknown_output(self, state: State, line: int) -> Problem:
        known = ", ".join(sorted(self._rig.board.outputs)) or "none"
        return Problem(state.name, "unknown-output", f"the rig has no output on line {line}; it has: {known}")

    def _transitions(self, state: State) -> Iterator[Problem]:
        codes = [transition.code for transition in state.transitions]
        if any(a >= b for a, b in pairwise(codes)):
            yield Problem(state.name, "bad-order", "its conditions must ascend, each once")
        for transition in state.transitions:
            code, target = transition.code, transition.target
            if target != EXIT and not 0 <= target < len(self._table.states):
                yield Problem(
                    state.name, "bad-target", f"it leads to state number {target}, which is not there"
                )
            if code < Condition.SOFT:
                yield from self._input_problems(state.name, code, "a way out of it")
            elif not self._known(code):
                yield Problem(
                    state.name,
                    "unknown-condition",
                    f"{self._words.condition(code)} does not exist in this table",
                )
            elif not can_come_true(self._table, state, code):
                why = "it has none" if code == Condition.STATE_TIMER else "no state starts that"
                yield Problem(
                    state.name, "dead-condition", f"it waits for its {self._words.condition(code)}, but {why}"
                )

    def _known(self, code: int) -> bool:
        if Condition.COUNTER <= code < Condition.TIMER:
            return code - Condition.COUNTER < len(self._table.counters)
        if Condition.TIMER <= code < Condition.STATE_TIMER:
            return code - Condition.TIMER < len(self._table.timers_cycles)
        return Condition.SOFT <= code <= Condition.STATE_TIMER

    def _input_problems(self, state: str | None, code: int, what: str) -> Iterator[Problem]:
        known = ", ".join(sorted(self._rig.board.inputs)) or "none"
        if not 0 <= code < Condition.SOFT:
            yield Problem(
                state, "unknown-input", f"{what} names condition code {code}, which is no input edge"
            )
        elif code // 2 not in self._inputs:
            yield Problem(
                state,
                "unknown-input",
                f"{what} is input line {code // 2}, which the rig does not have; it has: {known}",
            )
        elif self._inputs[code // 2][1].log_only:
            yield Problem(
                state,
                "log-only",
                f"{what} is input '{self._inputs[code // 2][0]}', which is only recorded (log_only): choose "
                "another input, or change that in the rig file",
            )

    # --- actions ---------------------------------------------------------------------------------

    def _actions(self, state: State) -> Iterator[Problem]:
        pulsed: set[int] = set()
        for action in state.actions:
            if action.kind is ActionKind.PULSE:
                if action.index in pulsed:
                    yield Problem(
                        state.name,
                        "pulse-overlap",
                        f"it pulses '{self._words.output(action.index)}' twice at once",
                    )
                pulsed.add(action.index)
                yield from self._pulse(state, action)
                continue
            counting = action.kind is ActionKind.COUNTER_RESET
            there = len(self._table.counters if counting else self._table.timers_cycles)
            if not 0 <= action.index < there:
                yield Problem(
                    state.name, "bad-action", f"it would {self._words.action(action)}, which is not there"
                )

    def _pulse(self, state: State, action: Action) -> Iterator[Problem]:
        if action.index not in self._outputs:
            yield self._unknown_output(state, action.index)
            return
        name, line = self._outputs[action.index]
        longest_us = round(line.max_open_ms * US_PER_MS)
        if longest_us == 0:
            yield Problem(
                state.name,
                "pulse-forbidden",
                f"output '{name}' may not be pulsed; give it a max_open_ms in the rig file if it may",
            )
        elif not 0 < action.value <= longest_us:
            yield Problem(
                state.name,
                "pulse-length",
                f"it pulses '{name}' for {milliseconds(action.value)}; it may be open from 0.001 to "
                f"{milliseconds(longest_us)}",
            )
        if line.kind == "valve":
            try:
                yield from self._volume(state, name, line, action.value)
            except ConfigError as error:
                yield Problem(state.name, "calibration", str(error))

    def _volume(self, state: State, name: str, valve: OutputLine, opened_us: int) -> Iterator[Problem]:
        shortest_us, longest_us = range_us(valve, f"valve '{name}'")
        if not in_range(valve, opened_us):
            yield Problem(
                state.name,
                "calibration",
                f"it opens valve '{name}' for {milliseconds(opened_us)}, but that is calibrated from "
                f"{milliseconds(shortest_us)} to {milliseconds(longest_us)}: the volume is not known",
            )
        most_ul = self._rig.limits.max_drop_ul
        _, smallest_ul = valve.calibration[0]
        _, largest_ul = valve.calibration[-1]
        if most_ul >= largest_ul:
            return
        # Compared as times, so that a drop of exactly the limit is not refused for its rounding.
        if most_ul < smallest_ul or opened_us > open_us(valve, most_ul):
            yield Problem(
                state.name,
                "reward-limit",
                f"it opens valve '{name}' for {milliseconds(opened_us)}, which gives more than the rig's "
                f"limit of {most_ul:g} uL a drop (max_drop_ul)",
            )
