"""The board's pulse timers: one for each output, started by a table or by the host."""

from __future__ import annotations

from rig.units import us_to_cycles_up


class Pulses:
    """Running pulses, and those that the host asked for in the coming cycle.

    Attributes
    ----------
    on
        Bit mask of the outputs that a pulse holds.
    max_open_us
        Longest pulse of each output; 0, as at the beginning, forbids pulses on it.
    """

    def __init__(self, outputs: int) -> None:
        self.on = 0
        self.max_open_us = [0] * outputs
        self._ends: dict[int, int] = {}
        self._asked: dict[int, tuple[int, int]] = {}

    def may(self, output: int, duration_us: int, *, table: bool = False) -> bool:
        """Whether this pulse may begin; a table does not wait for what the host only asked for."""
        free = output not in self._ends and (table or output not in self._asked)
        return free and 0 < duration_us <= self.max_open_us[output]

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
            if self.may(output, duration_us):
                self.begin(output, duration_us, cycle)
            else:
                refused.append(output)
        return refused

    def begin(self, output: int, duration_us: int, cycle: int) -> None:
        """Switch `output` on from `cycle`, for whole cycles that cover the duration."""
        self._ends[output] = cycle + us_to_cycles_up(duration_us)
        self.on |= 1 << output

    def end_due(self, cycle: int) -> None:
        """Switch off what ends in `cycle`."""
        for output in [output for output, end in self._ends.items() if end == cycle]:
            del self._ends[output]
            self.on &= ~(1 << output)

    def next_cycle(self) -> int | None:
        """Return the next cycle in which a pulse begins or ends, or None."""
        if not self._ends and not self._asked:
            return None
        return min((*self._ends.values(), *(at for _, at in self._asked.values())))

    def clear(self) -> None:
        """Stop everything."""
        self._ends.clear()
        self._asked.clear()
        self.on = 0
