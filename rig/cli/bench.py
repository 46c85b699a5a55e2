"""A board on the bench: open it, greet it, watch it, pulse it; no session, no animal."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterator

from rig.commands import BoardCommand, Configure, StartTrial, UploadTable
from rig.description import RigDescription
from rig.device import WiredBoard
from rig.errors import TransportError
from rig.events import BoardEvent, BoardReady, TableAccepted, TrialEnded
from rig.machine.image import encode
from rig.machine.table import StateTable
from rig.runtime import plugins
from rig.runtime.guard import PERIOD_S
from rig.runtime.ports import Transport
from rig.units import US_PER_MS

HELLO_S = 5.0
SETTLE_S = 0.3
"""So long the board may take to carry out what it was told."""


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
        self._heard: deque[BoardEvent] = deque()
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
                self.configure()
                return event
        raise TransportError(
            f"nothing on '{self._rig.board.port}' answers as a board; is it the right port, and powered?"
        )

    def configure(self) -> None:
        """Set the limits of the rig file; a board that has made itself safe may then be used again."""
        self._configure(sync_seed=0)

    def drive_sync(self) -> None:
        """Drive the sync line as a session does; it goes on when the bench is left."""
        self._configure(self._rig.board.sync_seed)
        for _ in self.watch(SETTLE_S):
            pass

    def _configure(self, sync_seed: int) -> None:
        limits = [0] * self._board.limits.outputs
        for out in self._rig.board.outputs.values():
            limits[out.line] = round(out.max_open_ms * US_PER_MS)
        timeout_ms = self._rig.board.host_timeout_ms
        self.send(Configure(max_open_us=tuple(limits), host_timeout_ms=timeout_ms, sync_seed=sync_seed))

    def send(self, command: BoardCommand) -> None:
        """Send a command."""
        self._board.send(command, time.monotonic_ns())
        self._flush()

    def watch(self, seconds: float) -> Iterator[BoardEvent]:
        """Yield what the board says for so many seconds, and keep it alive meanwhile.

        Whoever stops listening loses nothing: what is left comes first the next time.
        """
        until = time.monotonic() + seconds
        while True:
            while self._heard:
                yield self._heard.popleft()
            if time.monotonic() >= until:
                return
            self._flush()
            self._beat()
            data = self._transport.read(min(PERIOD_S, max(0.0, until - time.monotonic())))
            now = time.monotonic_ns()
            self._heard.extend(self._board.feed(data, now))
            self._heard.extend(self._board.idle(now))

    def run(self, table: StateTable, seconds: float) -> Iterator[BoardEvent]:
        """Run a table to its end; yield all that the board says meanwhile, the trial's end last.

        Raises
        ------
        TransportError
            If it has not ended after so many seconds.
        EncodeError
            If the board cannot hold the table.
        """
        self.send(UploadTable(slot=0, image=encode(table, self._board.limits)))
        for event in self.watch(seconds):
            yield event
            match event:
                case TableAccepted():
                    self.send(StartTrial(slot=0))
                case TrialEnded():
                    return
                case _:
                    pass
        raise TransportError(f"'{table.name}' did not end within {seconds:.0f} s; stopped")

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
