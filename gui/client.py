"""The window's line to an engine: a follower thread that fills a queue; no Qt here.

The window drains the queue at its own pace. A window that is frozen or killed changes nothing for the
engine: its telemetry is dropped at the engine's door, and asked for again when the window is back.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from typing import Any, Final

import msgspec

from gui.fibre_samples import FibreSamples, samples_of
from rig.documents import Document, SessionState
from rig.errors import DopaloopError
from rig.population.shapes import PopulationView
from rig.runtime.client import (
    ArrayBlock,
    Change,
    Client,
    EventChange,
    EventsMissed,
    Restarted,
    SnapshotView,
    StateChange,
)
from rig.runtime.follower import Follower
from rig.runtime.keys import ClientKey

HEALTH_EVERY_S: Final = 0.25
"""Often enough that a fault of half a second is told within one."""
PING_S: Final = 1.0
CLOSE_S: Final = 0.3
"""So long may closing take; what still waits for an answer ends by itself."""
MOST_WAITING: Final = 200_000
MOST_SAMPLES: Final = 5_000
"""Live samples are for looking at: where a window is behind, they are left out."""


class LinkChanged(msgspec.Struct, frozen=True):
    """The engine fell silent (`reason`), or is heard again (None)."""

    reason: str | None


class HealthSeen(msgspec.Struct, frozen=True):
    """The engine's own health, as `rig.runtime.engine.Engine.health` gives it."""

    health: dict[str, Any]
    round_trip_ms: float


class Missed(msgspec.Struct, frozen=True):
    """Documents that can no longer be had."""

    count: int


class Begun(msgspec.Struct, frozen=True):
    """All that was told before is void: another session, or a recorded one from its beginning."""


class PopulationSeen(msgspec.Struct, frozen=True):
    """What the window's own worker makes of all units together, and what is wrong with it (else empty)."""

    view: PopulationView | None
    note: str = ""


Update = Document | LinkChanged | HealthSeen | Missed | Begun | PopulationSeen | FibreSamples


class EngineLink:
    """Follows one engine and sends it commands.

    Parameters
    ----------
    publish, commands
        The engine's telemetry endpoints.
    key
        For an engine that wants to know who connects.
    """

    def __init__(
        self, publish: str, commands: str, *, name: str = "window", key: ClientKey | None = None
    ) -> None:
        self._publish, self._commands, self._key = publish, commands, key
        self._updates: queue.SimpleQueue[Update] = queue.SimpleQueue()
        self._seen = 0
        self._session: str | None = None
        self._dropped = 0
        self._asked: list[futures.Future[int]] = []
        self._stop = threading.Event()
        # The threads come last: they use all of the above at once.
        self._follower = Follower(
            publish,
            commands,
            on_snapshot=self._on_snapshot,
            on_change=self._on_change,
            on_link=lambda reason: self._put(LinkChanged(reason)),
            name=name,
            key=key,
        )
        self._pulse = threading.Thread(target=self._watch_health, name="health", daemon=True)
        self._pulse.start()

    def updates(self) -> Iterator[Update]:
        """Yield what has come since the last call; never waits."""
        while True:
            try:
                yield self._updates.get_nowait()
            except queue.Empty:
                return

    def submit(self, command: object) -> futures.Future[int]:
        """Hand the session an operator's command; return a future of its number in the log."""
        self._asked = [future for future in self._asked if not future.done()]
        self._asked.append(self._follower.submit(command))
        return self._asked[-1]

    def close(self) -> None:
        """Let go; the session does not notice. An engine that does not answer is not waited for."""
        self._stop.set()
        closer = threading.Thread(target=self._close, name="closing", daemon=True)
        closer.start()
        closer.join(CLOSE_S)

    def _close(self) -> None:
        futures.wait(self._asked, timeout=PING_S)  # what was asked for just now is still handed over
        self._follower.close()
        self._pulse.join()

    # --- the follower's thread --------------------------------------------------------------------

    def _put(self, update: Update) -> None:
        if self._updates.qsize() >= MOST_WAITING:
            self._dropped += 1  # nobody draws; said as soon as there is room again
            return
        if self._dropped:
            self._updates.put(Missed(self._dropped))
            self._dropped = 0
        self._updates.put(update)

    def _on_snapshot(self, view: SnapshotView) -> None:
        """Fill in everything that was told before we came, then go on from there."""
        if self._session is not None and view.session != self._session:
            self._seen = 0
            self._put(Begun())
        self._session = view.session
        try:
            with Client(self._publish, self._commands, name="window, history", key=self._key) as history:
                for change in history.backfill(max(view.oldest, self._seen + 1), view.newest):
                    self._put(change.document)
                self._seen = view.newest
        except DopaloopError:
            for document in view.latest.values():
                self._put(document)
        if view.state is not None:
            self._put(view.state)

    def _on_change(self, change: Change) -> None:
        match change:
            case EventChange():
                self._seen = change.n
                self._put(change.document)
            case StateChange():
                self._put(change.state)
            case EventsMissed():
                self._put(Missed(change.last - change.first + 1))
            case Restarted():
                self._seen, self._session = 0, change.session
                self._put(Begun())
            case ArrayBlock():
                samples = samples_of(change)
                if samples is not None and self._updates.qsize() < MOST_SAMPLES:
                    self._put(samples)

    # --- the health thread ------------------------------------------------------------------------

    def _watch_health(self) -> None:
        with Client(
            self._publish, self._commands, name="window, health", timeout_s=PING_S, key=self._key
        ) as client:
            while not self._stop.wait(HEALTH_EVERY_S):
                begun = time.perf_counter()
                try:
                    health = dict(client.ping())
                except DopaloopError:
                    continue
                self._put(HealthSeen(health, (time.perf_counter() - begun) * 1e3))


__all__ = [
    "Begun",
    "EngineLink",
    "FibreSamples",
    "HealthSeen",
    "LinkChanged",
    "Missed",
    "PopulationSeen",
    "SessionState",
    "Update",
]
