"""Sensors on the board's inputs that see the pulses of its outputs, with a threshold, a slope and mistakes.

Each pulse meets a threshold of its own, drawn from a Weibull distribution: the sensor changes its input as
soon as the output has been on for that long, and not at all if it goes off before. So a pulse of d ms is seen
with probability ``1 - exp(-(d / threshold) ** slope)``. Draws are keyed by (seed, input line, trial, pulse);
false alarms come at random during trials, and nothing happens between them, as with the mouse.
"""

from __future__ import annotations

import math
from typing import Final

from rig.description import Emulation, RigDescription, SimulatedSensor
from rig.errors import ConfigError
from rig.events import BoardEvent, BoardSafe, OutputChange, TrialEnded, TrialStarted
from rig.sim import draws
from rig.sim.stimuli import SPOUT
from rig.units import CYCLE_US, US_PER_MS, US_PER_S

SHORTEST_US: Final = 2_000
"""The input is on for so long at least."""
ALARM_US: Final = 5_000
"""A false alarm lasts so long."""

_WHETHER, _WHEN, _ALARMS = range(1, 4)

Edge = tuple[int, int, bool]
"""Board time in us, input line, rising."""


class Sensors:
    """All simulated sensors of a rig; without one there are none.

    Raises
    ------
    ConfigError
        If ``[emulation.sensors]`` names a line that is not there, or the mouse's own.
    """

    def __init__(self, rig: RigDescription | None = None) -> None:
        self._sensors: list[Sensor] = []
        emulation = (rig.emulation if rig is not None else None) or Emulation()
        for name, settings in emulation.sensors.items():
            assert rig is not None
            line = rig.board.inputs.get(name)
            if line is None or name == SPOUT:
                known = ", ".join(sorted(set(rig.board.inputs) - {SPOUT})) or "none"
                raise ConfigError(
                    f"[emulation.sensors.{name}]: there is no such input for a sensor; there is {known}"
                )
            if settings.output not in rig.board.outputs:
                known = ", ".join(sorted(rig.board.outputs)) or "none"
                raise ConfigError(
                    f"[emulation.sensors.{name}]: the rig has no output '{settings.output}'; it has {known}"
                )
            output = rig.board.outputs[settings.output].line
            self._sensors.append(Sensor(settings, output, line.line, emulation.seed))

    @property
    def next_due_us(self) -> int | None:
        """When `emit` must be called at the latest; None if nothing is to come."""
        due = [sensor.next_due_us for sensor in self._sensors]
        return min((t_us for t_us in due if t_us is not None), default=None)

    def on_event(self, event: BoardEvent) -> None:
        """Take what the board did; events must come in order."""
        for sensor in self._sensors:
            sensor.on_event(event)

    def emit(self, to_us: int) -> list[Edge]:
        """Return the edges up to and including `to_us`, by time."""
        return sorted(edge for sensor in self._sensors for edge in sensor.emit(to_us))


class Sensor:
    """One sensor: the pulses of one output, seen on one input line."""

    def __init__(self, settings: SimulatedSensor, output: int, line: int, seed: int) -> None:
        self._settings = settings
        self._output = output
        self._line = line
        self._base = draws.key(seed, 0x5E45, line)
        self._latency_us = round(settings.latency_ms * US_PER_MS)
        self._trial = self._pulse = -1
        self._alarms = 0
        self._lit = False  # the output is on
        self._saw_us: int | None = None  # when its threshold is reached, if the pulse lasts that long
        self._rise_us: int | None = None
        self._fall_us: int | None = None
        self._alarm_us: int | None = None
        self._on_since_us: int | None = None  # the input is on
        self._holds = False  # until the pulse is over

    def on_event(self, event: BoardEvent) -> None:
        """Take what the board did."""
        match event:
            case TrialStarted():
                self._trial, self._pulse, self._alarms = self._trial + 1, -1, 0
                self._next_alarm(event.t_us)
            case TrialEnded() | BoardSafe():
                self._alarm_us = None
            case OutputChange() if event.output == self._output:
                self._went_on(event.t_us) if event.on else self._went_off(event.t_us)
            case _:
                pass

    def _went_on(self, t_us: int) -> None:
        self._lit, self._pulse = True, self._pulse + 1
        key, s = draws.key(self._base, self._trial + 1, self._pulse), self._settings
        if draws.uniform(key, _WHETHER)[0] < s.lapses:
            return
        meets_ms = s.threshold_ms * (-math.log(draws.uniform(key, _WHEN)[0])) ** (1.0 / s.slope)
        self._saw_us = t_us + min(round(meets_ms * US_PER_MS), US_PER_S * 3600)
        self._rise_us = _off_grid(self._saw_us + self._latency_us)

    def _went_off(self, t_us: int) -> None:
        self._lit = False
        if self._saw_us is not None and self._saw_us > t_us:
            self._rise_us = None
        self._saw_us = None
        if self._holds and self._on_since_us is not None:
            self._fall_us = self._end(t_us)

    def _end(self, off_us: int) -> int:
        assert self._on_since_us is not None
        self._holds = False
        return _off_grid(max(off_us + self._latency_us, self._on_since_us + SHORTEST_US))

    def _next_alarm(self, from_us: int) -> None:
        rate = self._settings.false_alarms_per_s
        if not rate:
            return
        u = draws.uniform(draws.key(self._base, self._trial + 1), _ALARMS, self._alarms)[0]
        self._alarms += 1
        self._alarm_us = _off_grid(from_us + round(-math.log(u) / rate * US_PER_S))

    @property
    def next_due_us(self) -> int | None:
        """When it wants to be looked at again."""
        due = (self._rise_us, self._fall_us, self._alarm_us)
        return min((t_us for t_us in due if t_us is not None), default=None)

    def emit(self, to_us: int) -> list[Edge]:
        """Return the edges up to and including `to_us`."""
        edges: list[Edge] = []
        while (due := self.next_due_us) is not None and due <= to_us:
            if due == self._fall_us:
                self._fall_us = self._on_since_us = None
                edges.append((due, self._line, False))
            elif due == self._rise_us:
                self._rise_us = None
                self._rise(due, edges)
                self._holds = self._lit
                self._fall_us = None if self._lit else self._end(due)
            else:
                self._next_alarm(due)
                if self._on_since_us is None:
                    self._rise(due, edges)
                    self._fall_us = due + ALARM_US
        return edges

    def _rise(self, t_us: int, edges: list[Edge]) -> None:
        if self._on_since_us is None:
            edges.append((t_us, self._line, True))
        self._on_since_us = t_us


def _off_grid(t_us: int) -> int:
    """Return a time that cannot tie with a cycle of the board."""
    return t_us + (t_us % CYCLE_US == 0)
