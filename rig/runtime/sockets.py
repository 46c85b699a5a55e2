"""The one thread that owns every ZeroMQ socket: neural feeds in, telemetry out, commands both ways.

It never waits for the engine: a full inbox makes it leave messages in their socket, and a slow client
loses telemetry at its own queue. Nor can clients take it from the streams: they are served in short turns
with longer rests, and what they ask beyond that waits on their side (`rig.runtime.ration`).
"""

from __future__ import annotations

import collections
import contextlib
import math
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import zmq

from rig.checks.description import OPEN_TO_NETWORK, is_loopback
from rig.description import Telemetry as TelemetryConfig
from rig.errors import ConfigError
from rig.runtime.answers import MAX_REQUEST, Answers
from rig.runtime.feeds import FeedPort, FeedSocket
from rig.runtime.inbox import Inbox, InboxClosedError
from rig.runtime.keys import Ring
from rig.runtime.ration import Turns
from rig.runtime.telemetry import Frames, Telemetry
from rig.runtime.zap import Doorkeeper, role_and_name

STATE_EVERY_S: Final = 1.0
TURN_MS: Final = 100
HELD_MS: Final = 2
LINGER_MS: Final = 500
TURN_S: Final = 0.005
REST: Final = 2.0
"""Clients are served this long, and then not for this many times as long: a third of the thread at most."""
GREETED_PER_TURN: Final = 64
STATE_AGAIN_S: Final = 0.02
"""Newcomers are sent the state at once, but not more often than this."""
WAITING_MARK: Final = 64
"""Requests of a client that wait here, and answers that it does not fetch; more wait there, or are lost."""
LONGEST_TOPIC: Final = 4096
"""Of a subscription; what a connection with keys begins with is hundreds of bytes long."""
SEND_MARK: Final = 2_000
"""Messages that wait for a client that does not read; then it loses some, and asks again if it wants."""
HARD_LIMIT: Final = 4 * MAX_REQUEST
"""A client that sends a longer message than this is cut off by libzmq itself."""


class Outbox:
    """Hands frames from any thread to the socket thread and wakes it."""

    def __init__(self) -> None:
        self._frames: collections.deque[Frames] = collections.deque(maxlen=SEND_MARK)
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self._called = False

    @property
    def ear(self) -> socket.socket:
        """Readable when there is something to take."""
        return self._ear

    def send(self, frames: Frames) -> None:
        """Queue one message; if the socket thread were stuck, the oldest would go."""
        self._frames.append(frames)
        self.call()

    def call(self) -> None:
        """Wake the socket thread."""
        if not self._called:
            self._called = True
            with contextlib.suppress(BlockingIOError, OSError):
                self._mouth.send(b"!")

    def take(self) -> list[Frames]:
        """Return all queued messages."""
        with contextlib.suppress(BlockingIOError):
            self._ear.recv(4096)
        self._called = False
        frames = self._frames
        return [frames.popleft() for _ in range(len(frames))]

    def close(self) -> None:
        """Close the wake-up line."""
        self._ear.close()
        self._mouth.close()


class Sockets:
    """The socket thread.

    Parameters
    ----------
    config
        Where to publish and to take commands; port 0 takes a free one.
    session
        A text that is new for every run.
    ring
        Who may connect; None: everybody on this computer, and nobody else.

    Attributes
    ----------
    publish_endpoint, commands_endpoint
        Where the sockets really are.

    Raises
    ------
    ConfigError
        If an endpoint is open to the network, or cannot be bound or connected to.
    """

    def __init__(
        self,
        config: TelemetryConfig,
        session: str,
        inbox: Inbox,
        feeds: Sequence[FeedPort] = (),
        ring: Ring | None = None,
    ) -> None:
        self._inbox = inbox
        self._stop = threading.Event()
        self._answers: Answers | None = None
        self._thread = threading.Thread(target=self._run, name="sockets", daemon=True)
        self._feeds: list[FeedSocket] = []
        self._context: zmq.Context[Any] = zmq.Context()
        self._outbox = Outbox()
        self.telemetry = Telemetry(session, self._outbox.send)
        self._guarded = ring is not None
        self._door = Doorkeeper(self._context, ring)
        self._turns = Turns(TURN_S, REST)
        self._publisher = self._context.socket(zmq.XPUB)
        self._router = self._context.socket(zmq.ROUTER)
        try:
            self._publisher.sndhwm = SEND_MARK
            self._publisher.setsockopt(zmq.XPUB_VERBOSE, 1)  # so that every newcomer is greeted
            self._publisher.setsockopt(zmq.MAXMSGSIZE, LONGEST_TOPIC)
            self._router.setsockopt(zmq.MAXMSGSIZE, HARD_LIMIT)
            self._router.set_hwm(WAITING_MARK)
            self._router.linger = self._publisher.linger = LINGER_MS
            self.publish_endpoint = self._bind(self._publisher, config.publish, "[telemetry] publish")
            self.commands_endpoint = self._bind(self._router, config.commands, "[telemetry] commands")
            for feed in feeds:
                self._feeds.append(FeedSocket(self._context, feed, inbox))
        except ConfigError:
            self._close_all()
            raise

    def start(self, answers: Answers) -> None:
        """Begin to serve."""
        self._answers = answers
        self._thread.start()

    def close(self) -> None:
        """Send what is queued, then stop and close every socket; may be called twice."""
        self._stop.set()
        self._outbox.call()
        if self._thread.is_alive():
            self._thread.join()
        if not self._context.closed:
            self._publish()
            self._close_all()

    def feeds_health(self) -> dict[str, object]:
        """Return plain values about every stream, by name."""
        return {feed.name: feed.health() for feed in self._feeds}

    # --- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._serve_all()
        except Exception as error:  # noqa: BLE001 - a thread that dies silently would look like silent streams
            reason = f"lost: the socket thread failed: {type(error).__name__}: {error}"
            with contextlib.suppress(InboxClosedError):
                self._inbox.put("sockets", "port", reason.encode(), full="squeeze")

    def _serve_all(self) -> None:
        poller = zmq.Poller()
        for item in (self._outbox.ear, self._publisher, self._router, self._door.socket):
            poller.register(item, zmq.POLLIN)
        state_due = greeted = time.monotonic()
        while not self._stop.is_set():
            ready = dict(poller.poll(self._timeout(poller)))
            self._publish()
            self._door.serve()
            for feed in self._feeds:
                if feed.socket in ready or feed.held:
                    feed.drain()
                if feed.heart is not None:
                    feed.heart.turn()
            if self._router in ready:
                self._serve()
            if self._publisher in ready and self._greet():
                state_due = min(state_due, greeted + STATE_AGAIN_S)
            if time.monotonic() >= state_due:
                greeted = time.monotonic()
                state_due = greeted + STATE_EVERY_S
                self.telemetry.repeat_state()

    def _timeout(self, poller: zmq.Poller) -> int:
        """Listen to whom can be heard now; return how long to wait in milliseconds."""
        waiting = False
        rests_ms = math.ceil(1000 * self._turns.rests_s)
        if rests_ms:
            with contextlib.suppress(KeyError):
                poller.unregister(self._router)
        else:
            poller.register(self._router, zmq.POLLIN)
        for feed in self._feeds:
            if feed.held:
                waiting = True
                with contextlib.suppress(KeyError):
                    poller.unregister(feed.socket)
            else:
                poller.register(feed.socket, zmq.POLLIN)
        return min(HELD_MS if waiting else TURN_MS, rests_ms or TURN_MS)

    def _publish(self) -> None:
        for frames in self._outbox.take():
            # A subscriber that does not keep up loses messages here; nobody waits.
            with contextlib.suppress(zmq.Again):
                self._publisher.send_multipart(frames, zmq.NOBLOCK)

    def _greet(self) -> bool:
        """Take subscriptions off the XPUB socket; True if somebody new listens."""
        newcomer = False
        with contextlib.suppress(zmq.Again):
            for _ in range(GREETED_PER_TURN):
                newcomer |= self._publisher.recv(zmq.NOBLOCK)[:1] == b"\x01"
        return newcomer

    def _serve(self) -> None:
        self._turns.begin()
        while self._answers is not None and not self._turns.over and self._answer_one(self._answers):
            pass
        self._turns.end()

    def _answer_one(self, answers: Answers) -> bool:
        """Answer the next request; False if there is none."""
        try:
            parts = self._router.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        who, *frames = (part.bytes for part in parts)
        role, name = role_and_name(_user_id(parts[-1]))
        # A REQ socket puts an empty frame before its request, and wants it back.
        envelope = frames[:1] if len(frames) == 2 and not frames[0] else []
        body = b"".join(frames[len(envelope) :])
        answer = answers.answer(body, name or f"client {who.hex()}", role, name)
        with contextlib.suppress(zmq.ZMQError):  # it went away meanwhile, or takes no answers
            self._router.send_multipart([who, *envelope, answer], zmq.NOBLOCK)
        return True

    def _bind(self, sock: zmq.Socket[bytes], endpoint: str, where: str) -> str:
        if not self._guarded and not is_loopback(endpoint):
            raise ConfigError(f"{where} = '{endpoint}' {OPEN_TO_NETWORK}")
        self._door.guard(sock)
        try:
            sock.bind(endpoint)
        except zmq.ZMQError as error:
            raise ConfigError(f"{where} = '{endpoint}' cannot be used ({error})") from None
        return sock.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")

    def _close_all(self) -> None:
        self._context.destroy()  # with every socket, each after its own linger
        self._outbox.close()


def _user_id(frame: zmq.Frame) -> str | None:
    """Who sent this, as the doorkeeper named them; None where there is none."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return None
