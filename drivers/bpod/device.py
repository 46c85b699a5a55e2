"""The computer's side of a Bpod: implements `rig.device.WiredBoard`.

Longer than most: order of requests, trials and times of one board belong together.

Three phases: off; the *hello* (`drivers.bpod.hello`), in which it is made safe and asked what it has; and
*ready*, in which it is given state machines (`drivers.bpod.runs`) and their events are followed
(`drivers.bpod.follow`). Rig time is the device's session clock, which the hello sets to 0.

A Bpod has no watchdog: it does not notice that its computer is gone. What holds instead: every pulse is timed
by the device, and a table is taken only if it comes to rest by itself (`rig.machine.board_rules`), so a trial
that nobody watches any more ends without anything left open. It keeps no limit of its own either; tables and
pulses are held to `max_open_us` here, before they are sent.
"""

from __future__ import annotations

import enum
import zlib
from typing import Final

import msgspec

from drivers.bpod import codec, wire
from drivers.bpod.compiler import Wiring, compile_table
from drivers.bpod.follow import RunView, SyncLevel
from drivers.bpod.hello import Hello
from drivers.bpod.idle import Rest
from drivers.bpod.lines import Lines, count_lines
from drivers.bpod.runs import Job, Run, Runs
from rig.commands import Abort, BoardCommand, Configure, Pulse, SendSoftEvent, StartTrial, UploadTable
from rig.description import BoardConfig
from rig.device import BoardAbilities, BoardLimits, Lack
from rig.errors import EncodeError
from rig.events import (
    BoardEvent,
    BoardReady,
    CommandRefused,
    EndReason,
    Heartbeat,
    LinkLost,
    PulseRefused,
    TableAccepted,
    TrialEnded,
    TrialStarted,
    WireNoise,
)
from rig.machine.board_rules import BoardRules
from rig.machine.image import decode
from rig.machine.refusal import BadImage
from rig.units import CYCLE_US, NS_PER_MS, NS_PER_S, US_PER_S

SOURCE: Final = "board"
SILENCE_NS: Final = 3 * NS_PER_S
"""Without a byte for this long the link is lost."""
PING_NS: Final = NS_PER_S
LATE_NS: Final = 300 * NS_PER_MS
"""An idle machine that has not begun by then is asked for again: firmware 23.10 can forget to start it."""
LOST_NS: Final = NS_PER_S
"""A run that has not begun by then never will."""
SLACK_US: Final = 1_000
"""A run's length by its cycles and by its clock may differ by so much."""
LINK_LOST: Final = "the link to the board was lost before it was done"
OVERTAKEN: Final = "an abort came first"

LIMITS: Final = BoardLimits(
    inputs=6,  # of an r2; a connected one says what it has
    outputs=10,
    cycle_us=CYCLE_US,
    resolution_us=CYCLE_US,
    outputs_inferred=True,
    shared_timers=16,
    lacks=frozenset(
        {
            Lack.WATCHDOG,
            Lack.LASTING_PULSES,
            Lack.REFUSED_OVERLAPS,
            Lack.HELD_AND_PULSED,
            Lack.SEVERAL_RESETS,
            Lack.QUIET_CANCEL,
            Lack.PULSES_IN_TRIAL,
            Lack.OWN_MAX_OPEN,
            Lack.PROMPT_COUNTERS,
            Lack.REREADS,
        }
    ),
)
"""What every Bpod of firmware 23 can hold of our tables, and what it cannot do."""

_UNKNOWN: Final = msgspec.structs.replace(LIMITS, inputs=8, outputs=16)
"""Before it has said what it has: which lines there are is looked at in the hello."""


class _Phase(enum.Enum):
    OFF = enum.auto()
    HELLO = enum.auto()
    READY = enum.auto()


class BpodBoard:
    """Driver of a Bpod.

    Longer than most: requests, trials and times of one board share one state.

    Parameters
    ----------
    config
        The rig's description of the board; every line names its connector (``channel``).

    Raises
    ------
    ConfigError
        If a line names none, or one that cannot be.
    """

    abilities: Final = BoardAbilities(title="Bpod", limits=LIMITS)

    def __init__(self, config: BoardConfig) -> None:
        self._config = config
        self._lines = Lines(config)
        self._phase = _Phase.OFF
        self._hello = Hello(self._lines)
        self._told_problem = ""
        self._known = False
        self._stream = codec.RunStream()
        self._wiring: Wiring | None = None
        self._runs: Runs | None = None
        self._sync = SyncLevel(wired=bool(self._lines.sync))
        self._max_open_us: tuple[int, ...] | None = None
        self._rest = Rest(config.sync_seed)
        self._later: list[BoardEvent] = []
        self._later_ns = 0
        self._heard_ns = self._pinged_ns = 0
        self._pings = 0
        self._now_us = self._beat_us = 0
        self._nudged = False
        self._last_words = b""

    # --- what the session and the guard call ---------------------------------------------------------

    @property
    def limits(self) -> BoardLimits:
        """What this board can hold."""
        if self._wiring is None:
            return _UNKNOWN
        hardware = self._wiring.hardware
        return msgspec.structs.replace(
            LIMITS,
            inputs=count_lines(hardware.input_channels()),
            outputs=count_lines(hardware.output_channels()),
            shared_timers=hardware.timers,
        )

    @staticmethod
    def alive_frame(counter: int) -> bytes:
        """Return nothing: a Bpod has no watchdog to be kept alive for."""
        return b""

    @staticmethod
    def abort_frame() -> bytes:
        """Return what ends the run, and lets go of the device (on r2 that also cuts the valves' power)."""
        return wire.EXIT + wire.GOODBYE

    def connect(self, t_ns: int) -> None:
        """Begin the hello; it is repeated until `BoardReady` comes out of `feed`."""
        self._later += self._forget()
        self._later_ns = t_ns
        self._say_hello(t_ns)

    def send(self, command: BoardCommand, t_ns: int) -> None:
        """Queue a command; an abort goes before everything."""
        told = self._obey(command)
        if told:
            self._later += told
            self._later_ns = t_ns
        self._go_on(t_ns)

    def feed(self, data: bytes, t_ns: int) -> list[BoardEvent]:
        """Take the bytes that came; return what they mean."""
        told = self._drain()
        if not data:
            return told
        if self._phase is _Phase.HELLO:
            self._hello.feed(data, t_ns)
            told += self._hello_over(t_ns)
        elif self._phase is _Phase.READY:
            self._heard_ns = t_ns
            for item in self._stream.feed(data):
                told += self._take(item, t_ns)
                if not self._ready:
                    break
        self._go_on(t_ns)
        return told

    def idle(self, t_ns: int) -> list[BoardEvent]:
        """Let time pass: ask again, notice a dead link."""
        told = self._drain()
        if self._phase is _Phase.HELLO:
            self._hello.idle(t_ns)
            told += self._hello_over(t_ns)
        elif self._phase is _Phase.READY:
            told += self._look_after(t_ns)
        self._go_on(t_ns)
        return told

    def outgoing(self) -> bytes:
        """Return the bytes to write now; each is handed out once."""
        words, self._last_words = self._last_words, b""
        if self._phase is _Phase.HELLO:
            return words + self._hello.outgoing()
        return words + (self._runs.outgoing() if self._runs is not None else b"")

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        times = [self._later_ns] if self._later else []
        if self._phase is _Phase.HELLO:
            times.append(self._hello.deadline_ns)
        elif self._phase is _Phase.READY:
            times.append(max(self._heard_ns, self._pinged_ns) + PING_NS)
            times.append(self._heard_ns + SILENCE_NS)
            since = self._runs.since_ns if self._runs is not None else None
            if since is not None:
                times.append(since + (LOST_NS if self._nudged else LATE_NS))
        return min(times, default=None)

    @property
    def _ready(self) -> bool:
        return self._phase is _Phase.READY

    def _drain(self) -> list[BoardEvent]:
        later, self._later = self._later, []
        return later

    # --- commands ------------------------------------------------------------------------------------

    def _obey(self, command: BoardCommand) -> list[BoardEvent]:
        runs = self._runs
        if self._phase is not _Phase.READY or runs is None:
            if isinstance(command, Abort):
                self._last_words += wire.EXIT
                return []
            return [_refused(command, "the board is not connected")]
        match command:
            case Configure():
                self._max_open_us = command.max_open_us
            case UploadTable():
                return self._upload(command, runs)
            case StartTrial():
                return self._start(command, runs)
            case Abort():
                return [_refused(job, OVERTAKEN) for job in runs.abort()]
            case Pulse():
                return self._pulse(command, runs)
            case SendSoftEvent():
                current = runs.current
                if current is None or current.slot is None or current.view is None:
                    return [_refused(command, "no trial is running")]
                runs.say(wire.SOFT_EVENT + bytes((command.number - 1,)))
        return []

    def _upload(self, command: UploadTable, runs: Runs) -> list[BoardEvent]:
        assert self._wiring is not None
        limits = self.limits
        if command.slot not in range(limits.slots):
            return [_refused(command, f"there is no slot {command.slot}")]
        try:
            table = decode(command.image, limits, self._max_open_us)
            problem = next(BoardRules(table, self._config, limits).problems(), None)
            if problem is not None:
                place = "" if problem.state is None else f"state {problem.state}: "
                return [_refused(command, f"{place}{problem.message} [rule: {problem.rule}]")]
            runs.tables[command.slot] = compile_table(table, self._wiring)
        except (BadImage, EncodeError) as error:
            return [_refused(command, str(error))]
        return [TableAccepted(slot=command.slot, crc32=zlib.crc32(command.image))]

    def _start(self, command: StartTrial, runs: Runs) -> list[BoardEvent]:
        if command.slot not in runs.tables:
            return [_refused(command, f"there is no table in slot {command.slot}")]
        if runs.in_trial:
            return [_refused(command, "a trial is running")]
        runs.jobs.append(command)
        return []

    def _pulse(self, command: Pulse, runs: Runs) -> list[BoardEvent]:
        assert self._wiring is not None
        output, allowed = command.output, self._max_open_us or ()
        longest_us = allowed[output] if 0 <= output < len(allowed) else 0
        reason = None
        if output not in self._wiring.outputs:
            reason = f"output {output} is not wired to the Bpod"
        elif not 0 < command.duration_us <= longest_us:
            reason = f"output {output} may be open for {longest_us} us at most"
        elif runs.in_trial:
            reason = "a Bpod opens nothing for the computer while a trial runs; ask again between trials"
        elif output in runs.pulsing:
            reason = f"output {output} is pulsing already"
        if reason is None:
            runs.jobs.append(command)
            return []
        return [PulseRefused(t_us=self._now_us, output=output), _refused(command, reason)]

    def _go_on(self, t_ns: int) -> None:
        if self._phase is _Phase.READY and self._runs is not None and self._max_open_us is not None:
            before = self._runs.pending
            self._runs.go_on(t_ns)
            if self._runs.pending is not before:
                self._nudged = False

    # --- what it tells -------------------------------------------------------------------------------

    def _take(self, item: codec.Item, t_ns: int) -> list[BoardEvent]:
        runs = self._runs
        assert runs is not None
        match item:
            case codec.Accepted(ok=True):
                runs.accepted()
            case codec.Accepted():
                return self._lose("it did not take a state machine as a whole", t_ns)
            case codec.Begun():
                return self._begun(item, runs)
            case codec.Cycle():
                return self._cycle(item, runs)
            case codec.Ended():
                return self._ended(item, runs, t_ns)
            case codec.Discovery():
                return self._lose("it was reset, or another program let go of it", t_ns)
            case codec.Farewell():
                self._phase = _Phase.OFF
            case codec.Noise():
                noise = WireNoise(
                    source=SOURCE, dropped=1, reason=f"byte {item.byte} is no message of a Bpod"
                )
                return [noise, *self._lose("its messages are out of step", t_ns)]
        return []

    def _begun(self, item: codec.Begun, runs: Runs) -> list[BoardEvent]:
        run = runs.current
        if run is None or self._wiring is None:
            return []
        run.view = RunView(run.compiled, self._wiring, self._sync, slot=run.slot, start_us=item.t_us)
        if run.given_up and not self._stream.exits:  # the exit came before it and ended nothing
            runs.exit()
        return self._stamped(run.view.begin(), item.t_us)

    def _cycle(self, item: codec.Cycle, runs: Runs) -> list[BoardEvent]:
        run = runs.current
        if run is None or run.view is None:
            return []
        return self._stamped(run.view.cycle(item.number, item.events), run.view.time_us(item.number))

    def _ended(self, item: codec.Ended, runs: Runs, t_ns: int) -> list[BoardEvent]:
        run = runs.current
        if item.stray or run is None:
            self._stream.exits = max(0, self._stream.exits - 1)
            return self._stamped(self._sync.toggle(item.t_us), item.t_us)
        natural = run.view is not None and run.view.state is None
        if not natural:
            self._stream.exits = max(0, self._stream.exits - 1)
        runs.ended(t_ns)
        if run.view is None:
            return self._stamped([*_never_began(run, item.t_us), *self._sync.toggle(item.t_us)], item.t_us)
        end_us = run.view.time_us(item.number)
        told = self._stamped(
            run.view.end(item.number, reason=EndReason.COMPLETE if natural else EndReason.ABORTED), end_us
        )
        if natural and abs(item.t_us - end_us) > SLACK_US:
            off = f"its cycles and its clock differ by {item.t_us - end_us} us over one run"
            told.append(WireNoise(source=SOURCE, dropped=0, reason=off))
        return told

    def _stamped(self, told: list[BoardEvent], t_us: int) -> list[BoardEvent]:
        """Take note of the time, and say once a second that the board is alive."""
        self._now_us = max(self._now_us, t_us)
        if self._now_us - self._beat_us >= US_PER_S:
            self._beat_us = self._now_us
            return [*told, Heartbeat(t_us=self._now_us)]
        return told

    # --- hello, doubt and loss -----------------------------------------------------------------------

    def _say_hello(self, t_ns: int) -> None:
        self._phase = _Phase.HELLO
        self._hello = Hello(self._lines)
        self._hello.begin(t_ns)

    def _hello_over(self, t_ns: int) -> list[BoardEvent]:
        hello = self._hello
        if hello.hardware is None:
            if not hello.problem or hello.problem == self._told_problem:
                return []
            self._told_problem = hello.problem
            reason = f"the device at {self._config.port} cannot be used: {hello.problem}"
            return [LinkLost(source=SOURCE, reason=reason)]
        hardware = hello.hardware
        names_in, names_out = hardware.input_channels(), hardware.output_channels()
        self._wiring = Wiring(
            hardware=hardware,
            inputs={line: names_in[name] for line, name in self._lines.inputs.items()},
            outputs={line: names_out[name] for line, name in self._lines.outputs.items()},
        )
        self._stream = codec.RunStream()
        self._sync = SyncLevel(wired=bool(self._lines.sync))
        self._runs = Runs(self._stream, self._wiring, self._rest)
        self._max_open_us = None
        self._now_us = self._beat_us = 0
        self._heard_ns = self._pinged_ns = t_ns
        self._phase, anew, self._known = _Phase.READY, self._known, True
        emulated = hardware.revision & wire.EMULATED_REVISION
        return [
            BoardReady(
                name=hardware.name,
                serial="unknown",
                firmware=f"{hardware.firmware[0]}.{hardware.firmware[1]}",
                time_scale=hardware.revision - emulated if emulated else 0,
                t_us=0,
                anew=anew,
            )
        ]

    def _look_after(self, t_ns: int) -> list[BoardEvent]:
        runs = self._runs
        assert runs is not None
        if t_ns - self._heard_ns >= SILENCE_NS:
            seconds = SILENCE_NS // NS_PER_S
            return self._lose(f"no sign of life for {seconds} s; check cable and power", t_ns)
        since, pending = runs.since_ns, runs.pending
        if since is not None and pending is not None:
            if t_ns - since >= LOST_NS:
                return self._lose("it did not begin what it was sent", t_ns)
            if t_ns - since >= LATE_NS and not self._nudged:
                self._nudged = True
                if pending.slot is None and runs.current is None:  # a trial is never asked for twice
                    runs.say(wire.RUN)
        if t_ns - max(self._heard_ns, self._pinged_ns) >= PING_NS:
            self._pinged_ns = t_ns
            self._pings = (self._pings + 1) % 256
            runs.say(wire.ECHO + bytes((self._pings,)))
        return []

    def _lose(self, why: str, t_ns: int) -> list[BoardEvent]:
        told: list[BoardEvent] = [LinkLost(source=SOURCE, reason=f"the Bpod at {self._config.port}: {why}")]
        told += self._forget()
        self._say_hello(t_ns)
        return told

    def _forget(self) -> list[BoardEvent]:
        """Refuse what was under way; nobody knows what became of it."""
        runs, self._runs = self._runs, None
        if runs is None:
            return []
        void: list[Job] = list(runs.jobs)
        if runs.pending is not None and runs.pending.slot is not None:
            void.append(StartTrial(slot=runs.pending.slot))
        return [_refused(job, LINK_LOST) for job in void]


def _never_began(run: Run, t_us: int) -> list[BoardEvent]:
    """Return the events of a trial that was ended before its first cycle: every start has its end."""
    if run.slot is None:
        return []
    return [TrialStarted(t_us=t_us, slot=run.slot), TrialEnded(t_us=t_us, reason=EndReason.ABORTED)]


def _refused(command: msgspec.Struct, reason: str) -> CommandRefused:
    return CommandRefused(command=str(command.__struct_config__.tag), reason=reason)
