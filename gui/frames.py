"""How evenly the window turns: gaps between its frames."""

from __future__ import annotations

from collections import deque
from typing import Final

KEPT: Final = 4000


class FrameTimes:
    """The gaps between the last frames.

    Attributes
    ----------
    frames
        Frames so far.
    longest_ms
        The longest gap since `reset`.
    busiest_ms
        The longest time that one frame's own work took since `reset`.
    """

    def __init__(self) -> None:
        self._gaps_ms: deque[float] = deque(maxlen=KEPT)
        self._last_s: float | None = None
        self.reset()

    def reset(self) -> None:
        """Begin a new stretch."""
        self.frames = 0
        self.longest_ms = 0.0
        self.busiest_ms = 0.0
        self._gaps_ms.clear()
        self._last_s = None

    def begin(self, now_s: float) -> None:
        """Begin a frame."""
        if self._last_s is not None:
            gap_ms = (now_s - self._last_s) * 1e3
            self._gaps_ms.append(gap_ms)
            self.longest_ms = max(self.longest_ms, gap_ms)
        self._last_s = now_s
        self.frames += 1

    def end(self, now_s: float) -> None:
        """End the frame's own work."""
        if self._last_s is not None:
            self.busiest_ms = max(self.busiest_ms, (now_s - self._last_s) * 1e3)

    @property
    def fps(self) -> float:
        """Frames per second over the last second or so."""
        recent = list(self._gaps_ms)[-25:]
        return 1000.0 * len(recent) / sum(recent) if recent and sum(recent) else 0.0

    @property
    def gaps_ms(self) -> tuple[float, ...]:
        """The gaps that are kept, oldest first."""
        return tuple(self._gaps_ms)
