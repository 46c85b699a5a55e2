"""What light does to simulated units: some are tagged, and fire a spike some milliseconds after a pulse.

A tagged unit has a latency, a jitter and a reliability of its own. Over units they spread as in recordings of
light-identified dopamine units: mean latency 2 to 7 ms (median 5), jitter 0.2 to 2.5 ms (1.5), a spike after
17 to 96 % of the pulses (62 %). One spike a pulse, at its onset, however long it lasts. Untagged units do not
notice. A pulse's draws are keyed by (seed, trial, number of the pulse in it, unit).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from rig.sim import draws
from rig.sim.spiking import HALF_CYCLE_US, Floats, Spikes
from rig.units import CYCLE_US, US_PER_MS

LATENCY_MS: Final = (5.0, 1.3, 2.0, 7.0)
"""Median, standard deviation, least and longest mean latency of a unit."""
JITTER_MS: Final = (1.2, 0.6, 0.2, 2.5)
"""Median, logarithmic standard deviation, least and largest jitter."""
RELIABILITY: Final = (0.17, 0.96)
SOONEST_MS: Final = 0.8
"""Light-gated channels need about this long to bring a cell to a spike."""

_TAGGED, _LATENCY, _JITTER, _RELIABILITY, _WHETHER, _WHEN = range(1, 7)


class LightTruth(msgspec.Struct, frozen=True, kw_only=True):
    """What light does to one unit; latency, jitter and reliability are null where it is not tagged."""

    tagged: bool
    latency_ms: float | None = None
    jitter_ms: float | None = None
    reliability: float | None = None


class LightResponses:
    """The light-evoked spikes of a population.

    Parameters
    ----------
    seed
        Of all its draws.
    n
        Number of units.
    tagged_share
        How likely a unit is to be tagged.

    Attributes
    ----------
    tagged
        Which units are, shape (units,).
    latency_ms, jitter_ms, reliability
        One number a unit.
    """

    def __init__(self, seed: int, n: int, tagged_share: float) -> None:
        self._base = draws.key(seed, 0x116E7)
        units = np.arange(n)
        median, sd, least, most = LATENCY_MS
        self.tagged = draws.uniform(draws.key(self._base, _TAGGED), units) < tagged_share
        normal = draws.normal(draws.key(self._base, _LATENCY), units)
        self.latency_ms: Floats = np.clip(median + sd * normal, least, most)
        median, sd, least, most = JITTER_MS
        spread = np.exp(sd * draws.normal(draws.key(self._base, _JITTER), units))
        self.jitter_ms: Floats = np.clip(median * spread, least, most)
        low, high = RELIABILITY
        self.reliability: Floats = low + (high - low) * draws.beta33(
            draws.key(self._base, _RELIABILITY), units
        )

    def evoked(self, trial: int, pulse: int, t_us: int) -> Spikes:
        """Return the spikes that a pulse evokes: unit indices and board times, ascending by time.

        Parameters
        ----------
        trial, pulse
            The trial (-1: before the first) and the number of the pulse in it: the key of its draws.
        t_us
            Onset of the light, board time.
        """
        key, units = draws.key(self._base, trial, pulse), np.arange(self.tagged.size)
        fires = draws.uniform(draws.key(key, _WHETHER), units) < self.reliability
        units = np.flatnonzero(self.tagged & fires)
        late = draws.normal(draws.key(key, _WHEN), units)
        at_ms = np.maximum(self.latency_ms[units] + self.jitter_ms[units] * late, SOONEST_MS)
        cycles = np.floor(at_ms * (US_PER_MS / CYCLE_US)).astype(np.int64)
        times = t_us + cycles * CYCLE_US + HALF_CYCLE_US
        order = np.lexsort((units, times))
        return units[order], times[order]

    def truth(self, unit: int) -> LightTruth:
        """Reveal what light does to one unit."""
        if not self.tagged[unit]:
            return LightTruth(tagged=False)
        return LightTruth(
            tagged=True,
            latency_ms=float(self.latency_ms[unit]),
            jitter_ms=float(self.jitter_ms[unit]),
            reliability=float(self.reliability[unit]),
        )
