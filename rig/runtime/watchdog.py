"""Is this session really being recorded? Asked twice a second, by a thread that does nothing else.

Everything else in the engine says how it does itself. This looks from outside: it reads the session file
back as a stranger would, and holds the devices' clocks against each other. What it finds is told at once
(the log, every window, the terminal) and stays red until it is over:

- the file is where it was, has not shrunk, grows while inputs come, and its records have no gap;
- every device's clock goes on, and as fast as the device says;
- a valve that was asked for was heard to open;
- the engine's own loop turns.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from rig.runtime.clock_watch import Clocks, ClockWatch
from rig.runtime.file_watch import FileWatch
from rig.runtime.recorder import Recorder

LOOK_S: Final = 0.5
STUCK_S: Final = 0.5
"""An engine's loop that has not turned for this long is stuck; nothing else can be judged then."""
BEHIND_S: Final = 1.0
"""Inputs are on disk within 50 ms; after this long they are not."""


class Finding(msgspec.Struct, frozen=True):
    """Something that is not being recorded as it should.

    Parameters
    ----------
    what
        ``file``, ``engine``, ``valve``, or a device's name.
    why
        One sentence for people.
    """

    what: str
    why: str


class Watchdog:
    """The thread.

    Parameters
    ----------
    recorder
        Whose file is read back.
    newest
        Returns the number of the newest input that the engine has taken.
    turned_at
        Returns when the engine's loop last turned (`time.monotonic`).
    on_alarm
        Called with ``error`` and a sentence when something is found, with ``info`` when it is over.
    clocks
        Returns where the devices' clocks stand; the board's is called ``board``.
    silent
        Returns the valves that were asked for and not heard to open.

    Attributes
    ----------
    findings
        What is wrong now.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        newest: Callable[[], int],
        turned_at: Callable[[], float],
        on_alarm: Callable[[Literal["info", "error"], str], None],
        clocks: Callable[[], Clocks] = dict,
        silent: Callable[[], Sequence[str]] = tuple,
        look_s: float = LOOK_S,
    ) -> None:
        self.findings: tuple[Finding, ...] = ()
        self._recorder = recorder
        self._file = FileWatch(recorder.path, lambda: recorder.stored)
        self._clocks = ClockWatch()
        self._newest, self._turned_at = newest, turned_at
        self._clocks_now, self._silent = clocks, silent
        self._on_alarm = on_alarm
        self._look_s = look_s
        self._looked_at = time.monotonic()
        self._grew = (0, self._looked_at)
        """How many inputs were stored when it last grew, and when that was."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; may be called twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def unrecorded(self) -> bool:
        """Whether what happens now may never be on disk: a session should not go on like this."""
        recorder = self._recorder
        failing = recorder.error is not None and recorder.behind_s > BEHIND_S
        return failing or self._file.broken is not None

    def health(self) -> dict[str, object]:
        """Return plain values: how long ago it looked, and what it found."""
        return {
            "looked_s": time.monotonic() - self._looked_at,
            "found": [{"what": finding.what, "why": finding.why} for finding in self.findings],
        }

    # --- the thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.wait(self._look_s):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - a watchdog that dies silently would be worse than none
                self._on_alarm("error", f"the watchdog failed: {type(error).__name__}: {error}")
                return

    def look(self) -> None:
        """Look once; tell what is new and what is over."""
        found = {finding.what: finding for finding in self._look(time.monotonic())}
        before = {finding.what for finding in self.findings}
        self.findings = tuple(found.values())
        self._looked_at = time.monotonic()
        if self._stop.is_set():
            return  # the session is ending: what stops now stops as it should
        for what in found.keys() - before:
            self._on_alarm("error", found[what].why)
        for what in before - found.keys():
            self._on_alarm("info", _over(what))

    def _look(self, now_s: float) -> list[Finding]:
        why = self._file.look() or self._why_behind(now_s)
        found = [Finding("file", why)] if why is not None else []
        stuck_s = now_s - self._turned_at()
        if stuck_s > STUCK_S:
            self._clocks.clear()
            return [*found, Finding("engine", f"the engine's loop has not turned for {stuck_s:.1f} s")]
        found += [Finding(name, why) for name, why in self._clocks.look(self._clocks_now(), now_s).items()]
        valves = self._silent()
        if valves:
            names = " and ".join(f"'{name}'" for name in valves)
            found.append(Finding("valve", f"{names} should have opened, and the board did not say so"))
        return found

    def _why_behind(self, now_s: float) -> str | None:
        """Why the file does not grow though inputs come, or None if it does."""
        stored, newest, error = self._recorder.stored, self._newest(), self._recorder.error
        before, since_s = self._grew
        if stored > before or newest < stored:
            self._grew = (stored, now_s)
        elif now_s - since_s > BEHIND_S:
            reason = f" ({error})" if error is not None else ""
            waiting = newest + 1 - stored
            since = f"{now_s - since_s:.1f} s{reason}"
            return f"nothing has been stored for {since}; {waiting} inputs wait in memory"
        return None


def _over(what: str) -> str:
    """Say that a finding is over."""
    match what:
        case "file":
            return "the session file is written again"
        case "engine":
            return "the engine's loop turns again"
        case "valve":
            return "the valve was heard to open again"
        case _:
            return f"'{what}' is recorded as it should be again"
