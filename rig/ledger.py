"""The water ledger: every valve opening of the session, whoever asked for it."""

from __future__ import annotations

from collections import deque

from rig.description import RigDescription
from rig.events import OutputChange
from rig.machine.calibration import volume_ul
from rig.units import US_PER_S

MINUTE_US = 60 * US_PER_S


class WaterLedger:
    """Integrates the valves' open times as the board stamped them, and knows what is still allowed."""

    def __init__(self, rig: RigDescription) -> None:
        self._rig = rig
        self._valves = {out.line: out for out in rig.board.outputs.values() if out.kind == "valve"}
        self._opened_us: dict[int, int] = {}
        self._recent: deque[tuple[int, float]] = deque()
        self.total_ul = 0.0
        self.drops = 0

    def add(self, event: OutputChange) -> None:
        """Take an output change; valves only."""
        valve = self._valves.get(event.output)
        if valve is None:
            return
        if event.on:
            self._opened_us[event.output] = event.t_us
        elif event.output in self._opened_us:
            volume = volume_ul(valve, event.t_us - self._opened_us.pop(event.output))
            self.total_ul += volume
            self.drops += 1
            self._recent.append((event.t_us, volume))

    def why_not(self, volume_ul: float, now_us: int) -> str | None:
        """Return why `volume_ul` more is not allowed now, or None if it is."""
        limits = self._rig.limits
        if volume_ul > limits.max_drop_ul:
            return f"{volume_ul:g} uL is above the rig's limit of {limits.max_drop_ul:g} uL a drop"
        if self.total_ul + volume_ul > limits.max_session_ul:
            return f"the session's ceiling of {limits.max_session_ul:g} uL is reached"
        while self._recent and self._recent[0][0] < now_us - MINUTE_US:
            self._recent.popleft()
        if sum(volume for _, volume in self._recent) + volume_ul > limits.max_per_minute_ul:
            return f"more than {limits.max_per_minute_ul:g} uL within a minute"
        return None
