"""Everything a state-machine board does, apart from bytes.

The wire emulator and the pure simulation both drive this one class, so they cannot differ. Its time
is computed: it moves only when `advance` is told how far, and whatever is due on the way runs in
order at its own time. Board time is a plain growing integer of microseconds; wrapping it is the
wire's business.

Cycle k is the instant ``100 * k`` us. What the board is told (an input edge, a start, a pulse, a soft
event) at time t acts in the first cycle at or after t that has not run yet. While a table runs, every
cycle up to now has run; an edge told at the very instant of a cycle is therefore seen in the next.

Events that carry the same time come in this order: soft events, trial start, state entered, pulses
refused, output changes by ascending line, trial end, safe, sync edge. So a state's outputs are off in
the record before its trial has ended.

A pulse lasts whole cycles, rounded up. A pulse on an output that pulses already, even in the cycle in
which that pulse ends, is refused: no chain of pulses holds a valve open beyond its limit. Where a
table and the host ask for the same output in one cycle, the table gets it.

Openings of some outputs can be given a cost, and a budget (`rig.machine.budget`). A pulse that there is no
budget for is refused. A table that asks for one, or that would hold such an output in a state, is stopped in
that cycle: everything off, trial ended, safe, with the reason `BUDGET`.

The class is long because a board is one loop over one state. What has a life of its own is elsewhere:
the running table (`run`), the pulse timers (`pulses`) and the sync line (`sync`).
"""

from __future__ import annotations

from typing import Final

from rig.commands import PulseCost
from rig.device import BoardLimits
from rig.events import (
    BoardEvent,
    BoardSafe,
    EndReason,
    InputEdge,
    OutputChange,
    PulseRefused,
    SoftEventSeen,
    StateEntered,
    SyncEdge,
    TrialEnded,
    TrialStarted,
)
from rig.machine.image import decode
from rig.machine.pulses import Pulses
from rig.machine.refusal import BadImage, Refusal, TableRefused
from rig.machine.run import Entry, Machine
from rig.machine.sync import SyncLine
from rig.machine.table import EXIT, Condition, StateTable
from rig.units import CYCLE_US, us_to_cycles_up

__all__ = ["BadImage", "BoardCore", "TableRefused"]

_NEVER: Final = 1 << 200
_MADE_SAFE: Final = (EndReason.HOST_LOST, EndReason.FAULT, EndReason.BUDGET)
_SOFT_EVENTS: Final = range(1, 9)


class BoardCore:
    """One board: slots, the running table, outputs, pulses, sync line.

    Parameters
    ----------
    limits
        What this board holds.
    now_us
        Board time at the beginning.

    Attributes
    ----------
    now_us
        Board time, microseconds, unwrapped.
    levels
        Bit mask of the outputs that are on.
    safe
        True after the host was lost (a fault, no budget left), until `arm`: nothing starts, nothing pulses.
    """

    def __init__(self, limits: BoardLimits | None = None, now_us: int = 0) -> None:
        self.limits = limits or BoardLimits()
        self.now_us = now_us
        self.levels = 0
        self.safe = False
        self._pulses = Pulses(self.limits.outputs)
        self._sync = SyncLine()
        self._slots: list[Machine | None] = [None] * self.limits.slots
        self._machine: Machine | None = None
        self._slot = 0
        self._start_cycle: int | None = None
        self._held = 0
        self._latched = 0
        self._latch_cycle: int | None = None
        self._ran = -1
        self._due_us = _NEVER
        self._events: list[BoardEvent] = []

    # --- what it is doing ------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a trial runs, or is about to start in the next cycle."""
        return self._machine is not None

    @property
    def state(self) -> int | None:
        """Number of the running state, or None."""
        return self._machine.state if self._machine else None

    @property
    def slot(self) -> int | None:
        """The slot whose table runs, or None."""
        return self._slot if self._machine else None

    @property
    def sync_level(self) -> bool:
        """Whether the sync line is high."""
        return self._sync.level

    def table(self, slot: int) -> StateTable | None:
        """Return the table in `slot`, or None if it is empty or there is no such slot."""
        machine = self._slots[slot] if 0 <= slot < len(self._slots) else None
        return machine.table if machine else None

    # --- time ------------------------------------------------------------------------------------

    def next_due_us(self) -> int | None:
        """Return when something happens by itself, or None if nothing ever will.

        That is now if events wait to be fetched by `advance`.
        """
        if self._events:
            return self.now_us
        return None if self._due_us == _NEVER else self._due_us

    def advance(self, to_us: int) -> list[BoardEvent]:
        """Let time pass until `to_us`; return what happened since the last call, in order of time.

        Raises
        ------
        ValueError
            If time would run backwards.
        """
        if to_us < self.now_us:
            raise ValueError(f"time cannot go back from {self.now_us} to {to_us} us")
        while self._due_us <= to_us:
            self.now_us = self._due_us
            self._run_cycle(self._due_us // CYCLE_US)
            self._reschedule()
        self.now_us = to_us
        events = self._events
        if events:
            self._events = []
            return events
        return []

    def _next_cycle(self) -> int:
        """Return the first cycle at or after now that has not run yet."""
        cycle = max(us_to_cycles_up(self.now_us), self._ran + 1)
        return max(cycle, self.now_us // CYCLE_US + 1) if self.state is not None else cycle

    def _reschedule(self) -> None:
        machine = self._machine
        due = (
            self._start_cycle,
            self._latch_cycle,
            machine.next_cycle() if machine is not None else None,
            self._pulses.next_cycle(),
            self._sync.next_cycle,
        )
        self._due_us = min((cycle * CYCLE_US for cycle in due if cycle is not None), default=_NEVER)

    # --- what it is told -------------------------------------------------------------------------

    def input_edge(self, line: int, rising: bool) -> None:
        """Take an edge of input `line` that happens now.

        Raises
        ------
        ValueError
            If the board has no such line.
        """
        if not 0 <= line < self.limits.inputs:
            raise ValueError(f"the board has no input line {line}")
        self._events.append(InputEdge(t_us=self.now_us, line=line, rising=rising))
        if self.state is not None:
            self._latch(Condition.INPUT + 2 * line + rising)

    def soft(self, number: int) -> bool:
        """Hand soft event 1-8 to the running table; False if there is no such event or no table.

        One that comes between the request of a start and the start is seen in the cycle after it.
        """
        if number not in _SOFT_EVENTS or self._machine is None:
            return False
        self._latch(Condition.SOFT + number - 1)
        return True

    def _latch(self, code: int) -> None:
        self._latched |= 1 << code
        if self._latch_cycle is None:
            after_start = 0 if self._start_cycle is None else self._start_cycle + 1
            self._latch_cycle = max(self._next_cycle(), after_start)
            self._reschedule()

    def load(self, slot: int, image: bytes) -> None:
        """Put a table image into `slot`; what was there stays if the image is refused.

        Raises
        ------
        TableRefused
            If there is no such slot, it is running, or the image breaks a rule (see `decode`).
        """
        if not 0 <= slot < len(self._slots):
            raise TableRefused(Refusal.SLOT, detail=max(0, slot))
        if self._machine is not None and slot == self._slot:
            raise TableRefused(Refusal.BUSY, detail=slot)
        self._slots[slot] = Machine(decode(image, self.limits, self._pulses.max_open_us))

    def start(self, slot: int) -> bool:
        """Run the table in `slot` from the next cycle; False if a trial runs, the slot is empty or safe.

        Every start that was taken is followed by one `TrialStarted` and one `TrialEnded`.
        """
        if self.safe or self._machine is not None or not 0 <= slot < len(self._slots):
            return False
        machine = self._slots[slot]
        if machine is None:
            return False
        self._machine, self._slot = machine, slot
        self._start_cycle = self._next_cycle()
        self._reschedule()
        return True

    def pulse(self, output: int, duration_us: int) -> bool:
        """Open `output` for `duration_us` from the next cycle; False (and an event) if refused."""
        if not 0 <= output < self.limits.outputs:
            return False
        cycle = self._next_cycle()
        allowed = self._pulses.may(output, duration_us) and self._pulses.afford(output, duration_us, cycle)
        if self.safe or not allowed:
            self._refuse(output)
            return False
        self._pulses.ask(output, duration_us, cycle)
        self._reschedule()
        return True

    def set_max_open(self, output: int, max_us: int) -> None:
        """Set the longest pulse of `output` in microseconds; 0 forbids pulses on it.

        Raises
        ------
        ValueError
            If the board has no such output.
        """
        if not 0 <= output < self.limits.outputs:
            raise ValueError(f"the board has no output {output}")
        self._pulses.max_open_us[output] = max_us

    def set_cost(self, output: int, price: PulseCost) -> bool:
        """Set what an opening of `output` costs; False if too many outputs would have a cost.

        Raises
        ------
        ValueError
            If the board has no such output.
        """
        if not 0 <= output < self.limits.outputs:
            raise ValueError(f"the board has no output {output}")
        done = self._pulses.set_cost(output, price)
        self._show_levels()
        return done

    def set_budget(self, per_minute: int, per_session: int, *, begin: bool = True) -> None:
        """Allow so many units within any minute, and in the session; `NO_LIMIT`: as many as wanted.

        Parameters
        ----------
        begin
            The session's count begins at 0 now; otherwise it goes on.
        """
        self._pulses.account.allow(per_minute, per_session, begin=begin)

    @property
    def spent(self) -> tuple[int, int]:
        """Units spent within the last minute, and in the session."""
        account = self._pulses.account
        return account.minute(self.now_us // CYCLE_US), account.session

    def set_sync_seed(self, seed: int) -> None:
        """Begin the sequence of sync pulses of `seed`; 0 switches the line off."""
        if self._sync.level:
            self._events.append(SyncEdge(t_us=self.now_us, rising=False))
        self._sync.begin(seed, self._next_cycle())
        self._reschedule()

    def abort(self, reason: EndReason = EndReason.ABORTED) -> None:
        """Stop the trial and switch every output off, at once and not on the grid.

        With `HOST_LOST`, `FAULT` or `BUDGET` the board also falls into its safe state, which only `arm` ends.
        """
        if self._start_cycle is not None:
            self._events.append(TrialStarted(t_us=self.now_us, slot=self._slot))
        ended = self._machine is not None
        self._leave_table()
        self._pulses.clear(us_to_cycles_up(self.now_us))
        self._show_levels()
        if ended:
            self._events.append(TrialEnded(t_us=self.now_us, reason=reason))
        if reason in _MADE_SAFE and not self.safe:
            self.safe = True
            self._events.append(BoardSafe(t_us=self.now_us, reason=reason))
        self._ran = max(self._ran, self.now_us // CYCLE_US)
        self._reschedule()

    def arm(self) -> None:
        """Leave the safe state."""
        self.safe = False

    # --- one cycle -------------------------------------------------------------------------------

    def _run_cycle(self, cycle: int) -> None:
        self._ran = cycle
        entry = self._run_table(cycle)
        if entry is not None and not self._take(entry, cycle):
            self.abort(EndReason.BUDGET)
            entry = None
        for output in self._pulses.begin_asked(cycle):
            self._refuse(output)
        self._pulses.end_due(cycle)
        self._show_levels()
        if entry is not None and entry.state == EXIT:
            self._events.append(TrialEnded(t_us=self.now_us, reason=EndReason.COMPLETE))
        if cycle == self._sync.next_cycle:
            self._events.append(SyncEdge(t_us=self.now_us, rising=self._sync.toggle()))

    def _run_table(self, cycle: int) -> Entry | None:
        machine = self._machine
        if machine is None:
            return None
        if cycle == self._start_cycle:
            self._start_cycle = None
            self._events.append(TrialStarted(t_us=self.now_us, slot=self._slot))
            return machine.start(cycle)
        codes = 0
        if cycle == self._latch_cycle:
            codes, self._latched, self._latch_cycle = self._latched, 0, None
            for number in _SOFT_EVENTS:
                if codes >> (Condition.SOFT + number - 1) & 1:
                    self._events.append(SoftEventSeen(t_us=self.now_us, number=number))
        if codes or machine.next_cycle() == cycle:
            return machine.step(cycle, codes)
        return None

    def _take(self, entry: Entry, cycle: int) -> bool:
        """Do what the entry into a state asks for; False if the table wants more than its budget."""
        if entry.state == EXIT:
            self._leave_table()
            return True
        pulses = self._pulses
        self._held = entry.outputs
        self._events.append(StateEntered(t_us=self.now_us, state=entry.state))
        counted = self._held & pulses.counted
        if counted:  # nobody would time that opening
            self._refuse((counted & -counted).bit_length() - 1)
            return False
        for output, duration_us in entry.pulses:
            if not pulses.may(output, duration_us, table=True):
                self._refuse(output)
            elif not pulses.afford(output, duration_us, cycle):
                self._refuse(output)
                return False
            else:
                pulses.begin(output, duration_us, cycle)
        return True

    def _refuse(self, output: int) -> None:
        self._events.append(PulseRefused(t_us=self.now_us, output=output))

    def _leave_table(self) -> None:
        if self._machine is not None:
            self._machine.stop()
        self._machine = self._start_cycle = self._latch_cycle = None
        self._held = self._latched = 0

    def _show_levels(self) -> None:
        """Report each output whose level changed; a line is on while its state or a pulse holds it."""
        levels = self._held & ~self._pulses.counted | self._pulses.on
        changed = levels ^ self.levels
        self.levels = levels
        while changed:
            bit = changed & -changed
            output = bit.bit_length() - 1
            self._events.append(OutputChange(t_us=self.now_us, output=output, on=bool(levels & bit)))
            changed ^= bit
