"""The board as the host meets it, in computed time: the chip's program on the chip's slow line.

The other role of the driver's own codec, around `rig.machine.core`. It has no clock, port or thread:
whoever serves it says what time it is, hands it the bytes that came and takes those that are due. Due
things run in order, each at its own time, so a run is the same at any speed.

What of the chip is modelled: ten bits a byte each way, rings of 256 bytes (a full receive ring loses
bytes), one request at a time with a fixed cost of work, replies that wait for room in the sending
ring and keep the chip from all else meanwhile, 64 kept events of which the oldest unsent are lost when
the line is full, deafness for the first byte after a reset, the watchdog over the host. What is not:
interrupt jitter, and USB between host and chip.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from drivers.board.codec import HarpCodec
from drivers.board.firmware import Firmware, Identity
from drivers.board.uart import NEVER, Receiver, Sender, byte_us
from drivers.board.wire import Frame
from rig.device import BoardLimits
from rig.events import BoardEvent, EndReason, WireNoise
from rig.machine.core import BoardCore
from rig.units import NS_PER_MS, NS_PER_US, US_PER_S

_EVENT_ROOM: Final = 20
"""Bytes of an event frame; a heartbeat has fewer."""

_GULP: Final = 64
"""The program takes bytes out of the ring as they come; this is how coarsely it is computed."""


class BoardEmulator:
    """One emulated board.

    Parameters
    ----------
    limits
        What it can hold; the least that every board must hold if not given.
    name, serial
        As it reports them.
    time_scale
        Its speed ceiling, as it reports it; 0 would claim to be real hardware.
    start_us
        Where its counter stands at the beginning; the times of all calls count from there.
    deaf
        So many bytes at the beginning are lost (a board just out of reset).
    budgets
        Whether it keeps a budget of its own; False: as firmware 1.0.

    Attributes
    ----------
    now_us
        Time of the emulation, microseconds.
    """

    def __init__(
        self,
        *,
        limits: BoardLimits | None = None,
        name: str = "dopaloop emulator",
        serial: int = 1,
        time_scale: int = 1,
        start_us: int = 0,
        baud: int = 1_000_000,
        deaf: int = 0,
        budgets: bool = True,
    ) -> None:
        self._limits = limits or BoardLimits()
        self._identity = Identity(
            name=name, uid=b"EMULATOR" + serial.to_bytes(8, "big"), time_scale=time_scale, budgets=budgets
        )
        self._per_byte_us = byte_us(baud)
        self.now_us = start_us
        self._shift_us = 0  # emulation time minus the board's own; grows at a reset
        self._tx = Sender(self._per_byte_us)
        self._watch_ns: int | None = None
        self._boot(start_us, deaf)

    def _boot(self, tick_us: int, deaf: int) -> None:
        self.core = BoardCore(self._limits, tick_us)
        self._firmware = Firmware(self.core, self._identity)
        self._codec = HarpCodec("host")
        self._rx = Receiver(self._per_byte_us, deaf)
        self._frames: deque[Frame] = deque()
        self._done_us: int | None = None  # when the request under way is carried out
        self._replies: deque[bytes] = deque()
        self._beats: deque[int] = deque(maxlen=1)
        self._next_beat_us = (tick_us // US_PER_S + 1) * US_PER_S
        self._watch_ns = None

    # --- what the serving loop calls -----------------------------------------------------------------

    @property
    def lost_bytes(self) -> int:
        """Received bytes that found the ring full, since the last reset."""
        return self._rx.lost

    def receive(self, data: bytes, now_us: int) -> None:
        """The host writes `data` now."""
        self._rx.write(data, max(now_us, self.now_us))

    def input_edge(self, line: int, rising: bool) -> None:
        """Input `line` changes now, at the time of the last `advance`.

        Raises
        ------
        ValueError
            If the board has no such line.
        """
        self.core.input_edge(line, rising)

    def next_due_us(self) -> int | None:
        """When something happens by itself, or bytes are ready to go out; None if never."""
        due = min(self._due_us(), self._tx.due_us())
        return None if due >= NEVER else max(due, self.now_us)

    def advance(self, to_us: int) -> list[BoardEvent]:
        """Let time pass; return what happened on the board, for the world around it."""
        happened: list[BoardEvent] = []
        while (due := self._due_us()) <= to_us:
            self._pass(max(due, self.now_us), happened)
            self._step()
        self._pass(to_us, happened)
        return happened

    def outgoing(self, now_us: int) -> bytes:
        """Return the bytes that have gone out by now; each is returned once."""
        return self._tx.gone(now_us)

    def check_host(self, wall_ns: int) -> bool:
        """Look after the host, in wall time; True if it was lost just now.

        The watch begins with the first `HostAlive`. Call this after `receive` and `advance`: bytes
        that are not looked at yet may hold the sign of life.
        """
        firmware = self._firmware
        if firmware.alive or (firmware.armed and self._watch_ns is not None):
            self._watch_ns = wall_ns
        firmware.alive = firmware.armed = False
        if self._watch_ns is None or self.core.safe:
            return False
        patience = 2 if self._rx.busy or self._frames else 1
        if wall_ns - self._watch_ns <= patience * firmware.host_timeout_ms * NS_PER_MS:
            return False
        self.core.abort(EndReason.HOST_LOST)
        return True

    def reset(self) -> None:
        """Lose power for a moment, now: outputs off, nothing remembered, time from 0, a deaf first byte."""
        self._shift_us = self.now_us
        self._tx = Sender(self._per_byte_us)
        self._replies.clear()
        self._boot(0, deaf=1)

    # --- time ----------------------------------------------------------------------------------------

    def _due_us(self) -> int:
        core_us = self.core.next_due_us()
        own = self._next_beat_us if core_us is None else min(core_us, self._next_beat_us)
        return min(own + self._shift_us, self._work_due_us())

    def _pass(self, to_us: int, happened: list[BoardEvent]) -> None:
        """Let the core reach `to_us`; its events are kept for the host and returned for the world."""
        self.now_us = max(self.now_us, to_us)
        for event in self.core.advance(self.now_us - self._shift_us):
            t_us: int = event.t_us  # type: ignore[union-attr]  # the core's own events are all stamped
            self._firmware.happened(event, t_us)
            moved = self._shift_us and msgspec.structs.replace(event, t_us=t_us + self._shift_us)
            happened.append(moved or event)
        if self.now_us - self._shift_us >= self._next_beat_us:
            self._beats.append(self._next_beat_us)
            self._next_beat_us += US_PER_S

    # --- the chip's one thread of work -----------------------------------------------------------------

    def _work_due_us(self) -> int:
        """When the program can do its next piece of work."""
        if self._replies:
            return self._tx.room_us(len(self._replies[0]))
        if self._done_us is not None:
            return self._done_us
        due = self._rx.due_us(min(self._codec.wanted, _GULP))
        if self._firmware.has_event or self._beats:
            due = min(due, self._tx.room_us(_EVENT_ROOM))
        settle_ns = self._codec.deadline_ns()
        return due if settle_ns is None else min(due, -(-settle_ns // NS_PER_US))

    def _step(self) -> None:
        """Do the piece of work that is due now, if it is."""
        now_us = self.now_us
        if self._work_due_us() > now_us:
            return
        if self._replies:
            self._tx.put(self._replies.popleft(), now_us)
        elif self._done_us is not None:
            self._replies.extend(self._firmware.request(self._frames.popleft()))
            self._rx.hear(now_us)
            self._done_us = None
        elif self._rx.due_us(min(self._codec.wanted, _GULP)) <= now_us:
            self._found(
                self._codec.feed(self._rx.take(min(self._codec.wanted, _GULP), now_us), now_us * NS_PER_US)
            )
        elif self._firmware.has_event:
            self._tx.put(self._firmware.next_event(), now_us)
        elif self._beats:
            frame = self._firmware.heartbeat(self._beats.popleft())
            if frame:
                self._tx.put(frame, now_us)
        else:
            self._found(self._codec.idle(now_us * NS_PER_US))
        self._begin_work()

    def _found(self, found: list[Frame | WireNoise]) -> None:
        self._frames.extend(item for item in found if isinstance(item, Frame))

    def _begin_work(self) -> None:
        if self._replies or self._done_us is not None:
            return
        if self._firmware.reset_wanted:
            self._shift_us = self.now_us
            self._boot(0, deaf=1)
        elif self._frames:
            self._done_us = self.now_us + self._firmware.work_us(self._frames[0])
