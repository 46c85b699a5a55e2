"""The session: inputs in, effects out. One animal, one run; no ports, no clock, no threads.

::

    connecting -> warming up -> deciding -> uploading -> running -> closing -> deciding -> ... -> ended
                                   ^  paused (at the trial boundary)              |
                                   '----------------------------------------------'

`step` takes one entry of the input log and returns what the world shall do about it. The same entries
give the same effects, byte for byte; that is what `dopaloop replay` checks.

This file orders the trial and knows every neighbour, so it is the longest of the core. What is not order
lives beside it: responses and estimates in `rig.trial.reckoning`, operators in `rig.session.desk`, water in
`rig.session.ledger`, epochs and the auditor in `rig.design.declaration`, effects in `rig.outbox`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from rig.checks.board import shortcomings
from rig.checks.preflight import built, decided
from rig.commands import Abort, BoardCommand, Pulse, StartTrial, UploadTable
from rig.design.declaration import Declaration
from rig.design.plan import SessionPlan
from rig.design.protocol_errors import explain
from rig.device import Auxiliary, Board, Feed, SampleDevice, SampleFeed
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
    SoftEventSeen,
    StateEntered,
    StreamEvent,
    SyncEdge,
    TableAccepted,
    TrialEnded,
    TrialStarted,
    WireNoise,
)
from rig.log.entry import PORT_OPEN, Input
from rig.log.gap import read_gap, words
from rig.machine.check import check
from rig.machine.image import encode
from rig.machine.table import StateTable
from rig.outbox import Outbox
from rig.protocol import History
from rig.session.activity import Activity
from rig.session.beside import Beside
from rig.session.board_setup import configuration, uncounted
from rig.session.desk import Desk
from rig.session.echo import Echo
from rig.session.ledger import WaterLedger
from rig.session.losses import Losses
from rig.trial.assemble import TrialAssembler
from rig.trial.digest import DecisionDigest
from rig.trial.fibres import Fibres
from rig.trial.reckoning import Reckoning
from rig.trial.spec import TrialRecord, TrialSpec
from rig.units import NS_PER_MS, NS_PER_S, US_PER_S

BOARD_PORT: Final = "board"
STATE_EVERY_NS: Final = 100 * NS_PER_MS
MANUAL: Final = "a manual reward was given in this trial"
START_US: Final = US_PER_S
"""A start that was asked for is told within this (board time), or its event was lost."""
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
    sources
        One driver a photometry source, likewise.
    harp
        One driver a Harp device beside the board, likewise.

    Attributes
    ----------
    history, digest, reckoning, fibres
        Finished trials; the decision digest; responses and estimates so far; photometry.
    """

    def __init__(
        self,
        plan: SessionPlan,
        board: Board,
        feeds: Mapping[str, Feed],
        sources: Mapping[str, SampleDevice | SampleFeed] | None = None,
        harp: Mapping[str, Auxiliary] | None = None,
    ) -> None:
        self.plan = plan
        self.history = History()
        self.digest = DecisionDigest()
        self.reckoning = Reckoning(plan, feeds)
        self._board = board
        self._out = Outbox()
        self.fibres = Fibres(plan, sources or {}, self._out, self._send)
        self.beside = Beside(plan.rig.harp, harp or {}, self._out)
        self.reckoning.other_clocks = lambda now_us: self.fibres.clocks(now_us) | self.beside.clocks(now_us)
        self._ledger = WaterLedger(plan.rig)
        self._declaration = Declaration(plan, self.history, self.reckoning, self._out)
        self._activity = Activity(plan.rig)
        limits, confirm = lambda: self._board.limits, self.reckoning.tags.confirm
        self._desk = Desk(plan, self._ledger, self._out, self._send, limits, confirm=confirm)
        self._phase: Phase = "connecting"
        self._trial: TrialAssembler | None = None
        self._drops_before = 0
        self._drops_after = 0
        self._slot = 0
        self._uploads = 0
        self._crc32 = 0
        self._ready_us: int | None = None
        self._hello_by_ns: int | None = None
        self._warmed = False
        self._held: tuple[TrialSpec, StateTable] | None = None
        self._parting: str | None = None
        self._thirsty = False
        self._losses = Losses(self._out)
        self._echo = Echo(plan.rig)
        self._lost_before_start_us: int | None = None
        self._line = ""
        self._state_ns = -STATE_EVERY_NS

    # --- the two calls of the engine --------------------------------------------------------------

    @property
    def meta(self) -> dict[str, object]:
        """What the session file keeps before the first input."""
        return self.plan.meta() | ({"harp": self.beside.described} if self.beside else {})

    @property
    def ended(self) -> bool:
        """Whether the session is over."""
        return self._phase == "ended"

    @property
    def clocks(self) -> dict[str, tuple[int, float]]:
        """Where the devices' clocks stand: newest tick, ticks per second as stated; for whoever watches."""
        board_us: int = getattr(self._board, "now_us", self._out.board_us)
        board = {BOARD_PORT: (board_us, float(US_PER_S))} if self._ready_us is not None else {}
        return board | self.reckoning.positions() | self.fibres.positions()

    @property
    def silent_valves(self) -> tuple[str, ...]:
        """Valves that were asked for and did not open; for whoever watches."""
        return self._echo.silent

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
                tags=self.reckoning.tags.known,
                stimulated=any(epoch.stimulated for epoch in plan.protocol.declared_epochs),
                photometry=plan.rig.photometry,
            )
        )
        return self._finish()

    def step(self, entry: Input) -> list[Effect]:
        """Take one input; return what the world shall do."""
        if self.ended:
            return []
        # What was to wake a session that was interrupted is gone with it.
        self._out.begin(entry.t_ns, woken=entry.kind in {"deadline", "resume"})
        match entry.kind:
            case _ if entry.source in self.fibres:
                self.fibres.take(entry, armed=self._armed)
            case _ if entry.source in self.beside:
                self.beside.take(entry)
            case "bytes":
                self._take_events(self._board.feed(entry.payload, entry.t_ns))
            case "messages":
                for notable in self.reckoning.take(entry.source, entry.payload, entry.t_ns):
                    self._on_stream(entry.source, notable)
                if self.reckoning.live is not None:
                    self._out.array(self.reckoning.live)
            case "command":
                self._on_command(entry)
            case "deadline":
                self._take_events(self._board.idle(entry.t_ns))
                self.fibres.idle()
                self.beside.idle()
            case "stamp":
                self.fibres.stamped(entry.payload)
            case "port":
                self._on_port(entry)
            case "resume":
                self._on_resume(entry)
            case "truth":
                pass
        activity = self._activity.take(self.history.trials)
        if activity is not None:
            self._out.publish(activity)
        if not self.ended:
            self._losses.tell()
            self.fibres.settle()
            self.beside.settle()
            self._advance()
        return self._finish()

    def _finish(self) -> list[Effect]:
        deadlines = [
            self._board.deadline_ns(),
            self.reckoning.deadline_ns,
            None if self._parting is None else self.reckoning.spikes_by_ns,
            self._hello_by_ns,
            self._losses.deadline_ns(),
            *self.fibres.deadlines_ns(),
            *self.beside.deadlines_ns(),
        ]
        self.fibres.flush()
        self.beside.flush()
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
            self.reckoning.board_heard(t_us, self._out.now_ns)
            self.beside.board_heard(t_us)
            self.fibres.board_heard(t_us)
        self._echo.see(event)
        match event:
            case SyncEdge():
                self.reckoning.board_pulse(event.t_us, rising=event.rising)
                self.beside.board_pulse(event.t_us, rising=event.rising)
                if event.rising:
                    self.fibres.board_pulse(event.t_us)
                return
            case Heartbeat():
                self._publish_state(only_if_due=True)
                self._look_for_start(event.t_us)
                return
            case StateEntered() | InputEdge() | TrialStarted() | TrialEnded():
                self._activity.add(event, self._trial.state_names if self._trial else ())
                if isinstance(event, InputEdge):
                    self.reckoning.board_input(event.line, event.t_us, rising=event.rising)
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
            case SoftEventSeen():
                self.fibres.soft_event(event)
            case _:
                self._on_notable(event)
        stale = isinstance(event, TrialStarted) and event.slot != self._slot  # of a trial that was given up
        if self._trial is not None and self._phase == "running" and not stale:
            self._trial.add(event)
            if isinstance(event, EventsLost):
                self._on_lost_in_trial(self._trial, event)
        runaway = self._ledger.runaway or self._declaration.light.runaway
        if runaway is not None:
            self._end(runaway, ok=False)

    def _on_notable(self, event: BoardEvent) -> None:
        """Say what people should know; nothing else changes."""
        out = self._out
        match event:
            case EventsLost():
                self._losses.board(BOARD_PORT, event)
                self._ledger.doubt()
            case BoardSafe():
                self._on_safe(event)
            case PulseRefused():
                out.notice("warning", BOARD_PORT, f"the board refused a pulse on output {event.output}")
            case WireNoise():
                self._losses.board(BOARD_PORT, event)
            case _:
                pass

    def _on_ready(self, event: BoardReady) -> None:
        text = f"{event.name}, serial {event.serial}, firmware {event.firmware} is ready"
        self._out.notice("info", BOARD_PORT, text)
        # A board that was reset begins its time anew; what is said and counted from here on goes by it.
        self._out.board_us = event.t_us
        self._ledger.restart(event.t_us, anew=event.anew)
        self._declaration.light.restart(event.t_us)
        if event.anew:
            self.reckoning.board_restarted("the board was reset")
            self.fibres.board_restarted("the board was reset")
            self.beside.board_restarted("the board was reset")
        self.fibres.board_ready(event.time_scale)
        self._hello_by_ns = None
        if self._ready_us is None:
            alone = uncounted(self.plan.rig, self._board.limits)
            if alone is not None:
                self._out.notice("info", BOARD_PORT, alone)
            for bad, lacks in shortcomings(self._board.limits):
                self._out.notice("warning" if bad else "info", BOARD_PORT, lacks)
        elif self._phase == "connecting":
            self._send(Abort())  # what may still run there is nobody's trial
            self._losses.shaken()
        self._configure()
        if not self._warmed:
            self._ready_us = event.t_us
            self._set_phase("warming up")
        elif self._phase == "connecting":
            # The response of the trial before may still be waited for.
            self._set_phase("closing")

    def _on_safe(self, event: BoardSafe) -> None:
        text = f"the board fell into its safe state ({event.reason.name})"
        if event.reason is EndReason.BUDGET:
            text += ": the trial asked for more water than may be given within a minute, or in the session"
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
        begin = self._ready_us is None
        self._send(configuration(self.plan.rig, self._board.limits, self._ledger, begin=begin))

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
        # What was under way when the link broke is refused with it: one cause, told already.
        self._out.notice("error" if self._connected else "info", BOARD_PORT, text)
        # Others (a manual reward, a start that an abort overtook) cost what was asked for, not the session.
        needed = {"uploading": {"upload", "configure"}, "running": {"start"}, "warming up": {"configure"}}
        if event.command in needed.get(self._phase, ()):
            self._end(text, ok=False)

    def _on_link_lost(self, event: LinkLost) -> None:
        level: Literal["error", "info"] = "error" if self._connected or self._ready_us is None else "info"
        self._out.notice(level, event.source, f"{event.source} is lost: {event.reason}")
        if self._ready_us is None:
            # Nothing has begun: better to say so at once than to wait for a cable.
            self._end(event.reason, ok=False)
            return
        if self._phase == "running":
            # Its start may have reached the board: a trial that may have begun is not begun twice.
            self._interrupt("the board was lost in it", begun=True)
        elif self._phase == "uploading":
            self._ledger.withdraw()  # nobody has asked for its start
        self._set_phase("connecting")

    def _on_stream(self, source: str, event: StreamEvent) -> None:
        self._losses.stream(source, event)

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
            self._on_link_lost(LinkLost(source=entry.source, reason=reason.removeprefix("lost: ")))

    def _on_resume(self, entry: Input) -> None:
        """Go on where the file ends: the board is greeted when its port opens, as at the start."""
        self._out.notice("warning", "session", words(read_gap(entry)))
        if self._phase == "running":
            self._interrupt("the session was interrupted in it", begun=True)
        elif self._phase in {"closing", "deciding", "uploading"}:
            # The next trial may have begun without a record of it.
            self._ledger.suspect(max(self.reckoning.sizes_ul, default=0.0))
        self.reckoning.interrupted("the session was interrupted")
        self._desk.recorded_anew()
        self.fibres.interrupted("the session was interrupted")
        self.beside.interrupted("the session was interrupted")
        self._hello_by_ns = None
        self._warmed = False
        self._set_phase("connecting")

    def _on_command(self, entry: Input) -> None:
        drops = self._desk.drops
        self._desk.take(entry.source, entry.payload, connected=self._connected)
        if self._desk.drops != drops:
            self.fibres.spoil(MANUAL)
        if self._desk.drops != drops and self._phase == "closing":
            # The trial is over on the board, but its response window may not be.
            self.reckoning.spoil(MANUAL)
        self._publish_state()

    # --- the trial --------------------------------------------------------------------------------

    @property
    def _connected(self) -> bool:
        return self._phase != "connecting"

    @property
    def _armed(self) -> bool:
        """Whether a table runs that could take a soft event."""
        return self._phase == "running" and self._trial is not None and self._trial.started

    def _advance(self) -> None:
        if self._desk.emergency is not None:
            self._end(self._desk.emergency, ok=False)
        elif self.beside.fault is not None:
            self._end(self.beside.fault, ok=False)
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
        if self._phase != "running":
            self.beside.between()
        if self._phase in {"deciding", "paused"}:
            self._decide()

    def _warm(self) -> bool:
        """Whether the first trial may begin: clocks locked and units known, or time enough spent."""
        if not self.reckoning.listens:
            return True
        return self.reckoning.ready(self._out.board_us - (self._ready_us or 0))

    def _decide(self) -> None:
        number = self.history.trials
        if self._parting is not None:
            self._part(self._parting)
        elif self._desk.stopping is not None:
            self._part(self._desk.stopping)
        elif self.plan.max_trials is not None and number >= self.plan.max_trials:
            self._part(f"{number} trials done")
        elif self._desk.paused:
            if self._phase != "paused":
                self._set_phase("paused")
        elif self._losses.unsettled(self._out.now_ns):
            pass  # a trial that began now would lose events, and be lost with them
        else:
            self._prepare(number)

    def _prepare(self, number: int) -> None:
        try:
            if self._held is None:
                self._choose(number)
            held = None if self.ended else self._held
            if held is not None and self.beside.ready_for(number, held[0].cue):
                self._upload(number, *held)
        except DopaloopError as error:
            self._end(str(error), ok=False)
        except Exception as error:  # noqa: BLE001 - a protocol is somebody's code: say where it failed
            module = type(self._desk.protocol).__module__
            self._end(explain(error, self.plan.protocol_name, module), ok=False)

    def _choose(self, number: int) -> None:
        """Have the protocol decide about the next trial, and hold it ready."""
        protocol = self._desk.protocol
        over = self._declaration.turn(protocol)
        if over is not None:
            self._part(over)
            return
        spec = decided(protocol.decide(self.history, self._declaration.estimates, self.plan.draws(number)))
        self.digest.spec(spec)
        if spec is None:
            self._part(f"the protocol finished after {number} trials")
            return
        self._declaration.lock(number, spec)
        self._ledger.settle(self._out.board_us)
        too_much = self._ledger.why_never(spec.reward_ul)
        if too_much is None:
            table = built(protocol, spec, self.plan)
            check(table, self.plan.rig, self._board.limits, self.plan.where)
            too_much = self._ledger.why_never(spec.reward_ul, table)
            self._held = spec, table
            self._line = f"trial {number + 1}: {protocol.describe(spec)}"
        if too_much is not None:
            self._end(f"trial {number + 1} would give too much water: {too_much}", ok=False)

    def _waits(self, number: int, spec: TrialSpec, table: StateTable) -> bool:
        """Whether a trial must wait until more water may be given; says so once."""
        why = self._ledger.why_wait(spec.reward_ul, self._out.board_us, table)
        if why is not None and not self._thirsty:
            self._out.notice("info", "session", f"trial {number + 1} waits, or it would be {why}")
            self._set_phase("deciding")
        self._thirsty = why is not None
        return self._thirsty

    def _upload(self, number: int, spec: TrialSpec, table: StateTable) -> None:
        if self._waits(number, spec, table):
            return
        self._held = None
        rig = self.plan.rig
        self._declaration.lock_table(number, spec, table, self._out.board_us)
        image = encode(table)
        # Each upload takes the next slot, so that the events of a trial that was given up are known by it.
        self._slot = self._uploads % self._board.limits.slots
        self._uploads += 1
        self._crc32 = zlib.crc32(image)
        self._trial = TrialAssembler(number, spec, table, rig)
        self._echo.begin(table)
        self._drops_before = self._desk.drops
        if number:  # a drop before the first trial, to show the spout, is nobody's
            self._declaration.rewarded_between(self._drops_before - self._drops_after)
        self._ledger.promise(spec.reward_ul, table)
        self._decided(UploadTable(slot=self._slot, image=image))
        self._set_phase("uploading")

    def _close_trial(self, trial: TrialAssembler) -> None:
        self._trial = None
        manual = self._desk.drops != self._drops_before
        self._keep(trial.record(), MANUAL if manual else None)
        self._set_phase("closing")

    def _on_lost_in_trial(self, trial: TrialAssembler, event: EventsLost) -> None:
        if trial.started:
            self._interrupt("board events were lost in it")
        else:
            # What was lost may lie before its start, and then it costs nothing.
            self._lost_before_start_us = event.before_us

    def _look_for_start(self, now_us: int) -> None:
        """Give up a trial whose start should have been told by now, after events were lost."""
        if self._phase != "running" or self._trial is None or self._trial.started:
            self._lost_before_start_us = None
        elif self._lost_before_start_us is not None and now_us - self._lost_before_start_us > START_US:
            self._lost_before_start_us = None
            self._interrupt("its start was lost", begun=True)

    def _interrupt(self, reason: str, *, begun: bool = False) -> None:
        """Give up the running trial: the board is told to stop, what is known is kept.

        Parameters
        ----------
        begun
            It may have begun though nobody has heard so: it is kept as a trial, and not begun again.
        """
        self._send(Abort())
        self._ledger.suspect()
        self._give_up_trial(begun=begun)
        self._out.notice("warning", "session", f"a trial is incomplete: {reason}")
        self._set_phase("closing")

    def _give_up_trial(self, *, begun: bool = False) -> None:
        trial, self._trial = self._trial, None
        if trial is not None and (trial.started or begun):
            self._keep(trial.record(interrupted=True, unseen_us=self._out.board_us), None)

    def _keep(self, record: TrialRecord, why_missing: str | None) -> None:
        self._drops_after = self._desk.drops
        self.digest.record(record)
        self.history.add(record)
        self._out.publish(TrialDone(record=record))
        self._declaration.keep(record)
        self.reckoning.open(record, self._out.now_ns, why_missing)
        self.fibres.open(record, self.reckoning.epoch, why_missing)

    def _part(self, reason: str) -> None:
        """End in order, once the spikes around the last events are here or no longer to be hoped for."""
        until_ns = self.reckoning.spikes_by_ns
        if until_ns is not None and self._out.now_ns < until_ns:
            self._parting = reason
        else:
            self._end(reason, ok=True)

    def _end(self, reason: str, *, ok: bool) -> None:
        if self.ended:
            return
        if not ok:
            self._send(Abort())
        if self._phase == "running":
            self._give_up_trial()
        self._ledger.close(self._out.board_us)
        self._losses.tell(over=True)
        for document in self.reckoning.close(in_order=ok):
            self._out.publish(document)
        self.fibres.close()
        self.beside.settle(over=True)
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
        if isinstance(command, Pulse):
            self._echo.ask(command.output, self._out.board_us)
        self._board.send(command, self._out.now_ns)

    def _decided(self, command: BoardCommand) -> None:
        self.digest.command(command)
        self._send(command)

    def _set_phase(self, phase: Phase) -> None:
        self._phase = phase
        self._desk.running = self._trial.table if phase == "running" and self._trial is not None else None
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
                sources=self.fibres.states(),
                events_lost=self._losses.events,
                accepts=() if self.ended else self._desk.accepts(connected=self._connected),
                last_line=self._line,
            )
        )
