"""Sends commands to the Network Events plugin: one request, one answer, and a time limit.

For the moments between trials. A socket whose answer did not come cannot be used again, so it is made anew.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

import zmq

from drivers.open_ephys import network
from rig.errors import ConfigError, TransportError
from rig.units import NS_PER_MS, NS_PER_S

TIMEOUT_S: Final = 2.0


class NetworkEvents:
    """The plugin at one endpoint; a context manager.

    Parameters
    ----------
    endpoint
        For example ``tcp://127.0.0.1:5556``.
    timeout_s
        How long to wait for an answer.
    """

    def __init__(self, endpoint: str, timeout_s: float = TIMEOUT_S) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket; nothing that waits is sent any more."""
        self._drop()
        self._context.term()

    def send(self, request: bytes) -> str:
        """Send one request of `drivers.open_ephys.network`; return the answer's text.

        Raises
        ------
        ConfigError
            If the plugin did not do it.
        TransportError
            If no answer came, or one that is not the plugin's.
        """
        socket = self._socket or self._open()
        socket.send(request)
        if not socket.poll(round(self.timeout_s * NS_PER_S / NS_PER_MS)):
            self._drop()
            raise TransportError(
                f"Network Events at {self.endpoint} did not answer within {self.timeout_s:g} s: is the "
                "plugin in the chain, and the GUI running?"
            )
        return network.read_reply(request, socket.recv())

    def ttl(self, line: int, on: bool) -> None:
        """Set TTL line `line` (from 0); it lands in the next block."""
        self.send(network.ttl(line, on))

    def recording_path(self) -> str:
        """Return the folder that is recorded to."""
        return self.send(network.recording_path())

    def _open(self) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(zmq.REQ)
        socket.linger = 0
        try:
            socket.connect(self.endpoint)
        except zmq.ZMQError as error:
            socket.close()
            raise ConfigError(f"'{self.endpoint}' is no endpoint of Network Events ({error})") from None
        self._socket = socket
        return socket

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
