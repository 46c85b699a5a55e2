"""Runs a state matrix as the Bpod's firmware does, cycle by cycle; written after the firmware, not after us.

It knows matrices only, and nothing of the tables that they may have been made of. So what the compiler makes
is really run, and the independent client can run machines of its own.

A cycle's events come in this order: what the last entry left over (timers that it started or cancelled),
conditions, edges of inputs, soft codes, global timers, counters, state timer. The first that leads to another
state wins. A counter is looked at before the cycle's events are counted, so it is true one cycle later.
In the first cycle nothing but the first state's entry happens.

Only cycles in which something can happen need a step: `next_cycle` names the next one.
"""

from __future__ import annotations

import msgspec

from drivers.bpod.hardware import Hardware
from drivers.bpod.matrix import NOTHING, MatrixState, Pairs, StateMatrix
from drivers.bpod.wire import MOST_EVENTS

BACK = 255
"""Target that means the state before, if the matrix says so in its header."""


class Step(msgspec.Struct, kw_only=True):
    """What one cycle brought.

    Parameters
    ----------
    events
        Codes as the device reports them.
    entered
        The state entered, if one was.
    ended
        Whether the run is over.
    pins
        Output channels that changed, and their new values.
    said
        Soft codes as sent: (letter of the channel, code).
    """

    events: tuple[int, ...] = ()
    entered: int | None = None
    ended: bool = False
    pins: dict[int, int] = msgspec.field(default_factory=dict)
    said: list[tuple[str, int]] = msgspec.field(default_factory=list)


class _Timer:
    __slots__ = ("active", "end", "loops", "start", "triggered")

    def __init__(self) -> None:
        self.active = self.triggered = False
        self.start = self.end = self.loops = 0


class Runner:
    """One run of one matrix; a long class, because a cycle is one order of steps over one state.

    Parameters
    ----------
    levels
        Bit mask of the input channels that are high at the start.
    enabled
        Bit mask of the input channels that are looked at.
    sync
        Output channel that the sync line has taken; states do not reach it.
    back
        Whether target 255 means the state before.

    Attributes
    ----------
    cycle, state
        Where it is.
    """

    def __init__(
        self,
        matrix: StateMatrix,
        hardware: Hardware,
        *,
        levels: int = 0,
        enabled: int = -1,
        sync: int | None = None,
        back: bool = False,
    ) -> None:
        self.matrix = matrix
        self.cycle = 0
        self.state = 0
        self._hardware = hardware
        self._enabled = enabled
        self._sync = sync
        self._back = back
        self._previous = 0
        self._entered = 0
        self._levels = self._last = levels & enabled
        self._timers = [_Timer() for _ in matrix.timers]
        self._virtual = 0  # timers that are on, as conditions see them
        self._counts = [0] * len(matrix.counters)
        self._told = [False] * len(matrix.counters)
        self._queued: list[int] = []
        self._pins = [0] * len(hardware.outputs)
        self._override: set[int] = set()
        self._first, self._count = hardware.first_digital, len(hardware.inputs)
        self._now = Step()

    # --- what the device calls -----------------------------------------------------------------------

    def start(self) -> Step:
        """Run the first cycle."""
        self._now = Step(entered=0)
        self._enter(0)
        return self._now

    def next_cycle(self) -> int | None:
        """Return the next cycle in which something can happen by itself."""
        soon = self.cycle + 1
        if self._queued or self._true_conditions():
            return soon
        due = []
        for number, counter in enumerate(self.matrix.counters):
            if counter.event < NOTHING and self._crossed(number, counter.threshold):
                return soon
        for timer in self._timers:
            if timer.active or timer.triggered:
                due.append(max(soon, timer.end if timer.active else timer.start))
        row = self.matrix.states[self.state]
        if row.after is not None:
            due.append(max(soon, self._entered + row.timer))
        return min(due, default=None)

    def step(
        self, cycle: int, levels: int | None = None, soft: tuple[int | None, int | None] = (None, None)
    ) -> Step:
        """Run one cycle.

        Parameters
        ----------
        levels
            Bit mask of the inputs that are high; as before if not given.
        soft
            Soft code from USB, and from the second port.
        """
        self.cycle = cycle
        if levels is not None:
            self._levels = levels & self._enabled
        now = self._now = Step()
        events, self._queued = self._queued, []
        self._queued = events  # timers' onsets may add to the list while it is made
        events += [self._hardware.condition + number for number in self._true_conditions()]
        events += self._edges()
        events += self._soft(soft)
        self._run_timers(events)
        self._run_counters(events)
        row = self.matrix.states[self.state]
        if row.after is not None and cycle - self._entered >= row.timer:
            events.append(self._hardware.state_timer)
        self._queued = []
        now.events = tuple(events[:MOST_EVENTS])
        target = self._target(row, now.events)
        if target == self.matrix.exit:
            now.ended = True
        elif target != self.state:
            self._move(target)
        return now

    def stop(self) -> dict[int, int]:
        """Switch everything off; return the channels that change."""
        changed = {channel: 0 for channel, value in enumerate(self._pins) if value}
        self._pins = [0] * len(self._pins)
        return changed

    # --- one cycle -----------------------------------------------------------------------------------

    def _true_conditions(self) -> list[int]:
        found = []
        for number, target in self.matrix.states[self.state].conditions:
            if target != self.state and number < len(self.matrix.conditions):
                condition = self.matrix.conditions[number]
                if self._level(condition.channel) == condition.value:
                    found.append(number)
        return sorted(found)

    def _level(self, channel: int) -> int:
        if channel < self._count:
            return self._levels >> channel & 1
        return self._virtual >> (channel - self._count) & 1

    def _edges(self) -> list[int]:
        changed = self._levels ^ self._last
        self._last = self._levels
        return [
            self._hardware.edge(channel, rising=bool(self._levels >> channel & 1))
            for channel in range(self._first, self._count)
            if changed >> channel & 1
        ]

    def _soft(self, soft: tuple[int | None, int | None]) -> list[int]:
        pairs = ((code, self._hardware.soft_codes(letter)) for code, letter in zip(soft, "XZ", strict=True))
        return [codes[code] for code, codes in pairs if code is not None and code < len(codes)]

    def _run_timers(self, events: list[int]) -> None:
        start, end = self._hardware.timer_start, self._hardware.timer_end
        for number, (timer, row) in enumerate(zip(self._timers, self.matrix.timers, strict=True)):
            if timer.active:
                if self.cycle < timer.end:
                    continue
                self._switch(number, on=False)
                timer.active = timer.triggered = False
                if row.loops and timer.loops < row.loops:
                    timer.triggered = True
                    timer.start = self.cycle + row.interval
                    timer.end = timer.start + row.duration
                    timer.loops += row.loops > 1
                if row.tells or not row.loops:
                    events.append(end + number)
            elif timer.triggered and self.cycle >= timer.start:
                timer.active = True
                if row.tells or not row.loops:
                    events.append(start + number)
                self._onset(number)
                self._switch(number, on=True)

    def _crossed(self, number: int, threshold: int) -> bool:
        return self._counts[number] == threshold and not self._told[number]

    def _run_counters(self, events: list[int]) -> None:
        for number, counter in enumerate(self.matrix.counters):
            if counter.event >= NOTHING:
                continue
            if self._crossed(number, counter.threshold):
                events.append(self._hardware.counter + number)
                self._told[number] = True
            self._counts[number] += events.count(counter.event)

    def _target(self, row: MatrixState, events: tuple[int, ...]) -> int:
        for event in events:
            target = follow(row, event, self._hardware)
            if target is not None and target != self.state:
                return target
        return self.state

    def _move(self, target: int) -> None:
        self._entered = self.cycle
        if self._back and target == BACK:
            self.state, self._previous = self._previous, self.state
        else:
            self._previous, self.state = self.state, target
        self._now.entered = self.state
        self._enter(self.state)

    # --- a state's entry -----------------------------------------------------------------------------

    def _enter(self, number: int) -> None:
        row = self.matrix.states[number]
        for k, timer in enumerate(self._timers):
            if row.cancel >> k & 1:
                if timer.active:
                    self._queued.append(self._hardware.timer_end + k)
                    self._switch(k, on=False)
                timer.active = timer.triggered = False
        for k in range(len(self._timers)):
            if row.trigger >> k & 1:
                self._trigger(k)
        wanted = dict(row.outputs)
        for channel, letter in enumerate(self._hardware.outputs):
            value = wanted.get(channel, 0)
            if letter in "XZ":
                if value:
                    self._now.said.append((letter, value))
            elif letter != "U" and channel != self._sync and channel not in self._override:
                self._set(channel, value)
        if row.reset and row.reset <= len(self._counts):
            self._counts[row.reset - 1] = 0
            self._told[row.reset - 1] = False

    def _trigger(self, number: int) -> None:
        timer, row = self._timers[number], self.matrix.timers[number]
        timer.triggered = True
        timer.start = self.cycle + row.delay
        if not row.delay and not timer.active:
            timer.active = True
            self._switch(number, on=True)
            self._onset(number)
            self._queued.append(self._hardware.timer_start + number)
        timer.end = timer.start + row.duration
        if row.loops > 1:
            timer.loops = 1

    def _onset(self, number: int) -> None:
        for other in range(len(self._timers)):
            if other != number and self.matrix.timers[number].triggers >> other & 1:
                self._trigger(other)

    def _switch(self, number: int, *, on: bool) -> None:
        """Switch a timer's channel; while it is on, states do not reach it."""
        row = self.matrix.timers[number]
        self._virtual = self._virtual & ~(1 << number) | on << number
        channel = row.channel
        if channel >= len(self._pins) or channel == self._sync:
            return
        letter = self._hardware.outputs[channel]
        if letter in "XZ":
            self._now.said.append((letter, row.on if on else row.off))
        elif letter != "U":
            (self._override.add if on else self._override.discard)(channel)
            self._set(channel, (row.on if letter == "P" else 1) if on else 0)

    def _set(self, channel: int, value: int) -> None:
        if self._pins[channel] != value:
            self._pins[channel] = value
            self._now.pins[channel] = value


def follow(row: MatrixState, event: int, hardware: Hardware) -> int | None:
    """Return where an event leads from a state, or None if it leads nowhere."""
    if event == hardware.state_timer:
        return row.after
    groups: tuple[tuple[int, Pairs], ...] = (
        (hardware.condition, row.conditions),
        (hardware.counter, row.counters),
        (hardware.timer_end, row.timer_ends),
        (hardware.timer_start, row.timer_starts),
        (0, row.inputs),
    )
    for base, pairs in groups:
        if event >= base:
            return next((target for number, target in pairs if number == event - base), None)
    return None
