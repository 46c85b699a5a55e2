"""One queue, one order: everything the session will ever learn passes here and is stamped once.

Many threads put, one takes. Number and time are given under one lock, so the order of numbers, of times
and of the queue is the same order. Deadlines are stamped here too: to the session, time passing is one
more input.

The queue is bounded. A full one makes its producers wait (serial data then wait in the kernel, and a
neural stream drops at its socket, where a gap in its numbers shows it), and it says so.
"""

from __future__ import annotations

import collections
import heapq
import threading
import time
from collections.abc import Callable
from typing import Final, Literal

from rig.log.entry import Input, InputKind
from rig.units import NS_PER_MS, NS_PER_S

CAPACITY: Final = 50_000
CAPACITY_BYTES: Final = 64 * 1024 * 1024
ALARM_NS: Final = 10 * NS_PER_S

WhenFull = Literal["wait", "refuse", "squeeze"]


class InboxClosedError(Exception):
    """The session is over; whoever wanted to put something in can stop."""


class Inbox:
    """The queue between the world and the session.

    Parameters
    ----------
    capacity, capacity_bytes
        Inputs, and bytes of their payloads, that may wait.
    on_alarm
        Called with a sentence when it gets half full; at most every `ALARM_NS`.
    clock
        Nanoseconds, monotonic.
    seq, now_ns
        Number of the first input, and the time it is; those of a session that goes on.
    """

    def __init__(
        self,
        *,
        capacity: int = CAPACITY,
        capacity_bytes: int = CAPACITY_BYTES,
        on_alarm: Callable[[str], None] = lambda _text: None,
        clock: Callable[[], int] = time.monotonic_ns,
        seq: int = 0,
        now_ns: int = 0,
    ) -> None:
        self._clock = clock
        self._zero = clock() - now_ns
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._on_alarm = on_alarm
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._taker_waits = False
        self._queue: collections.deque[Input] = collections.deque()
        self._bytes = 0
        self._seq = seq
        self._wakes: list[int] = []
        self._alarm_after = clock()
        self._closed = False
        self.most_waiting = 0
        """The longest the queue ever was."""

    def now_ns(self) -> int:
        """Nanoseconds since the session's start."""
        return self._clock() - self._zero

    def put(self, source: str, kind: InputKind, payload: bytes, *, full: WhenFull = "wait") -> int | None:
        """Take something in; return its number.

        Parameters
        ----------
        full
            What to do when the queue is full: ``wait``; ``refuse`` (return None: for commands);
            ``squeeze`` it in all the same (for what is rare, and for whoever must not wait: the taker).

        Raises
        ------
        InboxClosedError
            If the session is over.
        """
        alarm = None
        with self._lock:
            while full != "squeeze" and self._full() and not self._closed:
                if full == "refuse":
                    return None
                self._emptied.wait(0.1)
            if self._closed:
                raise InboxClosedError
            seq = self._stamp(source, kind, payload)
            if self._half_full() and self._clock() >= self._alarm_after:
                self._alarm_after = self._clock() + ALARM_NS
                alarm = f"{len(self._queue)} inputs wait: the session does not keep up"
            if self._taker_waits:
                self._filled.notify()
        if alarm is not None:
            self._on_alarm(alarm)
        return seq

    def wake_at(self, t_ns: int) -> None:
        """Ask for a deadline input at `t_ns`; times within the same millisecond are one.

        Called by the taker only.
        """
        due = -(-t_ns // NS_PER_MS) * NS_PER_MS
        with self._lock:
            if due not in self._wakes:
                heapq.heappush(self._wakes, due)

    def get(self, timeout_s: float, limit: int = 256) -> list[Input]:
        """Return up to `limit` inputs in order; empty if none came within `timeout_s`."""
        with self._lock:
            if not self._deadline_passed() and not self._queue:
                self._wait(timeout_s)
                self._deadline_passed()
            queue = self._queue
            waiting = len(queue)
            self.most_waiting = max(self.most_waiting, waiting)
            if waiting <= limit:
                batch = list(queue)
                queue.clear()
                self._bytes = 0
            else:
                batch = [queue.popleft() for _ in range(limit)]
                self._bytes -= sum(len(entry.payload) for entry in batch)
            if batch:
                self._emptied.notify_all()
        return batch

    def close(self) -> None:
        """End it: waiting and later producers get `InboxClosedError`."""
        with self._lock:
            self._closed = True
            self._emptied.notify_all()

    # --- under the lock ------------------------------------------------------------------------------

    def _stamp(self, source: str, kind: InputKind, payload: bytes) -> int:
        seq = self._seq
        self._queue.append(Input(seq, self._clock() - self._zero, source, kind, payload))
        self._seq = seq + 1
        self._bytes += len(payload)
        return seq

    def _wait(self, timeout_s: float) -> None:
        if self._wakes:
            timeout_s = min(timeout_s, (self._wakes[0] - self.now_ns()) / NS_PER_S)
        if timeout_s > 0:
            self._taker_waits = True
            self._filled.wait(timeout_s)
            self._taker_waits = False

    def _deadline_passed(self) -> bool:
        """Turn all times that have come into one deadline input."""
        wakes = self._wakes
        if not wakes or wakes[0] > self.now_ns():
            return False
        now = self.now_ns()
        while wakes and wakes[0] <= now:
            heapq.heappop(wakes)
        self._stamp("clock", "deadline", b"")
        return True

    def _full(self) -> bool:
        return len(self._queue) >= self._capacity or self._bytes >= self._capacity_bytes

    def _half_full(self) -> bool:
        return len(self._queue) * 2 >= self._capacity or self._bytes * 2 >= self._capacity_bytes
