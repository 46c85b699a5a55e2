"""The loop that serves an emulated world: one thread, no time of its own.

Each turn: take what the host wrote, run a slice of emulated time, hand out what came of it. While the
host does not take it, emulated time stands still, so nothing is lost and nothing is late by the rig's
own clock. Only the board's watchdog over its host goes by the wall.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

import zmq

from drivers.rig_emulator.pace import Pace
from drivers.rig_emulator.ports import SourcePort, StreamPorts
from drivers.rig_emulator.world import EmulatedWorld
from drivers.transports.servers import PortServer
from rig.units import NS_PER_MS, NS_PER_S

LONGEST_WAIT_MS: Final = 10
"""So often at least the loop looks around (for the end, for a host that connects)."""
CHECK_NS: Final = NS_PER_S // 20
REAL_TIME: Final = 1.0
"""Up to this speed, what the host writes arrives at the very time it was written."""


class Server:
    """Serves one world.

    Parameters
    ----------
    world
        What is served.
    port, stream
        Where; `stream` is None for a rig without one.
    sources
        Where the photometry sources are, in the world's order.
    beside
        Where the Harp devices are, in the world's order.
    on_sent
        Called with a source's number after bytes of it were handed out; for whoever measures.
    speed
        Ceiling of emulated time per wall time.
    """

    def __init__(
        self,
        world: EmulatedWorld,
        port: PortServer,
        stream: StreamPorts | None,
        speed: float,
        *,
        sources: Sequence[SourcePort] = (),
        beside: Sequence[PortServer] = (),
        on_sent: Callable[[int], None] = lambda source: None,
    ) -> None:
        self._world = world
        self._port = port
        self._stream = stream
        self._sources = tuple(zip(world.photometry, sources, strict=True))
        self._beside = tuple(zip(world.beside, beside, strict=True))
        self._on_sent = on_sent
        self._servers = [port, *(source.server for source in sources if source.server is not None), *beside]
        self._poller = zmq.Poller()
        self._listened: set[int] = set()
        self._real_time = speed <= REAL_TIME
        if stream is not None:
            self._poller.register(stream.replier, zmq.POLLIN)
        self._pace = Pace(speed, time.monotonic_ns(), world.now_us)
        self.held_ns = 0
        """Wall time in which emulated time stood still because the host did not take what there was."""

    @property
    def reached(self) -> float:
        """Mean speed so far."""
        return self._pace.reached(time.monotonic_ns(), self._world.now_us)

    def run(self, ended: Callable[[], bool]) -> None:
        """Serve until `ended`, which is asked twenty times a second."""
        check_ns = 0
        while True:
            now_ns = time.monotonic_ns()
            if now_ns >= check_ns:
                if ended():
                    return
                check_ns = now_ns + CHECK_NS
            self._turn(now_ns)

    def _turn(self, now_ns: int) -> None:
        world = self._world
        data = self._port.read()
        told = [(source, port.read()) for source, port in self._sources]
        asked = [(device, server.read()) for device, server in self._beside]
        if self._real_time and (data or any(more for _, more in [*told, *asked])):
            self._catch_up(now_ns)
        if data:
            world.receive(data)
        for source, more in told:
            if more:
                source.receive(more, world.now_us)
        for device, more in asked:
            if more:
                device.receive(more, world.now_us)
        if self._stream is not None:
            self._stream.answer()
        before_us = world.now_us
        until_us = self._pace.until_us(now_ns, before_us)
        held = not self._hand_out()
        while not held and world.now_us < until_us:
            world.run(until_us)
            held = not self._hand_out()
        self._pace.went(world.now_us - before_us)
        world.board.check_host(time.monotonic_ns())
        if held:
            self._wait(1)
            self.held_ns += time.monotonic_ns() - now_ns
        elif not self._pace.behind:
            wait_ns = self._pace.wait_ns(world.next_due_us(), world.now_us)
            self._wait(min(-(-wait_ns // NS_PER_MS), LONGEST_WAIT_MS))

    def _catch_up(self, now_ns: int) -> None:
        """Let time pass up to now: what the host just wrote must not arrive when we looked last."""
        world = self._world
        while self._hand_out():
            before_us = world.now_us
            until_us = self._pace.until_us(now_ns, before_us)
            if until_us <= before_us:
                return
            world.run(until_us)
            self._pace.went(world.now_us - before_us)

    def _hand_out(self) -> bool:
        """Give the host what there is; False if some of it was not taken."""
        world = self._world
        if world.to_host:
            del world.to_host[: self._port.write(bytes(world.to_host))]
        messages, stream = world.messages, self._stream
        while messages and stream is not None:
            if not stream.publish(messages[0]):
                break
            messages.popleft()
        for number, (source, port) in enumerate(self._sources):
            if source.to_host:
                del source.to_host[: port.write(bytes(source.to_host))]
                self._on_sent(number)
            while source.messages and port.publish(source.messages[0]):
                source.messages.popleft()
        for device, server in self._beside:
            if device.to_host:
                del device.to_host[: server.write(bytes(device.to_host))]
        return world.idle

    def _wait(self, milliseconds: int) -> None:
        """Wait for the host to write something, or for the time to pass."""
        # A pseudo-terminal that nobody has open is always readable: it is not waited for then.
        wanted = {server.fileno() for server in self._servers if server.connected}
        for handle in self._listened - wanted:
            self._poller.unregister(handle)
        for handle in wanted - self._listened:
            self._poller.register(handle, zmq.POLLIN)
        self._listened = wanted
        self._poller.poll(milliseconds)
