"""A session that cannot be recorded waits at the trial boundary, and goes on when it can.

The pause is an input like an operator's, from the source `RECORDER`, so that a replay pauses at the same
place. The session keeps whose pause it is: what an operator asked for stays as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from rig.operator import RECORDER, Pause, Resume
from rig.runtime.inbox import Inbox

STEADY_S: Final = 1.0
"""The file must have been written for this long before the session goes on."""

_PAUSE: Final = msgspec.json.encode(Pause())
_RESUME: Final = msgspec.json.encode(Resume())


class Hold:
    """Holds a session while it cannot be recorded; used by the engine's thread only.

    Parameters
    ----------
    inbox
        Where the pause goes.
    tell
        Called with a level and a sentence.
    clock
        Seconds, monotonic.

    Attributes
    ----------
    on
        Whether it holds the session now.
    """

    def __init__(
        self,
        inbox: Inbox,
        tell: Callable[[Literal["info", "error"], str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on = False
        self._inbox = inbox
        self._tell = tell
        self._clock = clock
        self._well_since: float | None = None

    def turn(self, *, unrecorded: bool) -> None:
        """Take whether what happens now cannot be recorded; hold or let go."""
        if unrecorded:
            self._well_since = None
            if not self.on:
                self.on = True
                self._inbox.put(RECORDER, "command", _PAUSE, full="squeeze")
                self._tell("error", "the session cannot be recorded: it waits at the end of this trial")
            return
        if not self.on:
            return
        now_s = self._clock()
        if self._well_since is None:
            self._well_since = now_s
        if now_s - self._well_since >= STEADY_S:
            self.on = False
            self._inbox.put(RECORDER, "command", _RESUME, full="squeeze")
            self._tell("info", "the session is recorded again: it goes on where it waited")
