"""Valve calibration: from volume to open time, and back.

Between two weighed points the volume is taken as linear in the open time. Nothing is extrapolated to
ask for a reward: a solenoid valve needs some milliseconds before it opens at all, so a line through
the origin gives too much at small volumes and too little at large ones. A volume outside the weighed
range is refused.

The other way round, what *was* given must always have a number, because water is counted for the
animal's sake: an opening cut short below the first point counts as the first point's volume (it was at
most that), and one beyond the last point follows the line through the last two.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise

from rig.description import OutputLine
from rig.errors import ConfigError
from rig.units import US_PER_MS


def _points(valve: OutputLine, name: str) -> tuple[tuple[float, float], ...]:
    points = valve.calibration
    if len(points) < 2:
        raise ConfigError(
            f"{name} has no calibration to speak of ({len(points)} points); weigh drops at two open times or "
            "more and write them as calibration = [[OPEN_MS, VOLUME_UL], ...]"
        )
    if any(b[0] <= a[0] or b[1] <= a[1] for a, b in pairwise(points)):
        raise ConfigError(f"{name}: open times and volumes of its calibration must both ascend")
    return points


def _line(x: float, a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return y at `x` on the line through two points; exact at both."""
    if x == b[0]:
        return b[1]
    return a[1] + (x - a[0]) / (b[0] - a[0]) * (b[1] - a[1])


def open_us(valve: OutputLine, volume_ul: float, name: str = "the valve") -> int:
    """Return how long the valve must be open for a volume, in microseconds.

    Parameters
    ----------
    valve
        Its calibration holds (open time in ms, volume in uL), both ascending, two points at least.
    volume_ul
        Within the calibrated range, ends included.
    name
        What to call the valve in an error.

    Raises
    ------
    ConfigError
        If the volume is outside the range, or there is no usable calibration.

    Examples
    --------
    >>> open_us(OutputLine(line=0, kind="valve", calibration=((10, 1), (30, 5))), 2.0)
    15000
    """
    points = _points(valve, name)
    (_, smallest), (_, largest) = points[0], points[-1]
    if not smallest <= volume_ul <= largest:  # also false for NaN
        raise ConfigError(
            f"{name} is calibrated from {smallest:g} to {largest:g} uL; {volume_ul:g} uL is outside that "
            "range: ask for another volume, or calibrate further"
        )
    volumes = [volume for _, volume in points]
    at = max(1, min(bisect_right(volumes, volume_ul), len(points) - 1))
    (ms_a, ul_a), (ms_b, ul_b) = points[at - 1], points[at]
    return round(_line(volume_ul, (ul_a, ms_a), (ul_b, ms_b)) * US_PER_MS)


def volume_ul(valve: OutputLine, opened_us: int, name: str = "the valve") -> float:
    """Return the volume that an opening of `opened_us` microseconds stands for, in uL; never raises on time.

    Outside the calibrated range this is a bound or an estimate, see the top of this file; ask
    `in_range` where that matters.

    Raises
    ------
    ConfigError
        If there is no usable calibration.

    Examples
    --------
    >>> valve = OutputLine(line=0, kind="valve", calibration=((10, 1), (30, 5)))
    >>> volume_ul(valve, 15_000), volume_ul(valve, 3_000), volume_ul(valve, 0)
    (2.0, 1.0, 0.0)
    """
    points = _points(valve, name)
    opened_ms = opened_us / US_PER_MS
    if opened_us <= 0:
        return 0.0
    if opened_ms <= points[0][0]:
        return float(points[0][1])
    at = max(1, min(bisect_right([ms for ms, _ in points], opened_ms), len(points) - 1))
    return _line(opened_ms, points[at - 1], points[at])


def range_us(valve: OutputLine, name: str = "the valve") -> tuple[int, int]:
    """Return the shortest and longest open time of the calibration, in microseconds, rounded outwards.

    Raises
    ------
    ConfigError
        If there is no usable calibration.
    """
    points = _points(valve, name)
    return math.floor(points[0][0] * US_PER_MS), math.ceil(points[-1][0] * US_PER_MS)


def in_range(valve: OutputLine, opened_us: int) -> bool:
    """Whether an open time lies within the calibrated range, ends included."""
    shortest, longest = range_us(valve)
    return shortest <= opened_us <= longest
