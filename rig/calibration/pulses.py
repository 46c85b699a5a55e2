"""One pulse as the board runs it: a table with a quiet time, the pulse, and a window for the answer.

The board times all of it. A catch trial has the same table without the pulse. For a laser the quiet time
grows where the light of the last minute asks for it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from rig.description import OutputLine, RigDescription
from rig.design.light import MINUTE_US
from rig.errors import ConfigError, TransportError
from rig.events import (
    BoardEvent,
    BoardSafe,
    CommandRefused,
    EndReason,
    EventsLost,
    InputEdge,
    LinkLost,
    OutputChange,
    PulseRefused,
    StateEntered,
    TrialEnded,
)
from rig.machine.build import END, StateMachine
from rig.machine.table import StateTable
from rig.units import US_PER_MS

PULSE_STATE: Final = 1
TOO_SLOW: Final = "this computer was too busy to keep the board awake"
PAGE: Final = "docs/how-to/calibrate-a-sensor.md"


def check_output(rig: RigDescription, name: str, longest_ms: float | None) -> float:
    """Return the longest pulse to give on an output: what was asked for, or what the rig file allows.

    Raises
    ------
    ConfigError
        If the output is a water valve, may not be pulsed, or not for so long.
    """
    out = rig.output(name)
    if out.kind == "valve":
        raise ConfigError(
            f"'{name}' is a water valve, and how much water comes is never chosen by what was seen: drops "
            f"are weighed at open times fixed beforehand (dopaloop weigh; {PAGE})"
        )
    if out.max_open_ms == 0:
        raise ConfigError(f"'{name}' may not be pulsed; give it a max_open_ms in the rig file if it may")
    if longest_ms is not None and longest_ms > out.max_open_ms:
        raise ConfigError(f"'{name}' may be pulsed for {out.max_open_ms:g} ms at most, not {longest_ms:g} ms")
    return longest_ms if longest_ms is not None else out.max_open_ms


def pulse_table(
    rig: RigDescription, output: str, duration_ms: float, *, quiet_us: int, window_ms: float
) -> StateTable:
    """Return the table of one pulse; a duration of 0 makes a catch trial."""
    machine = StateMachine(f"{duration_ms:g} ms of {output}")
    machine.state("quiet", timer=quiet_us / 1e6, then="pulse")
    pulses = {output: duration_ms / 1000} if duration_ms else {}
    machine.state("pulse", timer=window_ms / 1000, then=END, pulses=pulses)
    return machine.build(rig)


class LightRest:
    """How long a laser must rest before its next pulse, so that no minute has more light than is allowed."""

    def __init__(self, out: OutputLine) -> None:
        self._most_us = round(out.max_on_ms_per_minute * US_PER_MS) if out.kind == "laser" else None
        self._recent: deque[tuple[int, int]] = deque()

    def add(self, ended_us: int, lasted_us: int) -> None:
        """Count a pulse that was given, by the board's clock."""
        if self._most_us is None or lasted_us <= 0:
            return
        while self._recent and self._recent[0][0] + MINUTE_US <= ended_us - lasted_us:
            self._recent.popleft()
        self._recent.append((ended_us, lasted_us))

    def wait_us(self, duration_us: int, now_us: int) -> int:
        """Return how long from `now_us` a pulse of so many microseconds must wait."""
        if self._most_us is None or not duration_us:
            return 0
        left = deque(one for one in self._recent if one[0] + MINUTE_US > now_us)
        waited_us = 0
        while left and sum(lasted for _, lasted in left) + duration_us > self._most_us:
            waited_us = left.popleft()[0] + MINUTE_US - now_us
        return waited_us


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a pulse.

    Attributes
    ----------
    void
        Why it does not count; empty if it does.
    ended_us
        Board time at which the window closed.
    open_us
        How long the output was on, by the board.
    latency_us
        From the onset of the pulse to the input's first change; None if there was none.
    """

    void: str = ""
    ended_us: int = 0
    open_us: int = 0
    latency_us: int | None = None


class PulseWatch:
    """Follows what the board says of the pulses, one trial after the other.

    Parameters
    ----------
    output, line
        Numbers of the output and of the input.
    rising
        Which edge of the input means that it saw something.

    Attributes
    ----------
    asleep
        The board has made itself safe, because it did not hear from us in time; set it to False after it was
        configured anew.
    """

    def __init__(self, output: int, line: int, *, rising: bool = True) -> None:
        self._output = output
        self._line = line
        self._rising = rising
        self._active = False
        self.asleep = False
        self._begin()

    def _begin(self) -> None:
        self._window_us: int | None = None
        self._on_us: int | None = None
        self._open_us = 0
        self._latency_us: int | None = None
        self._void = ""

    def take(self, event: BoardEvent) -> Answer | None:
        """Take an event in its order; return the answer once the trial's window has closed.

        Raises
        ------
        ConfigError
            If the board refuses what it was asked for.
        TransportError
            If the board is lost, or ended the trial by itself.
        """
        match event:
            case InputEdge() if event.line == self._line:
                self._changed(event)
            case StateEntered() if event.state == PULSE_STATE:
                self._window_us = event.t_us
                if self._active:
                    self._void = "the input was on already"
            case OutputChange() if event.output == self._output:
                self._driven(event)
            case EventsLost():
                self._void = "events of the board were lost"
            case PulseRefused() if event.output == self._output:
                raise ConfigError(
                    "the board refused the pulse; see max_open_ms of the output in the rig file"
                )
            case CommandRefused() if self.asleep:
                return self._answer("", 0)
            case CommandRefused():
                raise ConfigError(f"the board refused to {event.command}: {event.reason}")
            case LinkLost():
                raise TransportError(event.reason)
            case BoardSafe() if event.reason is EndReason.HOST_LOST:
                self.asleep = True
            case BoardSafe():
                raise TransportError("the board has switched everything off by itself; stopped")
            case TrialEnded():
                return self._ended(event)
            case _:
                pass
        return None

    def _changed(self, edge: InputEdge) -> None:
        self._active = edge.rising == self._rising
        if self._active and self._window_us is not None and self._latency_us is None:
            self._latency_us = edge.t_us - self._window_us

    def _driven(self, change: OutputChange) -> None:
        if change.on:
            self._on_us = change.t_us
        elif self._on_us is not None:
            self._open_us += change.t_us - self._on_us
            self._on_us = None

    def _ended(self, end: TrialEnded) -> Answer:
        if end.reason is EndReason.HOST_LOST:
            self.asleep = True
        elif end.reason is not EndReason.COMPLETE:
            raise TransportError("the board did not run the pulse to its end; stopped")
        return self._answer(self._void, end.t_us)

    def _answer(self, void: str, ended_us: int) -> Answer:
        answer = Answer(
            void=TOO_SLOW if self.asleep else void,
            ended_us=ended_us,
            open_us=self._open_us,
            latency_us=self._latency_us,
        )
        self._begin()
        return answer
