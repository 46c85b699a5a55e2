"""From weights of water to a valve's calibration; and what cannot be right about them.

1 mg of water is taken as 1 uL (at 20 degrees that is 0.2 % too little).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from rig.description import OutputLine, RigDescription
from rig.errors import ConfigError
from rig.machine.table import EXIT, Action, ActionKind, Condition, State, StateTable, Transition
from rig.units import CYCLE_US, US_PER_MS, us_to_cycles_up

UL_PER_G: Final = 1000.0
LONGEST_TOTAL_S: Final = 120.0
"""A weighing never holds a valve open for longer than this in all, whatever was asked for."""
A_TABLE: Final = 60
"""Drops that one table gives; every board holds 64 states."""
LEAST_FLOW, MOST_FLOW = 0.002, 3.0
"""Microlitres a millisecond of opening beyond which a weight is taken for a slip of the pen."""
UNEVEN: Final = 3.0
"""A valve that flows so many times faster between two open times than between two others is not in order."""


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """One point: so many drops of so long weighed so much."""

    open_ms: float
    drops: int
    weight_g: float

    @property
    def drop_ul(self) -> float:
        """Volume of a drop."""
        return self.weight_g * UL_PER_G / self.drops


def check_valve(rig: RigDescription, name: str, open_ms: Sequence[float], drops: int) -> OutputLine:
    """Return the valve if it may give all that.

    The ceilings of a session (water a minute, a session) do not hold here, where no animal is. In their
    place the valve is never open for longer than `LONGEST_TOTAL_S` in all. A single opening is held to the
    rig file.

    Raises
    ------
    ConfigError
        If it may not.
    """
    out = rig.output(name)
    if out.kind != "valve":
        raise ConfigError(f"'{name}' is not a valve; only what valves give can be weighed")
    if drops < 1:
        raise ConfigError(f"{drops} drops weigh nothing; 100 are usual")
    if not open_ms or any(not math.isfinite(ms) or ms < CYCLE_US / US_PER_MS for ms in open_ms):
        raise ConfigError("give open times in ms, 0.1 or longer, as in --open-ms 20,40,80")
    if any(later <= sooner for sooner, later in pairwise(open_ms)):
        raise ConfigError("give open times that ascend, as in --open-ms 20,40,80")
    if open_ms[-1] > out.max_open_ms:
        raise ConfigError(
            f"'{name}' may open for {out.max_open_ms:g} ms at most, not {open_ms[-1]:g} ms; see its "
            "max_open_ms in the rig file"
        )
    total_s = drops * sum(open_ms) / 1000
    if total_s > LONGEST_TOTAL_S:
        raise ConfigError(
            f"{drops} drops of each would hold '{name}' open for {total_s:.0f} s in all; the ceiling outside "
            f"sessions is {LONGEST_TOTAL_S:.0f} s: weigh fewer drops, or fewer open times at once"
        )
    return out


def drop_tables(out: OutputLine, name: str, open_ms: float, drops: int, gap_ms: float) -> list[StateTable]:
    """Return tables that give so many drops between them, with the valve closed for `gap_ms` in between."""
    open_us = round(open_ms * US_PER_MS)
    cycles = us_to_cycles_up(open_us) + max(1, us_to_cycles_up(round(gap_ms * US_PER_MS)))
    pulse = (Action(kind=ActionKind.PULSE, index=out.line, value=open_us),)
    tables, left = [], drops
    while left:
        number = min(left, A_TABLE)
        left -= number
        states = tuple(
            State(
                name=f"drop {k + 1}",
                timer_cycles=cycles,
                transitions=(
                    Transition(code=Condition.STATE_TIMER, target=k + 1 if k + 1 < number else EXIT),
                ),
                actions=pulse,
            )
            for k in range(number)
        )
        tables.append(StateTable(name=f"{number} drops of {name}, {open_ms:g} ms", states=states))
    return tables


def implausible(point: Weighed, before: Weighed | None = None) -> str | None:
    """Return what cannot be right about a weight, given the one before; None if it can be.

    Examples
    --------
    >>> implausible(Weighed(open_ms=40, drops=100, weight_g=800))
    '800 g of 100 drops would be 8,000 uL each; give the weight of the water alone, in grams'
    """
    if not (math.isfinite(point.weight_g) and point.weight_g > 0):
        return f"{point.drops} drops of {point.open_ms:g} ms cannot weigh {point.weight_g:g} g"
    said = f"{point.weight_g:g} g of {point.drops} drops would be {point.drop_ul:,.4g} uL each"
    if point.drop_ul > MOST_FLOW * point.open_ms:
        return f"{said}; give the weight of the water alone, in grams"
    if point.drop_ul < LEAST_FLOW * point.open_ms:
        return f"{said}; give grams, and look whether the valve opens at all at {point.open_ms:g} ms"
    if before is not None and point.drop_ul <= before.drop_ul:
        return (
            f"{point.open_ms:g} ms gave {point.drop_ul:.4g} uL a drop and {before.open_ms:g} ms gave "
            f"{before.drop_ul:.4g}: a longer opening must give more; look for air in the line, and weigh "
            "both again"
        )
    return None


def uneven(points: Sequence[Weighed]) -> str | None:
    """Return a sentence if the flow between open times varies more than a valve's does."""
    flows = [
        ((b.drop_ul - a.drop_ul) / (b.open_ms - a.open_ms), a.open_ms, b.open_ms) for a, b in pairwise(points)
    ]
    if len(flows) < 2:
        return None
    (slow, *slow_ms), (fast, *fast_ms) = min(flows), max(flows)
    if fast <= UNEVEN * slow:
        return None
    return (
        f"from {fast_ms[0]:g} to {fast_ms[1]:g} ms the valve gives {fast:.3g} uL a ms, and from "
        f"{slow_ms[0]:g} to {slow_ms[1]:g} ms only {slow:.3g}; near the shortest opening that is usual, "
        "elsewhere weigh again"
    )


def calibration_lines(points: Sequence[Weighed], day: str) -> tuple[str, str]:
    """Return the two lines for the rig file: the pairs, and when and how they were weighed.

    Examples
    --------
    >>> short = Weighed(open_ms=20, drops=100, weight_g=0.41)
    >>> long = Weighed(open_ms=40, drops=100, weight_g=0.83)
    >>> calibration_lines([short, long], "2026-11-23")
    ('calibration = [[20, 4.1], [40, 8.3]]', 'calibrated_on = "2026-11-23, 100 drops each"')
    """
    pairs = ", ".join(f"[{point.open_ms:g}, {point.drop_ul:.4g}]" for point in points)
    return f"calibration = [{pairs}]", f'calibrated_on = "{day}, {points[0].drops} drops each"'
