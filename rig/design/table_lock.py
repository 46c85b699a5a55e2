"""A table does what its trial says: the declared volume, not more and not less, after the declared cue.

What a trial is called is held against the schedule by the auditor. Here the states themselves are: a
protocol whose `table` gives another drop than the spec says, a second one for three licks, or another odour
before the large ones would change the distribution all the same.
"""

from __future__ import annotations

import math
from typing import Final

from rig.description import RigDescription
from rig.design.schedule import Schedule
from rig.design.told import PAGE, words
from rig.errors import ConfigError
from rig.machine.calibration import volume_ul
from rig.machine.graph import edges, heaviest
from rig.machine.table import ActionKind, State, StateTable
from rig.trial.spec import TrialSpec

WITHIN_UL: Final = 0.06
WITHIN_SHARE: Final = 0.05
"""A drop within 0.06 uL or 5 % of what was meant is what was meant: openings are whole cycles. Where nothing
was meant, nothing is what is meant."""
DO: Final = f"a table gives what its trial says, once, and with the cue that it says ({PAGE}#refused)"


class TableLock:
    """Holds tables to their trials.

    Parameters
    ----------
    schedule
        Whose cues are known as cues.
    rig
        For the lines, and for the volumes of valve openings.
    """

    def __init__(self, schedule: Schedule, rig: RigDescription) -> None:
        outputs = rig.board.outputs
        self._valves = {out.line: out for out in outputs.values() if out.kind == "valve"}
        cues = {kind.cue for block in schedule.blocks for kind in block}
        self._cues = {name: out.line for name, out in outputs.items() if name in cues}

    def lock(self, number: int, trial: TrialSpec, table: StateTable) -> None:
        """Refuse a table that can give more than its trial's reward, cannot give it, or has another cue.

        Raises
        ------
        ConfigError
            Naming the trial, the states, what is declared, and where to read about it.
        """
        problem = self._water(trial, table) or self._cue(trial, table)
        if problem is not None:
            raise ConfigError(f"trial {number + 1}: {problem}, but {words(trial)} is declared there; {DO}")

    def _water(self, trial: TrialSpec, table: StateTable) -> str | None:
        drops = {number: ul for number, state in enumerate(table.states) if (ul := self._ul(state))}
        slack, meant = tolerance_ul(trial.reward_ul), trial.reward_ul
        names = {number: table.states[number].name for number in drops}
        for number, ul in drops.items():
            if ul > meant + slack:
                return f"state '{names[number]}' gives {ul:.3g} uL"
        most = heaviest(edges(table), 0, drops)
        if most == math.inf:
            return f"{_states(names)} can come round again and give a drop once more"
        if most > meant + slack:
            return f"{_states(names)} can give {most:.3g} uL in all"
        if most < meant - slack:
            return f"its table gives {f'{most:.3g} uL at most' if most else 'no reward'}"
        return None

    def _ul(self, state: State) -> float:
        pulses = [action for action in state.actions if action.kind is ActionKind.PULSE]
        return sum(volume_ul(self._valves[a.index], a.value) for a in pulses if a.index in self._valves)

    def _cue(self, trial: TrialSpec, table: StateTable) -> str | None:
        lit = {name for name, line in self._cues.items() if any(_lit(s, line) for s in table.states)}
        if trial.cue is None and lit:
            return f"its table switches {min(lit)} on"
        if trial.cue in self._cues and trial.cue not in lit:
            return f"its table does not switch {trial.cue} on"
        return None


def tolerance_ul(meant_ul: float) -> float:
    """Return how far a drop may be from what was meant."""
    return max(WITHIN_UL, WITHIN_SHARE * meant_ul) if meant_ul else 0.0


def _lit(state: State, line: int) -> bool:
    pulsed = any(action.kind is ActionKind.PULSE and action.index == line for action in state.actions)
    return pulsed or bool(state.outputs >> line & 1)


def _states(names: dict[int, str]) -> str:
    told = ", ".join(f"'{name}'" for name in names.values())
    return f"state{'s' * (len(names) != 1)} {told}"
