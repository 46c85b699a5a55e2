"""Devices' clocks, held against the wall and against each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

WINDOW_S: Final = 1.0
LONG_S: Final = 4.0
"""Clocks are compared over the first of these; over the second if rig time is emulated, and faster."""
FAST: Final = 2.5
"""Rig time that runs this much faster than the wall is emulated."""
RATES: Final = (0.75, 1.33)
"""A device that is slower or faster than this, by what it states, is wrong."""
PATIENCE_S: Final = 3.0
"""A device is given so long from when it was first heard."""

Clocks = Mapping[str, tuple[int, float]]
"""Device -> (newest tick of its clock, ticks per second as it states them)."""


class ClockWatch:
    """Remembers where the clocks stood.

    Parameters
    ----------
    board
        Name of the device whose clock is rig time: the others are held against it.
    """

    def __init__(self, board: str = "board") -> None:
        self._board = board
        self._looks: deque[tuple[float, dict[str, tuple[int, float]]]] = deque()
        self._first: dict[str, float] = {}
        self._wrong: dict[str, int] = {}

    def clear(self) -> None:
        """Forget all: nothing could be seen for a while."""
        self._looks.clear()
        self._wrong.clear()

    def look(self, clocks: Clocks, now_s: float) -> dict[str, str]:
        """Take where the clocks stand; return what is wrong, by device."""
        self._looks.append((now_s, dict(clocks)))
        for name in clocks:
            self._first.setdefault(name, now_s)
        while len(self._looks) > 2 and now_s - self._looks[1][0] >= LONG_S:
            self._looks.popleft()
        window_s = LONG_S if self._emulated() else WINDOW_S
        wall_s, rig_s = self._elapsed(self._board, window_s)
        if wall_s < 0.9 * window_s:
            return {}
        found = {}
        for name in clocks:
            why = self._why(name, window_s, wall_s, rig_s)
            if why is not None and now_s - self._first[name] >= PATIENCE_S:
                found[name] = why
        return found

    def _emulated(self) -> bool:
        wall_s, rig_s = self._elapsed(self._board, LONG_S)
        return wall_s > 0 and rig_s is not None and rig_s > FAST * wall_s

    def _elapsed(self, name: str, window_s: float) -> tuple[float, float | None]:
        """Wall time and a device's own time over the newest looks, of at least `window_s` if there are."""
        now_s, now = self._looks[-1]
        long_ago = (look for look in reversed(self._looks) if now_s - look[0] >= 0.95 * window_s)
        then_s, then = next(long_ago, self._looks[0])
        if name not in now or name not in then:
            return now_s - then_s, None
        ticks, per_s = now[name]
        return now_s - then_s, (ticks - then[name][0]) / per_s

    def _why(self, name: str, window_s: float, wall_s: float, rig_s: float | None) -> str | None:
        _, own_s = self._elapsed(name, window_s)
        if own_s is None or own_s < 0:  # new, or it began again, which its driver tells
            self._wrong.pop(name, None)
            return None
        if own_s == 0:
            return f"the clock of '{name}' has stood still for {wall_s:.1f} s: nothing of it is recorded"
        if name == self._board or not rig_s or rig_s < 0:
            return None
        ratio = own_s / rig_s
        if RATES[0] <= ratio <= RATES[1]:
            self._wrong.pop(name, None)
            return None
        self._wrong[name] = self._wrong.get(name, 0) + 1
        if self._wrong[name] < 2:
            return None  # once may be a hiccup of this computer
        return f"'{name}' sends {100 * ratio:.0f} % of what it states: is it losing samples?"
