"""One session over a bad wire in computed time.

The session, its drivers and the emulated rig are the real ones; the loop here does what engine, port and
guard do (a port that broke is opened again after a second, a sign of life every 10 ms of wall time), so that
a drill is the same every time and takes no longer than it must.
"""

from __future__ import annotations

import heapq
from typing import Final

import msgspec

from benchmarks.faults.judge import Found, Sat, judged
from benchmarks.faults.truth import Truth
from benchmarks.faults.wire import NEVER, Wire
from drivers.rig_emulator.world import EmulatedWorld
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, with_emulation
from rig.cli.sitting import make_session
from rig.description import RigDescription
from rig.documents import Document
from rig.effects import Effect, Halt, Publish, Wake, Write
from rig.log.entry import PORT_OPEN, Input, InputKind
from rig.log.pack import pack
from rig.operator import ManualReward
from rig.units import NS_PER_US, US_PER_S

TRIALS: Final = 8
SETTINGS: Final[dict[str, object]] = {"iti_mean_s": 0.2, "drink_s": 0.7}
"""Short waits: a drill is about wires, not about mice."""
LONGEST_S: Final = 200
"""Wall time, as the host counts it, that a drill may take."""
BEAT_NS: Final = 10_000_000
MANUAL_TRIAL: Final = 3
MANUAL: Final = msgspec.json.encode(ManualReward(volume_ul=5.0))


def rostered(rig: RigDescription, names: tuple[str, ...]) -> RigDescription:
    """Return `rig` with its units known beforehand."""
    stream = msgspec.structs.replace(rig.streams[0], roster=names)
    return msgspec.structs.replace(rig, streams=(stream,))


class Drill:
    """A session of a few trials over `wire`.

    Parameters
    ----------
    speed
        Rig time per wall time: heartbeats, time-outs and stalls are wall time.
    """

    def __init__(self, wire: Wire, *, seed: int = 1, speed: int = 1, trials: int = TRIALS) -> None:
        rig = with_emulation(demo_rig(), units=2, seed=seed)
        self.world = EmulatedWorld(rig, None, time_scale=speed)
        rig = rostered(rig, self.world.animal.units.names)
        self.truth = Truth(rig, self.world, wire.saw)
        self.documents: list[Document] = []
        plan = make_plan(
            "variable_magnitude", rig, subject="drill", seed=seed, trials=trials, settings=SETTINGS
        )
        self.session, self.board, _ = make_session(plan)
        self._wire = wire
        wire.attach(self.world)
        self._speed = speed
        self._stream = rig.streams[0].name
        self._seq = 0
        self._wakes: list[int] = []
        self._beat_ns, self._beats = 0, 0
        self._waiting: list[tuple[str, InputKind, bytes]] = [("board", "port", PORT_OPEN)]
        self._manual = False
        self._halt: Halt | None = None

    def run(self) -> Found:
        """Run to the session's end; return what came of it."""
        self._carry_out(self.session.start(0))
        while self._halt is None and self.world.now_us < LONGEST_S * US_PER_S * self._speed:
            if not self._waiting:
                self._pass()
                continue
            self._step(*self._waiting.pop(0))
            if not self._manual and self.session.history.trials >= MANUAL_TRIAL:
                self._manual = True
                self._waiting.append(("operator", "command", MANUAL))
        return judged(
            Sat(
                session=self.session,
                truth=self.truth,
                documents=self.documents,
                ok=self._halt is not None and self._halt.ok,
                reason=self._halt.reason if self._halt else f"it had not ended after {LONGEST_S} s",
                spoilt=self._wire.spoilt,
                asked_again=int(getattr(self.board, "asked_again", 0)),
            )
        )

    @property
    def _wall_ns(self) -> int:
        return self.world.now_us * NS_PER_US // self._speed

    def _step(self, source: str, kind: InputKind, payload: bytes) -> None:
        entry = Input(self._seq, self._wall_ns, source, kind, payload)
        self._seq += 1
        self._carry_out(self.session.step(entry))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Write():
                    self._write(effect.data)
                case Wake():
                    heapq.heappush(self._wakes, effect.t_ns)
                case Publish():
                    self.documents.append(effect.document)
                case Halt():
                    self._halt = effect
                case _:
                    pass

    def _write(self, data: bytes) -> None:
        reached = self._wire.to_board(data, self.world.now_us)
        if reached:
            self.world.receive(reached)

    def _pass(self) -> None:
        """Let time pass until something may arrive."""
        world, wire = self.world, self._wire
        due_ns = min(self._beat_ns, self._wakes[0] if self._wakes else NEVER)
        until_us = min(-(-due_ns * self._speed // NS_PER_US), wire.due_us())
        world.run(max(until_us, world.now_us))
        news = wire.news(world.now_us)
        if news is not None:
            payload = PORT_OPEN if news else b"lost: port broke: the cable was pulled"
            self._waiting.append(("board", "port", payload))
        self._write(b"")
        data = wire.to_host(bytes(world.to_host), world.now_us)
        world.to_host.clear()
        if data:
            self._waiting.append(("board", "bytes", data))
        found = wire.messages(list(world.messages), world.now_us)
        world.messages.clear()
        if found:
            self._waiting.append((self._stream, "messages", pack(found)))
        self._keep_alive()
        if self._wakes and self._wakes[0] <= self._wall_ns:
            while self._wakes and self._wakes[0] <= self._wall_ns:
                heapq.heappop(self._wakes)
            self._waiting.append(("clock", "deadline", b""))

    def _keep_alive(self) -> None:
        if self._wall_ns >= self._beat_ns:
            self._write(self.board.alive_frame(self._beats))
            self._beats += 1
            self._beat_ns += BEAT_NS
        self.world.board.check_host(self._wall_ns)
