"""What clients are told: four channels, numbered, with a history to ask again from.

A message on the PUB socket has two or three frames: topic, JSON header, and for arrays the raw buffer.

``state``   ``{"session", "n", "events", "document"}``: the newest wins; sent again every second.
            ``events`` is the number of the newest event, so that a client sees what it missed.
``events``  ``{"session", "n", "document"}``: n = 1, 2, 3, ... without a gap. What a client missed it asks
            for with ``backfill``; the newest `HISTORY` events (or `HISTORY_BYTES`) are kept.
``arrays``  ``{"session", "n", "name", "dtype", "shape", "info"}`` and the buffer (C order, little-endian).
            Numbered for each name; not kept: a late or slow client goes without.

The fourth channel, ``commands``, is a ROUTER socket: see `rig.runtime.answers`. ``session`` is a text that
is new for every run, so that a client notices a restart. A document is what `rig.documents` says, as JSON
with its ``schema`` and ``version``.

Nothing here waits for anybody: a slow client loses messages, never the session its time.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from rig.documents import Document, SessionState

HISTORY: Final = 20_000
HISTORY_BYTES: Final = 64 * 1024 * 1024
BACKFILL: Final = 500
"""Most events in one answer to ``backfill``."""
BACKFILL_BYTES: Final = 1024 * 1024

_encode: Final = msgspec.json.Encoder().encode
Frames = list[bytes]


class StateMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Header of the *state* channel."""

    session: str
    n: int
    events: int
    document: msgspec.Raw


class EventMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Header of the *events* channel."""

    session: str
    n: int
    document: msgspec.Raw


class ArrayMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Header of the *arrays* channel; the buffer is the next frame."""

    session: str
    n: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    info: dict[str, str | int | float | bool] = {}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything stands: what a client begins with.

    Attributes
    ----------
    oldest, newest
        Numbers of the oldest event that can be had again, and of the newest; newest 0: none yet.
    state
        The newest `SessionState`, or None.
    latest
        The newest document of each schema on the *events* channel.
    """

    session: str
    oldest: int
    newest: int
    state_n: int
    state: msgspec.Raw | None
    latest: dict[str, EventMessage]


class Telemetry:
    """Numbers, keeps and encodes what is published. Any thread may publish.

    Parameters
    ----------
    session
        A text that is new for every run.
    send
        Takes the frames of one message; must not block.
    """

    def __init__(self, session: str, send: Callable[[Frames], None]) -> None:
        self.session = session
        self._send = send
        self._lock = threading.Lock()
        self._newest = 0
        self._history: collections.deque[EventMessage] = collections.deque()
        self._history_bytes = 0
        self._latest: dict[str, EventMessage] = {}
        self._state_n = 0
        self._state: msgspec.Raw | None = None
        self._array_n: collections.Counter[str] = collections.Counter()

    def publish(self, documents: Sequence[Document]) -> None:
        """Publish documents in order: `SessionState` on *state*, all others on *events*."""
        for document in documents:
            raw = msgspec.Raw(_encode(document))
            with self._lock:
                if isinstance(document, SessionState):
                    self._state_n += 1
                    self._state = raw
                    self._send_state(raw)
                else:
                    self._event(str(document.__struct_config__.tag), raw)

    def array(
        self,
        name: str,
        buffer: bytes | memoryview,
        dtype: str,
        shape: Sequence[int],
        info: Mapping[str, str | int | float | bool] | None = None,
    ) -> None:
        """Publish a block of numbers on *arrays*.

        Parameters
        ----------
        name
            Also the second half of the topic: ``arrays/spikes``, for example.
        dtype
            As numpy writes it, with byte order: ``<i8``, ``<f4``.
        info
            Small scalars that go with it (rate, first sample, unit).
        """
        with self._lock:
            self._array_n[name] += 1
            header = ArrayMessage(
                session=self.session,
                n=self._array_n[name],
                name=name,
                dtype=dtype,
                shape=tuple(shape),
                info=dict(info or {}),
            )
            self._send([f"arrays/{name}".encode(), _encode(header), bytes(buffer)])

    def repeat_state(self) -> None:
        """Send the newest state again, for clients that came late or lost it."""
        with self._lock:
            if self._state is not None:
                self._send_state(self._state)

    def snapshot(self) -> Snapshot:
        """Return where everything stands."""
        with self._lock:
            return Snapshot(
                session=self.session,
                oldest=self._newest - len(self._history) + 1,
                newest=self._newest,
                state_n=self._state_n,
                state=self._state,
                latest=dict(self._latest),
            )

    def backfill(self, first: int, last: int) -> list[EventMessage]:
        """Return the events `first` to `last` as far as they are kept; at most `BACKFILL` of them."""
        chosen: list[EventMessage] = []
        size = 0
        with self._lock:
            oldest = self._newest - len(self._history) + 1
            stop = min(last, self._newest, max(first, oldest) + BACKFILL - 1)
            for n in range(max(first, oldest), stop + 1):
                event = self._history[n - oldest]
                size += len(event.document)
                if chosen and size > BACKFILL_BYTES:
                    break
                chosen.append(event)
        return chosen

    # --- under the lock ------------------------------------------------------------------------------

    def _event(self, schema: str, raw: msgspec.Raw) -> None:
        self._newest += 1
        event = EventMessage(session=self.session, n=self._newest, document=raw)
        self._latest[schema] = event
        self._history.append(event)
        self._history_bytes += len(raw)
        while len(self._history) > HISTORY or (
            self._history_bytes > HISTORY_BYTES and len(self._history) > 1
        ):
            self._history_bytes -= len(self._history.popleft().document)
        self._send([b"events", _encode(event)])

    def _send_state(self, raw: msgspec.Raw) -> None:
        message = StateMessage(session=self.session, n=self._state_n, events=self._newest, document=raw)
        self._send([b"state", _encode(message)])
