"""What a table must never do on a rig. A table that breaks a rule does not reach the board.

=================  ====================================================================================
rule               broken by
=================  ====================================================================================
board-limit        more states, transitions, timers, counters or bytes than the board holds
duplicate-name     two states of one name
bad-number         a number that does not fit its field
bad-order          conditions of a state that do not ascend
bad-target         a transition to a state that is not there
bad-action         an action on a timer or counter that is not there
unknown-output     an output line that the rig does not name
unknown-input      an input line that the rig does not name
unknown-condition  a soft event, counter or timer that is not there
log-only           a condition on an input that is only recorded
dead-condition     a condition that can never come true
valve-held         a valve held open by a state
laser-held         a laser held on by a state
laser-pulses       more pulses of a laser in a trial than the rig allows
laser-loop         a laser pulse in a state that can come round again
pulse-forbidden    a pulse on an output that may not be pulsed
pulse-length       a pulse longer than the output's limit, or of no length
pulse-overlap      a pulse that begins while the one before still runs (a warning if it takes an input)
calibration        a valve opening whose volume is not known
reward-limit       a drop above the rig's limit
unreachable        a state that no way leads to
no-way-out         a state from which the trial cannot end
zero-time-loop     a loop of states that take no time
reward-loop        a reward that repeats by itself with less than 50 ms in between
waits-for-input    (warning) a state that only an input or the host can end
=================  ====================================================================================

What boards cannot do brings rules of its own: `rig.machine.board_rules`.
"""

from __future__ import annotations

from rig.description import RigDescription
from rig.device import BoardLimits
from rig.errors import EncodeError, UnsafeTableError
from rig.machine.board_rules import BoardRules
from rig.machine.flow import FlowRules
from rig.machine.image import encode
from rig.machine.rules import Problem, StateRules, table_problems
from rig.machine.table import StateTable

__all__ = ["Problem", "check", "problems"]


def problems(table: StateTable, rig: RigDescription, limits: BoardLimits | None = None) -> list[Problem]:
    """Return everything that is wrong with a table on this rig, warnings included. Never raises.

    A table without errors has an image that the board accepts.
    """
    limits = limits or BoardLimits()
    found = [
        *table_problems(table, limits),
        *StateRules(table, rig).problems(),
        *FlowRules(table, rig).problems(),
        *BoardRules(table, rig.board, limits).problems(),
    ]
    if not any(problem.kind == "error" for problem in found):
        try:
            encode(table, limits)
        except EncodeError as error:
            found.append(Problem(None, "bad-number", str(error)))
    return found


def check(
    table: StateTable, rig: RigDescription, limits: BoardLimits | None = None, where: str | None = None
) -> None:
    """Refuse a table that breaks a rule.

    Parameters
    ----------
    where
        The protocol's file, for the message.

    Raises
    ------
    UnsafeTableError
        Names the file, the state and the rule of the first error, and how many there are besides.
    """
    errors = [problem for problem in problems(table, rig, limits) if problem.kind == "error"]
    if not errors:
        return
    first, others = errors[0], len(errors) - 1
    place = f"state '{first.state}' of '{table.name}'" if first.state is not None else f"table '{table.name}'"
    more = f" ({others} more)" if others else ""
    raise UnsafeTableError(f"{place}: {first.message} [rule: {first.rule}]{more}", where)
