"""What can be learned of a device's clock from when its messages arrived: the lower envelope.

A message arrives some delay after the moment it tells of: a least delay that the way always takes, and now
and then much more on top (a busy computer, a full buffer). Never less. So in a plot of arrival against device
time the truth is the line *under* the points. Of all lines that no point lies below, the one nearest to them
touches two corners of their lower hull (Moon, Skelly & Towsley 1999, INFOCOM; Zhang, Liu & Xia 2002,
INFOCOM). One point a second, the earliest, is kept for two minutes.
"""

from __future__ import annotations

from collections import deque

import msgspec

from rig.units import NS_PER_US, US_PER_S

SECONDS = 120
LEAST_SECONDS = 5

Point = tuple[float, float]
"""Device seconds, and arrival minus device time in us; both since the first stamp."""


class EnvelopeFit(msgspec.Struct, frozen=True, kw_only=True):
    """A straight line under the stamps.

    Parameters
    ----------
    slope_ppm
        How much slower the device's clock runs than the host's.
    spread_us
        How far the earliest message of a second usually lies above the line (median).
    """

    at_s: float
    excess_us: float
    slope_ppm: float
    spread_us: float

    def excess(self, x_s: float) -> float:
        """Arrival minus device time on the line, us."""
        return self.excess_us + self.slope_ppm * (x_s - self.at_s)


class Envelope:
    """Stamps of one device.

    Parameters
    ----------
    rate_hz
        Positions per second as the device states it: samples, or 1e6 for board microseconds.

    Examples
    --------
    >>> envelope = Envelope(1000.0)
    >>> for ms in range(0, 20_000, 100):
    ...     envelope.add(ms, ms * 1_000_000 + (300_000 if ms % 700 else 7_000_000))
    >>> round(envelope.to_host_us(50_000))
    50000300
    """

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.clear()

    def clear(self) -> None:
        """Forget everything: the device's positions began again."""
        self._first: tuple[int, int] | None = None
        self._earliest: deque[Point] = deque(maxlen=SECONDS)
        self._fit: EnvelopeFit | None = None
        self._stale = False
        self.newest: int | None = None

    def add(self, position: int, t_ns: int) -> None:
        """Take one stamp: the host heard at `t_ns` of something that took place at `position`."""
        if self._first is None:
            self._first = (position, t_ns)
        self.newest = position if self.newest is None else max(self.newest, position)
        x_s = (position - self._first[0]) / self.rate_hz
        excess_us = (t_ns - self._first[1]) / NS_PER_US - x_s * US_PER_S
        points = self._earliest
        if not points or int(x_s) > int(points[-1][0]):
            points.append((x_s, excess_us))
        elif int(x_s) == int(points[-1][0]) and excess_us < points[-1][1]:
            points[-1] = (x_s, excess_us)
        else:
            return
        self._stale = True

    @property
    def fit(self) -> EnvelopeFit | None:
        """The line; None before `LEAST_SECONDS` seconds with a stamp."""
        if self._stale:
            self._fit = _fit(self._earliest) if len(self._earliest) >= LEAST_SECONDS else None
            self._stale = False
        return self._fit

    def to_host_us(self, position: float) -> float:
        """Return when the host would hear of `position` at the earliest, in us of its clock.

        Raises
        ------
        ValueError
            If there is no line yet.
        """
        fit, (position0, t0_ns) = self._known()
        x_s = (position - position0) / self.rate_hz
        return t0_ns / NS_PER_US + (x_s * US_PER_S + fit.excess(x_s))

    def to_position(self, host_us: float) -> float:
        """Return the inverse of `to_host_us`."""
        fit, (position0, t0_ns) = self._known()
        since_us = host_us - t0_ns / NS_PER_US
        x_s = (since_us - fit.excess(0.0)) / (US_PER_S + fit.slope_ppm)
        return position0 + x_s * self.rate_hz

    def _known(self) -> tuple[EnvelopeFit, tuple[int, int]]:
        fit = self.fit
        if fit is None or self._first is None:
            raise ValueError("too few stamps to place this device on the host's clock")
        return fit, self._first


def _fit(points: deque[Point]) -> EnvelopeFit:
    """Find the line under all points that is nearest to them: the hull's edge below their middle."""
    hull: list[Point] = []
    for point in points:  # ascending in x
        while len(hull) >= 2 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    middle = sum(x for x, _ in points) / len(points)
    right = next(k for k, (x, _) in enumerate(hull) if x >= middle or k == len(hull) - 1)
    (x0, y0), (x1, y1) = hull[max(right - 1, 0)], hull[max(right, 1)]
    slope = (y1 - y0) / (x1 - x0)
    above = sorted(y - (y0 + slope * (x - x0)) for x, y in points)
    return EnvelopeFit(at_s=x0, excess_us=y0, slope_ppm=slope, spread_us=above[len(above) // 2])


def _turns_right(a: Point, b: Point, c: Point) -> bool:
    """Whether `b` lies on or above the line from `a` to `c`."""
    return (b[0] - a[0]) * (c[1] - a[1]) <= (c[0] - a[0]) * (b[1] - a[1])
