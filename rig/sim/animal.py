"""An animal on the rig: it answers to what the board really did, never to what was intended.

::

    board events --> Animal --> lick edges (back to the board's input)
                       |
                       '------> spikes (to the recording system)

The animal has no clock. Whoever drives it hands over every board event in order, and fetches what is
due up to a time that the board has reached. All it does hangs on (seed, trial, what happened in the
trial); nothing hangs on the gaps between trials, which are as long as the host is slow.
"""

from __future__ import annotations

from collections.abc import Callable

from rig.events import (
    BoardEvent,
    BoardSafe,
    OutputChange,
    PulseRefused,
    StateEntered,
    TrialEnded,
    TrialStarted,
)
from rig.machine.table import ActionKind, StateTable
from rig.sim.mouse import Mouse
from rig.sim.spiking import Spikes
from rig.sim.stimuli import Cue, Wiring
from rig.sim.truth import AnimalTruth, UnitTruth
from rig.sim.units import SimulatedUnits, Stretch, Units

__all__ = ["Animal", "AnimalTruth", "LickEdge", "SimulatedUnits", "UnitTruth", "Units"]

LickEdge = tuple[int, int, bool]
"""Board time in us, input line, rising."""


class Animal:
    """A mouse and its units, tied to a board's lines.

    Parameters
    ----------
    wiring
        What the board's lines mean.
    units, mouse
        What it consists of.
    table
        Returns the table in a slot of the board. A drop's size is read there at its onset, and some
        animals read further ahead. A drop that no table gave is met when its valve has closed.
    """

    def __init__(
        self,
        wiring: Wiring,
        units: Units,
        mouse: Mouse,
        table: Callable[[int], StateTable | None],
    ) -> None:
        self.units = units
        self._wiring = wiring
        self._mouse = mouse
        self._table_in = table
        self._table: StateTable | None = None
        self._pulses_us: dict[int, int] = {}
        self._opened_us: dict[int, int] = {}
        self._trial = -1
        self._stretch = 0
        self._pulses_of_light = 0
        self._promised = False
        self._cue: Cue | None = None  # a cue with a value of its own, whose outcome is still to come
        self._cue_us = 0

    @property
    def trials(self) -> int:
        """Trials begun so far."""
        return self._trial + 1

    @property
    def next_due_us(self) -> int | None:
        """When `emit` must be called at the latest for the licks to be in time; None: no lick to come."""
        return self._mouse.next_due_us if self._wiring.lick_line is not None else None

    def on_event(self, event: BoardEvent) -> None:
        """Take what the board did; events must come in order, and before `emit` passes their time."""
        match event:
            case TrialStarted():
                self._trial, self._stretch, self._promised = self._trial + 1, 0, False
                self._pulses_of_light = 0
                self._cue = None
                self._table = self._table_in(event.slot)
                stretch = (self._trial, 0)
                self._mouse.trial_began(event.t_us, stretch)
                self.units.trial_began(event.t_us, stretch, self._table)
            case StateEntered():
                self._pulses_us = self._pulses_of(event.state)
            case PulseRefused():
                self._pulses_us.pop(event.output, None)
            case TrialEnded() | BoardSafe():
                self._miss(event.t_us)
                self._mouse.trial_ended(event.t_us)
                self.units.trial_ended(event.t_us, self._next_stretch())
            case OutputChange():
                self._changed(event)
            case _:
                pass

    def _pulses_of(self, number: int) -> dict[int, int]:
        """Length of each pulse that entering a state gives, in microseconds, by output."""
        if self._table is None or number >= len(self._table.states):
            return {}
        actions = self._table.states[number].actions
        return {a.index: a.value for a in actions if a.kind is ActionKind.PULSE}

    def _changed(self, event: OutputChange) -> None:
        kind = self._wiring.kind(event.output)
        if event.output in self._wiring.lasers:
            if event.on:
                self.units.lit(event.t_us, self._trial, self._pulses_of_light)
                self._pulses_of_light += 1
        elif kind == "reward":
            self._valve(event)
        elif kind is not None and event.on:
            self._promised = promising = kind == "promise"
            self._cue, self._cue_us = self._wiring.cues.get(event.output), event.t_us
            stretch, name = self._next_stretch(), self._cue.name if self._cue else None
            if promising:
                due_us = self._cue.delay_us if self._cue else 0
                self._mouse.promised(event.t_us, stretch, name, due_us)
            else:
                self._mouse.smelled(event.t_us, stretch)
            self.units.smelled(event.t_us, stretch, promising=promising, cue=name)

    def _valve(self, event: OutputChange) -> None:
        """Meet a drop: at its onset if the table foretells its size, else when the valve closes."""
        if event.on:
            open_us = self._pulses_us.pop(event.output, None)
            if open_us is None:
                self._opened_us[event.output] = event.t_us
                return
        elif event.output in self._opened_us:
            open_us = event.t_us - self._opened_us.pop(event.output)
        else:
            return
        volume, stretch = self._wiring.volume_ul(event.output, open_us), self._next_stretch()
        name, self._cue = self._cue.name if self._cue else None, None
        self._mouse.rewarded(event.t_us, stretch, volume, signalled=self._promised, cue=name)
        self.units.rewarded(event.t_us, stretch, volume, signalled=self._promised, cue=name)

    def _miss(self, t_us: int) -> None:
        """Learn from an outcome that was due by now and did not come."""
        cue, self._cue = self._cue, None
        if cue is not None and t_us >= self._cue_us + cue.delay_us:
            self._mouse.omitted(cue.name)
            self.units.omitted(self._trial, cue.name)

    def _next_stretch(self) -> Stretch:
        self._stretch += 1
        return self._trial, self._stretch

    def emit(self, to_us: int) -> tuple[list[LickEdge], Spikes]:
        """Return the lick edges up to and including `to_us`, and the spikes before it.

        The board must have reached `to_us`, and `on_event` must have had all its events up to there.
        """
        line = self._wiring.lick_line
        licks = [] if line is None else [(t, line, rising) for t, rising in self._mouse.emit(to_us)]
        return licks, self.units.emit(to_us)

    def truth(self) -> AnimalTruth:
        """Reveal what there is to know; nothing in a session reads it."""
        return self.units.truth(self.trials)
