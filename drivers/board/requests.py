"""Requests to the board: how many may wait for an answer, which answer is whose, what is asked again.

The chip's receive ring has 256 bytes, and while it copies a table nobody empties it. So at most 200
bytes may be unanswered; the rest of the ring is left to the heartbeat, which does not pass here.
A Harp reply carries no number: it is matched by register and message type, in order, and for a write
by the value that it echoes (a late reply to one table chunk must not stand for another).
"""

from __future__ import annotations

import enum
from collections import deque
from typing import Any, Final

import msgspec

from drivers.board.registers import Register
from drivers.board.wire import READ, WRITE, Frame
from rig.units import NS_PER_MS

ROOM_BYTES: Final = 200
REPLY_NS: Final = 300 * NS_PER_MS
TRIES: Final = 6


class Purpose(enum.Enum):
    """Whom an answer is for."""

    HELLO = enum.auto()
    JOB = enum.auto()
    EXPRESS = enum.auto()
    """A pulse or a soft event: asked once, never repeated."""
    ABORT = enum.auto()
    GAP = enum.auto()
    """A missing event is asked for; the event itself is the answer."""
    PROBE = enum.auto()
    """Is the last event here? Was the board reset?"""


class Request(msgspec.Struct, kw_only=True, eq=False):
    """One request and how it is to be treated.

    Parameters
    ----------
    tries
        How often it may still be sent.
    exact
        A write's answer must echo the value written.
    owner
        What the answer is handed to; the window only carries it.
    """

    frame: bytes
    kind: int
    register: Register
    payload: bytes
    purpose: Purpose
    tries: int = TRIES
    timeout_ns: int = REPLY_NS
    exact: bool = True
    owner: Any = None
    due_ns: int = 0

    @property
    def address(self) -> int:
        """Register address."""
        return self.register.address


def read(register: Register, purpose: Purpose, **how: Any) -> Request:
    """Return a request to read `register`; `how` are further fields of `Request`."""
    return Request(
        frame=register.read_frame(),
        kind=READ,
        register=register,
        payload=b"",
        purpose=purpose,
        exact=False,
        **how,
    )


def write(register: Register, *values: int, purpose: Purpose, **how: Any) -> Request:
    """Return a request to write `values`; `how` are further fields of `Request`.

    Raises
    ------
    EncodeError
        If a value does not fit into the register.
    """
    payload = register.pack(*values)
    return Request(
        frame=register.write_frame(*values),
        kind=WRITE,
        register=register,
        payload=payload,
        purpose=purpose,
        **how,
    )


class Window:
    """Requests in the order in which they are written, and those that wait for an answer."""

    def __init__(self) -> None:
        self.repeats = 0
        self._waiting: deque[Request] = deque()
        self._flying: list[Request] = []

    def push(self, *requests: Request, front: bool = False) -> None:
        """Queue requests; `front` puts them, in their order, before all that wait."""
        if front:
            self._waiting.extendleft(reversed(requests))
        else:
            self._waiting.extend(requests)

    def defer(self, request: Request, due_ns: int) -> None:
        """Write `request` not before `due_ns`."""
        request.due_ns = due_ns
        self._flying.append(request)

    def has(self, purpose: Purpose, register: Register | None = None) -> bool:
        """Whether a request of that purpose (for that register) is still without an answer."""
        return any(
            r.purpose is purpose and (register is None or r.register is register)
            for r in (*self._flying, *self._waiting)
        )

    def pump(self, t_ns: int) -> bytes:
        """Return the bytes that may be written now. An abort asks for no room."""
        out = b""
        room = ROOM_BYTES - sum(len(r.frame) for r in self._flying)
        while self._waiting:
            request = self._waiting[0]
            if len(request.frame) > room and request.purpose is not Purpose.ABORT:
                break
            self._waiting.popleft()
            request.tries -= 1
            request.due_ns = t_ns + request.timeout_ns
            room -= len(request.frame)
            self._flying.append(request)
            out += request.frame
        return out

    def answer(self, frame: Frame) -> Request | None:
        """Return, and forget, the request that `frame` answers."""
        kind, address, payload, error = frame.kind, frame.address, frame.payload, frame.is_error
        loose: Request | None = None
        for request in (*self._flying, *self._waiting):
            if request.kind != kind or request.address != address or not request.due_ns:
                continue
            if request.purpose is Purpose.GAP and not error:
                continue
            if not request.exact or request.payload == payload:
                self._remove(request)
                return request
            if error and not payload and loose is None:
                loose = request
        if loose is not None:
            self._remove(loose)
        return loose

    def settle(self, seq: int) -> None:
        """Forget that event `seq` was asked for: it came."""
        for request in (*self._flying, *self._waiting):
            if request.purpose is Purpose.GAP and request.owner == seq:
                self._remove(request)

    def expire(self, t_ns: int) -> list[Request]:
        """Queue again what was not answered in time; return what may not be asked again."""
        late = [r for r in self._flying if r.due_ns <= t_ns]
        for request in late:
            self._flying.remove(request)
        again = [r for r in late if r.tries > 0]
        self.repeats += len(again)
        self.push(*again, front=True)
        return [r for r in late if r.tries <= 0]

    def forget(self, owner: Any) -> None:
        """Drop all requests of `owner`."""
        self._waiting = deque(r for r in self._waiting if r.owner is not owner)
        self._flying = [r for r in self._flying if r.owner is not owner]

    def drop(self, *purposes: Purpose) -> None:
        """Drop all requests of these purposes."""
        self._waiting = deque(r for r in self._waiting if r.purpose not in purposes)
        self._flying = [r for r in self._flying if r.purpose not in purposes]

    def clear(self) -> list[Request]:
        """Drop everything; return what was dropped."""
        dropped = [*self._flying, *self._waiting]
        self._waiting.clear()
        self._flying.clear()
        return dropped

    def deadline_ns(self) -> int | None:
        """When `expire` should be called next, or None."""
        return min((r.due_ns for r in self._flying), default=None)

    def _remove(self, request: Request) -> None:
        if request in self._flying:
            self._flying.remove(request)
        else:
            self._waiting.remove(request)
