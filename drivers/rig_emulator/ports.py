"""The emulated rig's real ports: pseudo-terminals (or TCP ports) for boards, ZeroMQ for streams."""

from __future__ import annotations

import os
import re
from typing import Final

import zmq

from drivers.open_ephys.emulator import OpenEphysEmulator
from drivers.transports.servers import PortServer, PtyServer, TcpServer
from rig.description import StreamConfig
from rig.errors import ConfigError, TransportError
from rig.photometry.settings import PhotometryConfig

SEND_MARK: Final = 2_000
"""Messages that may wait in the PUB socket before the rig itself waits."""
PTY: Final = "pty"

_SOCKET: Final = re.compile(r"socket://(?P<host>[^/:]+):(?P<port>\d+)")
_FREE: Final = re.compile(r"tcp://(?P<host>[^/:]+):(0|\*)")


def serve_board(port: str) -> PortServer:
    """Open the board's end of its port.

    Parameters
    ----------
    port
        ``socket://HOST:PORT`` for TCP; anything else means a pseudo-terminal, or a free TCP port where
        there is none.

    Raises
    ------
    ConfigError
        If the TCP port is taken.
    """
    match = _SOCKET.fullmatch(port)
    try:
        if match:
            return TcpServer(int(match["port"]), match["host"])
        return PtyServer() if os.name == "posix" else TcpServer()
    except TransportError as error:
        raise ConfigError(f"the emulated board cannot be served: {error}") from None


class StreamPorts:
    """PUB and REP sockets of the emulated recording system.

    The PUB socket does not drop: when a subscriber does not keep up, `publish` says so and the caller
    keeps the message. A slow reader slows the emulated rig; it loses nothing.

    Attributes
    ----------
    data, control
        Endpoints to connect to.

    Raises
    ------
    ConfigError
        If an endpoint cannot be bound.
    """

    def __init__(self, stream: StreamConfig) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.publisher: zmq.Socket[bytes] = self._context.socket(zmq.PUB)
        self.replier: zmq.Socket[bytes] = self._context.socket(zmq.REP)
        for socket in (self.publisher, self.replier):
            socket.linger = 0
        self.publisher.sndhwm = SEND_MARK
        self.publisher.setsockopt(zmq.XPUB_NODROP, 1)
        try:
            self.data = _bind(self.publisher, stream.data, "data")
            self.control = _bind(self.replier, stream.control or "tcp://127.0.0.1:0", "control")
        except ConfigError:
            self.close()
            raise

    def publish(self, message: list[bytes]) -> bool:
        """Offer a multipart message; False if a subscriber has no room for it now."""
        try:
            self.publisher.send_multipart(message, zmq.NOBLOCK, copy=True)
        except zmq.Again:
            return False
        return True

    def answer(self) -> None:
        """Answer the heartbeats that wait."""
        while True:
            try:
                request = self.replier.recv(zmq.NOBLOCK)
                self.replier.send(OpenEphysEmulator.reply(request), zmq.NOBLOCK)
            except zmq.Again:
                return

    def close(self) -> None:
        """Close both."""
        self.publisher.close()
        self.replier.close()
        self._context.term()


class SourcePort:
    """Where one photometry source is served: a port for a board, a PUB socket for a program.

    Attributes
    ----------
    name
        Port or endpoint to connect to.
    server
        The port, if it is one.

    Raises
    ------
    ConfigError
        If it cannot be opened.
    """

    def __init__(self, config: PhotometryConfig) -> None:
        self.server: PortServer | None = None
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        if config.port:
            self.server = serve_board(config.port)
            self.name = self.server.name
            return
        self._context = zmq.Context()
        self._publisher: zmq.Socket[bytes] = self._context.socket(zmq.PUB)
        self._publisher.linger = 0
        self._publisher.sndhwm = SEND_MARK
        self._publisher.setsockopt(zmq.XPUB_NODROP, 1)
        try:
            self.name = _bind(self._publisher, config.data, f"photometry '{config.name}', data")
        except ConfigError:
            self.close()
            raise

    def read(self) -> bytes:
        """Return what the host wrote, perhaps nothing."""
        return b"" if self.server is None else self.server.read()

    def write(self, data: bytes) -> int:
        """Offer bytes to the host; return how many were taken."""
        return len(data) if self.server is None else self.server.write(data)

    def publish(self, message: list[bytes]) -> bool:
        """Offer a multipart message; False if a subscriber has no room for it now."""
        try:
            self._publisher.send_multipart(message, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        """Close it."""
        if self.server is not None:
            self.server.close()
        if self._context is not None:
            self._publisher.close()
            self._context.term()


def _bind(socket: zmq.Socket[bytes], endpoint: str, what: str) -> str:
    match = _FREE.fullmatch(endpoint)
    try:
        socket.bind(f"tcp://{match['host']}:*" if match else endpoint)
    except zmq.ZMQError as error:
        raise ConfigError(
            f"the emulated stream's {what} socket cannot be bound to '{endpoint}': {error}"
        ) from None
    return socket.getsockopt_string(zmq.LAST_ENDPOINT)
