"""A state table as the bytes that the board interprets in place.

Everything is little-endian and unaligned, so that an 8-bit chip reads it where it lies:

======================  =========  ==================================================================
part                    bytes      fields
======================  =========  ==================================================================
header                  16         magic ``DL``, version u8, states u8, timers u8, counters u8,
                                   zero u16, transitions u16, actions u16, total length u16, zero u16
each state              8          state timer u32 (cycles), outputs u16, its transitions u8,
                                   its actions u8
each transition         2          condition code u8, target u8 (255 ends the trial)
each action             5          kind in the upper 3 bits and index in the lower 5, value u32
each global timer       4          duration u32 (cycles)
each counter            3          input code u8, threshold u16
======================  =========  ==================================================================

Transitions and actions of state 0 come first, then those of state 1, and so on; within a state the
transitions ascend by code without repeats, so the first match has precedence. Names are not carried.
There is one image for each table and one table for each image: `encode(decode(image)) == image`.

`decode` is the board's own commit check. It looks at the header, then at the sums of the states'
counts, the outputs, the transitions, the actions and the counters, each from first to last, and stops
at the first fault; so two implementations refuse the same image with the same code.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from rig.device import BoardLimits
from rig.errors import EncodeError
from rig.machine.refusal import NO_STATE, BadImage, Refusal
from rig.machine.table import EXIT, Action, ActionKind, Condition, Counter, State, StateTable, Transition

__all__ = ["MAGIC", "VERSION", "BadImage", "Refusal", "decode", "encode", "image_size", "table_hash"]

MAGIC: Final = b"DL"
VERSION: Final = 1

_HEADER: Final = struct.Struct("<2s4BHHHHH")
_STATE: Final = struct.Struct("<IHBB")
_TRANSITION: Final = struct.Struct("<BB")
_ACTION: Final = struct.Struct("<BI")
_TIMER: Final = struct.Struct("<I")
_COUNTER: Final = struct.Struct("<BH")
_INDEX_BITS: Final = 5


# --- encode ----------------------------------------------------------------------------------------


def image_size(table: StateTable) -> int:
    """Bytes that the image of `table` takes."""
    return (
        _HEADER.size
        + sum(
            _STATE.size + _TRANSITION.size * len(s.transitions) + _ACTION.size * len(s.actions)
            for s in table.states
        )
        + _TIMER.size * len(table.timers_cycles)
        + _COUNTER.size * len(table.counters)
    )


def encode(table: StateTable, limits: BoardLimits | None = None) -> bytes:
    """Return the image of `table`.

    Parameters
    ----------
    limits
        What the board holds; the least that every board must hold if not given.

    Raises
    ------
    EncodeError
        If the image cannot carry the table, or the board's commit check would refuse it.
    """
    limits = limits or BoardLimits()
    size = image_size(table)
    if size > limits.table_bytes:
        raise EncodeError(
            f"table '{table.name}' takes {size} bytes; the board holds {limits.table_bytes}: "
            "use fewer states, transitions or actions"
        )
    try:
        image = b"".join(_parts(table, size))
        decode(image, limits)
    except struct.error as error:
        raise EncodeError(f"table '{table.name}' has a number that its image cannot carry: {error}") from None
    except BadImage as error:
        name = table.states[error.state].name if error.state < len(table.states) else None
        place = f"table '{table.name}'" + (f", state '{name}'" if name is not None else "")
        raise EncodeError(f"{place}: {error}") from None
    return image


def _parts(table: StateTable, size: int) -> Iterator[bytes]:
    states = table.states
    n_transitions = sum(len(s.transitions) for s in states)
    n_actions = sum(len(s.actions) for s in states)
    counts = (len(states), len(table.timers_cycles), len(table.counters))
    yield _HEADER.pack(MAGIC, VERSION, *counts, 0, n_transitions, n_actions, size, 0)
    for s in states:
        yield _STATE.pack(s.timer_cycles, s.outputs, len(s.transitions), len(s.actions))
    for s in states:
        for transition in s.transitions:
            yield _TRANSITION.pack(transition.code, transition.target)
    for s in states:
        for action in s.actions:
            if not 0 <= action.index < 1 << _INDEX_BITS:
                raise EncodeError(f"table '{table.name}', state '{s.name}': action index {action.index}")
            yield _ACTION.pack(action.kind << _INDEX_BITS | action.index, action.value)
    for cycles in table.timers_cycles:
        yield _TIMER.pack(cycles)
    for counter in table.counters:
        yield _COUNTER.pack(counter.code, counter.threshold)


def table_hash(table: StateTable, limits: BoardLimits | None = None) -> str:
    """Return 16 hexadecimal digits that stand for the table: image and names.

    Raises
    ------
    EncodeError
        If the table has no image.
    """
    names = "\0".join((table.name, *(s.name for s in table.states)))
    return hashlib.sha256(encode(table, limits) + names.encode()).hexdigest()[:16]


# --- decode ----------------------------------------------------------------------------------------


def decode(
    image: bytes, limits: BoardLimits | None = None, max_open_us: Sequence[int] | None = None
) -> StateTable:
    """Return the table of an image; states are called ``s0``, ``s1``, ...

    Parameters
    ----------
    image
        Any bytes at all.
    limits
        What the board holds; the least that every board must hold if not given.
    max_open_us
        Longest pulse of each output, by output number; pulses above it are refused. Not looked at
        if not given.

    Raises
    ------
    BadImage
        At the first fault. Never anything else.
    """
    return _Reader(bytes(image), limits or BoardLimits(), max_open_us).table()


def _refuse(code: Refusal, state: int = NO_STATE, detail: int = 0) -> NoReturn:
    raise BadImage(code, state, detail)


class _Reader:
    """One pass over one image."""

    def __init__(self, image: bytes, limits: BoardLimits, max_open_us: Sequence[int] | None) -> None:
        self.image = image
        self.limits = limits
        self.max_open_us = max_open_us
        self.n_states = self.n_timers = self.n_counters = 0
        self.n_transitions = self.n_actions = 0

    def table(self) -> StateTable:
        self._header()
        records = self._state_records()
        at = _HEADER.size + _STATE.size * self.n_states
        transitions = self._per_state(_TRANSITION, at, [r[2] for r in records])
        at += _TRANSITION.size * self.n_transitions
        actions = self._per_state(_ACTION, at, [r[3] for r in records])
        at += _ACTION.size * self.n_actions
        ways = [self._transitions(number, rows) for number, rows in enumerate(transitions)]
        entries = [self._actions(number, rows) for number, rows in enumerate(actions)]
        states = tuple(
            State(
                name=f"s{number}",
                timer_cycles=timer,
                outputs=outputs,
                transitions=ways[number],
                actions=entries[number],
            )
            for number, (timer, outputs, _, _) in enumerate(records)
        )
        timers = self._records(_TIMER, at, self.n_timers)
        at += _TIMER.size * self.n_timers
        counters = self._counters(self._records(_COUNTER, at, self.n_counters))
        return StateTable(
            name="image", states=states, timers_cycles=tuple(t[0] for t in timers), counters=counters
        )

    def _header(self) -> None:
        image, limits = self.image, self.limits
        if not _HEADER.size <= len(image) <= limits.table_bytes:
            _refuse(Refusal.LENGTH)
        (magic, version, self.n_states, self.n_timers, self.n_counters, zero1, self.n_transitions,
         self.n_actions, length, zero2) = _HEADER.unpack_from(image)  # fmt: skip
        if magic != MAGIC:
            _refuse(Refusal.MAGIC)
        if version != VERSION:
            _refuse(Refusal.VERSION, detail=version)
        if zero1 or zero2:
            _refuse(Refusal.RESERVED)
        if not 1 <= self.n_states <= min(limits.states, EXIT):
            _refuse(Refusal.STATES, detail=self.n_states)
        if self.n_transitions > limits.transitions:
            _refuse(Refusal.TRANSITIONS)
        if self.n_timers > limits.timers:
            _refuse(Refusal.TIMERS, detail=self.n_timers)
        if self.n_counters > limits.counters:
            _refuse(Refusal.COUNTERS, detail=self.n_counters)
        needed = (
            _HEADER.size + _STATE.size * self.n_states + _TRANSITION.size * self.n_transitions
            + _ACTION.size * self.n_actions + _TIMER.size * self.n_timers + _COUNTER.size * self.n_counters
        )  # fmt: skip
        if not len(image) == length == needed:
            _refuse(Refusal.LENGTH)

    def _records(self, record: struct.Struct, at: int, count: int) -> list[tuple[int, ...]]:
        return list(record.iter_unpack(self.image[at : at + record.size * count]))

    def _per_state(self, record: struct.Struct, at: int, counts: list[int]) -> list[list[tuple[int, ...]]]:
        rows = self._records(record, at, sum(counts))
        shared, first = [], 0
        for count in counts:
            shared.append(rows[first : first + count])
            first += count
        return shared

    def _state_records(self) -> list[tuple[int, ...]]:
        records = self._records(_STATE, _HEADER.size, self.n_states)
        if sum(r[2] for r in records) != self.n_transitions or sum(r[3] for r in records) != self.n_actions:
            _refuse(Refusal.LENGTH)
        for number, (_, outputs, _, _) in enumerate(records):
            if outputs >> self.limits.outputs:
                _refuse(Refusal.OUTPUT, number, outputs.bit_length() - 1)
        return records

    def _transitions(self, state: int, rows: list[tuple[int, ...]]) -> tuple[Transition, ...]:
        last = -1
        for code, target in rows:
            if not self._known(code):
                _refuse(Refusal.CODE, state, code)
            if code <= last:
                _refuse(Refusal.ORDER, state, code)
            if target != EXIT and target >= self.n_states:
                _refuse(Refusal.TARGET, state, target)
            last = code
        return tuple(Transition(code=code, target=target) for code, target in rows)

    def _known(self, code: int) -> bool:
        if code < Condition.SOFT:
            return code < 2 * self.limits.inputs
        if code < Condition.COUNTER:
            return True
        if code < Condition.TIMER:
            return code - Condition.COUNTER < self.n_counters
        if code < Condition.STATE_TIMER:
            return code - Condition.TIMER < self.n_timers
        return code == Condition.STATE_TIMER

    def _actions(self, state: int, rows: list[tuple[int, ...]]) -> tuple[Action, ...]:
        actions = []
        for head, value in rows:
            kind, index = head >> _INDEX_BITS, head & ((1 << _INDEX_BITS) - 1)
            if kind == ActionKind.PULSE:
                self._pulse(state, index, value)
            elif kind in (ActionKind.TIMER_START, ActionKind.TIMER_CANCEL):
                if index >= self.n_timers or value:
                    _refuse(Refusal.ACTION, state, index)
            elif kind != ActionKind.COUNTER_RESET or index >= self.n_counters or value:
                _refuse(Refusal.ACTION, state, index)
            actions.append(Action(kind=ActionKind(kind), index=index, value=value))
        return tuple(actions)

    def _pulse(self, state: int, output: int, duration_us: int) -> None:
        if output >= self.limits.outputs:
            _refuse(Refusal.OUTPUT, state, output)
        limits_us = self.max_open_us
        allowed = limits_us is None or (output < len(limits_us) and duration_us <= limits_us[output])
        if duration_us == 0 or not allowed:
            _refuse(Refusal.PULSE, state, output)

    def _counters(self, rows: list[tuple[int, ...]]) -> tuple[Counter, ...]:
        for number, (code, threshold) in enumerate(rows):
            if code >= min(Condition.SOFT, 2 * self.limits.inputs) or threshold == 0:
                _refuse(Refusal.COUNTER, detail=number)
        return tuple(Counter(code=code, threshold=threshold) for code, threshold in rows)
