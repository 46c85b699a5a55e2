"""Who may connect: ZeroMQ's own authentication (ZAP, https://rfc.zeromq.org/spec/27/).

Served in the socket thread. For every new connection libzmq asks here, inside the process. A known public
key is let in, and its messages carry ``role:name`` as their user id; anything else is turned away before it
can say a word.

Where no keys are asked for, everybody on this computer is let in. He is asked all the same: with a doorkeeper
libzmq does not talk to what is no ZeroMQ of version 3. Without, it takes any stray bytes for version 1, and
where they meet a publisher that closes just then, it ends the whole program (4.3.5, ``zmtp_engine.cpp:439``).
"""

from __future__ import annotations

import contextlib
from typing import Any, Final

import zmq
from zmq.utils import z85

from rig.runtime.keys import Ring, Role

ENDPOINT: Final = "inproc://zeromq.zap.01"
DOMAIN: Final = "dopaloop"
_FRAMES: Final = 7
"""Version, request, domain, address, identity, mechanism, and the client's public key (not without keys)."""


class Doorkeeper:
    """Answers libzmq's questions about newcomers.

    Parameters
    ----------
    context
        Of the sockets that are guarded; one doorkeeper a context, made before they are bound.
    ring
        The engine's keys and its clients; None: no keys, and whoever can reach the socket may connect.

    Attributes
    ----------
    refused
        How many connections were turned away.
    """

    def __init__(self, context: zmq.Context[Any], ring: Ring | None) -> None:
        self._ring = ring
        self.refused = 0
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind(ENDPOINT)

    def guard(self, socket: zmq.Socket[bytes]) -> None:
        """Let only those connect to this socket that we know; before it is bound."""
        socket.zap_domain = DOMAIN.encode()
        if self._ring is not None:
            socket.curve_server = True
            socket.curve_secretkey = self._ring.engine.secret.encode()

    def serve(self) -> None:
        """Answer what has been asked."""
        with contextlib.suppress(zmq.Again):
            while True:
                self.socket.send_multipart(self._answer(self.socket.recv_multipart(zmq.NOBLOCK)))

    def _answer(self, question: list[bytes]) -> list[bytes]:
        version, request = question[:2] if len(question) >= 2 else (b"1.0", b"")
        user = self._user(question)
        if user is None:
            self.refused += 1
            return [version, request, b"400", b"this key is not known here", b"", b""]
        return [version, request, b"200", b"OK", user.encode(), b""]

    def _user(self, question: list[bytes]) -> str | None:
        if len(question) < _FRAMES - 1 or question[2] != DOMAIN.encode():
            return None
        if self._ring is None:
            return "" if question[5] == b"NULL" else None
        if len(question) != _FRAMES or question[5] != b"CURVE":
            return None
        public = z85.encode(question[6]).decode() if len(question[6]) == 32 else ""
        for name, client in self._ring.clients.items():
            if client.public == public:
                return f"{client.role}:{name}"
        return None


def role_and_name(user_id: str | None) -> tuple[Role, str]:
    """Read a message's user id; without one (no keys, this computer only) everybody may operate."""
    if not user_id:
        return "operate", ""
    role, _, name = user_id.partition(":")
    return ("operate" if role == "operate" else "watch"), name
