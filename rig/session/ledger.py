"""The water ledger: every valve opening of the session, whoever asked for it.

Water is counted for the animal's sake, so what is not known is counted as the most that it can have been:
an opening of which one end was lost (a link that broke, a board that was reset) lasted as long as the
board allows, and a drop that was promised and is not yet given counts against the ceilings already.

What was given is told by the calibration. The ceilings go by what it costs (`rig.machine.budget`): that is
what the board counts by, on its own clock, and so the two agree about what is left. It is the calibration's
volume or a little more, so a ceiling may be reached some per cent early, and never late.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rig.description import OutputLine, RigDescription
from rig.errors import ConfigError
from rig.events import OutputChange
from rig.machine.budget import UNIT_UL, Account, cost_of_us, prices, units
from rig.machine.calibration import open_us, volume_ul
from rig.machine.table import ActionKind, StateTable
from rig.units import CYCLE_US, US_PER_MS, us_to_cycles_up

WAIT: Final = "more than {:g} uL within a minute"


class WaterLedger:
    """Integrates the valves' open times as the board stamped them, and knows what is still allowed.

    Attributes
    ----------
    total_ul, drops
        Given so far, and in how many openings.
    promised_ul
        Asked for and not yet seen: the running trial's reward, manual rewards under way.

    Raises
    ------
    ConfigError
        If a valve gives more than can be counted.
    """

    def __init__(self, rig: RigDescription) -> None:
        self._rig = rig
        self._valves = {out.line: out for out in rig.board.outputs.values() if out.kind == "valve"}
        self._opened_us: dict[int, int] = {}
        self._prices = prices(rig)
        self._per_minute = units(rig.limits.max_per_minute_ul)
        self._per_session = units(rig.limits.max_session_ul)
        self._account = Account()
        self._account.allow(self._per_minute, self._per_session)
        self._allowance = self._per_session
        self._promised = 0
        self._most = (0.0, 0)
        self._of_table = (0.0, 0)
        self.total_ul = 0.0
        self.drops = 0
        self.promised_ul = 0.0
        self._doubted = False

    def add(self, event: OutputChange) -> None:
        """Take an output change; valves only."""
        valve = self._valves.get(event.output)
        if valve is None:
            return
        opened_us = self._opened_us.pop(event.output, None)
        if event.on:
            if opened_us is not None:  # its closing was lost
                self._count(valve, _at_most(valve, opened_us, event.t_us), event.t_us)
            self._opened_us[event.output] = event.t_us
        elif opened_us is not None:
            self._count(valve, event.t_us - opened_us, event.t_us)
        else:  # its opening was lost
            self._count(valve, _longest_us(valve), event.t_us)

    def doubt(self) -> None:
        """Take note that the board's events were lost: what is promised may have been given unseen."""
        self._doubted = True

    def settle(self, now_us: int) -> None:
        """Take note that nothing of what was promised can come any more.

        In doubt it was given, and as much as whole cycles make of it.
        """
        doubted, promised_ul, promised = self._doubted, self.promised_ul, self._promised
        self._doubted, self.promised_ul, self._promised = False, 0.0, 0
        if doubted and promised_ul > 0.0:
            by_valve = [_in_cycles(valve, promised_ul) for valve in self._valves.values()]
            self._give(max([promised_ul, *by_valve]), promised, now_us)

    def restart(self, now_us: int, *, anew: bool = False) -> None:
        """Take note that the board is here (again) and its time is `now_us`.

        Parameters
        ----------
        anew
            It was reset: what was open then was open for as long as it may be, what was promised may have
            been given, and its own count begins at nothing.
        """
        self._account.begin_anew(now_us // CYCLE_US)
        if anew:
            self._doubted = True
            for output in list(self._opened_us):
                self._count(self._valves[output], _longest_us(self._valves[output]), now_us)
            self._opened_us.clear()
            self._allowance = max(0, self._per_session - self._account.session - self._promised)

    def suspect(self, volume_ul: float = 0.0) -> None:
        """Take note that a trial may run that is not heard of: it may give as much as any so far.

        Parameters
        ----------
        volume_ul
            As much as this, at least.
        """
        most_ul, most = self._most
        self.promised_ul = max(self.promised_ul, most_ul, volume_ul)
        self._promised = max(self._promised, most, self._cost(volume_ul, None))

    def close(self, now_us: int) -> None:
        """Count what is open now: its closing will not be seen."""
        for output, opened_us in self._opened_us.items():
            valve = self._valves[output]
            self._count(valve, _at_most(valve, opened_us, now_us), now_us)
        self._opened_us.clear()
        self.settle(now_us)

    # --- what is allowed ----------------------------------------------------------------------------

    def promise(self, volume_ul: float, table: StateTable | None = None) -> None:
        """Take note that so much was asked for, by hand or by the pulses of a table."""
        asked = self._cost(volume_ul, table)
        self.promised_ul += volume_ul
        self._promised += asked
        if table is not None:
            self._of_table = volume_ul, asked
            self._most = max(self._most[0], self._volume(table)), max(self._most[1], asked)

    def withdraw(self) -> None:
        """Take note that the table that was promised last was never started: it gave nothing."""
        volume_ul, asked = self._of_table
        self._of_table = 0.0, 0
        self.promised_ul = max(0.0, self.promised_ul - volume_ul)
        self._promised = max(0, self._promised - asked)

    def why_not(self, volume_ul: float, now_us: int, table: StateTable | None = None) -> str | None:
        """Return why `volume_ul` more is not allowed now, or None if it is.

        Parameters
        ----------
        table
            Whose pulses give it; without one it is one drop.
        """
        return self.why_never(volume_ul, table) or self.why_wait(volume_ul, now_us, table)

    def why_never(self, volume_ul: float, table: StateTable | None = None) -> str | None:
        """Return why `volume_ul` more is not allowed in this session, or None if it is."""
        limits, asked = self._rig.limits, self._cost(volume_ul, table)
        if volume_ul > limits.max_drop_ul:
            return f"{volume_ul:g} uL is above the rig's limit of {limits.max_drop_ul:g} uL a drop"
        if asked > self._per_minute:
            return f"{volume_ul:g} uL is above the rig's limit of {limits.max_per_minute_ul:g} uL a minute"
        if not self._account.fits_session(asked + self._promised):
            return f"the session's ceiling of {limits.max_session_ul:g} uL is reached"
        return None

    def why_wait(self, volume_ul: float, now_us: int, table: StateTable | None = None) -> str | None:
        """Return why `volume_ul` more must wait for a while, or None if it need not."""
        asked = self._cost(volume_ul, table) + self._promised
        if self._account.fits_minute(asked, now_us // CYCLE_US):
            return None
        return WAIT.format(self._rig.limits.max_per_minute_ul)

    @property
    def budget(self) -> tuple[int, int]:
        """What the board may allow, by its own count: units within a minute, units in the session."""
        return self._per_minute, self._allowance

    def _openings(self, table: StateTable) -> Iterator[tuple[int, int]]:
        """Yield line and length of every opening that a table asks for, each once."""
        for state in table.states:
            for action in state.actions:
                if action.kind is ActionKind.PULSE and action.index in self._prices:
                    yield action.index, action.value

    def _volume(self, table: StateTable) -> float:
        return sum(volume_ul(self._valves[line], lasted_us) for line, lasted_us in self._openings(table))

    def _cost(self, volume_ul: float, table: StateTable | None) -> int:
        """Return what a volume costs: each pulse of a table once, or one drop of the dearest valve."""
        if table is not None:
            return sum(cost_of_us(self._prices[line], us) for line, us in self._openings(table))
        costs = [round(volume_ul / UNIT_UL)]
        for line, price in self._prices.items():
            try:
                costs.append(cost_of_us(price, open_us(self._valves[line], volume_ul)))
            except ConfigError:  # this valve cannot give it
                continue
        return max(costs)

    # --- what was given -----------------------------------------------------------------------------

    @property
    def runaway(self) -> str | None:
        """Why the running trial must be stopped at once: it gives much more than it promised.

        Whole cycles make a drop a little larger than asked for; one drop beyond the ceiling is no rounding.
        """
        limits = self._rig.limits
        if self.total_ul <= limits.max_session_ul + limits.max_drop_ul:
            return None
        return f"the valves gave {self.total_ul:.0f} uL, past the ceiling of {limits.max_session_ul:g} uL"

    def _count(self, valve: OutputLine, lasted_us: int, closed_us: int) -> None:
        volume, price = volume_ul(valve, lasted_us), self._prices.get(valve.line)
        spent = round(volume / UNIT_UL) if price is None else cost_of_us(price, lasted_us)
        self._give(volume, spent, closed_us)
        self.promised_ul = max(0.0, self.promised_ul - volume)
        self._promised = max(0, self._promised - spent)

    def _give(self, volume: float, spent: int, closed_us: int) -> None:
        self.total_ul += volume
        self.drops += 1
        self._account.spend(spent, us_to_cycles_up(closed_us))


def _in_cycles(valve: OutputLine, volume: float) -> float:
    """Return the volume that an opening for `volume` gives, which lasts whole cycles."""
    try:
        return volume_ul(valve, open_us(valve, volume) + CYCLE_US)
    except ConfigError:  # this valve cannot give it, so it was another
        return 0.0


def _longest_us(valve: OutputLine) -> int:
    return round(valve.max_open_ms * US_PER_MS)


def _at_most(valve: OutputLine, opened_us: int, seen_us: int) -> int:
    """How long a valve was open at most that was seen to open, and later was seen to be closed."""
    longest_us = _longest_us(valve)
    # Board time that went back tells of a reset, and nothing of the valve.
    return min(max(seen_us - opened_us, 1), longest_us) if seen_us >= opened_us else longest_us
