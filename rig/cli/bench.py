"""A board on the bench: open it, greet it, watch it, pulse it; no session, no animal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rig.commands import BoardCommand, Configure
from rig.description import RigDescription
from rig.device import WiredBoard
from rig.errors import TransportError
from rig.events import BoardEvent, BoardReady
from rig.runtime import plugins
from rig.runtime.guard import PERIOD_S
from rig.runtime.ports import Transport
from rig.units import US_PER_MS

HELLO_S = 5.0


class Bench:
    """One board, driven from the command line.

    Parameters
    ----------
    rig
        Its description.
    transport
        The open port.
    """

    def __init__(self, rig: RigDescription, transport: Transport) -> None:
        self._rig = rig
        self._transport = transport
        self._board: WiredBoard = plugins.find("board", rig.board.driver)(rig.board)
        self._beats = 0
        self._beat_at = float("-inf")

    def greet(self) -> BoardReady:
        """Connect and set the limits of the rig file.

        Raises
        ------
        TransportError
            If nothing answers.
        """
        self._board.connect(time.monotonic_ns())
        for event in self.watch(HELLO_S):
            if isinstance(event, BoardReady):
                limits = [0] * self._board.limits.outputs
                for out in self._rig.board.outputs.values():
                    limits[out.line] = round(out.max_open_ms * US_PER_MS)
                timeout_ms = self._rig.board.host_timeout_ms
                self.send(Configure(max_open_us=tuple(limits), host_timeout_ms=timeout_ms, sync_seed=0))
                return event
        raise TransportError(
            f"nothing on '{self._rig.board.port}' answers as a board; is it the right port, and powered?"
        )

    def send(self, command: BoardCommand) -> None:
        """Send a command."""
        self._board.send(command, time.monotonic_ns())
        self._flush()

    def watch(self, seconds: float) -> Iterator[BoardEvent]:
        """Yield what the board says for so many seconds, and keep it alive meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._flush()
            self._beat()
            data = self._transport.read(min(PERIOD_S, max(0.0, until - time.monotonic())))
            now = time.monotonic_ns()
            yield from self._board.feed(data, now)
            yield from self._board.idle(now)

    def _beat(self) -> None:
        """Keep the board alive; its answers must not make us write the more."""
        now = time.monotonic()
        if now - self._beat_at >= PERIOD_S:
            self._transport.write(self._board.alive_frame(self._beats))
            self._beats += 1
            self._beat_at = now

    def _flush(self) -> None:
        data = self._board.outgoing()
        if data:
            self._transport.write(data)

    def make_safe(self) -> None:
        """All outputs off, whatever happened before."""
        with contextlib.suppress(TransportError):
            self._transport.write(self._board.abort_frame())


@contextlib.contextmanager
def on_the_bench(rig: RigDescription) -> Iterator[Bench]:
    """Open the rig's board; it is made safe on every way out."""
    transport: Transport = plugins.find("transport", "default")(rig.board.port, rig.board.baud)
    bench = Bench(rig, transport)
    try:
        yield bench
    finally:
        bench.make_safe()
        transport.close()
