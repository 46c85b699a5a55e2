"""A trial as a value: states, what leaves them, what they do.

The words follow the field (Bpod, pyControl): a *state* has a *state timer*, *state-change
conditions* and *output actions*. All numbers here are the board's: cycles of 100 us, line numbers,
microseconds of pulse. Names stay for people; the board never sees them.

Semantics, exactly (the reference interpreter is `rig.machine.run`, the firmware must equal it):

* The machine steps on a 100 us grid. Inputs are sampled at the start of a cycle.
* In one cycle the conditions are looked at in this order: input changes by ascending line (falling
  before rising), soft events 1-8, event counters, global timers by ascending number, state timer.
  The first transition of the current state whose condition is true wins. At most one transition a
  cycle; what else happened in that cycle is spent.
* A transition to the own state re-enters it: its timer restarts, its entry actions run again.
* Outputs are scoped to the state: a line is on while a state that names it runs. They take effect at
  the end of the cycle. Pulses are timed by the board and run on to their end, whatever the state does;
  a line is on while the state or a pulse holds it.
* A counter counts one input edge from the start of the trial (or from the last reset by a state's
  entry); its condition is true in the one cycle in which the count reaches the threshold.
* A global timer is started (or cancelled) by a state's entry; its condition is true in the one cycle
  in which it runs out.
* A state entered in cycle c with a timer of d cycles times out in cycle c + d (at least c + 1).
  So does a global timer started in cycle c.
* State 0 is entered in the cycle of the trial's start; what the inputs do in that cycle is spent.
* Several equal edges of one line within one cycle are one edge, to conditions and counters alike.
"""

from __future__ import annotations

import enum

import msgspec

EXIT = 0xFF
"""Target of a transition that ends the trial."""

NO_TIMER = 0xFFFF_FFFF
"""A state without a state timer."""


class Condition(enum.IntEnum):
    """Base codes of state-change conditions; the ascending code is the order of precedence."""

    INPUT = 0
    """`INPUT + 2 * line` is the falling edge, `+ 1` the rising edge (lines 0-7)."""
    SOFT = 16
    """`SOFT + n - 1` is soft event n (1-8)."""
    COUNTER = 24
    """`COUNTER + k`: counter k reached its threshold (0-3)."""
    TIMER = 28
    """`TIMER + k`: global timer k ran out (0-3)."""
    STATE_TIMER = 32
    """The state's own timer ran out."""


class ActionKind(enum.IntEnum):
    """What a state does once, on entry."""

    PULSE = 0
    """Open output `index` for `value` microseconds."""
    TIMER_START = 1
    """Start global timer `index` (its duration is in the table)."""
    TIMER_CANCEL = 2
    COUNTER_RESET = 3


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One entry action."""

    kind: ActionKind
    index: int
    value: int = 0


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """Leave the state for `target` (a state number or `EXIT`) when condition `code` is true."""

    code: int
    target: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One state. `transitions` are sorted by code, so the first match has precedence."""

    name: str
    timer_cycles: int = NO_TIMER
    outputs: int = 0
    """Bit mask of the lines that are on while the state runs."""
    transitions: tuple[Transition, ...] = ()
    actions: tuple[Action, ...] = ()


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """Counts edge `code` (an input code); true when the count reaches `threshold`."""

    code: int
    threshold: int


class StateTable(msgspec.Struct, frozen=True, kw_only=True):
    """One trial as data. State 0 runs first."""

    name: str
    states: tuple[State, ...]
    timers_cycles: tuple[int, ...] = ()
    """Duration of each global timer."""
    counters: tuple[Counter, ...] = ()
