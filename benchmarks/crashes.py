"""A session on an emulated rig in computed time, whose computer is killed and started again.

Session, driver and rig are the real ones; the loop here does what engine, port, guard and recorder do. A
crash loses the newest inputs (what the recorder had not written), what was on its way from the board, and the
sign of life; the session is rebuilt from what is on file, and goes on.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, cast
from unittest import mock

import msgspec

from benchmarks.interlock import Draws, Judge, Report
from drivers.board.emulator import BoardEmulator
from drivers.rig_emulator.world import EmulatedWorld
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig, with_emulation
from rig.cli.sitting import make_session
from rig.description import Limits, RigDescription
from rig.design.audit import Auditor
from rig.design.plan import SessionPlan
from rig.device import WiredBoard
from rig.documents import Document, TrialDone
from rig.effects import Effect, Halt, Publish, Wake, Write
from rig.events import BoardEvent
from rig.log.chain import Chain
from rig.log.entry import PORT_OPEN, Input, InputKind
from rig.log.gap import Gap
from rig.log.pack import pack
from rig.log.replay import EndMark, ReplayOutcome, Row, rebuild, replay
from rig.machine.budget import longest_us
from rig.operator import EmergencyStop, ManualReward
from rig.session import Session
from rig.units import NS_PER_MS, NS_PER_US, US_PER_S

BEAT_NS: Final = 10 * NS_PER_MS
WATCHED_NS: Final = 6_000 * NS_PER_MS
"""By then a board has long missed its host; no limit is longer than 5 s."""
LOST_NS: Final = 100 * NS_PER_MS
"""What a killed recorder may not have written, at most."""
LONGEST_S: Final = 20_000
AFTER_US: Final = 60 * US_PER_S
"""How long a greedy session goes on after its last crash."""
GREEDY: Final = Path(__file__).with_name("greedy.py")
SHORT: Final[dict[str, object]] = {"iti_mean_s": 0.2, "drink_s": 0.7}
"""Short waits for `variable_magnitude`: a drill is not about mice."""


class Drill:
    """One session, however often it is killed.

    Parameters
    ----------
    speed
        Rig time per wall time: heartbeats and what a crash loses are wall time.
    units
        0: a rig without a neural stream.

    Attributes
    ----------
    rows
        What is on file.
    judge
        What really came out of the valve.
    documents
        What was published; of a life that was lost only what had been on file.
    halt
        How it ended, or None.
    stalled
        While true, the neural stream's messages do not arrive.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        protocol: str = "variable_magnitude",
        settings: dict[str, object] | None = None,
        trials: int | None = 8,
        units: int = 2,
        speed: int = 1,
        limits: Limits | None = None,
    ) -> None:
        rig = with_emulation(demo_rig(), units=units, seed=seed)
        if not units:
            rig = msgspec.structs.replace(rig, streams=())
        self.world = EmulatedWorld(rig, None, time_scale=speed)
        rig = _rostered(rig, self.world.animal.units.names)
        rig = msgspec.structs.replace(rig, limits=limits or Limits())
        self._new_plan: Callable[[], SessionPlan] = lambda: make_plan(
            protocol, rig, subject="drill", seed=seed, trials=trials, settings=settings or dict(SHORT)
        )
        self._speed = speed
        self._stream = next((stream.name for stream in rig.streams), None)
        valves = {out.line: out for out in rig.board.outputs.values() if out.kind == "valve"}
        self.judge = Judge(valves, rig.limits, {n: longest_us(v, rig.limits) for n, v in valves.items()})
        self._watch_valves()
        self.rows: list[Row] = []
        self.documents: list[tuple[int, Document]] = []
        self.halt: Halt | None = None
        self.crashes = 0
        self.stalled = False
        self._seq = 0
        self._meta = _meta_text(self._new_plan())
        self._alive()
        effects = self.session.start(0)
        self._chain = Chain(self._meta)
        self._chain.started(effects)
        self._carry_out(effects, -1)

    session: Session
    board: WiredBoard

    def _alive(self) -> None:
        self.session, self.board, _ = make_session(self._new_plan())
        self._wakes: list[int] = []
        self._beat_ns, self._beats = self._wall_ns, 0
        self._waiting: list[tuple[str, InputKind, bytes]] = [("board", "port", PORT_OPEN)]

    def _watch_valves(self) -> None:
        """See what the outputs do, whoever is told of it."""
        advance, reset = self._board.advance, self._board.reset

        def seen(to_us: int) -> list[BoardEvent]:
            happened = advance(to_us)
            for event in happened:
                self.judge.see(event)
            return happened

        def lost_power() -> None:
            self.judge.cut(self.world.now_us)
            reset()

        self._board.advance = seen  # type: ignore[method-assign]
        self._board.reset = lost_power  # type: ignore[method-assign]

    @property
    def _board(self) -> BoardEmulator:
        return cast(BoardEmulator, self.world.board)

    @property
    def _wall_ns(self) -> int:
        return self.world.now_us * NS_PER_US // self._speed

    # --- while the computer lives --------------------------------------------------------------------

    def run(self, until: Callable[[Session], bool] = lambda session: False) -> bool:
        """Go on until `until` holds (True) or the session is over (False)."""
        while self.halt is None:
            if until(self.session):
                return True
            if self.world.now_us > LONGEST_S * US_PER_S:
                raise RuntimeError(f"it did not end within {LONGEST_S} s")
            if self._waiting:
                self._step(*self._waiting.pop(0))
            else:
                self._pass()
        return False

    def ask(self, command: object) -> None:
        """An operator asks for something."""
        self._waiting.append(("operator", "command", msgspec.json.encode(command)))

    def _step(self, source: str, kind: InputKind, payload: bytes) -> None:
        entry = Input(self._seq, self._wall_ns, source, kind, payload)
        digest = self._chain.before(entry)
        self.rows.append(Row(entry, zlib.crc32(payload), digest))
        self._seq += 1
        effects = self.session.step(entry)
        self._chain.after(effects)
        self._carry_out(effects, entry.seq)

    def _carry_out(self, effects: list[Effect], seq: int) -> None:
        for effect in effects:
            match effect:
                case Write():
                    self.world.receive(effect.data)
                case Wake():
                    heapq.heappush(self._wakes, effect.t_ns)
                case Publish():
                    self.documents.append((seq, effect.document))
                case Halt():
                    self.halt = effect

    def _pass(self) -> None:
        """Let time pass until something may arrive."""
        world = self.world
        due_ns = min(self._beat_ns, self._wakes[0] if self._wakes else self._beat_ns)
        world.run(max(-(-due_ns * self._speed // NS_PER_US), world.now_us))
        if world.to_host:
            self._waiting.append(("board", "bytes", bytes(world.to_host)))
            world.to_host.clear()
        if world.messages and self._stream is not None and not self.stalled:
            self._waiting.append((self._stream, "messages", pack(list(world.messages))))
        world.messages.clear()
        if self._wall_ns >= self._beat_ns:
            world.receive(self.board.alive_frame(self._beats))
            self._beats += 1
            self._beat_ns += BEAT_NS
        world.board.check_host(self._wall_ns)
        if self._wakes and self._wakes[0] <= self._wall_ns:
            while self._wakes and self._wakes[0] <= self._wall_ns:
                heapq.heappop(self._wakes)
            self._waiting.append(("clock", "deadline", b""))

    # --- when it is killed -----------------------------------------------------------------------------

    def crash(
        self, *, lost_ns: int = 0, silent_ns: int = 500 * NS_PER_MS, power_ns: int | None = None
    ) -> int:
        """Kill it, and start it again; return how many inputs were lost.

        Parameters
        ----------
        lost_ns
            Inputs that are younger than this are not on file.
        silent_ns
            How long nobody is there.
        power_ns
            So long after the crash the board loses its power for a moment; None: it does not.
        """
        self.crashes += 1
        died_ns = self._wall_ns
        kept = [row for row in self.rows if row.entry.t_ns <= died_ns - lost_ns]
        lost, self.rows = len(self.rows) - len(kept), kept
        self._be_silent(died_ns + silent_ns, None if power_ns is None else died_ns + power_ns)
        self._alive()
        rebuilt = rebuild(self.session, self.rows, self._meta)
        self._chain, self._seq = rebuilt.chain, rebuilt.seq + 1
        self.documents = [(seq, document) for seq, document in self.documents if seq <= rebuilt.seq]
        gap = Gap(seconds=(self._wall_ns - rebuilt.t_ns) * 1e-9, host_time="")
        self._step("engine", "resume", gap.encode())
        return lost

    def _be_silent(self, until_ns: int, power_ns: int | None) -> None:
        world, watched_ns = self.world, self._wall_ns + WATCHED_NS
        while self._wall_ns < until_ns:
            if power_ns is not None and self._wall_ns >= power_ns:
                self._board.reset()
                power_ns = None
            step_ns = BEAT_NS if self._wall_ns < watched_ns else 100 * BEAT_NS
            world.run(min(self._wall_ns + step_ns, until_ns) * self._speed // NS_PER_US)
            world.to_host.clear()  # nobody reads
            world.messages.clear()
            world.board.check_host(self._wall_ns)

    def settle(self) -> None:
        """Let the board do what it was last told."""
        until_us = self.world.now_us + US_PER_S
        while self.world.now_us < until_us:
            self.world.run(until_us)
            self.world.to_host.clear()
            self.world.messages.clear()

    # --- what came of it -------------------------------------------------------------------------------

    def trials(self) -> list[TrialDone]:
        """Every trial that was told."""
        return [document for _, document in self.documents if isinstance(document, TrialDone)]

    def replayed(self) -> ReplayOutcome:
        """Replay the file as a whole, gaps included."""
        end = EndMark(inputs=self._seq, chain=self._chain.digest.hex(), reason="", ok=True)
        session, _, _ = make_session(self._new_plan())
        return replay(session, self.rows, self._meta, end, self.documents)


def _rostered(rig: RigDescription, names: tuple[str, ...]) -> RigDescription:
    streams = tuple(msgspec.structs.replace(stream, roster=names) for stream in rig.streams)
    return msgspec.structs.replace(rig, streams=streams)


def _meta_text(plan: SessionPlan) -> dict[str, str]:
    return {key: msgspec.json.encode(value).decode() for key, value in plan.meta().items()}


def greedy_sessions(crashes: int, seed: int = 1) -> Report:
    """Run sessions of a greedy protocol, an operator who wants water, and a computer that dies.

    The auditor would not let such a protocol begin; here it is silent, for what is behind it must hold, too.

    Returns
    -------
    Report
        What was given against what is allowed, and what the ledger knew of it.
    """
    report = Report()
    number = 0
    while report.crashes < crashes and not report.broken:
        number += 1
        with mock.patch.object(Auditor, "lock_table"):
            _greedy(Draws(seed, number), number, report)
    return report


def _greedy(draws: Draws, number: int, report: Report) -> None:
    slow = draws.one_in(2)  # which of the two ceilings is met first
    limits = Limits(
        max_drop_ul=20.0,
        max_per_minute_ul=draws.between(25, 80) if slow else 2000.0,
        max_session_ul=2000.0 if slow else draws.between(60, 200),
    )
    settings: dict[str, object] = {
        "drops": str(1 + draws.below(6)), "gap_s": f"{draws.between(0.02, 1.5):.3f}",
        "wait_s": f"{draws.between(0.2, 3):.3f}", "reward_ul": "5" if draws.one_in(2) else "10",
    }  # fmt: skip
    drill = Drill(
        seed=number, protocol=str(GREEDY), settings=settings, trials=60, units=0, limits=limits,
        speed=1 + 9 * draws.below(2),
    )  # fmt: skip
    report.sessions += 1
    # What is lost is lost by the wall, and this rig may be ten times faster.
    drill.run(lambda session: drill.world.now_us > US_PER_S and session.history.trials > 0)
    for _ in range(1 + draws.below(6)):
        due_us = drill.world.now_us + draws.below(20 * US_PER_S)
        while drill.world.now_us < due_us and drill.halt is None:
            drill.ask(ManualReward(volume_ul=round(draws.between(0.2, 25), 2)))
            next_us = min(due_us, drill.world.now_us + draws.below(3 * US_PER_S))
            drill.run(lambda session, t=next_us: drill.world.now_us >= t)  # type: ignore[misc]
        if drill.halt is not None:
            break
        silent_ns = draws.below(3_000) * NS_PER_MS
        power_ns = draws.below(max(1, silent_ns)) if draws.one_in(4) else None
        drill.crash(lost_ns=draws.below(LOST_NS), silent_ns=silent_ns, power_ns=power_ns)
        report.crashes += 1
        report.resets += power_ns is not None
    last_us = drill.world.now_us + AFTER_US
    drill.run(lambda session: drill.world.now_us >= last_us)
    drill.ask(EmergencyStop())
    drill.run()
    drill.settle()
    _judge(drill, report, f"session {number}")


def _judge(drill: Drill, report: Report, name: str) -> None:
    judge, ledger_ul = drill.judge, drill.session._ledger.total_ul
    report.openings += judge.openings
    report.most_minute = max(report.most_minute, judge.most_minute)
    report.most_session = max(report.most_session, judge.most_session)
    report.broken += [f"{name}: {line}" for line in judge.broken]
    if ledger_ul < judge.total_ul - 1e-6:
        report.broken.append(f"{name}: the ledger counted {ledger_ul:.3f} of {judge.total_ul:.3f} uL")
    if drill._board.core.levels:
        report.broken.append(f"{name}: an output is on after the end")
    drill.replayed()
