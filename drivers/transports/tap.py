"""A transport that lets somebody listen: every chunk, both ways, with its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from drivers.transports.contract import Transport

Direction = Literal["in", "out"]
Sink = Callable[[Direction, int, bytes], None]
"""Called with direction (seen from the host), time in nanoseconds, bytes; from the calling thread."""


class TapTransport:
    """Wraps a transport and reports what passes.

    Parameters
    ----------
    inner
        The transport that does the work.
    sink
        Is told of every chunk: an incoming one after it was read, an outgoing one before it is written.
    clock
        Nanoseconds; the host's monotonic clock if not given.
    """

    def __init__(self, inner: Transport, sink: Sink, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._inner = inner
        self._sink = sink
        self._clock = clock

    @property
    def name(self) -> str:
        """Name of the transport inside."""
        return self._inner.name

    def read(self, timeout_s: float) -> bytes:
        """Read, and report what came.

        Raises
        ------
        TransportError
            As the transport inside.
        """
        data = self._inner.read(timeout_s)
        if data:
            self._sink("in", self._clock(), data)
        return data

    def write(self, data: bytes) -> None:
        """Report, and write.

        Raises
        ------
        TransportError
            As the transport inside.
        """
        self._sink("out", self._clock(), data)
        self._inner.write(data)

    def close(self) -> None:
        """Close the transport inside."""
        self._inner.close()
