"""A telemetry client in a thread of its own, for a window that must not block."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Final

from rig.errors import ConfigError, TransportError
from rig.runtime.client import TIMEOUT_S, Change, Client, SnapshotView
from rig.runtime.keys import ClientKey

SILENCE_S: Final = 5.0
"""The state comes every second: after so long without any, the engine is gone or stuck."""


class Follower:
    """A client in a thread of its own.

    Parameters
    ----------
    on_snapshot, on_change
        Called in that thread.
    on_link
        Called in that thread with a reason when the engine falls silent, with None when it is back.

    Examples
    --------
    ::

        follower = Follower(publish, commands, on_snapshot=..., on_change=..., on_link=...)
        follower.submit({"command": "pause"}).result(timeout=5)
        follower.close()
    """

    def __init__(
        self,
        publish: str,
        commands: str,
        *,
        on_snapshot: Callable[[SnapshotView], None],
        on_change: Callable[[Change], None],
        on_link: Callable[[str | None], None],
        name: str = "client",
        silence_s: float = SILENCE_S,
        key: ClientKey | None = None,
    ) -> None:
        self._on_snapshot = on_snapshot
        self._on_change = on_change
        self._on_link = on_link
        self._silence_s = silence_s
        self._asked: SimpleQueue[tuple[object, Future[int]]] = SimpleQueue()
        self._stop = threading.Event()
        self._attached = False
        self._client = Client(publish, commands, name=name, timeout_s=min(TIMEOUT_S, silence_s), key=key)
        self._thread = threading.Thread(target=self._run, name="telemetry client", daemon=True)
        self._thread.start()

    def submit(self, command: object) -> Future[int]:
        """Hand the session a command; the future holds the number of the input, or the error."""
        future: Future[int] = Future()
        self._asked.put((command, future))
        return future

    def close(self) -> None:
        """Stop following; may be called twice."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with self._client:
            heard = time.monotonic()
            while not self._stop.is_set():
                self._ask_queued()
                try:
                    if not self._attached:
                        self._attach()
                        heard = time.monotonic()
                    for change in self._client.changes(0.05):
                        heard = time.monotonic()
                        self._on_change(change)
                    if time.monotonic() - heard > self._silence_s:
                        self._detach(f"nothing was heard for {self._silence_s:g} s")
                except (TransportError, ConfigError) as error:
                    self._detach(str(error))
        self._refuse_queued()

    def _attach(self) -> None:
        self._on_snapshot(self._client.snapshot())
        self._attached = True
        self._on_link(None)

    def _detach(self, reason: str) -> None:
        self._attached = False
        self._on_link(reason)

    def _ask_queued(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                command, future = self._asked.get_nowait()
                try:
                    future.set_result(self._client.submit(command))
                except (TransportError, ConfigError) as error:
                    future.set_exception(error)

    def _refuse_queued(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._asked.get_nowait()[1].set_exception(TransportError("the client was closed"))
