"""The reference under a script: `rig.machine.core`, and the watch over the host that a chip has besides."""

from __future__ import annotations

from typing import Final

import msgspec

from benchmarks.firmware.scripts import Script, Step
from drivers.board.event_codes import encode_event
from rig.commands import PulseCost
from rig.events import BoardEvent, EndReason
from rig.machine.core import BoardCore, TableRefused
from rig.machine.refusal import NO_STATE, Refusal
from rig.units import CYCLE_US, TICK_WRAP_US

CYCLES_PER_MS: Final = 10

Happening = tuple[int, int, int]
"""Tick (microseconds, 32 bits), kind and index of an event, as on the wire."""


def happening(event: BoardEvent) -> Happening:
    """Return what an event of the core's is; its time is not wrapped."""
    kind, index = encode_event(event)
    t_us: int = event.t_us  # type: ignore[union-attr]  # the core's own events are all stamped
    return t_us, int(kind), int(index)


class Trace(msgspec.Struct):
    """What a board did under a script.

    Parameters
    ----------
    events
        In their order.
    answers
        Of each start and cost (0 or 1), each load (code, state, detail), each look at what was spent.
    """

    events: list[Happening] = []
    answers: list[tuple[int, ...]] = []


class Reference:
    """Plays scripts on the reference."""

    def __init__(self, t_us: int) -> None:
        self.core = BoardCore(now_us=t_us)
        self.trace = Trace(events=[], answers=[])
        self._host_due: int | None = None  # cycle
        self._timeout_ms = 0

    def play(self, script: Script) -> Trace:
        """Do everything in the script, each at its time."""
        for step in script:
            self._advance(step.t_us)
            self._do(step)
        self._take(self.core.advance(self.core.now_us))
        return self.trace

    def _take(self, events: list[BoardEvent]) -> None:
        for event in events:
            t_us, kind, index = happening(event)
            self.trace.events.append((t_us % TICK_WRAP_US, kind, index))

    def _advance(self, to_us: int) -> None:
        due = self._host_due
        if due is not None and due * CYCLE_US <= to_us:
            self._host_due = None
            self._take(self.core.advance(due * CYCLE_US))
            self.core.abort(EndReason.HOST_LOST)
        self._take(self.core.advance(to_us))

    def _watch(self) -> None:
        self._host_due = self.core.now_us // CYCLE_US + self._timeout_ms * CYCLES_PER_MS + 1

    def _do(self, step: Step) -> None:
        core, a, b = self.core, step.a, step.b
        match step.what:
            case "edge":
                core.input_edge(a, bool(b))
            case "soft":
                core.soft(a)
            case "start":
                self.trace.answers.append((int(core.start(a)),))
            case "abort":
                core.abort(EndReason(a))
            case "pulse":
                core.pulse(a, b)
            case "max_open":
                core.set_max_open(a, b)
            case "sync":
                core.set_sync_seed(a)
            case "load":
                self.trace.answers.append(self._load(a, step.image))
            case "cost":
                price = PulseCost(per_cycle=b, deducted=step.c, least=step.d)
                self.trace.answers.append((int(core.set_cost(a, price)),))
            case "budget":
                core.set_budget(a, b, begin=bool(step.c))
            case "spent":
                self.trace.answers.append(core.spent)
            case "alive":
                self._timeout_ms = a
                self._watch()
            case "arm":
                core.arm()
                if self._timeout_ms:
                    self._watch()
        if core.safe:
            self._host_due = None

    def _load(self, slot: int, image: bytes) -> tuple[int, int, int]:
        try:
            self.core.load(slot, image)
        except TableRefused as why:
            return int(why.code), why.state, why.detail
        return int(Refusal.NONE), NO_STATE, 0
