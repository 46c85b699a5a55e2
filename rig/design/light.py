"""Light on the animal's neurons: in which trials, and how much of it.

Light on dopamine units is a learning manipulation. It is given only in an epoch that was declared for it,
and only in trials whose spec says ``light``: never in a sham, never unnoticed. How much is capped three
times: the board ends every pulse after `max_open_ms` at the latest, whatever the computer does; no table
holds more pulses than `max_pulses_per_trial`; and this ledger counts the light of the last minute.

As with water, what is not known is counted as the most that it can have been.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from rig.description import OutputLine, RigDescription
from rig.design.epochs import Epoch
from rig.design.told import PAGE
from rig.errors import ConfigError
from rig.events import OutputChange
from rig.machine.table import ActionKind, StateTable
from rig.trial.spec import TrialSpec
from rig.units import US_PER_MS, US_PER_S

MINUTE_US: Final = 60 * US_PER_S


class LightLedger:
    """Counts every laser's light as the board stamped it, and knows what is still allowed.

    Attributes
    ----------
    runaway
        Why everything must be switched off at once: a laser came on in a trial without light.
    """

    def __init__(self, rig: RigDescription) -> None:
        self._lasers = {out.line: (n, out) for n, out in rig.board.outputs.items() if out.kind == "laser"}
        self._began_us: dict[int, int] = {}
        self._recent: dict[int, deque[tuple[int, int]]] = {line: deque() for line in self._lasers}
        self._expected: frozenset[int] = frozenset()
        self._before: frozenset[int] = frozenset()
        self._planned: dict[int, int] = {}
        self.runaway: str | None = None

    # --- before a trial -----------------------------------------------------------------------------

    def lock(self, number: int, trial: TrialSpec, epoch: Epoch, table: StateTable, now_us: int) -> None:
        """Refuse a table whose light is not what its trial and its epoch declare, or too much.

        What it lets pass is expected to be lit from now on.

        Raises
        ------
        ConfigError
            Naming the trial, what it would do, and what to write.
        """
        planned = self._planned_us(table)
        place = f"trial {number + 1}"
        if trial.stimulation and not epoch.stimulated:
            raise ConfigError(
                f"{place} is to have {trial.stimulation}, but epoch '{epoch.name}' is not declared for it; "
                f"declare it with stimulated=True ({PAGE})"
            )
        if planned and trial.stimulation != "light":
            said = f"'{trial.stimulation}'" if trial.stimulation else "nothing of light"
            raise ConfigError(
                f"{place}: its table switches {self._names(planned)} on, but its spec says {said}; only a "
                f"trial with stimulation='light' may ({PAGE})"
            )
        if trial.stimulation == "light" and not planned:
            raise ConfigError(f"{place} is to have light, but its table switches no laser on ({PAGE})")
        for line, planned_us in planned.items():
            self._cap(place, line, planned_us, now_us)
        self._before, self._expected = self._expected, frozenset(planned)
        self._planned = planned

    def _planned_us(self, table: StateTable) -> dict[int, int]:
        """Return the light that a table can give: a laser's pulses come once each (rule ``laser-loop``)."""
        planned: dict[int, int] = {}
        for state in table.states:
            for action in state.actions:
                if action.kind is ActionKind.PULSE and action.index in self._lasers:
                    planned[action.index] = planned.get(action.index, 0) + action.value
            for line in self._lasers:
                if state.outputs >> line & 1:  # no table like that is run; it is light nevertheless
                    planned.setdefault(line, 0)
        return planned

    def _names(self, lines: dict[int, int]) -> str:
        return " and ".join(f"'{self._lasers[line][0]}'" for line in sorted(lines))

    def _cap(self, place: str, line: int, planned_us: int, now_us: int) -> None:
        name, laser = self._lasers[line]
        recent = self._recent[line]
        while recent and recent[0][0] < now_us - MINUTE_US:
            recent.popleft()
        on_us = planned_us + sum(lasted_us for _, lasted_us in recent)
        if on_us > round(laser.max_on_ms_per_minute * US_PER_MS):
            raise ConfigError(
                f"{place} would make {on_us / US_PER_MS:g} ms of '{name}' within a minute; the rig allows "
                f"{laser.max_on_ms_per_minute:g} ms (max_on_ms_per_minute): give less light, or wait longer"
            )

    def intend(self, at_us: int) -> None:
        """Count the light of the trial that was let pass last as if it had been given, in a rehearsal."""
        for line, planned_us in self._planned.items():
            self._count(line, planned_us, at_us)

    # --- what the board did ---------------------------------------------------------------------------

    def add(self, event: OutputChange) -> None:
        """Take an output change; lasers only."""
        if event.output not in self._lasers:
            return
        name, laser = self._lasers[event.output]
        began_us = self._began_us.pop(event.output, None)
        if event.on:
            if began_us is not None:  # its end was lost
                self._count(event.output, _longest_us(laser), event.t_us)
            self._began_us[event.output] = event.t_us
            # What the board said of the trial before may still be under way.
            if event.output not in self._expected | self._before:
                self.runaway = f"laser '{name}' came on in a trial without light"
            return
        lasted_us = event.t_us - began_us if began_us is not None else -1
        self._count(event.output, lasted_us if lasted_us >= 0 else _longest_us(laser), event.t_us)

    def restart(self, now_us: int) -> None:
        """Take note that the board is here (again) and its time is `now_us`; it may have begun anew."""
        for line, recent in self._recent.items():
            if recent and recent[-1][0] > now_us:
                self._recent[line] = deque((now_us, lasted_us) for _, lasted_us in recent)

    def _count(self, line: int, lasted_us: int, ended_us: int) -> None:
        self._recent[line].append((ended_us, lasted_us))


def _longest_us(laser: OutputLine) -> int:
    return round(laser.max_open_ms * US_PER_MS)
