"""An emulated rig does not outlive whoever started it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from types import FrameType


class ParentWatch:
    """Knows when it is time to go.

    Parameters
    ----------
    by_stdin
        The parent holds our standard input open for as long as it wants us (this works on every
        system, and however the parent dies), and may write lines to it. Otherwise only the parent's
        process number is watched, where the system has that notion.

    Attributes
    ----------
    asked
        Lines that the parent wrote, oldest first; whoever acts on one takes it off.
    """

    def __init__(self, *, by_stdin: bool) -> None:
        self._over = threading.Event()
        self._parent = os.getppid()
        self._by_stdin = by_stdin
        self.asked: deque[str] = deque()
        if by_stdin:
            threading.Thread(target=self._read, name="parent", daemon=True).start()

    @contextlib.contextmanager
    def catching_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as a wish to end well; for the main thread only."""
        # Ctrl-C reaches a terminal's whole group. Where a parent ends us, it shall end itself first, with
        # the rig still there to be made safe.
        handlers = {
            signal.SIGTERM: self._on_signal,
            signal.SIGINT: signal.SIG_IGN if self._by_stdin else self._on_signal,
        }
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def over(self) -> bool:
        """Whether to end now."""
        return self._over.is_set() or (os.name == "posix" and os.getppid() != self._parent)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._over.set()

    def _read(self) -> None:
        # The bare descriptor: a buffered reader's lock would be held through the interpreter's end.
        rest = b""
        with contextlib.suppress(OSError):
            while data := os.read(0, 4096):
                *lines, rest = (rest + data).split(b"\n")
                self.asked.extend(line.decode("utf-8", "replace").strip() for line in lines)
        self._over.set()
