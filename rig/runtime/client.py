"""A client of a running session: attach, take a snapshot, follow numbered changes, ask again on a gap.

`Client` is plain and blocking, for one thread; `rig.runtime.follower` runs one in a thread of its own. It
only ever reads, apart from `submit`.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import zmq

from rig.documents import Document, SessionState
from rig.errors import ConfigError, TransportError
from rig.runtime.keys import ClientKey
from rig.runtime.telemetry import ArrayMessage, EventMessage, StateMessage

TIMEOUT_S: Final = 5.0
RECEIVE_MARK: Final = 20_000

_document: Final = msgspec.json.Decoder(Document)
_state: Final = msgspec.json.Decoder(StateMessage)
_event: Final = msgspec.json.Decoder(EventMessage)
_events: Final = msgspec.json.Decoder(list[EventMessage])
_array: Final = msgspec.json.Decoder(ArrayMessage)


class StateChange(msgspec.Struct, frozen=True):
    """The newest state of the session."""

    n: int
    state: SessionState


class EventChange(msgspec.Struct, frozen=True):
    """One document of the *events* channel; they come in order and without a gap."""

    n: int
    document: Document


class EventsMissed(msgspec.Struct, frozen=True):
    """Events `first` to `last` were missed and can no longer be had."""

    first: int
    last: int


class ArrayBlock(msgspec.Struct, frozen=True):
    """A block of the *arrays* channel."""

    header: ArrayMessage
    buffer: bytes


class Restarted(msgspec.Struct, frozen=True):
    """Another session runs at this address now; its numbers begin anew."""

    session: str


Change = StateChange | EventChange | EventsMissed | ArrayBlock | Restarted


_NOTHING: Final = msgspec.Raw(b"null")


class _Answer(msgspec.Struct, frozen=True):
    """What we read of an answer."""

    id: int
    ok: bool
    error: str | None = None
    session: str | None = None
    t_ns: int | None = None
    health: dict[str, Any] | None = None
    snapshot: msgspec.Raw = _NOTHING
    events: msgspec.Raw = _NOTHING
    seq: int | None = None


class _SnapshotHead(msgspec.Struct, frozen=True):
    session: str
    oldest: int
    newest: int
    state_n: int
    state: msgspec.Raw
    latest: dict[str, EventMessage]


_answer: Final = msgspec.json.Decoder(_Answer)
_snapshot: Final = msgspec.json.Decoder(_SnapshotHead)
_UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError)
"""What JSON of a stranger, or of a newer engine, may raise in a decoder."""


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session stood when we attached.

    Attributes
    ----------
    newest
        Number of the newest event then; `changes` goes on from there.
    latest
        The newest document of each schema: ``session_started``, ``estimates``, ...
    """

    session: str
    oldest: int
    newest: int
    state: SessionState | None
    latest: dict[str, Document]


class Client:
    """A blocking client; all calls from one thread.

    Parameters
    ----------
    publish, commands
        The engine's endpoints.
    name
        Under which commands are logged.
    key
        For an engine that wants to know who connects.

    Raises
    ------
    ConfigError
        If an endpoint cannot be understood.

    Examples
    --------
    ::

        with Client(publish, commands) as client:
            client.snapshot()
            for change in client.changes(1.0):
                print(change)
    """

    def __init__(
        self,
        publish: str,
        commands: str,
        *,
        name: str = "client",
        timeout_s: float = TIMEOUT_S,
        key: ClientKey | None = None,
    ) -> None:
        self._name = name
        self._key = key
        self._timeout_s = timeout_s
        self._commands = commands
        self._ids = itertools.count(1)
        self._session: str | None = None
        self._seen = 0
        self._context: zmq.Context[Any] = zmq.Context()
        self._subscriber = self._context.socket(zmq.SUB)
        self._subscriber.rcvhwm = RECEIVE_MARK
        self._subscriber.linger = 0
        try:
            for topic in (b"state", b"events", b"arrays"):
                self._subscriber.subscribe(topic)
            if key is not None:
                key.apply(self._subscriber)
            self._subscriber.connect(publish)
            self._dealer = self._open_dealer()
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise ConfigError(f"'{publish}', '{commands}': cannot connect there ({error})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all sockets; may be called twice."""
        self._context.destroy(linger=0)

    # --- asking ---------------------------------------------------------------------------------------

    def ping(self, timeout_s: float | None = None) -> Mapping[str, Any]:
        """Return the engine's health: ports, feeds, recorder.

        Raises
        ------
        TransportError
            If nobody answers in time.
        """
        return self._ask({"do": "ping"}, timeout_s).health or {}

    def snapshot(self, timeout_s: float | None = None) -> SnapshotView:
        """Return where the session stands; `changes` goes on from there.

        Raises
        ------
        TransportError
            If nobody answers in time, or no engine of this version.
        """
        answer = self._ask({"do": "snapshot"}, timeout_s)
        try:
            head = _snapshot.decode(answer.snapshot)
            view = SnapshotView(
                session=head.session,
                oldest=head.oldest,
                newest=head.newest,
                state=None if head.state == _NOTHING else _state_of(head.state),
                latest={schema: _document.decode(event.document) for schema, event in head.latest.items()},
            )
        except _UNREADABLE as error:
            raise self._stranger(error) from None
        self._session, self._seen = head.session, head.newest
        return view

    def backfill(self, first: int, last: int) -> Iterator[EventChange]:
        """Yield the events `first` to `last` as far as the engine still has them.

        Raises
        ------
        TransportError
            If nobody answers in time.
        """
        while first <= last:
            raw = self._ask({"do": "backfill", "first": first, "last": last}).events
            try:
                events = [] if raw == _NOTHING else _events.decode(raw)
            except _UNREADABLE as error:
                raise self._stranger(error) from None
            if not events or events[-1].n < first:
                return
            for event in events:
                with contextlib.suppress(*_UNREADABLE):  # of a newer engine, and not for us
                    yield EventChange(event.n, _document.decode(event.document))
            first = events[-1].n + 1

    def submit(self, command: object, timeout_s: float | None = None) -> int:
        """Hand the session a command; return the number of the input that it became.

        Parameters
        ----------
        command
            One of `rig.operator`, or a mapping like ``{"command": "pause"}``. What became of it is told
            on *events*.

        Raises
        ------
        ConfigError
            If it was refused; the text says why.
        TransportError
            If nobody answers in time. It may or may not have been taken then.
        """
        seq = self._ask({"do": "submit", "client": self._name, "command": command}, timeout_s).seq
        return -1 if seq is None else seq

    # --- following ------------------------------------------------------------------------------------

    def changes(self, timeout_s: float) -> Iterator[Change]:
        """Yield what comes within `timeout_s`, in order; what was missed is asked for again.

        Raises
        ------
        TransportError
            If a gap cannot be filled because nobody answers.
        """
        until = time.monotonic() + timeout_s
        while self._subscriber.poll(max(0, int((until - time.monotonic()) * 1000))):
            with contextlib.suppress(zmq.Again):
                yield from self._take(self._subscriber.recv_multipart(zmq.NOBLOCK))
            if time.monotonic() >= until:
                return

    def _take(self, frames: list[bytes]) -> Iterator[Change]:
        try:
            topic, header, *rest = frames
            if topic == b"events":
                yield from self._take_event(_event.decode(header))
            elif topic == b"state":
                yield from self._take_state(_state.decode(header))
            elif rest:
                yield ArrayBlock(_array.decode(header), rest[0])
        except _UNREADABLE:
            return  # a newer engine may say more than we know; what it says is not for us

    def _take_event(self, event: EventMessage) -> Iterator[Change]:
        yield from self._follow(event.session)
        if event.n <= self._seen:
            return
        yield from self._fill(event.n - 1)
        self._seen = event.n
        yield EventChange(event.n, _document.decode(event.document))

    def _take_state(self, message: StateMessage) -> Iterator[Change]:
        yield from self._follow(message.session)
        # State and events share one connection: what the state knows of must be here already.
        yield from self._fill(message.events)
        yield StateChange(message.n, _state_of(message.document))

    def _follow(self, session: str) -> Iterator[Change]:
        if session == self._session:
            return
        known, self._session = self._session, session
        self._seen = 0
        if known is not None:
            yield Restarted(session)

    def _fill(self, last: int) -> Iterator[Change]:
        """Get the events between the last one seen and `last`."""
        first = self._seen + 1
        if first > last:
            return
        for event in self.backfill(first, last):
            if event.n > self._seen + 1:
                yield EventsMissed(self._seen + 1, event.n - 1)
            self._seen = event.n
            yield event
        if self._seen < last:
            yield EventsMissed(self._seen + 1, last)
            self._seen = last

    # --- inside ---------------------------------------------------------------------------------------

    def _ask(self, request: Mapping[str, object], timeout_s: float | None = None) -> _Answer:
        number = next(self._ids)
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        until = time.monotonic() + timeout_s
        with contextlib.suppress(zmq.Again):
            self._dealer.send(msgspec.json.encode({"id": number, **request}), zmq.NOBLOCK)
        while self._dealer.poll(max(0, int((until - time.monotonic()) * 1000))):
            answer = self._read_answer()
            if answer is None or answer.id not in (0, number):
                continue  # the answer to a question we gave up on
            if not answer.ok:
                raise ConfigError(answer.error or "the engine refused without a reason")
            return answer
        # What was asked must not reach the engine much later, when nobody waits for it any more.
        self._dealer.close()
        self._dealer = self._open_dealer()
        raise TransportError(
            f"no answer from {self._commands} within {timeout_s:g} s; is the session running?"
        )

    def _read_answer(self) -> _Answer | None:
        try:
            return _answer.decode(self._dealer.recv_multipart(zmq.NOBLOCK)[-1])
        except (zmq.Again, *_UNREADABLE):
            return None

    def _stranger(self, error: Exception) -> TransportError:
        return TransportError(f"what answers at {self._commands} is no engine of this version ({error})")

    def _open_dealer(self) -> zmq.Socket[bytes]:
        dealer: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        dealer.linger = 0
        if self._key is not None:
            self._key.apply(dealer)
        dealer.connect(self._commands)
        return dealer


def _state_of(raw: msgspec.Raw) -> SessionState:
    document = _document.decode(raw)
    if not isinstance(document, SessionState):
        raise ValueError("the state channel carries something else")
    return document
