"""The sessions of which pictures are made: emulated rigs in this process, in virtual time, by fixed seeds.

A window sees more of a running session than its file keeps: live samples of a fibre. So a session with a
fibre is run here as an engine would, byte by byte, and what it tells is kept in order.
"""

from __future__ import annotations

import heapq

import msgspec

from drivers.rig_emulator.photometry import EmulatedPhotometry
from drivers.rig_emulator.world import EmulatedWorld
from gui.client import Update
from gui.fibre_samples import samples_of
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, with_emulation
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.sitting import make_session
from rig.description import Emulation, RigDescription
from rig.documents import Document
from rig.effects import Effect, Halt, Publish, PublishArray, Stamp, Stamped, Wake, Write
from rig.log.entry import PORT_OPEN, Input
from rig.log.pack import pack
from rig.runtime.client import ArrayBlock
from rig.runtime.telemetry import ArrayMessage
from rig.units import NS_PER_US, US_PER_S

BEAT_US = 50_000
"""As often is the board told that we live."""
SPEED = 60
"""What the emulated board says of its time: so that no latency seen here is taken for a real one."""


class _Keeper:
    """Keeps every document."""

    def __init__(self) -> None:
        self.told: list[Document] = []

    def show(self, document: Document) -> None:
        """Take a document."""
        self.told.append(document)


def tagging_session(*, units: int = 24, seed: int = 4) -> list[Document]:
    """A session of the protocol `optotagging`; half of the units answer light."""
    rig = virtual_description(demo_rig(), Emulation(units=units, seed=seed, tagged_share=0.5))
    keeper = _Keeper()
    run_virtual(make_plan("optotagging", rig, subject="DA12", seed=seed, trials=None, settings={}), keeper)
    return keeper.told


def fibre_session(
    *, trials: int = 110, units: int = 40, seed: int = 1, cable_out_s: float | None = None
) -> list[Update]:
    """A session with units and a fibre, with the live samples that its window would see.

    Parameters
    ----------
    cable_out_s
        When somebody pulls the cable that brings the sync line to the photometry board; None: nobody.
    """
    rig = with_emulation(demo_rig(fibre=True), units=units, seed=seed)
    return _Sitting(rig, trials, seed, cable_out_s).run()


def _pull(source: EmulatedPhotometry, at_us: int) -> None:
    """Cut a source from the sync line at a time."""
    heard = source.sync

    def sync(t_us: int, *, rising: bool) -> None:
        if t_us < at_us:
            heard(t_us, rising=rising)

    source.sync = sync  # type: ignore[method-assign]


class _Sitting:
    """What an engine does, without ports, threads and files."""

    def __init__(self, rig: RigDescription, trials: int, seed: int, cable_out_s: float | None) -> None:
        self.world = EmulatedWorld(rig, None, time_scale=SPEED)
        if cable_out_s is not None:
            for source in self.world.photometry:
                _pull(source, round(cable_out_s * US_PER_S))
        (stream,) = rig.streams
        stream = msgspec.structs.replace(stream, roster=self.world.animal.units.names)
        rig = msgspec.structs.replace(rig, streams=(stream,))
        plan = make_plan("variable_magnitude", rig, subject="DA12", seed=seed, trials=trials, settings={})
        self.session, self.board, _ = make_session(plan)
        self.stream = stream.name
        self.sources = {source.config.name: source for source in self.world.photometry}
        self.told: list[Update] = []
        self._seq = 0
        self._beats = 0
        self._waiting: list[tuple[str, str, bytes]] = []
        self._wakes: list[int] = []

    def run(self) -> list[Update]:
        """Run the session to its end; return what it told."""
        self._waiting = [("board", "port", PORT_OPEN), *((name, "port", PORT_OPEN) for name in self.sources)]
        over = self._obey(self.session.start(0))
        while not over:
            if not self._waiting:
                self._advance()
            source, kind, payload = self._waiting.pop(0)
            entry = Input(self._seq, self.world.now_us * NS_PER_US, source, kind, payload)  # type: ignore[arg-type]
            self._seq += 1
            over = self._obey(self.session.step(entry))
        return self.told

    def _obey(self, effects: list[Effect]) -> bool:
        """Carry out effects; return whether the session is over."""
        for effect in effects:
            match effect:
                case Write(port=port, data=data) if port in self.sources:
                    self.sources[port].receive(data, self.world.now_us)
                case Write(data=data):
                    self.world.receive(data)
                case Wake(t_ns=t_ns):
                    heapq.heappush(self._wakes, t_ns)
                case Publish(document=document):
                    self.told.append(document)
                case PublishArray():
                    self._hear(effect)
                case Stamp(mark=mark):
                    now_ns = self.world.now_us * NS_PER_US
                    stamped = Stamped(mark=mark, decided_ns=now_ns, written_ns=now_ns)
                    self._waiting.append(("engine", "stamp", msgspec.json.encode(stamped)))
                case Halt():
                    return True
                case _:
                    pass
        return False

    def _hear(self, array: PublishArray) -> None:
        header = ArrayMessage(
            session="", n=0, name=array.name, dtype=array.dtype, shape=array.shape, info=array.info
        )
        samples = samples_of(ArrayBlock(header, array.buffer))
        if samples is not None:
            self.told.append(samples)

    def _advance(self) -> None:
        """Let time pass until something arrives."""
        world = self.world
        while not self._waiting:
            beat_us = self._beats * BEAT_US
            if world.now_us >= beat_us:
                world.receive(self.board.alive_frame(self._beats))
                self._beats += 1
                continue
            limit = min(beat_us, -(-self._wakes[0] // NS_PER_US)) if self._wakes else beat_us
            world.run(limit)
            if world.to_host:
                self._waiting.append(("board", "bytes", bytes(world.to_host)))
                world.to_host.clear()
            if world.messages:
                self._waiting.append((self.stream, "messages", pack(list(world.messages))))
                world.messages.clear()
            for name, source in self.sources.items():
                if source.to_host:
                    self._waiting.append((name, "bytes", bytes(source.to_host)))
                    source.to_host.clear()
            if not self._waiting and self._wakes and self._wakes[0] <= world.now_us * NS_PER_US:
                heapq.heappop(self._wakes)
                self._waiting.append(("clock", "deadline", b""))
