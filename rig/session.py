"""The session: inputs in, effects out. One animal, one run; no ports, no clock, no threads.

::

    connecting -> warming up -> deciding -> uploading -> running -> closing -> deciding -> ... -> ended
                                   ^  paused (at the trial boundary)              |
                                   '----------------------------------------------'

`step` takes one entry of the input log and returns what the world shall do about it. The same entries
give the same effects, byte for byte; that is what `dopaloop replay` checks.

This file orders the trial and knows every neighbour, so it is the longest of the core. What is not order
lives beside it: responses and estimates in `rig.trial.reckoning`, operators in `rig.desk`, water in
`rig.ledger`, epochs and the auditor in `rig.declaration`, effects in `rig.outbox`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from rig.activity import Activity
from rig.commands import Abort, BoardCommand, Configure, StartTrial, UploadTable
from rig.declaration import Declaration
from rig.desk import Desk
from rig.device import Board, Feed
from rig.documents import SessionEnded, SessionStarted, SessionState, TrialDone
from rig.effects import Effect
from rig.errors import DopaloopError
from rig.events import (
    BoardEvent,
    BoardReady,
    BoardSafe,
    CommandRefused,
    EndReason,
    EventsLost,
    Heartbeat,
    InputEdge,
    LinkLost,
    OutputChange,
    PulseRefused,
    StateEntered,
    StreamEvent,
    StreamGap,
    SyncEdge,
    TableAccepted,
    TrialEnded,
    TrialStarted,
    WireNoise,
)
from rig.ledger import WaterLedger
from rig.log.entry import PORT_OPEN, Input
from rig.machine.check import check
from rig.machine.image import encode
from rig.outbox import Outbox
from rig.plan import SessionPlan
from rig.preflight import built, decided
from rig.protocol import History
from rig.protocol_errors import explain
from rig.trial.assemble import TrialAssembler
from rig.trial.digest import DecisionDigest
from rig.trial.reckoning import Reckoning
from rig.trial.spec import TrialRecord, TrialSpec
from rig.units import NS_PER_MS, NS_PER_S, US_PER_MS

BOARD_PORT: Final = "board"
STATE_EVERY_NS: Final = 100 * NS_PER_MS
MANUAL: Final = "a manual reward was given in this trial"
HELLO_S: Final = 5
"""How long (wall time) a board may take to answer on a port that was just opened, at the start."""

Phase = Literal["connecting", "warming up", "deciding", "uploading", "running", "closing", "paused", "ended"]


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

    Attributes
    ----------
    history, digest, reckoning
        Finished trials; the decision digest; responses and estimates so far.
    """

    def __init__(self, plan: SessionPlan, board: Board, feeds: Mapping[str, Feed]) -> None:
        self.plan = plan
        self.history = History()
        self.digest = DecisionDigest()
        self.reckoning = Reckoning(plan, feeds)
        self._board = board
        self._out = Outbox()
        self._ledger = WaterLedger(plan.rig)
        self._declaration = Declaration(plan, self.history, self.reckoning, self._out)
        self._activity = Activity(plan.rig)
        self._desk = Desk(plan, self._ledger, self._out, self._send, lambda: self._board.limits)
        self._phase: Phase = "connecting"
        self._trial: TrialAssembler | None = None
        self._drops_before = 0
        self._slot = 0
        self._uploads = 0
        self._crc32 = 0
        self._ready_us: int | None = None
        self._hello_by_ns: int | None = None
        self._warmed = False
        self._events_lost = 0
        self._line = ""
        self._state_ns = -STATE_EVERY_NS

    # --- the two calls of the engine --------------------------------------------------------------

    @property
    def meta(self) -> dict[str, object]:
        """What the session file keeps before the first input."""
        return self.plan.meta()

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self._phase == "ended"

    def start(self, t_ns: int) -> list[Effect]:
        """Begin: say who we are. The board is greeted when its port opens."""
        self._out.begin(t_ns)
        plan = self.plan
        self._out.publish(
            SessionStarted(
                subject=plan.subject,
                protocol=plan.protocol_name,
                rig=plan.rig.name,
                seed=plan.seed,
                parameters=msgspec.to_builtins(plan.protocol.parameters.as_dict()),
                sizes_ul=plan.sizes_ul,
                utility_axis_hz=self.reckoning.axis_at_sizes_hz,
                declared=plan.protocol.schedule.declared(),
                about=type(plan.protocol.parameters).about(),
                window=plan.protocol.response,
                max_drop_ul=plan.rig.limits.max_drop_ul,
                max_session_ul=plan.rig.limits.max_session_ul,
                unsignalled_shift_hz=plan.rig.neural.unsignalled_shift_hz,
                reversal_conditions=self.reckoning.reversal_conditions,
                cue_window=plan.protocol.cue_response,
                cue_roles=plan.protocol.cue_roles,
                epochs=self._declaration.told(),
            )
        )
        return self._finish()

    def step(self, entry: Input) -> list[Effect]:
        """Take one input; return what the world shall do."""
        if self.ended:
            return []
        self._out.begin(entry.t_ns, woken=entry.kind == "deadline")
        match entry.kind:
            case "bytes":
                self._take_events(self._board.feed(entry.payload, entry.t_ns))
            case "messages":
                for notable in self.reckoning.take(entry.source, entry.payload, entry.t_ns):
                    self._on_stream(entry.source, notable)
            case "command":
                self._on_command(entry)
            case "deadline":
                self._take_events(self._board.idle(entry.t_ns))
            case "port":
                self._on_port(entry)
            case "truth":
                pass
        activity = self._activity.take(self.history.trials)
        if activity is not None:
            self._out.publish(activity)
        if not self.ended:
            self._advance()
        return self._finish()

    def _finish(self) -> list[Effect]:
        deadlines = [self._board.deadline_ns(), self.reckoning.deadline_ns, self._hello_by_ns]
        return self._out.finish(BOARD_PORT, self._board.outgoing(), deadlines)

    # --- what comes in ----------------------------------------------------------------------------

    def _take_events(self, events: list[BoardEvent]) -> None:
        for event in events:
            if self.ended:
                return  # what comes after the end belongs to no session
            self._on_board(event)

    def _on_board(self, event: BoardEvent) -> None:
        t_us = getattr(event, "t_us", None)
        if t_us is not None:
            self._out.board_us = max(self._out.board_us, t_us)
        match event:
            case SyncEdge():
                if event.rising:
                    self.reckoning.board_pulse(event.t_us)
                return
            case Heartbeat():
                self._publish_state(only_if_due=True)
                return
            case StateEntered() | InputEdge() | TrialStarted() | TrialEnded():
                self._activity.add(event, self._trial.state_names if self._trial else ())
            case OutputChange():
                self._ledger.add(event)
                self._declaration.add(event)
                self._activity.add(event, ())
            case BoardReady():
                self._on_ready(event)
            case TableAccepted():
                self._on_table(event)
            case CommandRefused():
                self._on_refused(event)
            case LinkLost():
                self._on_link_lost(event)
            case _:
                self._on_notable(event)
        stale = isinstance(event, TrialStarted) and event.slot != self._slot  # of a trial that was given up
        if self._trial is not None and self._phase == "running" and not stale:
            self._trial.add(event)
            if isinstance(event, EventsLost):
                self._interrupt("board events were lost in it")
        runaway = self._ledger.runaway or self._declaration.light.runaway
        if runaway is not None:
            self._end(runaway, ok=False)

    def _on_notable(self, event: BoardEvent) -> None:
        """Say what people should know; nothing else changes."""
        out = self._out
        match event:
            case EventsLost():
                self._events_lost += event.count
                out.notice("warning", BOARD_PORT, f"{event.count} board events were lost")
            case BoardSafe():
                self._on_safe(event)
            case PulseRefused():
                out.notice("warning", BOARD_PORT, f"the board refused a pulse on output {event.output}")
            case WireNoise():
                out.notice("info", BOARD_PORT, f"{event.dropped} bytes of noise: {event.reason}")
            case _:
                pass

    def _on_ready(self, event: BoardReady) -> None:
        text = f"{event.name}, serial {event.serial}, firmware {event.firmware} is ready"
        self._out.notice("info", BOARD_PORT, text)
        # A board that was reset begins its time anew; what is said and counted from here on goes by it.
        self._out.board_us = event.t_us
        self._ledger.restart(event.t_us)
        self._declaration.light.restart(event.t_us)
        self._hello_by_ns = None
        self._configure()
        if not self._warmed:
            self._ready_us = event.t_us
            self._set_phase("warming up")
        elif self._phase == "connecting":
            # The response of the trial before may still be waited for.
            self._set_phase("closing")

    def _on_safe(self, event: BoardSafe) -> None:
        text = f"the board fell into its safe state ({event.reason.name})"
        self._out.notice("error", BOARD_PORT, text)
        if event.reason is not EndReason.HOST_LOST:
            self._end(text, ok=False)
            return
        if self._phase == "running" and self._trial is not None and not self._trial.started:
            # In its safe state it refuses the start that is under way.
            self._interrupt("the board heard nothing from us for too long")
        # We are here again: the board must be armed anew, which its configuration does.
        self._configure()

    def _configure(self) -> None:
        config = self.plan.rig.board
        lines = max((out.line for out in config.outputs.values()), default=-1) + 1
        limits = [0] * max(lines, self._board.limits.outputs)
        for out in config.outputs.values():
            limits[out.line] = round(out.max_open_ms * US_PER_MS)
        self._send(
            Configure(
                max_open_us=tuple(limits),
                host_timeout_ms=config.host_timeout_ms,
                sync_seed=config.sync_seed,
            )
        )

    def _on_table(self, event: TableAccepted) -> None:
        if self._phase != "uploading" or event.slot != self._slot:
            return
        if event.crc32 != self._crc32:
            self._end(f"the board holds another table than was sent (slot {event.slot})", ok=False)
            return
        self._decided(StartTrial(slot=self._slot))
        self._set_phase("running")

    def _on_refused(self, event: CommandRefused) -> None:
        text = f"the board refused {event.command}: {event.reason}"
        self._out.notice("error", BOARD_PORT, text)
        # Others (a manual reward, a start that an abort overtook) cost what was asked for, not the session.
        needed = {"uploading": {"upload", "configure"}, "running": {"start"}, "warming up": {"configure"}}
        if event.command in needed.get(self._phase, ()):
            self._end(text, ok=False)

    def _on_link_lost(self, event: LinkLost) -> None:
        self._out.notice("error", event.source, f"{event.source} is lost: {event.reason}")
        if self._ready_us is None:
            # Nothing has begun: better to say so at once than to wait for a cable.
            self._end(event.reason, ok=False)
            return
        if self._phase == "running":
            self._interrupt("the board was lost in it")
        self._set_phase("connecting")

    def _on_stream(self, source: str, event: StreamEvent) -> None:
        text = {
            StreamGap: "messages were lost",
            LinkLost: "the stream is lost",
            WireNoise: "a message could not be read",
        }.get(type(event), "the stream began anew; its clock must be found again")
        self._out.notice("warning", source, f"{text}: {event}")

    def _on_port(self, entry: Input) -> None:
        if entry.payload == PORT_OPEN:
            if entry.source == BOARD_PORT:
                self._board.connect(entry.t_ns)
                if self._ready_us is None:
                    self._hello_by_ns = entry.t_ns + HELLO_S * NS_PER_S
            return
        reason = entry.payload.decode("utf-8", "replace")
        if entry.source != BOARD_PORT:
            self._out.notice("error", entry.source, reason)
        elif self._ready_us is None:
            self._end(f"the board's port {reason}", ok=False)
        else:
            self._on_link_lost(LinkLost(source=entry.source, reason=reason))

    def _on_command(self, entry: Input) -> None:
        drops = self._desk.drops
        self._desk.take(entry.source, entry.payload, connected=self._connected)
        if self._desk.drops != drops and self._phase == "closing":
            # The trial is over on the board, but its response window may not be.
            self.reckoning.spoil(MANUAL)
        self._publish_state()

    # --- the trial --------------------------------------------------------------------------------

    @property
    def _connected(self) -> bool:
        return self._phase != "connecting"

    def _advance(self) -> None:
        if self._desk.emergency is not None:
            self._end(self._desk.emergency, ok=False)
        elif self._hello_by_ns is not None and self._out.now_ns >= self._hello_by_ns:
            port = self.plan.rig.board.port
            text = f"nothing on '{port}' answers as a board; is it the right port, and powered?"
            self._end(text, ok=False)
        elif self._phase in {"connecting", "warming up"} and self._desk.stopping is not None:
            self._end(self._desk.stopping, ok=True)  # no trial runs whose end it could wait for
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._phase == "warming up" and self._warm():
            self._warmed = True
            self._set_phase("deciding")
        if self._phase == "running" and self._trial is not None and self._trial.complete:
            self._close_trial(self._trial)
        for document in self.reckoning.settle(self._out.now_ns):
            self._out.publish(document)
        if self._phase == "closing" and not self.reckoning.waiting:
            self._set_phase("deciding")
        if self._phase in {"deciding", "paused"}:
            self._decide()

    def _warm(self) -> bool:
        """Whether the first trial may begin: clocks locked and units known, or time enough spent."""
        if self.plan.protocol.response is None and self.plan.protocol.cue_response is None:
            return True
        return self.reckoning.ready(self._out.board_us - (self._ready_us or 0))

    def _decide(self) -> None:
        number = self.history.trials
        if self._desk.stopping is not None:
            self._end(self._desk.stopping, ok=True)
        elif self.plan.max_trials is not None and number >= self.plan.max_trials:
            self._end(f"{number} trials done", ok=True)
        elif self._desk.paused:
            if self._phase != "paused":
                self._set_phase("paused")
        else:
            self._prepare(number)

    def _prepare(self, number: int) -> None:
        rng = self.plan.draws(number)
        try:
            over = self._declaration.turn(self._desk.protocol)
            if over is not None:
                self._end(over, ok=True)
                return
            spec = decided(self._desk.protocol.decide(self.history, self._declaration.estimates, rng))
            self.digest.spec(spec)
            if spec is None:
                self._end(f"the protocol finished after {number} trials", ok=True)
                return
            self._declaration.lock(number, spec)
            self._upload(number, spec)
        except DopaloopError as error:
            self._end(str(error), ok=False)
        except Exception as error:  # noqa: BLE001 - a protocol is somebody's code: say where it failed
            module = type(self._desk.protocol).__module__
            self._end(explain(error, self.plan.protocol_name, module), ok=False)

    def _upload(self, number: int, spec: TrialSpec) -> None:
        self._ledger.promised_ul = 0.0
        reason = self._ledger.why_not(spec.reward_ul, self._out.board_us)
        if reason is not None:
            self._end(f"trial {number + 1} would give too much water: {reason}", ok=False)
            return
        protocol, rig = self._desk.protocol, self.plan.rig
        table = built(protocol, spec, self.plan)
        check(table, rig, self._board.limits, self.plan.where)
        self._declaration.lock_table(number, spec, table, self._out.board_us)
        image = encode(table)
        # Each upload takes the next slot, so that the events of a trial that was given up are known by it.
        self._slot = self._uploads % self._board.limits.slots
        self._uploads += 1
        self._crc32 = zlib.crc32(image)
        self._trial = TrialAssembler(number, spec, table, rig)
        self._drops_before = self._desk.drops
        self._ledger.promised_ul = spec.reward_ul
        self._line = f"trial {number + 1}: {protocol.describe(spec)}"
        self._decided(UploadTable(slot=self._slot, image=image))
        self._set_phase("uploading")

    def _close_trial(self, trial: TrialAssembler) -> None:
        self._trial = None
        manual = self._desk.drops != self._drops_before
        self._keep(trial.record(), MANUAL if manual else None)
        self._set_phase("closing")

    def _interrupt(self, reason: str) -> None:
        """Give up the running trial: the board is told to stop, what is known is kept."""
        self._send(Abort())
        self._give_up_trial()
        self._out.notice("warning", "session", f"a trial is incomplete: {reason}")
        self._set_phase("closing")

    def _give_up_trial(self) -> None:
        trial, self._trial = self._trial, None
        if trial is not None and trial.started:
            self._keep(trial.record(interrupted=True), None)

    def _keep(self, record: TrialRecord, why_missing: str | None) -> None:
        self.digest.record(record)
        self.history.add(record)
        self._out.publish(TrialDone(record=record))
        self._declaration.keep(record)
        self.reckoning.open(record, self._out.now_ns, why_missing)

    def _end(self, reason: str, *, ok: bool) -> None:
        if self.ended:
            return
        if not ok:
            self._send(Abort())
        if self._phase == "running":
            self._give_up_trial()
        self._ledger.close(self._out.board_us)
        self._set_phase("ended")
        self._out.publish(
            SessionEnded(
                reason=reason,
                ok=ok,
                trials=self.history.trials,
                delivered_ul=round(self._ledger.total_ul, 6),
                decision_digest=self.digest.hex(),
                deadlines_expired=self.reckoning.deadlines_expired,
            )
        )
        self._out.halt(reason, ok=ok)

    # --- what goes out ----------------------------------------------------------------------------

    def _send(self, command: BoardCommand) -> None:
        self._board.send(command, self._out.now_ns)

    def _decided(self, command: BoardCommand) -> None:
        self.digest.command(command)
        self._send(command)

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._publish_state(only_if_due=phase not in {"running", "paused", "ended"})

    def _publish_state(self, *, only_if_due: bool = False) -> None:
        if only_if_due and self._out.now_ns - self._state_ns < STATE_EVERY_NS:
            return
        self._state_ns = self._out.now_ns
        self._out.publish(
            SessionState(
                phase=self._phase,
                subject=self.plan.subject,
                protocol=self.plan.protocol_name,
                rig=self.plan.rig.name,
                trial=self.history.trials,
                trials=self.plan.max_trials,
                rewarded=self.history.rewarded,
                delivered_ul=round(self._ledger.total_ul, 3),
                board_us=self._out.board_us,
                settled=self.reckoning.settled_units,
                units=len(self.reckoning.units),
                streams=self.reckoning.stream_states(),
                events_lost=self._events_lost,
                accepts=() if self.ended else self._desk.accepts(connected=self._connected),
                last_line=self._line,
            )
        )
