"""A calibration from its first pulse to its result: what comes next, and when it is enough."""

from __future__ import annotations

import math
from statistics import median
from typing import Final, Literal

import msgspec

from rig.calibration.chooser import Chooser
from rig.calibration.estimate import Estimate, estimate
from rig.calibration.psychometric import STEP_MS, Grid
from rig.errors import ConfigError

LEAST: Final = 20
"""Fewer pulses are never enough, however sure the posterior seems."""
OFTEN: Final = 0.02
"""Lapses or false alarms that are surely as frequent as this are worth a sentence."""

Stopped = Literal["precise", "pulses"]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of pulses that were fixed beforehand, after the estimate and not part of it.

    Attributes
    ----------
    duration_ms
        The upper end of the interval of what is detected at 99 %, in whole cycles.
    given, seen
        Pulses of that duration.
    without, false_alarms
        Windows without a pulse, and in how many the input changed all the same.
    """

    duration_ms: float
    given: int
    seen: int
    without: int
    false_alarms: int


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, as `dopaloop calibrate --json` prints it.

    Attributes
    ----------
    pulse, seen_by
        Names of the output and the input.
    window_ms
        From a pulse's onset, the time in which the input had to change.
    stopped
        ``precise``: the threshold is known well enough. ``pulses``: there were no more pulses to give.
    pulses
        Duration in ms (0: a catch trial) and whether it was seen, in the order given.
    latency_ms
        From the onset to the input's change, median over the pulses that were seen; None if none was.
    checked
        The estimate put to the proof; None if that was not asked for.
    lasted_s
        From the first pulse to the last, by the board's clock.
    void
        Pulses that were given and not counted, because the input was on already.
    notes
        What to know before the numbers are used.
    """

    pulse: str
    seen_by: str
    window_ms: float
    stopped: Stopped
    estimate: Estimate
    pulses: tuple[tuple[float, bool], ...]
    latency_ms: float | None
    checked: Checked | None
    lasted_s: float
    void: int
    notes: tuple[str, ...]


class Procedure:
    """Chooses pulses until the threshold is known well enough.

    Parameters
    ----------
    stop_sd
        Enough is a posterior standard deviation of the threshold's logarithm below this.
    most
        Pulses at most, catch trials included.

    Raises
    ------
    ConfigError
        If it could never end well.
    """

    def __init__(self, grid: Grid, chooser: Chooser, *, stop_sd: float, most: int) -> None:
        if most < LEAST:
            raise ConfigError(f"{most} pulses are too few to know anything; allow {LEAST} at least")
        self._grid = grid
        self._chooser = chooser
        self._stop_sd = stop_sd
        self._most = most
        self._pulses: list[tuple[float, bool]] = []
        self._latencies_ms: list[float] = []
        self.estimate = estimate(grid, chooser.posterior())

    @property
    def number(self) -> int:
        """Pulses that counted so far."""
        return len(self._pulses)

    @property
    def stopped(self) -> Stopped | None:
        """Why it is over, if it is."""
        if self.number >= LEAST and self.estimate.sd < self._stop_sd:
            return "precise"
        return "pulses" if self.number >= self._most else None

    def next_ms(self) -> float:
        """Return the duration to give next; 0 for a catch trial."""
        return self._chooser.next_ms()

    def take(self, duration_ms: float, *, seen: bool, latency_ms: float | None = None) -> None:
        """Learn what came of a pulse."""
        self._chooser.take(duration_ms, seen=seen)
        self._pulses.append((duration_ms, seen))
        if seen and duration_ms and latency_ms is not None:
            self._latencies_ms.append(latency_ms)
        self.estimate = estimate(self._grid, self._chooser.posterior())

    @property
    def safe_ms(self) -> float:
        """The upper end of what is detected at 99 %, in whole cycles, but no more than may be given."""
        upper_ms = math.ceil(self.estimate.detected_ci95_ms[1] / STEP_MS - 1e-9) * STEP_MS
        return round(min(upper_ms, float(self._grid.durations_ms[-1])), 6)

    def result(
        self,
        *,
        pulse: str,
        seen_by: str,
        window_ms: float,
        checked: Checked | None = None,
        lasted_s: float = 0.0,
        void: int = 0,
    ) -> Calibration:
        """Return what was found."""
        return Calibration(
            pulse=pulse,
            seen_by=seen_by,
            window_ms=window_ms,
            stopped=self.stopped or "pulses",
            estimate=self.estimate,
            pulses=tuple(self._pulses),
            latency_ms=median(self._latencies_ms) if self._latencies_ms else None,
            checked=checked,
            lasted_s=lasted_s,
            void=void,
            notes=tuple(self._notes(pulse, seen_by)),
        )

    def _notes(self, pulse: str, seen_by: str) -> list[str]:
        found, notes = self.estimate, []
        shortest, longest = self._grid.durations_ms[1], self._grid.durations_ms[-1]
        real = [seen for duration, seen in self._pulses if duration]
        if real and not any(real):
            notes.append(
                f"'{seen_by}' saw no pulse of '{pulse}' at all, up to {longest:g} ms; check the wiring, "
                "and which edge is awaited"
            )
        elif real and all(real):
            notes.append(
                f"'{seen_by}' saw every pulse, down to {shortest:g} ms; the threshold is below that, if "
                "there is one"
            )
        elif found.at_upper_end:
            notes.append(f"the threshold may lie above {longest:g} ms; allow longer pulses (--longest-ms)")
        elif found.at_lower_end:
            notes.append(f"the threshold may lie below {shortest:g} ms; allow shorter pulses (--shortest-ms)")
        if self.stopped == "pulses" and self.estimate.sd >= self._stop_sd:
            notes.append(
                f"after {self.number} pulses the threshold is known within {found.sd:.0%} only (wanted: "
                f"{self._stop_sd:.0%}); allow more (--trials)"
            )
        if found.lapses_ci95[0] >= OFTEN:
            notes.append(
                f"about {found.lapses:.0%} of pulses are missed however long they are; mend that first"
            )
        if found.false_alarms_ci95[0] >= OFTEN:
            notes.append(
                f"'{seen_by}' changes without a pulse in about {found.false_alarms:.0%} of the windows; "
                "mend that first"
            )
        return notes
