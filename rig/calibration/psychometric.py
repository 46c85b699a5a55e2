"""How likely a sensor is to see a pulse, and the grid of what is thought possible about it.

::

    P(seen | d) = 1 - lapses - (1 - false_alarms - lapses) * exp(-(d / threshold) ** slope)

a Weibull function of the pulse's duration d (Watson 2017, *J. Vision* 17(3):10, with d on a linear scale).
The threshold is the duration that is seen in 63 % of the cases, apart from false alarms and lapses. A pulse
of no length is a catch trial: what is seen then is a false alarm.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rig.errors import ConfigError
from rig.units import CYCLE_US, US_PER_MS

Floats = NDArray[np.float64]

STEP_MS: Final = CYCLE_US / US_PER_MS
"""Pulses last whole cycles of the board."""
SLOPES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
FALSE_ALARMS: Final = (0.001, 0.02, 0.05, 0.15)
LAPSES: Final = (0.001, 0.02, 0.05, 0.15)
DURATIONS: Final = 60
"""Most durations to choose from, evenly spread on a logarithmic axis."""
FEWEST, MOST = 40, 240
"""Thresholds on the grid."""


class Grid(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What may be given, and what is thought possible; each axis ascends.

    Attributes
    ----------
    durations_ms
        Pulses to choose from, whole cycles; the first is 0, a catch trial.
    thresholds_ms
        Evenly spread on a logarithmic axis; all equally likely at first.
    slopes, false_alarms, lapses
        Of the psychometric function; all equally likely at first.
    """

    durations_ms: Floats
    thresholds_ms: Floats
    slopes: Floats
    false_alarms: Floats
    lapses: Floats

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Lengths of the axes: thresholds, slopes, false alarms, lapses."""
        return self.thresholds_ms.size, self.slopes.size, self.false_alarms.size, self.lapses.size


def make_grid(shortest_ms: float, longest_ms: float, finest: float = 0.05) -> Grid:
    """Return the grid for pulses from `shortest_ms` to `longest_ms`.

    Parameters
    ----------
    finest
        The precision that is wanted of the threshold, as a share of it; the grid is twice as fine.

    Raises
    ------
    ConfigError
        If no range is left.
    """
    if not STEP_MS <= shortest_ms < longest_ms:
        raise ConfigError(
            f"pulses from {shortest_ms:g} to {longest_ms:g} ms leave nothing to look for; the shortest must "
            f"be {STEP_MS:g} ms or more, and below the longest"
        )
    span = math.log(longest_ms / shortest_ms)
    cycles = np.unique(np.round(np.geomspace(shortest_ms, longest_ms, DURATIONS) / STEP_MS))
    within = cycles[(cycles * STEP_MS >= shortest_ms - 1e-9) & (cycles * STEP_MS <= longest_ms + 1e-9)]
    number = min(max(math.ceil(2 * span / finest) + 1, FEWEST), MOST)
    return Grid(
        durations_ms=np.concatenate([[0.0], np.round(within * STEP_MS, 6)]),
        thresholds_ms=np.geomspace(shortest_ms, longest_ms, number),
        slopes=np.array(SLOPES),
        false_alarms=np.array(FALSE_ALARMS),
        lapses=np.array(LAPSES),
    )


def p_seen(
    duration_ms: ArrayLike,
    threshold_ms: ArrayLike,
    slope: ArrayLike,
    false_alarms: ArrayLike = 0.0,
    lapses: ArrayLike = 0.0,
) -> Floats:
    """Return how likely a pulse is to be seen; all arguments broadcast.

    Examples
    --------
    >>> round(float(p_seen(5.0, 5.0, 3.0)), 3), float(p_seen(0.0, 5.0, 3.0, false_alarms=0.25))
    (0.632, 0.25)
    """
    d, t, b, fa, lapse = (
        np.asarray(value, dtype=np.float64)
        for value in (duration_ms, threshold_ms, slope, false_alarms, lapses)
    )
    missed: Floats = np.exp(-((d / t) ** b))
    return 1.0 - lapse - (1.0 - fa - lapse) * missed


def duration_seen(share: float, threshold_ms: ArrayLike, slope: ArrayLike) -> Floats:
    """Return the duration that is seen in `share` of the cases, apart from false alarms and lapses.

    Examples
    --------
    >>> round(float(p_seen(duration_seen(0.99, 5.0, 3.0), 5.0, 3.0)), 6)
    0.99
    """
    t, b = np.asarray(threshold_ms, dtype=np.float64), np.asarray(slope, dtype=np.float64)
    made: Floats = t * (-math.log1p(-share)) ** (1.0 / b)
    return made
