"""What water costs, and who keeps the account: the same arithmetic on the board and in the session.

A board does not know what a valve gives. It is told, for each valve, a straight line that lies nowhere below
the valve's calibration, and how many units may be spent: within a minute, and in the session. An opening
costs what the line says of its whole cycles, and `least` at least::

    cost = max(least, cycles * per_cycle - deducted)

A pulse is refused if its cost, with what was spent and what the running pulses will cost, is more than is
left. So the ceilings hold on the board's own clock, whatever protocol, command or crash asks for more. All
numbers are whole and fit 32 bits; a chip computes them in a few microseconds.

The minute is kept in steps of five seconds: what counts is what was spent in the running step and in the
twelve before it, 60 to 65 s. An opening is spent when it ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from rig.commands import NO_LIMIT, PulseCost
from rig.description import Limits, OutputLine, RigDescription
from rig.errors import ConfigError
from rig.machine.calibration import open_us, volume_ul
from rig.units import CYCLE_US, US_PER_MS, us_to_cycles_up

UNIT_UL: Final = 1e-5
"""What a unit of cost stands for: 10 picolitres."""
BUCKET_CYCLES: Final = 50_000
"""Five seconds: the step in which the minute is kept."""
BUCKETS: Final = 12
"""Steps before the running one that still count."""
LONGEST_CYCLES: Final = 0xFFFF
"""An opening of more cycles than this costs more than any limit allows."""
DEAREST: Final = 0xFFFF
"""Most that a cycle can cost."""
ROUNDING: Final = 1.001
"""Ceilings are told to the board a thousandth higher, so that rounding refuses no drop that is allowed."""

Point = tuple[float, float]


class Account:
    """What was spent, and what is left. Times are cycles of the board, and never go back.

    Attributes
    ----------
    session
        Units spent since the session began.
    """

    def __init__(self) -> None:
        self.session = 0
        self._per_minute = self._per_session = NO_LIMIT
        self._buckets: dict[int, int] = {}

    def allow(self, per_minute: int, per_session: int, *, begin: bool = False) -> None:
        """Allow so many units; `begin`: of a session that begins now. The last minute stays spent."""
        self._per_minute, self._per_session = per_minute, per_session
        if begin:
            self.session = 0

    def minute(self, cycle: int) -> int:
        """Return the units spent within the last minute."""
        oldest = cycle // BUCKET_CYCLES - BUCKETS
        if self._buckets and min(self._buckets) < oldest:
            self._buckets = {number: spent for number, spent in self._buckets.items() if number >= oldest}
        return min(sum(self._buckets.values()), NO_LIMIT)

    def spend(self, units: int, cycle: int) -> None:
        """Spend units; nobody asks whether they were allowed."""
        if units:
            number = cycle // BUCKET_CYCLES
            self._buckets[number] = self._buckets.get(number, 0) + units
            self.session = min(self.session + units, NO_LIMIT)

    def fits_minute(self, units: int, cycle: int) -> bool:
        """Whether so many more units are allowed within this minute."""
        return self._per_minute == NO_LIMIT or self.minute(cycle) + units <= self._per_minute

    def fits_session(self, units: int) -> bool:
        """Whether so many more units are allowed in this session."""
        return self._per_session == NO_LIMIT or self.session + units <= self._per_session

    def fits(self, units: int, cycle: int) -> bool:
        """Whether so many more units are allowed now."""
        return self.fits_session(units) and self.fits_minute(units, cycle)

    def begin_anew(self, cycle: int) -> None:
        """Take note that the board's time begins anew: what was spent counts as spent now."""
        if self._buckets and max(self._buckets) > cycle // BUCKET_CYCLES:
            self._buckets = {cycle // BUCKET_CYCLES: sum(self._buckets.values())}


def cost(price: PulseCost, cycles: int) -> int:
    """Return what an opening of so many whole cycles costs.

    Examples
    --------
    >>> cost(PulseCost(per_cycle=2400, deducted=192_000, least=10_000), 290)
    504000
    """
    if not price.counted or cycles <= 0:
        return 0
    if cycles > LONGEST_CYCLES:
        return NO_LIMIT
    return min(max(price.least, cycles * price.per_cycle - price.deducted), NO_LIMIT)


def units(volume: float) -> int:
    """Return a ceiling in uL as units, with `ROUNDING`."""
    return min(math.ceil(volume / UNIT_UL * ROUNDING), NO_LIMIT - 1)


def price_of(valve: OutputLine, name: str = "the valve") -> PulseCost:
    """Return what an opening of a valve costs: a straight line nowhere below its calibration.

    Of all lines through two weighed points it is the one that costs least more than the water is worth, on
    the mean over the points. Openings below some point cost as much as that point.

    Raises
    ------
    ConfigError
        If the valve has no calibration to speak of, or gives more than a board can count.
    """
    points = _points(valve)
    choices = [_line(points, first, slope) for first, slope in _slopes(points)]
    sound = [price for price in choices if price is not None]
    if not sound:
        raise ConfigError(
            f"the calibration of {name} gives more than {DEAREST * UNIT_UL / CYCLE_US * US_PER_MS:.1f} uL a "
            "millisecond, which a board cannot count; are the units right?"
        )
    return min(sound, key=lambda price: _excess(price, points))


def longest_us(valve: OutputLine, limits: Limits) -> int:
    """Return the longest opening that gives no more than a drop may have, or `max_open_ms` allows.

    Raises
    ------
    ConfigError
        If the valve has no calibration to speak of.
    """
    longest = round(valve.max_open_ms * US_PER_MS)
    if limits.max_drop_ul >= valve.calibration[-1][1]:
        return longest
    if limits.max_drop_ul < valve.calibration[0][1]:
        return 0
    return min(longest, open_us(valve, limits.max_drop_ul))


def prices(rig: RigDescription) -> dict[int, PulseCost]:
    """Return what an opening of each valve costs, by its line; a valve that was never weighed is left out.

    Raises
    ------
    ConfigError
        As `price_of`.
    """
    return {
        out.line: price_of(out, f"valve '{name}'")
        for name, out in rig.board.outputs.items()
        if out.kind == "valve" and len(out.calibration) > 1
    }


def cost_of_us(price: PulseCost, opened_us: int) -> int:
    """Return what an opening of so many microseconds costs; a cycle that began counts as a whole one."""
    return cost(price, us_to_cycles_up(opened_us))


# --- finding the line --------------------------------------------------------------------------------


def _points(valve: OutputLine) -> list[Point]:
    """Return the calibration in cycles and units, reaching to the longest opening."""
    points = [(ms * US_PER_MS / CYCLE_US, ul / UNIT_UL) for ms, ul in valve.calibration]
    longest = us_to_cycles_up(round(valve.max_open_ms * US_PER_MS))
    if longest > points[-1][0]:
        points.append((float(longest), volume_ul(valve, longest * CYCLE_US) / UNIT_UL))
    return points


def _slopes(points: Sequence[Point]) -> list[tuple[int, float]]:
    """Return the lines to try: from which point on they hold, and their slope."""
    tried = []
    for first in range(len(points)):
        rest = points[first:]
        tried.append((first, max(ul / at for at, ul in rest)))  # through the origin: always a choice
        tried += [(first, (b[1] - a[1]) / (b[0] - a[0])) for a, b in combinations(rest, 2)]
    return tried


def _line(points: Sequence[Point], first: int, slope: float) -> PulseCost | None:
    """Return the lowest line of this slope above the points from `first` on; None if there is none."""
    per_cycle = math.ceil(slope)
    deducted = math.floor(min(per_cycle * at - ul for at, ul in points[first:]))
    if deducted < 0 or per_cycle > DEAREST or per_cycle < 1:
        return None
    return PulseCost(per_cycle=per_cycle, deducted=deducted, least=math.ceil(points[first][1]))


def _excess(price: PulseCost, points: Sequence[Point]) -> float:
    return sum(max(price.least, at * price.per_cycle - price.deducted) - ul for at, ul in points)
