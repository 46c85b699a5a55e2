"""The session: inputs in, effects out. One animal, one run; no ports, no clock, no threads.

::

    connecting -> warming up -> deciding -> uploading -> running -> closing -> deciding -> ... -> ended
                                   ^  paused (at the trial boundary)              |
                                   '----------------------------------------------'

`step` takes one entry of the input log and returns what the world shall do about it. The same entries
give the same effects, byte for byte; that is what `dopaloop replay` checks. What the protocol decides
from, and how responses become estimates, is in `rig.trial.reckoning`; this file only orders the trial.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec

from rig.commands import Abort, BoardCommand, Configure, Pulse, SendSoftEvent, StartTrial, UploadTable
from rig.description import RigDescription
from rig.device import Board, Feed
from rig.documents import Document, Notice, SessionEnded, SessionStarted, SessionState, TrialDone
from rig.draws import Draws
from rig.effects import Effect, Halt, Publish, Wake, Write
from rig.errors import ConfigError, DopaloopError
from rig.events import (
    BoardEvent,
    BoardReady,
    BoardSafe,
    CommandRefused,
    EventsLost,
    Heartbeat,
    LinkLost,
    OutputChange,
    PulseRefused,
    StreamEvent,
    StreamGap,
    SyncEdge,
    TableAccepted,
    WireNoise,
)
from rig.ledger import WaterLedger
from rig.log.entry import PORT_OPEN, Input
from rig.machine.calibration import open_us
from rig.machine.check import check
from rig.machine.image import encode
from rig.operator import (
    EmergencyStop,
    ManualReward,
    Note,
    OperatorCommand,
    Pause,
    Resume,
    SetParameter,
    Stop,
    decode_command,
)
from rig.plan import SessionPlan
from rig.protocol import History
from rig.protocol_errors import explain
from rig.trial.assemble import TrialAssembler
from rig.trial.digest import DecisionDigest
from rig.trial.reckoning import Reckoning
from rig.trial.spec import TrialRecord, TrialSpec
from rig.units import NS_PER_MS, US_PER_MS

BOARD_PORT = "board"
STATE_EVERY_NS = 100 * NS_PER_MS


class Session:
    """The sans-io state machine over the input log.

    Parameters
    ----------
    plan
        What is to be run.
    board
        The driver of the state-machine board.
    feeds
        One driver a stream, by the stream's name in the rig description.
    """

    def __init__(self, plan: SessionPlan, board: Board, feeds: Mapping[str, Feed]) -> None:
        self.plan = plan
        self.history = History()
        self.digest = DecisionDigest()
        self._rig: RigDescription = plan.rig
        self._protocol = plan.protocol
        self._board = board
        self._ledger = WaterLedger(plan.rig)
        self._reckoning = Reckoning(plan, feeds)
        self._phase = "connecting"
        self._paused = False
        self._stopping: str | None = None
        self._trial: TrialAssembler | None = None
        self._manual_in_trial = False
        self._slot = 0
        self._crc32 = 0
        self._board_us = 0
        self._ready_us: int | None = None
        self._events_lost = 0
        self._line = ""
        self._now_ns = 0
        self._wake_ns: int | None = None
        self._state_ns = -STATE_EVERY_NS
        self._effects: list[Effect] = []

    # --- the two calls of the engine --------------------------------------------------------------

    @property
    def meta(self) -> dict[str, object]:
        """What the session file keeps before the first input."""
        return self.plan.meta()

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self._phase == "ended"

    @property
    def reckoning(self) -> Reckoning:
        """Responses and estimates so far."""
        return self._reckoning

    def start(self, t_ns: int) -> list[Effect]:
        """Begin: say who we are and greet the board."""
        self._effects = []
        self._now_ns = t_ns
        plan = self.plan
        self._publish(
            SessionStarted(
                subject=plan.subject,
                protocol=plan.protocol_name,
                rig=self._rig.name,
                seed=plan.seed,
                parameters=msgspec.to_builtins(self._protocol.parameters.as_dict()),
                sizes_ul=plan.sizes_ul,
                utility_axis_hz=self._reckoning.axis_at_sizes_hz,
            )
        )
        return self._finish_step()

    def step(self, entry: Input) -> list[Effect]:
        """Take one input; return what the world shall do."""
        self._effects = []
        if self.ended:
            return self._effects
        self._now_ns = entry.t_ns
        match entry.kind:
            case "bytes":
                for event in self._board.feed(entry.payload, entry.t_ns):
                    self._on_board(event)
            case "messages":
                for notable in self._reckoning.take(entry.source, entry.payload, entry.t_ns):
                    self._on_stream(entry.source, notable)
            case "command":
                self._on_command(entry.source, entry.payload)
            case "deadline":
                self._wake_ns = None
                for event in self._board.idle(entry.t_ns):
                    self._on_board(event)
            case "port":
                self._on_port(entry)
            case "truth":
                pass
        self._advance()
        return self._finish_step()

    def _finish_step(self) -> list[Effect]:
        """Hand out the bytes, and ask to be woken if nothing earlier is pending."""
        data = self._board.outgoing()
        if data:
            # First of all effects: what the board must know never waits for what the world is told.
            self._effects.insert(0, Write(BOARD_PORT, data))
        wanted = [t for t in (self._board.deadline_ns(), self._reckoning.deadline_ns) if t is not None]
        if wanted and not self.ended:
            earliest = min(wanted)
            if self._wake_ns is None or earliest < self._wake_ns:
                self._wake_ns = earliest
                self._effects.append(Wake(earliest))
        return self._effects

    # --- what comes in ----------------------------------------------------------------------------

    def _on_board(self, event: BoardEvent) -> None:
        t_us = getattr(event, "t_us", None)
        if t_us is not None:
            self._board_us = max(self._board_us, t_us)
        match event:
            case SyncEdge():
                if event.rising:
                    self._reckoning.board_pulse(event.t_us)
                return
            case Heartbeat():
                self._publish_state(only_if_due=True)
                return
            case OutputChange():
                self._ledger.add(event)
            case BoardReady():
                self._on_ready(event)
            case TableAccepted():
                self._on_table(event)
            case CommandRefused():
                self._on_refused(event)
            case EventsLost():
                self._events_lost += event.count
                self._notice("warning", BOARD_PORT, f"{event.count} board events were lost")
            case LinkLost():
                self._on_link_lost(event)
            case BoardSafe():
                self._notice("error", BOARD_PORT, f"the board fell into its safe state ({event.reason.name})")
            case PulseRefused():
                self._notice("warning", BOARD_PORT, f"the board refused a pulse on output {event.output}")
            case WireNoise():
                self._notice("info", BOARD_PORT, f"{event.dropped} bytes of noise: {event.reason}")
            case _:
                pass
        if self._trial is not None and self._phase == "running":
            self._trial.add(event)
            if isinstance(event, EventsLost):
                self._interrupt("board events were lost in it")

    def _on_ready(self, event: BoardReady) -> None:
        self._notice(
            "info", BOARD_PORT, f"{event.name}, serial {event.serial}, firmware {event.firmware} is ready"
        )
        lines = max((out.line for out in self._rig.board.outputs.values()), default=-1) + 1
        limits = [0] * max(lines, self._board.limits.outputs)
        for out in self._rig.board.outputs.values():
            limits[out.line] = round(out.max_open_ms * US_PER_MS)
        self._send(
            Configure(
                max_open_us=tuple(limits),
                host_timeout_ms=self._rig.board.host_timeout_ms,
                sync_seed=self._rig.board.sync_seed,
            )
        )
        if self._ready_us is None:
            self._ready_us = event.t_us
            self._set_phase("warming up")
        elif self._phase == "connecting":
            self._set_phase("deciding")

    def _on_table(self, event: TableAccepted) -> None:
        if self._phase != "uploading" or event.slot != self._slot:
            return
        if event.crc32 != self._crc32:
            self._end(f"the board holds another table than was sent (slot {event.slot})", ok=False)
            return
        self._decided(StartTrial(slot=self._slot))
        self._set_phase("running")

    def _on_refused(self, event: CommandRefused) -> None:
        self._notice("error", BOARD_PORT, f"the board refused {event.command}: {event.reason}")
        if self._phase == "uploading" or (self._phase == "running" and event.command == "start"):
            self._end(f"the board refused {event.command}: {event.reason}", ok=False)

    def _on_link_lost(self, event: LinkLost) -> None:
        self._notice("error", event.source, f"{event.source} is lost: {event.reason}")
        if self._phase == "running":
            self._interrupt("the board was lost in it")
        if self._phase not in {"warming up", "ended"}:
            self._set_phase("connecting")

    def _interrupt(self, reason: str) -> None:
        """Give up the running trial: the board is told to stop, what is known is kept."""
        trial, self._trial = self._trial, None
        self._send(Abort())
        if trial is not None and trial.started:
            self._keep(trial.record(interrupted=True), None)
        self._notice("warning", "session", f"a trial is incomplete: {reason}")
        self._set_phase("deciding")

    def _on_stream(self, source: str, event: StreamEvent) -> None:
        text = {
            StreamGap: "messages were lost",
            LinkLost: "the stream is lost",
            WireNoise: "a message could not be read",
        }.get(type(event), "the stream began anew; its clock must be found again")
        self._notice("warning", source, f"{text}: {event}")

    def _on_port(self, entry: Input) -> None:
        if entry.payload == PORT_OPEN:
            if entry.source == BOARD_PORT:
                self._board.connect(entry.t_ns)
            return
        reason = entry.payload.decode("utf-8", "replace")
        if entry.source != BOARD_PORT:
            self._notice("error", entry.source, reason)
        elif self._ready_us is None:
            # Nothing has begun: better to say so at once than to wait for a cable.
            self._end(f"the board's port {reason}", ok=False)
        else:
            self._on_link_lost(LinkLost(source=entry.source, reason=reason))

    # --- operator ---------------------------------------------------------------------------------

    def _on_command(self, who: str, payload: bytes) -> None:
        try:
            command = decode_command(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._notice("warning", who, f"not a command: {error}")
            return
        refusal = self._obey(who, command)
        if refusal:
            self._notice("warning", who, f"refused: {refusal}")
        self._publish_state()

    def _obey(self, who: str, command: OperatorCommand) -> str | None:
        match command:
            case Pause():
                self._paused = True
            case Resume():
                self._paused = False
                if self._phase == "paused":
                    self._set_phase("deciding")
            case Stop():
                self._stopping = f"stopped by {who}"
            case EmergencyStop():
                self._send(Abort())
                self._end(f"emergency stop by {who}", ok=False)
            case Note():
                self._notice("note", who, command.text)
            case ManualReward():
                return self._manual_reward(who, command)
            case SetParameter():
                return self._set_parameter(who, command)
        return None

    def _manual_reward(self, who: str, command: ManualReward) -> str | None:
        if self._phase == "connecting":
            return "the board is not connected"
        try:
            valve = self._rig.output(command.valve)
            if valve.kind != "valve":
                return f"'{command.valve}' is not a valve"
            duration_us = open_us(valve, command.volume_ul)
        except ConfigError as error:
            return str(error)
        reason = self._ledger.why_not(command.volume_ul, self._board_us)
        if reason is None:
            self._send(Pulse(output=valve.line, duration_us=duration_us))
            self._manual_in_trial = self._manual_in_trial or self._phase == "running"
            self._notice("note", who, f"manual reward of {command.volume_ul:g} uL")
        return reason

    def _set_parameter(self, who: str, command: SetParameter) -> str | None:
        old = self._protocol.parameters
        try:
            new = type(old).read({**old.as_dict(), command.name: command.value})
            changed = type(self._protocol)(new, self.plan.seed)
            if changed.schedule.distribution() != self._protocol.schedule.distribution():
                return f"'{command.name}' would change the declared reward distribution; start a new session"
        except ConfigError as error:
            return str(error)
        self._protocol = changed
        self._notice("note", who, f"{command.name} = {command.value} from the next trial on")
        return None

    def soft_event(self, number: int) -> None:
        """Hand a soft event to the running table (for closed loops of later steps)."""
        self._send(SendSoftEvent(number=number))

    # --- the trial --------------------------------------------------------------------------------

    def _advance(self) -> None:
        if self._phase == "warming up" and self._warm():
            self._set_phase("deciding")
        if self._phase == "running" and self._trial is not None and self._trial.complete:
            self._close_trial(self._trial)
        for document in self._reckoning.settle(self._now_ns):
            self._publish(document)
        if self._phase == "closing" and not self._reckoning.waiting:
            self._set_phase("deciding")
        if self._phase in {"deciding", "paused"}:
            self._decide()

    def _warm(self) -> bool:
        """Whether the first trial may begin: clocks locked and units known, or time enough spent."""
        if self._protocol.response is None:
            return True
        return self._reckoning.ready(self._board_us - (self._ready_us or 0))

    def _decide(self) -> None:
        number = self.history.trials
        if self._stopping is not None:
            self._end(self._stopping, ok=True)
        elif self.plan.max_trials is not None and number >= self.plan.max_trials:
            self._end(f"{number} trials done", ok=True)
        elif self._paused:
            if self._phase != "paused":
                self._set_phase("paused")
        else:
            self._prepare(number)

    def _prepare(self, number: int) -> None:
        try:
            spec = self._protocol.decide(
                self.history, self._reckoning.estimator, Draws(self.plan.seed, 0xDEC1DE, number)
            )
            self.digest.spec(spec)
            if spec is None:
                self._end(f"the protocol finished after {number} trials", ok=True)
                return
            self._upload(number, spec)
        except DopaloopError as error:
            self._end(str(error), ok=False)
        except Exception as error:  # noqa: BLE001 - a protocol is somebody's code: say where it failed
            self._end(explain(error, self.plan.protocol_name), ok=False)

    def _upload(self, number: int, spec: TrialSpec) -> None:
        reason = self._ledger.why_not(spec.reward_ul, self._board_us)
        if reason is not None:
            self._end(f"trial {number + 1} would give too much water: {reason}", ok=False)
            return
        table = self._protocol.table(spec).build(self._rig)
        check(table, self._rig, self._board.limits, self.plan.where)
        image = encode(table)
        self._slot = number % self._board.limits.slots
        self._crc32 = zlib.crc32(image)
        self._trial = TrialAssembler(number, spec, table, self._rig)
        self._manual_in_trial = False
        self._line = f"trial {number + 1}: {self._protocol.describe(spec)}"
        self._decided(UploadTable(slot=self._slot, image=image))
        self._set_phase("uploading")

    def _close_trial(self, trial: TrialAssembler) -> None:
        self._trial = None
        self._keep(
            trial.record(), "a manual reward was given in this trial" if self._manual_in_trial else None
        )
        self._set_phase("closing")

    def _keep(self, record: TrialRecord, why_missing: str | None) -> None:
        self.digest.record(record)
        self.history.add(record)
        self._publish(TrialDone(record=record))
        self._reckoning.open(record, self._now_ns, why_missing)

    # --- what goes out ----------------------------------------------------------------------------

    def _send(self, command: BoardCommand) -> None:
        self._board.send(command, self._now_ns)

    def _decided(self, command: BoardCommand) -> None:
        self.digest.command(command)
        self._send(command)

    def _publish(self, document: Document) -> None:
        self._effects.append(Publish(document))

    def _notice(self, level: str, source: str, text: str) -> None:
        self._publish(Notice(level=level, source=source, text=text, board_us=self._board_us))  # type: ignore[arg-type]

    def _set_phase(self, phase: str) -> None:
        self._phase = phase
        self._publish_state(only_if_due=phase not in {"running", "paused", "ended"})

    def _publish_state(self, *, only_if_due: bool = False) -> None:
        if only_if_due and self._now_ns - self._state_ns < STATE_EVERY_NS:
            return
        self._state_ns = self._now_ns
        reckoning = self._reckoning
        self._publish(
            SessionState(
                phase=self._phase,  # type: ignore[arg-type]
                subject=self.plan.subject,
                protocol=self.plan.protocol_name,
                rig=self._rig.name,
                trial=self.history.trials,
                trials=self.plan.max_trials,
                rewarded=self.history.rewarded,
                delivered_ul=round(self._ledger.total_ul, 3),
                board_us=self._board_us,
                settled=reckoning.settled_units,
                units=len(reckoning.units),
                streams=reckoning.stream_states(),
                events_lost=self._events_lost,
                accepts=self._accepts(),
                last_line=self._line,
            )
        )

    def _accepts(self) -> tuple[str, ...]:
        if self.ended:
            return ()
        always = ("note", "set", "stop", "emergency_stop", "resume" if self._paused else "pause")
        return always if self._phase == "connecting" else (*always, "reward")

    def _end(self, reason: str, *, ok: bool) -> None:
        if self.ended:
            return
        if not ok:
            self._send(Abort())
        self._set_phase("ended")
        self._publish(
            SessionEnded(
                reason=reason,
                ok=ok,
                trials=self.history.trials,
                delivered_ul=round(self._ledger.total_ul, 6),
                decision_digest=self.digest.hex(),
                deadlines_expired=self._reckoning.deadlines_expired,
            )
        )
        self._effects.append(Halt(reason, ok))
