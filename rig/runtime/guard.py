"""The board's life line: `HostAlive` every 10 ms while the engine steps, and the safe state on the way out.

The board falls into its safe state by itself when these frames stop. They go straight to the port, past
the session and its log, and only while the engine's loop has turned within `FRESH_S`: a host that hangs
must look dead. All times here are wall times, whatever the speed of the rig.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from rig.runtime.ports import Port

PERIOD_S: Final = 0.010
FRESH_S: Final = 0.025


class Guard:
    """Keeps one board alive, or makes it safe.

    Parameters
    ----------
    port
        The board's port.
    alive_frame
        Returns the bytes of a `HostAlive` with this counter; empty bytes if none may be sent yet.
    abort_frame
        Returns the bytes that put every output into its safe state.
    """

    def __init__(
        self,
        port: Port,
        alive_frame: Callable[[int], bytes],
        abort_frame: Callable[[], bytes],
        *,
        period_s: float = PERIOD_S,
        fresh_s: float = FRESH_S,
    ) -> None:
        self.panic = False
        """Set it (from a signal handler, for example) to have `safe` called within a period."""
        self.on_panic: Callable[[], None] = _nothing
        """Called before that `safe`, so that why comes before what the board answers. Must not wait."""
        self.beats = 0
        self.withheld = 0
        """Periods in which nothing was sent because the engine had not stepped."""
        self.longest_gap_ms = 0.0
        """The longest time between two frames, which the board's own time-out must exceed."""
        self._port = port
        self._alive_frame = alive_frame
        self._abort_frame = abort_frame
        self._period_s = period_s
        self._fresh_s = fresh_s
        self._stepped_at = float("-inf")
        self._sent_at: float | None = None
        self._made_safe = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)

    def start(self) -> None:
        """Begin; nothing is sent before the first `stepped`."""
        self._thread.start()

    def stepped(self) -> None:
        """The engine's loop turned."""
        self._stepped_at = time.monotonic()

    def health(self) -> dict[str, object]:
        """Return plain values about the life line."""
        return {"beats": self.beats, "withheld": self.withheld, "longest_gap_ms": self.longest_gap_ms}

    def safe(self) -> bool:
        """Make the board safe at once, ahead of what may be stuck; return whether it could be written."""
        return self._port.write_urgent(self._abort_frame())

    def stop(self) -> None:
        """Stop the frames, then make the board safe; a second call does nothing unless that failed."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._made_safe = self._made_safe or self.safe()

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            now = time.monotonic()
            # Frames that could not be sent in time are not sent in a burst afterwards.
            due = max(due + self._period_s, now)
            if self.panic:
                self.panic = False
                self.on_panic()
                self.safe()
            if now - self._stepped_at > self._fresh_s:
                self.withheld += 1
                continue
            self._beat(now)

    def _beat(self, now: float) -> None:
        frame = self._alive_frame(self.beats)
        if not frame or not self._port.write(frame):
            self._sent_at = None
            return
        self.beats += 1
        if self._sent_at is not None:
            self.longest_gap_ms = max(self.longest_gap_ms, (now - self._sent_at) * 1e3)
        self._sent_at = now


def _nothing() -> None:
    """Nobody asked to be called."""
