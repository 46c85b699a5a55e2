"""How fast emulated time may go: at most so many times wall time, and never faster to catch up.

What the rig could not use of its time (output not taken, a busy machine) is forgotten after a moment,
so a stall is not followed by a burst.
"""

from __future__ import annotations

from typing import Final

FORGET_NS: Final = 30_000_000
"""Wall time that may be made up for after a delay."""
SLICE_NS: Final = 1_000_000
"""Wall time whose worth is run in one go, between two looks at the ports."""


class Pace:
    """A ceiling on speed.

    Parameters
    ----------
    speed
        Emulated time per wall time, at most.
    wall_ns, now_us
        Both clocks at the beginning.

    Raises
    ------
    ValueError
        If `speed` is not positive.
    """

    def __init__(self, speed: float, wall_ns: int, now_us: int) -> None:
        if not speed > 0:
            raise ValueError(f"the speed must be above 0, not {speed}")
        self.speed = speed
        self._wall_ns = self._began_ns = wall_ns
        self._began_us = now_us
        self._owed_ns = 0

    def until_us(self, wall_ns: int, now_us: int) -> int:
        """Return how far emulated time may go now, from `now_us`."""
        self._owed_ns = min(self._owed_ns + wall_ns - self._wall_ns, FORGET_NS)
        self._wall_ns = wall_ns
        part = min(self._owed_ns, SLICE_NS)
        return now_us + int(part * self.speed / 1000)

    def went(self, microseconds: int) -> None:
        """Tell how far emulated time really went."""
        self._owed_ns = max(0, self._owed_ns - int(microseconds * 1000 / self.speed))

    @property
    def behind(self) -> bool:
        """Whether there is more time to run at once."""
        return self._owed_ns >= SLICE_NS

    def wait_ns(self, due_us: int | None, now_us: int) -> int:
        """Return the wall time until emulated time `due_us` may come (a second at most)."""
        if due_us is None:
            return 1_000_000_000
        return min(max(0, int((due_us - now_us) * 1000 / self.speed) - self._owed_ns), 1_000_000_000)

    def reached(self, wall_ns: int, now_us: int) -> float:
        """Return the mean speed since the beginning."""
        return (now_us - self._began_us) * 1000 / max(1, wall_ns - self._began_ns)
