"""Rig time between two words of the board, so that a cursor moves smoothly. Reads no clock itself.

The board says its time with every event and once a second. In between it is carried on at the rate seen
lately: 1 on a real rig, the speed of a demo. It is not carried on for long: a board that says nothing
has a cursor that stands still.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from rig.units import US_PER_S

LOOK_BACK_S: Final = 5.0
MOST_RATE: Final = 200.0
"""No rig runs faster than this."""
CARRY_ON_S: Final = 1.5
"""Of rig time. The board is heard once in a second of it at least; then it is late, and the cursor waits.

What a window that comes late is told of the past looks like a rig that runs very fast: it must not carry the
cursor away."""


class RigClock:
    """Estimates rig time from what was heard.

    Examples
    --------
    >>> clock = RigClock()
    >>> clock.hear(10_000_000, now_s=0.0)
    >>> clock.now_us(0.5)
    10500000
    """

    def __init__(self) -> None:
        self._heard: deque[tuple[float, int]] = deque()
        self._shown = 0

    def hear(self, board_us: int, now_s: float) -> None:
        """Take the board's time as it is known at `now_s` (monotonic); what is no news changes nothing."""
        if self._heard and board_us < self._heard[-1][1]:
            self._heard.clear()  # another session, or a replay that went back
            self._shown = 0
        elif self._heard and board_us == self._heard[-1][1]:
            return
        elif self._heard and self._jumps(board_us, now_s):
            self._heard.clear()
        self._heard.append((now_s, board_us))
        while self._heard[0][0] < now_s - LOOK_BACK_S and len(self._heard) > 2:
            self._heard.popleft()

    def _jumps(self, board_us: int, now_s: float) -> bool:
        """Whether more rig time has passed than can have: what was missed is being told, not lived."""
        then_s, then_us = self._heard[-1]
        return board_us - then_us > MOST_RATE * max(now_s - then_s, 0.1) * US_PER_S

    @property
    def rate(self) -> float:
        """Rig seconds a second, as seen lately; 1 as long as nothing better is known."""
        if not self._heard:
            return 1.0
        (then_s, then_us), (now_s, now_us) = self._heard[0], self._heard[-1]
        if now_s - then_s < 0.5:
            return 1.0
        return (now_us - then_us) / US_PER_S / (now_s - then_s)

    def now_us(self, now_s: float) -> int:
        """Rig time at `now_s`; never runs backwards within a session."""
        if not self._heard:
            return 0
        heard_s, board_us = self._heard[-1]
        on_s = min(max(now_s - heard_s, 0.0) * self.rate, CARRY_ON_S)
        self._shown = max(self._shown, board_us, round(board_us + on_s * US_PER_S))
        return self._shown
