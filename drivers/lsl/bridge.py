"""Hands an LSL stream on over ZeroMQ, so that a session takes it in like any other program's messages.

A thread looks for the stream, pulls what has come, packs it (`drivers.lsl.codec`), and publishes it. A stream
that is not there, or goes away, is looked for again and again; a session is never held up by it. What the
session records are the packed messages, so a replay needs no LSL.
"""

from __future__ import annotations

import re
import threading
from types import TracebackType
from typing import Any, Final, Self

import zmq

from drivers.lsl.inlet import LslInlet
from drivers.lsl.library import load
from rig.errors import ConfigError, TransportError
from rig.photometry.settings import PhotometryConfig

_WANTED: Final = re.compile(r"lsl:(name|type|source_id)=(\S.*)")
EVERY_S: Final = 0.005
"""So often it is looked whether something has come: late by this, at most."""
LOOK_S: Final = 1.0
AGAIN_S: Final = 1.0


class LslBridge:
    """One stream; a context manager.

    Parameters
    ----------
    config
        The source's part of the rig file: `data` names the stream, as in ``lsl:name=photometry``.

    Attributes
    ----------
    endpoint
        Where its messages are published.
    reason
        Why nothing is published now; empty if all is well.

    Raises
    ------
    ConfigError
        If pylsl is missing, or `data` names no stream.
    """

    def __init__(self, config: PhotometryConfig) -> None:
        wanted = _WANTED.fullmatch(config.data)
        if wanted is None:
            raise ConfigError(
                f"data = '{config.data}' names no LSL stream; write it like 'lsl:name=photometry'"
            )
        load()
        self._prop, self._value = wanted[1], wanted[2]
        self.reason = "the stream has not been found yet"
        self._over = threading.Event()
        self._context: zmq.Context[Any] = zmq.Context()
        self._publisher = self._context.socket(zmq.PUB)
        self._publisher.linger = 0
        self._publisher.bind("tcp://127.0.0.1:*")
        self.endpoint: str = self._publisher.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
        self._thread = threading.Thread(target=self._run, name=f"LSL {self._value}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with LslInlet(self._prop, self._value, LOOK_S) as inlet:
                    self.reason = ""
                    self._hand_on(inlet)
            except (ConfigError, TransportError) as error:
                self.reason = str(error)
                self._over.wait(AGAIN_S)

    def _hand_on(self, inlet: LslInlet) -> None:
        while not self._over.wait(EVERY_S):
            for message in inlet.pull():
                self._publisher.send_multipart(message)

    def close(self) -> None:
        """Let the stream go."""
        self._over.set()
        self._thread.join()
        self._publisher.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
