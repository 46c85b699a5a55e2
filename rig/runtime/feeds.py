"""One neural stream at its sockets: SUB for its messages, REQ for the heartbeat that shows our name.

All of it is used by the socket thread only. We subscribe to everything, since only then do gaps in the
message numbers mean loss; what has come is drained into one packed input, at most `BATCH` messages each.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import zmq

from rig.errors import ConfigError
from rig.log.pack import pack
from rig.runtime.inbox import Inbox

BATCH: Final = 256
RECEIVE_MARK: Final = 100_000
"""Messages that may wait in the SUB socket; libzmq's own 1000 is 60 ms of a 384-channel probe."""
BEAT_S: Final = 2.0
BEAT_GIVE_UP_S: Final = 10.0


class FeedPort(msgspec.Struct, frozen=True, kw_only=True):
    """Where a stream is and what to do with its messages before they are recorded.

    Parameters
    ----------
    name
        The stream's name; the source of its inputs.
    data, control
        Endpoints of its PUB and REP sockets; no heartbeat is sent without `control`.
    heartbeat
        The request that is sent every two seconds.
    reduce
        Replaces bodies that nothing reads by something short; None keeps every byte.
    """

    name: str
    data: str
    control: str = ""
    heartbeat: bytes = b""
    reduce: Callable[[Sequence[bytes]], Sequence[bytes]] | None = None


class FeedSocket:
    """The sockets of one stream."""

    def __init__(self, context: zmq.Context[Any], port: FeedPort, inbox: Inbox) -> None:
        self.name = port.name
        self.messages = 0
        self._port = port
        self._inbox = inbox
        self._held: bytes | None = None
        self._heard_at: float | None = None
        self.socket = context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = RECEIVE_MARK
        self.socket.subscribe(b"")
        _connect(self.socket, port.data, f"stream '{port.name}', data")
        self.heart = Heart(context, port) if port.control and port.heartbeat else None

    @property
    def held(self) -> bool:
        """Whether a batch waits because the inbox is full (then no more is drained)."""
        return self._held is not None

    def drain(self) -> None:
        """Take in what has come, one batch at most."""
        if self._held is None:
            self._held = self._batch()
        if self._held is None:
            return
        if self._inbox.put(self.name, "messages", self._held, full="refuse") is not None:
            self._held = None

    def health(self) -> dict[str, object]:
        """Return plain values about this stream; ``last_heard_s`` is the age of its last message."""
        heard = self._heard_at
        return {
            "messages": self.messages,
            "answers": None if self.heart is None else self.heart.answers,
            "last_heard_s": None if heard is None else time.monotonic() - heard,
        }

    def _batch(self) -> bytes | None:
        messages: list[Sequence[bytes]] = []
        with contextlib.suppress(zmq.Again):
            while len(messages) < BATCH:
                messages.append(self._reduced(self.socket.recv_multipart(zmq.NOBLOCK)))
        if messages:
            self.messages += len(messages)
            self._heard_at = time.monotonic()
        return pack(messages) if messages else None

    def _reduced(self, parts: Sequence[bytes]) -> Sequence[bytes]:
        reduce = self._port.reduce
        if reduce is None:
            return parts
        try:
            return reduce(parts)
        except Exception:  # noqa: BLE001 - what a driver cannot reduce is kept whole
            return parts


class Heart:
    """A heartbeat that survives a lost answer: the REQ socket is made anew (a lazy pirate)."""

    def __init__(
        self, context: zmq.Context[Any], port: FeedPort, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.answers = False
        """Whether the last heartbeat was answered."""
        self._context = context
        self._port = port
        self._clock = clock
        self._due = clock()
        self._sent_at: float | None = None
        self._socket = self._open()

    def turn(self) -> None:
        """Send, receive or give up, whatever is due."""
        now = self._clock()
        if self._sent_at is None:
            if now >= self._due:
                self._beat(now)
        elif self._socket.poll(0):
            self._socket.recv_multipart(zmq.NOBLOCK)
            self.answers = True
            self._sent_at = None
        elif now - self._sent_at > BEAT_GIVE_UP_S:
            self.answers = False
            self._sent_at = None
            self._socket.close()
            self._socket = self._open()

    def _beat(self, now: float) -> None:
        self._due = now + BEAT_S
        try:
            self._socket.send(self._port.heartbeat, zmq.NOBLOCK)
        except zmq.Again:
            self.answers = False
            return
        self._sent_at = now

    def _open(self) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.REQ)
        socket.linger = 0
        _connect(socket, self._port.control, f"stream '{self._port.name}', control")
        return socket


def _connect(socket: zmq.Socket[bytes], endpoint: str, what: str) -> None:
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        raise ConfigError(f"{what}: '{endpoint}' is no endpoint ({error})") from None
