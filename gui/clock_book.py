"""How the devices' clocks went, as the clock panel draws it. No Qt."""

from __future__ import annotations

import array
import math
from typing import Final

import numpy as np
import numpy.typing as npt

from rig.clock.health import ClockHealth
from rig.documents import ClocksRead, SessionState
from rig.units import US_PER_S

MOST_POINTS: Final = 20_000
"""Of each device; twenty hours of a recorded session. Then every other point is dropped."""


class ClockPath:
    """One device's clock: what is known now, and how it went.

    Attributes
    ----------
    newest
        How it stands.
    """

    def __init__(self) -> None:
        self.newest: ClockHealth | None = None
        self._points = array.array("d")

    def add(self, board_us: int, health: ClockHealth) -> None:
        """Take how it stands at a board time; times that go back are a recording's: they begin anew."""
        self.newest = health
        at_s = board_us / US_PER_S
        if self._points and at_s <= self._points[-4]:
            return
        # What a lost clock tells of its newest pulse is old.
        lost = health.verdict == "lost"
        values = (None,) * 3 if lost else (health.residual_us, health.scatter_us, health.ppm)
        self._points.extend((at_s, *(math.nan if value is None else value for value in values)))
        if len(self._points) > 4 * MOST_POINTS:
            table = np.array(self._points).reshape(-1, 4)[::2]
            self._points = array.array("d", table.ravel())

    @property
    def points(self) -> npt.NDArray[np.float64]:
        """Shape (points, 4): board time in s, residual and scatter in us, drift in ppm; NaN: not known."""
        return np.array(memoryview(self._points), dtype=np.float64).reshape(-1, 4)

    def thinned(self, most: int) -> npt.NDArray[np.float64]:
        """Return at most `most` of the points: of neighbours the one whose residual is largest."""
        points = self.points
        step = -(-len(points) // most)
        if step <= 1:
            return points
        # Groups are counted from the beginning, so that a point that was drawn stays where it is.
        whole = len(points) // step * step
        size = np.nan_to_num(np.abs(points[:whole, 1]).reshape(-1, step), nan=-1.0)
        kept = np.arange(0, whole, step) + size.argmax(axis=1)
        drawn: npt.NDArray[np.float64] = points[np.append(kept, np.arange(whole, len(points))[-1:])]
        return drawn


class ClockBook:
    """All devices' clocks, by name, in the order they were met."""

    def __init__(self) -> None:
        self.devices: dict[str, ClockPath] = {}

    def read(self, told: ClocksRead) -> None:
        """Take what is told every few seconds, and kept in the file."""
        for device in told.devices:
            self.devices.setdefault(device.name, ClockPath()).add(told.board_us, device.health)

    def state(self, told: SessionState) -> None:
        """Take what the state says just now; it is not kept in the file."""
        clocks = [(stream.name, stream.clock) for stream in told.streams]
        clocks += [(source.name, source.clock) for source in told.sources]
        for name, clock in clocks:
            if clock is not None:
                self.devices.setdefault(name, ClockPath()).newest = clock
