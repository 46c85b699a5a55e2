"""What happened on the rig, worked out from the events that a Bpod reports of a run.

A Bpod tells inputs, timers and counters, and nothing of states and outputs. So the matrix that was sent is
followed beside it: the first event of a cycle that leads to another state is the one that the device took.
A pulse's end is told by the device (its timer); its beginning, and what states hold, are inferred.
"""

from __future__ import annotations

from drivers.bpod.compiler import Compiled, Wiring
from drivers.bpod.interpreter import follow
from rig.events import (
    BoardEvent,
    EndReason,
    InputEdge,
    OutputChange,
    SoftEventSeen,
    StateEntered,
    SyncEdge,
    TrialEnded,
    TrialStarted,
)

_SOFT_EVENTS = 8


class SyncLevel:
    """The sync line, which changes with every state.

    Parameters
    ----------
    wired
        Whether there is such a line.
    """

    def __init__(self, *, wired: bool) -> None:
        self._wired = wired
        self._high = False

    def toggle(self, t_us: int) -> list[BoardEvent]:
        """Take a change; return it as an event."""
        if not self._wired:
            return []
        self._high = not self._high
        return [SyncEdge(t_us=t_us, rising=self._high)]


class RunView:
    """One run as the rig saw it.

    Parameters
    ----------
    slot
        Of the trial; None: no trial, and then no states are told.
    start_us
        Board time of its first cycle.

    Attributes
    ----------
    state
        Number of the matrix' state; None once the way led to the end.
    entries
        States entered so far.
    """

    def __init__(
        self, compiled: Compiled, wiring: Wiring, sync: SyncLevel, *, slot: int | None, start_us: int
    ) -> None:
        self.state: int | None = None
        self.entries = 0
        self._compiled = compiled
        self._hardware = wiring.hardware
        self._sync = sync
        self._slot = slot
        self._start_us = start_us
        self._levels = 0
        self._pulsing = 0
        self._edges = {
            self._hardware.edge(channel, rising=rising): (line, rising)
            for line, channel in wiring.inputs.items()
            for rising in (False, True)
        }

    @property
    def holds(self) -> bool:
        """Whether an output is on."""
        return bool(self._levels)

    def begin(self) -> list[BoardEvent]:
        """Return what the first cycle brought."""
        told: list[BoardEvent] = []
        if self._slot is not None:
            told.append(TrialStarted(t_us=self._start_us, slot=self._slot))
        return told + self._enter(0, self._start_us) + self._sync.toggle(self._start_us)

    def cycle(self, number: int, events: tuple[int, ...]) -> list[BoardEvent]:
        """Take the events of one cycle."""
        t_us = self.time_us(number)
        told = self._seen(events, t_us)
        for event in events:
            timer = event - self._hardware.timer_end
            if 0 <= timer < len(self._compiled.pulses):
                line = self._compiled.pulses[timer]
                self._pulsing &= ~(0 if line is None else 1 << line)
        target = self._target(events)
        if target is None:
            return told + self._show(self._held, t_us)
        if target == self._compiled.matrix.exit:
            self.state = None
            return told
        return told + self._enter(target, t_us) + self._sync.toggle(t_us)

    def end(self, number: int, *, reason: EndReason) -> list[BoardEvent]:
        """Take the end: everything is off."""
        t_us = self.time_us(number)
        self._pulsing = 0
        told = self._show(0, t_us)
        if self._slot is not None:
            told.append(TrialEnded(t_us=t_us, reason=reason))
        return told + self._sync.toggle(t_us)

    def time_us(self, cycle: int) -> int:
        """Return the board time of a cycle."""
        return self._start_us + cycle * self._hardware.cycle_us

    # --- inside --------------------------------------------------------------------------------------

    @property
    def _held(self) -> int:
        return 0 if self.state is None else self._compiled.held[self.state]

    def _seen(self, events: tuple[int, ...], t_us: int) -> list[BoardEvent]:
        told: list[BoardEvent] = []
        for event in events:
            if event in self._edges:
                line, rising = self._edges[event]
                told.append(InputEdge(t_us=t_us, line=line, rising=rising))
        for event in events:
            number = event - self._hardware.soft_event + 1
            if self._slot is not None and 1 <= number <= _SOFT_EVENTS:
                told.append(SoftEventSeen(t_us=t_us, number=number))
        return told

    def _target(self, events: tuple[int, ...]) -> int | None:
        if self.state is None:
            return None
        row = self._compiled.matrix.states[self.state]
        targets = (follow(row, event, self._hardware) for event in events)
        return next((target for target in targets if target is not None and target != self.state), None)

    def _enter(self, number: int, t_us: int) -> list[BoardEvent]:
        self.state = number
        self.entries += 1
        trigger = self._compiled.matrix.states[number].trigger
        for timer, line in enumerate(self._compiled.pulses):
            if line is not None and trigger >> timer & 1:
                self._pulsing |= 1 << line
        told: list[BoardEvent] = []
        if self._slot is not None:
            told.append(StateEntered(t_us=t_us, state=self._compiled.states[number]))
        return told + self._show(self._held, t_us)

    def _show(self, held: int, t_us: int) -> list[BoardEvent]:
        levels = held | self._pulsing
        changed, self._levels = levels ^ self._levels, levels
        return [
            OutputChange(t_us=t_us, output=line, on=bool(levels >> line & 1))
            for line in range(changed.bit_length())
            if changed >> line & 1
        ]
