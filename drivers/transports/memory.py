"""Two ends of a pipe in memory, for tests and for rigs inside one process."""

from __future__ import annotations

import threading

from rig.errors import TransportError


class _Direction:
    """Bytes on their way to one end."""

    def __init__(self) -> None:
        self.ready = threading.Condition()
        self.data = bytearray()
        self.closed = False


class MemoryTransport:
    """One end of a pair; see `memory_pair`."""

    def __init__(self, name: str, incoming: _Direction, outgoing: _Direction) -> None:
        self._name = name
        self._in = incoming
        self._out = outgoing

    @property
    def name(self) -> str:
        """Name of this end."""
        return self._name

    def read(self, timeout_s: float) -> bytes:
        """Return what is there, as soon as there is anything; empty after `timeout_s`.

        Raises
        ------
        TransportError
            If either end is closed and nothing is left.
        """
        with self._in.ready:
            self._in.ready.wait_for(lambda: self._in.data or self._in.closed, timeout_s)
            data = bytes(self._in.data)
            self._in.data.clear()
            if not data and self._in.closed:
                raise TransportError(f"pipe {self._name} is closed")
            return data

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises
        ------
        TransportError
            If either end is closed.
        """
        with self._out.ready:
            if self._out.closed:
                raise TransportError(f"pipe {self._name} is closed")
            self._out.data += data
            self._out.ready.notify_all()

    def close(self) -> None:
        """Close both directions; the other end can still read what is left."""
        for direction in (self._in, self._out):
            with direction.ready:
                direction.closed = True
                direction.ready.notify_all()


def memory_pair(name: str = "memory") -> tuple[MemoryTransport, MemoryTransport]:
    """Return the two ends of a new pipe.

    Examples
    --------
    >>> host, board = memory_pair()
    >>> host.write(b"hello")
    >>> board.read(0)
    b'hello'
    """
    there, back = _Direction(), _Direction()
    return MemoryTransport(f"{name}:host", back, there), MemoryTransport(f"{name}:device", there, back)
