"""The curve through the pulses of one stream: board time as a function of the sample number.

With x the nominal seconds since the newest pulse::

    board time = t0 + 1e6 x + offset + slope x + curve x^2        (us)

A straight line is what two steady crystals make. Crystals that warm up drift, and over the 150 s that
120 pulses span even a slow drift bends the line by more than the pulses' own noise; the small square
term takes that up. A prior holds it at nearly zero until there are pulses enough to tell. Beyond
either end the curve goes on straight.

The fit is weighted least squares, repeated with Tukey's biweight (Beaton & Tukey 1974), so that a
pulse with a wrong stamp has no say. A stamp that is merely a sample number is wrong by up to half a
sample, evenly: that sets the least noise we believe in.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from rig.clock.pattern import Pair
from rig.units import US_PER_S

PRIOR_CURVE = 0.03
"""Standard deviation of the square term before any pulse, us/s^2: a drift of 0.06 ppm a second."""
BIWEIGHT = 4.685
MIN_SCALE_US = 15.0
ROUNDS = 4


class ClockFit(msgspec.Struct, frozen=True, kw_only=True):
    """One fitted curve; a value.

    Parameters
    ----------
    sample0, t0_us
        The newest pulse: the origin.
    span_s
        How far back the oldest pulse lies, nominal seconds.
    offset_us, slope_ppm, curve
        See the module's text; us, us/s and us/s^2.
    sd_us
        Standard deviation of one pulse about the curve.
    covariance
        Of offset and slope at the origin: (offset, both, slope).
    outliers
        For each pulse, oldest first, whether it had no say.
    """

    rate_hz: float
    sample0: int
    t0_us: int
    span_s: float
    offset_us: float
    slope_ppm: float
    curve: float
    sd_us: float
    covariance: tuple[float, float, float]
    outliers: tuple[bool, ...]

    def to_board_us(self, sample: float) -> float:
        """Board time of a sample, in us."""
        x = (sample - self.sample0) / self.rate_hz
        return self.t0_us + (x * US_PER_S + self._bend(x))

    def to_sample(self, t_us: float) -> float:
        """Sample number (with its fraction) at a board time; the inverse of `to_board_us`."""
        y = t_us - self.t0_us
        x = y / US_PER_S
        for _ in range(4):  # each round gains four digits: the bend is under 1e-3 of x
            x = (y - self._bend(x)) / US_PER_S
        return self.sample0 + x * self.rate_hz

    def sigma_us(self, sample: float) -> float:
        """Standard error of `to_board_us` at or after the newest pulse, in us."""
        x = max((sample - self.sample0) / self.rate_hz, 0.0)
        offset, both, slope = self.covariance
        return float(max(offset + 2 * x * both + x * x * slope, 0.0) ** 0.5)

    @property
    def measured_rate_hz(self) -> float:
        """Samples per second of board time, now."""
        return self.rate_hz / (1.0 + self.slope_ppm * 1e-6)

    def _bend(self, x: float) -> float:
        """Departure from the nominal clock, us."""
        if x > 0.0:
            return self.offset_us + self.slope_ppm * x
        if x >= -self.span_s:
            return self.offset_us + (self.slope_ppm + self.curve * x) * x
        end = -self.span_s
        slope = self.slope_ppm + 2.0 * self.curve * end
        return self.offset_us + (self.slope_ppm + self.curve * end) * end + slope * (x - end)


def fit_clock(pairs: Sequence[Pair], rate_hz: float) -> ClockFit:
    """Fit the curve through pulses seen on both sides.

    Parameters
    ----------
    pairs
        (sample, board us), at least three, ascending.
    rate_hz
        The stream's nominal sample rate.
    """
    sample0, t0_us = pairs[-1]
    # Differences are taken in integers: sample numbers near 1e12 leave floats no room.
    x = np.array([sample - sample0 for sample, _ in pairs], dtype=np.float64) / rate_hz
    y = np.array([t_us - t0_us for _, t_us in pairs], dtype=np.float64) - x * US_PER_S
    span = max(-float(x[0]), 1e-9)
    scale = np.array([1.0, 1.0 / span, 1.0 / span**2])  # columns of like size
    columns = np.stack([np.ones_like(x), x, x * x], axis=1) * scale
    quantum_sd = US_PER_S / rate_hz / 12.0**0.5
    weights = np.ones_like(x)
    sd = MIN_SCALE_US
    for _ in range(ROUNDS):
        normal = columns.T @ (weights[:, None] * columns)
        normal[2, 2] += (sd * scale[2] / PRIOR_CURVE) ** 2
        solution = np.linalg.solve(normal, columns.T @ (weights * y))
        residual = y - columns @ solution
        width = max(1.4826 * float(np.median(np.abs(residual))), MIN_SCALE_US)
        weights = np.clip(1.0 - (residual / (BIWEIGHT * width)) ** 2, 0.0, None) ** 2
        used = weights > 0
        freedom = max(float(np.count_nonzero(used)) - 2.0, 1.0)
        sd = max(float(np.sum(weights * residual**2) / freedom) ** 0.5, quantum_sd)
    offset, slope, curve = (float(value) for value in solution * scale)
    spread = np.linalg.inv(normal) * np.outer(scale, scale) * sd**2
    return ClockFit(
        rate_hz=rate_hz,
        sample0=sample0,
        t0_us=t0_us,
        span_s=span,
        offset_us=offset,
        slope_ppm=slope,
        curve=curve,
        sd_us=sd,
        covariance=(float(spread[0, 0]), float(spread[0, 1]), float(spread[1, 1])),
        outliers=tuple((~used).tolist()),
    )
