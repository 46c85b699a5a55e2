"""The board's pulse timers: one for each output, started by a table or by the host; and what they cost."""

from __future__ import annotations

from typing import Final

from rig.commands import PulseCost
from rig.machine.budget import Account, cost
from rig.units import us_to_cycles_up

MOST_COUNTED: Final = 4
"""So many outputs can have a cost at a time."""


class Pulses:
    """Running pulses, and those that the host asked for in the coming cycle.

    Attributes
    ----------
    on
        Bit mask of the outputs that a pulse holds.
    counted
        Bit mask of the outputs that have a cost.
    max_open_us
        Longest pulse of each output; 0, as at the beginning, forbids pulses on it.
    account
        What was spent. A pulse is spent when it ends; until then what it will cost is set aside.
    """

    def __init__(self, outputs: int) -> None:
        self.on = 0
        self.counted = 0
        self.max_open_us = [0] * outputs
        self.account = Account()
        self._costs: dict[int, PulseCost] = {}
        self._begun: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._asked: dict[int, tuple[int, int]] = {}

    def set_cost(self, output: int, price: PulseCost) -> bool:
        """Set what an opening of `output` costs; False if too many outputs would have a cost."""
        others = self.counted & ~(1 << output)
        if price.counted and others.bit_count() >= MOST_COUNTED:
            return False
        self.counted = others | price.counted << output
        self._costs[output] = price
        return True

    def may(self, output: int, duration_us: int, *, table: bool = False) -> bool:
        """Whether this pulse may begin; a table does not wait for what the host only asked for."""
        free = output not in self._ends and (table or output not in self._asked)
        return free and 0 < duration_us <= self.max_open_us[output]

    def afford(self, output: int, duration_us: int, cycle: int) -> bool:
        """Whether there is budget enough for this pulse, beside those that run."""
        if not self.counted >> output & 1:
            return True
        aside = sum(self._cost(other, end - self._begun[other]) for other, end in self._ends.items())
        return self.account.fits(aside + self._cost(output, us_to_cycles_up(duration_us)), cycle)

    def ask(self, output: int, duration_us: int, cycle: int) -> None:
        """Note a pulse of the host's that shall begin in `cycle`."""
        self._asked[output] = (duration_us, cycle)

    def begin_asked(self, cycle: int) -> list[int]:
        """Begin what the host asked for; return the outputs where it cannot be done any more."""
        if not self._asked:
            return []
        refused = []
        for output, (duration_us, at) in sorted(self._asked.items()):
            if at != cycle:
                continue
            del self._asked[output]
            if self.may(output, duration_us) and self.afford(output, duration_us, cycle):
                self.begin(output, duration_us, cycle)
            else:
                refused.append(output)
        return refused

    def begin(self, output: int, duration_us: int, cycle: int) -> None:
        """Switch `output` on from `cycle`, for whole cycles that cover the duration."""
        self._begun[output] = cycle
        self._ends[output] = cycle + us_to_cycles_up(duration_us)
        self.on |= 1 << output

    def end_due(self, cycle: int) -> None:
        """Switch off what ends in `cycle`."""
        for output in [output for output, end in self._ends.items() if end == cycle]:
            self._end(output, cycle)

    def next_cycle(self) -> int | None:
        """Return the next cycle in which a pulse begins or ends, or None."""
        if not self._ends and not self._asked:
            return None
        return min((*self._ends.values(), *(at for _, at in self._asked.values())))

    def clear(self, cycle: int) -> None:
        """Stop everything; `cycle` is the first that has not begun yet."""
        for output in list(self._ends):
            self._end(output, cycle)
        self._asked.clear()

    def _end(self, output: int, cycle: int) -> None:
        del self._ends[output]
        self.on &= ~(1 << output)
        self.account.spend(self._cost(output, cycle - self._begun[output]), cycle)

    def _cost(self, output: int, cycles: int) -> int:
        price = self._costs.get(output)
        return 0 if price is None else cost(price, cycles)
