"""The water ledger: every valve opening of the session, whoever asked for it.

Water is counted for the animal's sake, so what is not known is counted as the most that it can have been:
an opening of which one end was lost (a link that broke, a board that was reset) lasted as long as the
board allows, and a drop that was promised and is not yet given counts against the ceilings already.
"""

from __future__ import annotations

from collections import deque

from rig.description import OutputLine, RigDescription
from rig.events import OutputChange
from rig.machine.calibration import volume_ul
from rig.units import US_PER_MS, US_PER_S

MINUTE_US = 60 * US_PER_S


class WaterLedger:
    """Integrates the valves' open times as the board stamped them, and knows what is still allowed.

    Attributes
    ----------
    total_ul, drops
        Given so far, and in how many openings.
    promised_ul
        Asked for and not yet seen: the running trial's reward, manual rewards under way.
    """

    def __init__(self, rig: RigDescription) -> None:
        self._rig = rig
        self._valves = {out.line: out for out in rig.board.outputs.values() if out.kind == "valve"}
        self._opened_us: dict[int, int] = {}
        self._recent: deque[tuple[int, float]] = deque()
        self.total_ul = 0.0
        self.drops = 0
        self.promised_ul = 0.0

    def add(self, event: OutputChange) -> None:
        """Take an output change; valves only."""
        valve = self._valves.get(event.output)
        if valve is None:
            return
        opened_us = self._opened_us.pop(event.output, None)
        if event.on:
            if opened_us is not None:  # its closing was lost
                self._count(valve, _at_most(valve, opened_us, event.t_us), event.t_us)
            self._opened_us[event.output] = event.t_us
        elif opened_us is not None:
            self._count(valve, event.t_us - opened_us, event.t_us)
        else:  # its opening was lost
            self._count(valve, _longest_us(valve), event.t_us)

    def restart(self, now_us: int) -> None:
        """Take note that the board is here (again) and its time is `now_us`; it may have begun anew."""
        if self._recent and self._recent[-1][0] > now_us:
            self._recent = deque((now_us, volume) for _, volume in self._recent)

    def close(self, now_us: int) -> None:
        """Count what is open now: its closing will not be seen."""
        for output, opened_us in self._opened_us.items():
            valve = self._valves[output]
            self._count(valve, _at_most(valve, opened_us, now_us), now_us)
        self._opened_us.clear()

    def why_not(self, volume_ul: float, now_us: int) -> str | None:
        """Return why `volume_ul` more is not allowed now, or None if it is."""
        limits = self._rig.limits
        asked_ul = volume_ul + self.promised_ul
        if volume_ul > limits.max_drop_ul:
            return f"{volume_ul:g} uL is above the rig's limit of {limits.max_drop_ul:g} uL a drop"
        if self.total_ul + asked_ul > limits.max_session_ul:
            return f"the session's ceiling of {limits.max_session_ul:g} uL is reached"
        while self._recent and self._recent[0][0] < now_us - MINUTE_US:
            self._recent.popleft()
        if sum(volume for _, volume in self._recent) + asked_ul > limits.max_per_minute_ul:
            return f"more than {limits.max_per_minute_ul:g} uL within a minute"
        return None

    @property
    def runaway(self) -> str | None:
        """Why the running trial must be stopped at once: it gives much more than it promised.

        Whole cycles make a drop a little larger than asked for; one drop beyond the ceiling is no rounding.
        """
        limits = self._rig.limits
        if self.total_ul <= limits.max_session_ul + limits.max_drop_ul:
            return None
        return f"the valves gave {self.total_ul:.0f} uL, past the ceiling of {limits.max_session_ul:g} uL"

    def _count(self, valve: OutputLine, lasted_us: int, closed_us: int) -> None:
        volume = volume_ul(valve, lasted_us)
        self.total_ul += volume
        self.drops += 1
        self.promised_ul = max(0.0, self.promised_ul - volume)
        self._recent.append((closed_us, volume))


def _longest_us(valve: OutputLine) -> int:
    return round(valve.max_open_ms * US_PER_MS)


def _at_most(valve: OutputLine, opened_us: int, seen_us: int) -> int:
    """How long a valve was open at most that was seen to open, and later was seen to be closed."""
    longest_us = _longest_us(valve)
    # Board time that went back tells of a reset, and nothing of the valve.
    return min(max(seen_us - opened_us, 1), longest_us) if seen_us >= opened_us else longest_us
