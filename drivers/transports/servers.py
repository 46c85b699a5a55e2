"""The emulators' end of a port: a pseudo-terminal where there is one, a TCP port everywhere.

Neither blocks; whoever serves them asks often. Bytes for nobody are dropped, as on a wire without a
listener.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import Protocol

from rig.errors import TransportError


class PortServer(Protocol):
    """What both servers can do."""

    @property
    def name(self) -> str:
        """The port to give to a host (to pyserial)."""
        ...

    @property
    def connected(self) -> bool:
        """Whether a host has the port open."""
        ...

    def read(self) -> bytes:
        """Return what the host wrote, perhaps nothing."""
        ...

    def write(self, data: bytes) -> int:
        """Offer bytes to the host; return how many were taken."""
        ...

    def fileno(self) -> int:
        """Descriptor to wait on for something to read."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class PtyServer:
    """A raw pseudo-terminal; `name` is its host end.

    Raises
    ------
    TransportError
        If this system has none (Windows) or has run out of them.
    """

    def __init__(self) -> None:
        try:
            import pty
            import tty

            self._master, slave = pty.openpty()
        except (ImportError, OSError) as error:
            raise TransportError(f"no pseudo-terminal here ({error}); serve on a TCP port instead") from error
        tty.setraw(slave)
        self._name = os.ttyname(slave)
        os.set_blocking(self._master, False)
        os.close(slave)  # so that the host's opening and closing can be seen

    @property
    def name(self) -> str:
        """Path of the host end."""
        return self._name

    @property
    def connected(self) -> bool:
        """Whether a host has the port open."""
        if self._master < 0:
            return False
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        return not any(events & select.POLLHUP for _, events in poll.poll(0))

    def read(self) -> bytes:
        """Return what the host wrote, perhaps nothing."""
        try:
            return os.read(self._master, 1 << 16)
        except OSError:  # nothing there, or nobody there (EIO)
            return b""

    def write(self, data: bytes) -> int:
        """Offer bytes to the host; return how many were taken (all, if nobody listens)."""
        if not self.connected:
            return len(data)
        try:
            return os.write(self._master, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def fileno(self) -> int:
        """Descriptor to wait on. While nobody has the port open it is always ready: see `connected`."""
        return self._master

    def close(self) -> None:
        """Close it; a host that has the port open sees it break."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1


class TcpServer:
    """A TCP port for pyserial's ``socket://``; one host at a time, a newcomer waits for the next turn.

    Parameters
    ----------
    port
        Port number; 0 takes a free one.

    Raises
    ------
    TransportError
        If the port is taken.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        try:
            self._listener = socket.create_server((host, port), backlog=1)
        except OSError as error:
            raise TransportError(
                f"cannot listen on {host}:{port}: {error}; take port 0 for a free one"
            ) from error
        self._listener.setblocking(False)
        self._host: socket.socket | None = None
        address = self._listener.getsockname()
        self._name = f"socket://{address[0]}:{address[1]}"

    @property
    def name(self) -> str:
        """URL to give to pyserial."""
        return self._name

    @property
    def connected(self) -> bool:
        """Whether a host is there."""
        self._accept()
        return self._host is not None

    def read(self) -> bytes:
        """Return what the host wrote, perhaps nothing."""
        self._accept()
        if self._host is None:
            return b""
        try:
            data = self._host.recv(1 << 16)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        return data

    def write(self, data: bytes) -> int:
        """Offer bytes to the host; return how many were taken (all, if nobody listens)."""
        self._accept()
        if self._host is None or not data:
            return len(data)
        try:
            return self._host.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self._hang_up()
            return len(data)

    def fileno(self) -> int:
        """Descriptor to wait on: the host's, or the listener's while nobody is there."""
        return (self._host or self._listener).fileno()

    def close(self) -> None:
        """Hang up and stop listening."""
        self._hang_up()
        self._listener.close()

    def _accept(self) -> None:
        if self._host is None:
            with contextlib.suppress(BlockingIOError, OSError):
                self._host, _ = self._listener.accept()
                self._host.setblocking(False)
                self._host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _hang_up(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None
