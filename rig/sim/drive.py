"""The loop that runs a session against a virtual rig: what an engine does, without a world around it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Protocol

from rig.effects import Effect, Halt, Publish, Wake, Write
from rig.log.entry import PORT_OPEN, Input
from rig.log.pack import pack
from rig.sim.virtual_rig import VirtualRig
from rig.units import NS_PER_US


class Sitting(Protocol):
    """What `drive` needs of a session."""

    def start(self, t_ns: int) -> list[Effect]:
        """Begin."""
        ...

    def step(self, entry: Input) -> list[Effect]:
        """Take one input."""
        ...


def drive(
    session: Sitting,
    rig: VirtualRig,
    *,
    stream: str | None = "direct",
    board: str = "board",
    publish: Callable[[Publish], None] | None = None,
    record: Callable[[Input], None] | None = None,
    until_us: int | None = None,
) -> Halt | None:
    """Run a session against a virtual rig until it halts.

    Parameters
    ----------
    session
        Anything with `start` and `step`; its board must be a `DirectBoard`.
    stream
        Name of the stream that the animal's spikes come on; None: the session has none.
    board
        Name of the board's port.
    publish, record
        Called with every document published, and with every input before it is stepped.
    until_us
        Stop at this board time, halted or not; None: never.

    Returns
    -------
    Halt or None
        The session's own end; None if `until_us` came first.
    """
    wakes: list[int] = []
    end_us = until_us if until_us is not None else 1 << 62
    seq = 0
    effects = session.start(rig.now_us * NS_PER_US)
    waiting: list[tuple[str, str, bytes]] = [(board, "port", PORT_OPEN)]
    while True:
        for effect in effects:
            match effect:
                case Write():
                    rig.write(effect.data)
                case Wake():
                    heapq.heappush(wakes, effect.t_ns)
                case Publish() if publish is not None:
                    publish(effect)
                case Halt():
                    return effect
                case _:
                    pass
        if not waiting:
            if rig.now_us >= end_us:
                return None
            waiting = _arrivals(rig, wakes, end_us, stream, board)
        source, kind, payload = waiting.pop(0)
        entry = Input(seq, rig.now_us * NS_PER_US, source, kind, payload)  # type: ignore[arg-type]
        seq += 1
        if record is not None:
            record(entry)
        effects = session.step(entry)


def _arrivals(
    rig: VirtualRig, wakes: list[int], end_us: int, stream: str | None, board: str
) -> list[tuple[str, str, bytes]]:
    """Go on until something arrives: (source, kind, payload) of each thing, in order."""
    while True:
        limit = min(end_us, -(-wakes[0] // NS_PER_US)) if wakes else end_us
        data, messages = rig.advance(limit)
        arrived = [(board, "bytes", data)] if data else []
        if messages and stream is not None:
            arrived.append((stream, "messages", pack(messages)))
        if not arrived and rig.now_us >= limit:
            if wakes and wakes[0] <= rig.now_us * NS_PER_US:
                heapq.heappop(wakes)
            arrived.append(("clock", "deadline", b""))
        if arrived:
            return arrived
