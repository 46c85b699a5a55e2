"""One serial port: a reader thread in, a locked write out, a failure that is remembered and mended.

Whatever carries the bytes is handed in as a function that opens it; nothing here knows of devices. A
port that cannot be opened, or breaks, is reported once as an input of kind ``port`` with the reason,
and is tried again every second until it opens; but not one that is gone for good (`PortGoneError`): a
pseudo-terminal's name goes to the next emulator that is started, which is not ours.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from rig.errors import DopaloopError, PortGoneError, TransportError
from rig.log.entry import PORT_OPEN, InputKind
from rig.runtime.inbox import Inbox, InboxClosedError, WhenFull

READ_S: Final = 0.1
"""How long a read waits; so long does closing take at most."""
REOPEN_S: Final = 1.0
URGENT_S: Final = 0.05
"""How long an urgent write waits for an ordinary one that is stuck."""


class Transport(Protocol):
    """A byte pipe, as `drivers.transports` opens it."""

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, as soon as there is something; empty after `timeout_s`.

        Raises
        ------
        TransportError
            If the pipe broke.
        """
        ...

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises
        ------
        TransportError
            If the pipe broke, or the other side did not take it in time.
        """
        ...

    def close(self) -> None:
        """Close it; may be called twice."""
        ...


class Port:
    """A port that is kept open.

    Parameters
    ----------
    name
        What the session calls it (``Write.port``, ``Input.source``).
    open_transport
        Opens the pipe; raises `TransportError` if it cannot.
    farewell
        Returns what is written last, just before the port is closed for good.
    """

    def __init__(
        self, name: str, open_transport: Callable[[], Transport], farewell: Callable[[], bytes] = bytes
    ) -> None:
        self.name = name
        self._farewell = farewell
        self.error: str | None = None
        """Why the port is not open, if it is not."""
        self.failures = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.answer_ms: float | None = None
        """How long the device takes to say something after it was written to; a running mean."""
        self._open_transport = open_transport
        self._transport: Transport | None = None
        self._heard_at: float | None = None
        self._asked_at: float | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._gone = False
        self._inbox: Inbox | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is something to write to."""
        return self._transport is not None

    def health(self) -> dict[str, object]:
        """Return plain values about the port.

        ``last_heard_s`` is the age of the last bytes that came; ``unanswered_s`` how long the device has
        been written to without a word from it; None where there is nothing to say.
        """
        now = time.monotonic()
        heard, asked = self._heard_at, self._asked_at
        return {
            "open": self.is_open,
            "error": self.error,
            "failures": self.failures,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "last_heard_s": None if heard is None else now - heard,
            "unanswered_s": None if asked is None else now - asked,
            "answer_ms": self.answer_ms,
        }

    def start(self, inbox: Inbox) -> None:
        """Begin to open, read and report to `inbox`, in a thread of its own."""
        self._inbox = inbox
        self._thread = threading.Thread(target=self._run, name=f"port {self.name}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> bool:
        """Write from any thread; return False if the port is not open or broke (then it is reported)."""
        with self._lock:
            return self._write(data)

    def write_urgent(self, data: bytes) -> bool:
        """Write without waiting for long behind another thread's write that may be stuck."""
        locked = self._lock.acquire(timeout=URGENT_S)
        try:
            return self._write(data)
        finally:
            if locked:
                self._lock.release()

    def close(self) -> None:
        """Write the last bytes, stop the thread and close the port; may be called twice."""
        with contextlib.suppress(Exception):  # a driver that fails here must not keep others from closing
            last = self._farewell()
            if last:
                self.write_urgent(last)
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    # --- any thread -----------------------------------------------------------------------------------

    def _write(self, data: bytes) -> bool:
        transport = self._transport
        if transport is None:
            return False
        try:
            transport.write(data)
        except (TransportError, OSError) as error:
            self._lost(transport, error)
            return False
        self.bytes_out += len(data)
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        return True

    def _lost(self, transport: Transport, error: Exception) -> None:
        """Report a broken pipe once, whichever thread found out first. The reader closes it."""
        self._gone = self._gone or isinstance(error, PortGoneError)
        if self._transport is transport:
            self._transport = None
            self._remember(f"lost: {_reason(error)}")

    def _remember(self, reason: str) -> None:
        if reason != self.error:
            self.error = reason
            self.failures += 1
            # The session may be over, and then nobody needs to know; `error` remembers.
            with contextlib.suppress(InboxClosedError):
                self._tell("port", reason.encode(), "squeeze")

    def _tell(self, kind: InputKind, payload: bytes, full: WhenFull = "wait") -> None:
        if self._inbox is not None:
            self._inbox.put(self.name, kind, payload, full=full)

    # --- the reader thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        with contextlib.suppress(InboxClosedError):
            while not (self._stop.is_set() or self._gone):
                transport = self._open()
                if transport is not None:
                    self._read_until_lost(transport)
                self._stop.wait(REOPEN_S)

    def _open(self) -> Transport | None:
        try:
            transport = self._open_transport()
        except Exception as error:  # noqa: BLE001 - a visiting lab's transport may fail in any way
            self._remember(f"cannot be opened: {_reason(error)}")
            return None
        self.error = None
        self._asked_at = None
        self._transport = transport
        try:
            self._tell("port", PORT_OPEN, "squeeze")
        except InboxClosedError:  # the session has ended meanwhile: nobody would close it
            self._transport = None
            transport.close()
            raise
        return transport

    def _heard(self, count: int) -> None:
        """Take note that the device spoke; a device that answers every write answers the oldest first."""
        self.bytes_in += count
        self._heard_at = now = time.monotonic()
        asked, self._asked_at = self._asked_at, None
        if asked is not None:
            took_ms = (now - asked) * 1e3
            self.answer_ms = took_ms if self.answer_ms is None else 0.9 * self.answer_ms + 0.1 * took_ms

    def _read_until_lost(self, transport: Transport) -> None:
        try:
            while self._transport is transport and not self._stop.is_set():
                data = transport.read(READ_S)
                if data:
                    self._heard(len(data))
                    self._tell("bytes", data)
        except InboxClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - as above: a reader that dies silently would be worse
            self._lost(transport, error)
        finally:
            with self._lock:  # nobody may still be writing when the pipe goes
                self._transport = None
                transport.close()


def _reason(error: Exception) -> str:
    """Say why; an error that is not written for people gets its kind in front."""
    return str(error) if isinstance(error, DopaloopError) else f"{type(error).__name__}: {error}"
