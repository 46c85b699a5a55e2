"""From the board's 32-bit microseconds to rig time that never wraps.

The counter wraps every 71.6 minutes. Two things tell which turn it is in: every event carries it, and
every stamped frame carries Harp time, which comes from the same counter until somebody sets the Harp
clock. So the running time is an anchor (a pair of Harp stamp and rig time) moved along by every frame.
A jump of the Harp clock that the host's own clock cannot explain is a set clock, and moves nothing.
"""

from __future__ import annotations

from typing import Final

from drivers.board.wire import TICK_US
from rig.units import NS_PER_US, TICK_WRAP_US, US_PER_S

_SLACK_US: Final = 5 * US_PER_S
"""A step of Harp time up to this is believed without asking the host's clock."""

_BACK_US: Final = US_PER_S // 2
"""Frames may overtake each other by this much on the board."""


class TickClock:
    """Running rig time of one board.

    Attributes
    ----------
    now_us
        The latest rig time known, in unwrapped board microseconds.
    """

    def __init__(self) -> None:
        self.now_us = 0
        self.time_scale = 1
        self._stamp_us = 0
        self._host_ns = 0

    def start(self, tick: int, stamp_us: int, t_ns: int, time_scale: int) -> None:
        """Begin anew: the board read `tick` at Harp time `stamp_us`.

        Parameters
        ----------
        time_scale
            How many times faster than the host's clock the board's may run; 0 for real hardware.
        """
        self.time_scale = max(1, time_scale)
        self.now_us = _nearest(tick, stamp_us)
        self._anchor(stamp_us, t_ns)

    def see_stamp(self, stamp_us: int, t_ns: int) -> bool:
        """Move on to a frame's Harp time; False if the step cannot be real (a set clock, a reset)."""
        step_us = stamp_us - self._stamp_us
        if -_BACK_US <= step_us <= 0:
            return True
        host_us = (t_ns - self._host_ns) // NS_PER_US
        real = 0 < step_us <= _SLACK_US + 2 * self.time_scale * host_us
        if real:
            self.now_us += step_us
        self._stamp_us, self._host_ns = stamp_us, t_ns
        return real

    def unwrap(self, tick: int) -> int:
        """Return the rig time nearest to now at which the counter read `tick`."""
        return _nearest(tick, self.now_us)

    def see_tick(self, tick: int, stamp_us: int, t_ns: int) -> int:
        """Return the rig time of an event that carries `tick`, and move on to it."""
        t_us = self.unwrap(tick)
        if t_us >= self.now_us or stamp_us >= self._stamp_us:  # not one that was read again
            self.now_us = t_us
            self._anchor(stamp_us, t_ns)
        return t_us

    def _anchor(self, stamp_us: int, t_ns: int) -> None:
        # A stamp is cut to 32 us, and clocks are set to whole seconds (a multiple of 32 us): the tick
        # gives back what was cut off, so that a heartbeat lies on its second exactly.
        self._stamp_us = stamp_us + (self.now_us - stamp_us) % TICK_US
        self._host_ns = t_ns


def _nearest(tick: int, near_us: int) -> int:
    """Return the time closest to `near_us` at which the counter reads `tick`; never below 0.

    Examples
    --------
    >>> _nearest(5, 2**32 - 10) == 2**32 + 5
    True
    """
    half = TICK_WRAP_US // 2
    t_us = near_us + (tick - near_us + half) % TICK_WRAP_US - half
    return t_us if t_us >= 0 else t_us + TICK_WRAP_US
