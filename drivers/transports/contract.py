"""What every transport can do."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A byte pipe. One thread reads; any thread may write or close."""

    @property
    def name(self) -> str:
        """The port or address, for people."""
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what is there, as soon as there is anything; empty after `timeout_s` without a byte.

        Raises
        ------
        TransportError
            If the pipe broke, or was closed meanwhile.
        """
        ...

    def write(self, data: bytes) -> None:
        """Write all of `data`; writes from several threads never mix.

        Raises
        ------
        TransportError
            If the pipe broke, or takes no bytes.
        """
        ...

    def close(self) -> None:
        """Close it; a read under way ends. Closing twice is no error."""
        ...
