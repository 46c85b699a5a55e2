"""Rules that a table must keep because the board it will run on cannot do everything (`rig.device.Lack`).

=================  ====================================================================================
rule               broken by
=================  ====================================================================================
board-limit        more timers and different pulses together than the board has timers
held-for-ever      on a board without a watchdog: a line held by a state that no timer ends
runs-alone         on a board without a watchdog: states that follow each other by timers alone, round
                   and round, with a line on or a pulse in them
pulses-again       on a board without a watchdog: a pulse of a valve or laser that can come again within
                   the trial
pulse-cut          a pulse that may still run when the trial ends, where that ends the pulse
pulse-overlap      a pulse that may begin while another runs on the line, where that makes it longer
hold-and-pulse     a line both held and pulsed, where the pulse's end switches it off
counter-resets     more counters reset at once than the board can
cancel-and-wait    a state that cancels a timer and waits for it, where the cancelling itself is told
soft-event         a condition on a soft event, where the board takes none
=================  ====================================================================================

Without a watchdog nobody stops a trial whose computer has died. So each such trial must come to rest by its
own timers, and what it can give at most must follow from the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rig.description import BoardConfig, OutputLine
from rig.device import BoardLimits, Lack
from rig.machine.graph import edges, in_loops, soonest
from rig.machine.rules import Problem
from rig.machine.table import EXIT, NO_TIMER, Action, ActionKind, Condition, State, StateTable
from rig.machine.words import duration, milliseconds
from rig.units import us_to_cycles_up


class BoardRules:
    """What a table must do without on one board.

    Parameters
    ----------
    board
        The rig's lines, for their names and kinds.
    limits
        What the board can do.
    """

    def __init__(self, table: StateTable, board: BoardConfig, limits: BoardLimits) -> None:
        self._table = table
        self._limits = limits
        self._outputs: dict[int, tuple[str, OutputLine]] = {
            out.line: (name, out) for name, out in board.outputs.items()
        }
        targets = range(len(table.states))
        self._edges = [edge for edge in edges(table) if edge.target in targets or edge.target == EXIT]
        self._pulses = {
            number: {action.index: action for action in _pulses(state)}
            for number, state in enumerate(table.states)
        }

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong; nothing, on a board that lacks nothing."""
        if not self._table.states:
            return
        rules: dict[Lack, tuple[Callable[[], Iterator[Problem]], ...]] = {
            Lack.WATCHDOG: (self._held_for_ever, self._runs_alone, self._pulses_again),
            Lack.LASTING_PULSES: (self._cut,),
            Lack.REFUSED_OVERLAPS: (self._overlaps,),
            Lack.HELD_AND_PULSED: (self._held_and_pulsed,),
            Lack.SEVERAL_RESETS: (self._resets,),
            Lack.QUIET_CANCEL: (self._cancels,),
            Lack.SOFT_EVENTS: (self._soft_events,),
        }
        yield from self._shared_timers()
        for lack, checks in rules.items():
            if lack in self._limits.lacks:
                for rule in checks:
                    yield from rule()

    # --- nobody looks after the board -------------------------------------------------------------

    def _held_for_ever(self) -> Iterator[Problem]:
        for state in self._table.states:
            timed = state.timer_cycles != NO_TIMER and any(
                way.code == Condition.STATE_TIMER for way in state.transitions
            )
            if state.outputs and not timed:
                yield Problem(
                    state.name,
                    "held-for-ever",
                    f"it keeps {self._held(state)} on until something happens; this board does not notice "
                    "when its computer is gone, so give the state a timer=... and a then=...",
                )

    def _runs_alone(self) -> Iterator[Problem]:
        alone = [edge for edge in self._edges if not edge.from_outside]
        for number in sorted(in_loops(alone)):
            state = self._table.states[number]
            if not state.outputs and not self._pulses[number]:
                continue
            what = f"keeps {self._held(state)} on" if state.outputs else "gives a pulse"
            yield Problem(
                state.name,
                "runs-alone",
                f"it {what} and comes round again by timers alone; this board would go on for ever if its "
                "computer died: lead the way on to END",
            )

    def _pulses_again(self) -> Iterator[Problem]:
        again = in_loops(self._edges)
        for number in sorted(again):
            for line, action in self._pulses[number].items():
                if line in self._outputs and self._outputs[line][1].kind == "line":
                    continue
                yield Problem(
                    self._table.states[number].name,
                    "pulses-again",
                    f"it can come round again and pulse '{self._name(action)}' once more; this board has no "
                    "watchdog, so a trial may give only what is counted beforehand: write each pulse as a "
                    "state of its own",
                )

    # --- pulses -----------------------------------------------------------------------------------

    def _cut(self) -> Iterator[Problem]:
        for number, pulses in self._pulses.items():
            if not pulses:
                continue
            over = soonest(self._edges, number, lambda target: target == EXIT).get(EXIT)
            for action in pulses.values():
                if over is not None and over < us_to_cycles_up(action.value):
                    yield Problem(
                        self._table.states[number].name,
                        "pulse-cut",
                        f"it pulses '{self._name(action)}' for {milliseconds(action.value)}, but the trial "
                        f"can end {duration(over)} later, and this board closes everything at a trial's "
                        "end; stay in a state with a timer until the pulse is over",
                    )

    def _overlaps(self) -> Iterator[Problem]:
        for number, pulses in self._pulses.items():
            for line, action in pulses.items():
                cycles = us_to_cycles_up(action.value)
                times = soonest(self._edges, number)
                late = [n for n, soon in times.items() if soon <= cycles and line in self._pulses.get(n, {})]
                for other in sorted(late)[:1]:
                    yield Problem(
                        self._table.states[other].name,
                        "pulse-overlap",
                        f"it can pulse '{self._name(action)}' {duration(times[other])} after state "
                        f"'{self._table.states[number].name}' began a pulse of {milliseconds(action.value)} "
                        "on it; this board would make that one longer: leave a pause between them",
                    )

    def _held_and_pulsed(self) -> Iterator[Problem]:
        held = 0
        for state in self._table.states:
            held |= state.outputs
        for number, pulses in self._pulses.items():
            for line, action in pulses.items():
                if held >> line & 1:
                    yield Problem(
                        self._table.states[number].name,
                        "hold-and-pulse",
                        f"it pulses '{self._name(action)}', which another state holds on; on this board a "
                        "line is either held or pulsed in a trial",
                    )

    def _shared_timers(self) -> Iterator[Problem]:
        most = self._limits.shared_timers
        needed = timers_needed(self._table)
        if most and needed > most:
            yield Problem(
                None,
                "board-limit",
                f"its global timers and its pulses of different lengths need {needed} timers; "
                f"the board has {most}",
            )

    # --- counters and timers ----------------------------------------------------------------------

    def _resets(self) -> Iterator[Problem]:
        for state in self._table.states:
            reset = {a.index for a in state.actions if a.kind is ActionKind.COUNTER_RESET}
            if len(reset) > 1:
                yield Problem(
                    state.name,
                    "counter-resets",
                    f"it resets {len(reset)} counters; on this board a state resets one at most",
                )

    def _cancels(self) -> Iterator[Problem]:
        for state in self._table.states:
            for index in sorted(cancelled(state)):
                if any(way.code == Condition.TIMER + index for way in state.transitions):
                    yield Problem(
                        state.name,
                        "cancel-and-wait",
                        f"it cancels global timer {index} and waits for it; on this board cancelling tells "
                        "as if it had run out: cancel it in a state before",
                    )

    def _soft_events(self) -> Iterator[Problem]:
        for state in self._table.states:
            for way in state.transitions:
                if Condition.SOFT <= way.code < Condition.COUNTER:
                    number = way.code - Condition.SOFT + 1
                    text = f"it waits for soft event {number}, and this board takes none from the computer"
                    yield Problem(state.name, "soft-event", text)

    def _name(self, action: Action) -> str:
        return self._outputs[action.index][0] if action.index in self._outputs else f"output {action.index}"

    def _held(self, state: State) -> str:
        lines = [line for line in range(state.outputs.bit_length()) if state.outputs >> line & 1]
        return ", ".join(f"'{self._outputs[n][0]}'" if n in self._outputs else f"output {n}" for n in lines)


def _pulses(state: State) -> list[Action]:
    return [action for action in state.actions if action.kind is ActionKind.PULSE]


def timers_needed(table: StateTable) -> int:
    """Return how many timers a table takes on a board whose pulses take timers too."""
    pulses = {(a.index, us_to_cycles_up(a.value)) for state in table.states for a in _pulses(state)}
    return len(table.timers_cycles) + len(pulses)


def cancelled(state: State) -> set[int]:
    """Return the global timers that a state's entry leaves cancelled: what it does last to each counts."""
    last = {
        a.index: a.kind for a in state.actions if a.kind in (ActionKind.TIMER_START, ActionKind.TIMER_CANCEL)
    }
    return {index for index, kind in last.items() if kind is ActionKind.TIMER_CANCEL}
