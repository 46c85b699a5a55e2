"""The host's side of the state-machine board: commands in, bytes out; bytes in, events out.

The board is in one of two phases. In the *hello* it is asked who it is, until it answers. When it is
*ready*, it is told what the session wants (`drivers.board.jobqueue`), and its events come in order
(`drivers.board.sequence`) and in rig time (`drivers.board.ticks`). After three seconds without a sign
of life, or when the board turns out to have been reset, the link is lost: what was under way is
refused, and the hello begins again by itself.

What is written, and in which order, depends on the commands and on the board's answers alone.

(The class is longer than most: it is the one place where phase, clock, order and queue meet, and each
of those has a file of its own.)
"""

from __future__ import annotations

from typing import Final

from drivers.board import registers as reg
from drivers.board.codec import HarpCodec
from drivers.board.event_codes import SEQUENCE_WRAP, WORDS, EventKind, decode_event
from drivers.board.hello import SILENCE_NS, STRANGER_NS, Hello, Phase, who_are_you
from drivers.board.jobqueue import JobQueue
from drivers.board.registers import WHO_AM_I, Operation
from drivers.board.requests import REPLY_NS, TRIES, Purpose, Request, Window, read, write
from drivers.board.sequence import EventOrder
from drivers.board.ticks import TickClock
from drivers.board.wire import EVENT, HEADER_BYTES, STAMP_BYTES, TICK_US, Frame
from rig.commands import Abort, BoardCommand, StartTrial
from rig.description import BoardConfig
from rig.device import BoardAbilities, BoardLimits
from rig.events import BoardEvent, BoardReady, Heartbeat, LinkLost, WireNoise
from rig.machine.pulses import MOST_COUNTED
from rig.units import NS_PER_S, US_PER_MS, US_PER_S

SOURCE: Final = "board"

_QUIET_US: Final = 2_500 * US_PER_MS
"""Sync pulses come at least every 2 s: after this long without an event the last one may be missing."""

_NO_BEAT_US: Final = 3 * US_PER_S
"""Replies, but no heartbeat for this long: the board may be in standby after a reset."""

_ASTRAY: Final = 4
"""So many events in a row with new times and old numbers: it is we who are wrong about the number."""

_PAYLOAD_AT: Final = HEADER_BYTES + STAMP_BYTES
_EVENT_BYTES: Final = _PAYLOAD_AT + WORDS.size + 1


class HarpBoard:
    """Driver of the board; implements `rig.device.Board`.

    Parameters
    ----------
    config
        The rig's description of the board; only its port's name is used, in texts for people.

    Attributes
    ----------
    codec
        The framer, with its counts of frames and dropped bytes.
    """

    abilities: Final = BoardAbilities(title="dopaloop board", limits=BoardLimits(counted=MOST_COUNTED))

    def __init__(self, config: BoardConfig) -> None:
        self.codec = HarpCodec(SOURCE)
        self._port = config.port
        self._phase = Phase.OFF
        self._hello = Hello(make_safe=True)
        self._known = False  # this board was ready before
        self._stranger_told = False
        self._limits = BoardLimits()
        self._clock = TickClock()
        self._order = EventOrder()
        self._window = Window()
        self._queue = JobQueue(self._window)
        self._out = b""
        self._later: list[BoardEvent] = []  # what `send` found out
        self._later_ns = 0
        self._early: list[BoardEvent] = []  # events that came before `BoardReady` could be told
        self._beat_us: int | None = None  # a heartbeat that waits behind missing events
        self._heard_ns = 0
        self._last_event_us = 0
        self._last_beat_us = 0
        self._anew = False
        self._astray: list[tuple[int, int, int, int]] = []
        self.asked_again = 0
        """Events that were missing and were asked for once more."""

    # --- what the session and the guard call -------------------------------------------------------

    @property
    def limits(self) -> BoardLimits:
        """What this board can hold; the least of all boards before it has said so."""
        return self._limits

    @property
    def now_us(self) -> int:
        """The latest rig time known, by whatever the board stamped last."""
        return self._clock.now_us

    @property
    def repeats(self) -> int:
        """How many requests had to be sent again."""
        return self._window.repeats

    @staticmethod
    def alive_frame(counter: int) -> bytes:
        """Return the `HostAlive` frame that the guard writes every 10 ms, outside the session."""
        return reg.HOST_ALIVE.write_frame(counter & 0xFFFF_FFFF)

    @staticmethod
    def abort_frame() -> bytes:
        """Return the frame that makes the board safe at once, for every way out."""
        return reg.ABORT.write_frame(1)

    def connect(self, t_ns: int) -> None:
        """Begin the hello; it is repeated until `BoardReady` comes out of `feed`."""
        self._later += self._queue.clear()
        self._later_ns = t_ns
        self.codec.reset()
        self._stranger_told = False
        self._say_hello(t_ns)

    def send(self, command: BoardCommand, t_ns: int) -> None:
        """Queue a command; an abort goes before everything, a pulse or soft event before an upload.

        Raises
        ------
        EncodeError
            If the wire cannot carry it.
        """
        before, self._out = self._out, b""
        self._later += self._queue.add(command, ready=self._phase is Phase.READY)
        self._later += self._go_on(t_ns)
        self._later_ns = t_ns
        self._out = self._out + before if isinstance(command, Abort) else before + self._out

    def feed(self, data: bytes, t_ns: int) -> list[BoardEvent]:
        """Take the bytes that came; return what they mean."""
        return self._drain() + self._take(self.codec.feed(data, t_ns), t_ns)

    def idle(self, t_ns: int) -> list[BoardEvent]:
        """Let time pass: repeat what was not answered, notice a dead link."""
        told = self._drain() + self._take(self.codec.idle(t_ns), t_ns)
        for request in self._window.expire(t_ns):
            told += self._unanswered(request, t_ns)
        if self._phase is Phase.READY and t_ns - self._heard_ns >= SILENCE_NS:
            seconds = SILENCE_NS // NS_PER_S
            told += self._lose(
                f"no sign of life from {self._port} for {seconds} s; check cable and power", t_ns
            )
        return told + self._go_on(t_ns)

    def outgoing(self) -> bytes:
        """Return the bytes to write now; each is handed out once."""
        out, self._out = self._out, b""
        return out

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        times = [self._window.deadline_ns(), self.codec.deadline_ns()]
        if self._phase is Phase.READY:
            times.append(self._heard_ns + SILENCE_NS)
        if self._later:
            times.append(self._later_ns)
        return min((t for t in times if t is not None), default=None)

    def _drain(self) -> list[BoardEvent]:
        later, self._later = self._later, []
        return later

    # --- frames --------------------------------------------------------------------------------------

    def _take(self, found: list[Frame | WireNoise], t_ns: int) -> list[BoardEvent]:
        if not found:
            return []
        told: list[BoardEvent] = []
        for item in found:
            if isinstance(item, WireNoise):
                told.append(item)
            elif self._phase is not Phase.OFF:
                told += self._frame(item, t_ns)
        return told + self._go_on(t_ns)

    def _frame(self, frame: Frame, t_ns: int) -> list[BoardEvent]:
        self._heard_ns = t_ns
        if frame.kind == EVENT and frame.address == reg.BOARD_EVENT.address:
            return self._board_event(frame, t_ns)
        stamp_us = frame.stamp_us
        if stamp_us is not None and self._phase is Phase.READY:
            real = self._clock.see_stamp(stamp_us, t_ns)
            if not real or self._clock.now_us - self._last_beat_us > _NO_BEAT_US:
                self._last_beat_us = self._clock.now_us
                self._probe(reg.OPERATION)
        if frame.kind == EVENT:
            return self._heartbeat() if frame.address in (reg.HEARTBEAT.address, reg.SECONDS.address) else []
        request = self._window.answer(frame)  # none for `HostAlive`: the guard asked, not we
        return self._answered(request, frame, t_ns) if request else []

    def _answered(self, request: Request, frame: Frame, t_ns: int) -> list[BoardEvent]:
        match request.purpose:
            case Purpose.HELLO:
                return self._hello_answer(frame, t_ns)
            case Purpose.PROBE:
                return self._probe_answer(frame, t_ns)
            case Purpose.GAP:
                return self._deliver(self._order.give_up(request.owner))
            case _:
                return self._queue.answer(request, frame)

    def _unanswered(self, request: Request, t_ns: int) -> list[BoardEvent]:
        match request.purpose:
            case Purpose.HELLO:
                self._say_hello(t_ns)
                return []
            case Purpose.PROBE:
                return self._lose(
                    f"the board at {self._port} does not answer any more; check the cable", t_ns
                )
            case Purpose.GAP if t_ns - self._heard_ns > REPLY_NS:  # a dead link: do not give up yet
                request.tries = TRIES
                self._window.push(request)
                return []
            case Purpose.GAP:
                return self._deliver(self._order.give_up(request.owner))
            case Purpose.JOB | Purpose.ABORT if not isinstance(request.owner.command, StartTrial):
                reason = f"the board at {self._port} was asked {TRIES} times and does not answer"
                return self._lose(f"{reason}; check cable and power", t_ns)
            case _:
                told = self._queue.unanswered(request)
                if self._queue.doubtful:
                    self._probe(reg.BOARD_EVENT)
                return told

    def _go_on(self, t_ns: int) -> list[BoardEvent]:
        """Ask for missing events, write what may be written now."""
        told: list[BoardEvent] = []
        for seq in self._order.to_ask() if self._met else ():
            self.asked_again += 1
            self._window.push(write(reg.READ_EVENT, seq, purpose=Purpose.GAP, owner=seq), front=True)
        if self._phase is Phase.READY:
            if self._queue.doubtful and self._order.whole and not self._window.has(Purpose.PROBE):
                told += self._queue.resolve()
            self._queue.go_on()
        self._out += self._window.pump(t_ns)
        return told

    @property
    def _met(self) -> bool:
        """Whether the board's clock and its events' numbers are known."""
        return self._phase is Phase.READY or self._hello.settled

    # --- events ----------------------------------------------------------------------------------------

    def _board_event(self, frame: Frame, t_ns: int) -> list[BoardEvent]:
        if len(frame.raw) != _EVENT_BYTES or not self._met:
            return []
        tick, seq, kind, index = WORDS.unpack_from(frame.raw, _PAYLOAD_AT)
        if self._order.is_far(seq):
            self._probe(reg.BOARD_EVENT)
            return []
        stamp_us = frame.stamp_us or 0
        if (self._clock.unwrap(tick) - stamp_us) % US_PER_S >= TICK_US:
            # Both come from one counter, whole seconds apart: damage that the 8-bit checksum did not see.
            return [WireNoise(source=SOURCE, dropped=len(frame.raw), reason="tick and time stamp disagree")]
        t_us = self._clock.see_tick(tick, stamp_us, t_ns)
        if not self._order.is_behind(seq) or t_us <= self._last_event_us:
            self._astray.clear()
            return self._happened(seq, kind, index, t_us)
        return self._go_back(seq, kind, index, t_us)

    def _go_back(self, seq: int, kind: int, index: int, t_us: int) -> list[BoardEvent]:
        """Take an event that is newer than all others and yet numbered as an old one.

        A damaged number that an 8-bit checksum let pass has put our count ahead. Some in a row are believed.
        """
        self._astray.append((seq, kind, index, t_us))
        if len(self._astray) < _ASTRAY:
            return []
        astray, self._astray = self._astray, []
        self._order.start(astray[0][0], self._last_event_us)
        return [event for each in astray for event in self._happened(*each)]

    def _happened(self, seq: int, kind: int, index: int, t_us: int) -> list[BoardEvent]:
        self._window.settle(seq)
        self._last_event_us = max(self._last_event_us, t_us)
        event = decode_event(kind, index, t_us)
        if event is not None:
            return self._deliver(self._order.take(seq, event))
        noise = WireNoise(source=SOURCE, dropped=_EVENT_BYTES, reason=f"unknown event kind {kind}")
        return [noise, *self._deliver(self._order.give_up(seq))]

    def _heartbeat(self) -> list[BoardEvent]:
        if self._phase is not Phase.READY:
            return []
        self._beat_us = self._last_beat_us = self._clock.now_us
        if self._beat_us - self._last_event_us > _QUIET_US:
            self._probe(reg.BOARD_EVENT)
        return self._deliver([])

    def _deliver(self, told: list[BoardEvent]) -> list[BoardEvent]:
        for event in told:
            self._queue.see(event)
        if self._beat_us is not None and self._order.whole:  # a heartbeat never overtakes an event
            told = [*told, Heartbeat(t_us=self._beat_us)]
            self._beat_us = None
        if self._phase is Phase.READY:
            return told
        self._early += told
        return []

    # --- hello, doubt and loss -------------------------------------------------------------------------

    def _say_hello(self, t_ns: int) -> None:
        self._phase = Phase.HELLO
        self._hello = Hello(make_safe=not self._known)
        self._window.drop(Purpose.HELLO, Purpose.PROBE, Purpose.GAP)
        self._order.ask_again()
        self._early, self._beat_us = [], None
        self._window.push(who_are_you())
        self._go_on(t_ns)

    def _hello_answer(self, frame: Frame, t_ns: int) -> list[BoardEvent]:
        hello = self._hello
        complete = hello.settled
        if complete:
            return self._ready()
        self._window.push(*hello.answer(frame))
        if hello.who != WHO_AM_I:
            return self._stranger(t_ns)
        if hello.settled:
            self._meet(t_ns)
        return []

    def _meet(self, t_ns: int) -> None:
        """All is known: go on where we were, or begin anew if the board did."""
        hello = self._hello
        last = hello.last_event
        self._limits = hello.limits
        self._anew = self._known and not hello.active
        if self._known and hello.active:
            self._clock.see_stamp(hello.stamp_us, t_ns)
            if last is not None:
                self._happened(last.seq, last.kind, last.index, self._clock.unwrap(last.tick))
            return
        self._clock.start(hello.tick, hello.stamp_us, t_ns, hello.time_scale)
        self._last_event_us = self._last_beat_us = self._clock.now_us
        self._order.start((last.seq + 1) % SEQUENCE_WRAP if last else 0, self._clock.now_us)
        self._queue.begin(self._limits)

    def _ready(self) -> list[BoardEvent]:
        hello, early = self._hello, self._early
        self._phase, self._known, self._early = Phase.READY, True, []
        self._last_beat_us = self._clock.now_us
        ready = BoardReady(
            name=hello.name,
            serial=hello.serial,
            firmware=hello.firmware,
            time_scale=hello.time_scale,
            t_us=self._clock.now_us,
            anew=self._anew,
        )
        return [ready, *early]

    def _stranger(self, t_ns: int) -> list[BoardEvent]:
        self._window.defer(who_are_you(), t_ns + STRANGER_NS)
        if self._stranger_told:
            return []
        self._stranger_told = True
        reason = (
            f"the device at {self._port} is a Harp device of type {self._hello.who}, not a dopaloop board "
            f"({WHO_AM_I}); put the board's own port into the rig file"
        )
        return [LinkLost(source=SOURCE, reason=reason)]

    def _probe(self, register: reg.Register) -> None:
        """Ask for the last event, or for the mode, unless that is being asked."""
        if not self._window.has(Purpose.PROBE, register):
            self._window.push(read(register, Purpose.PROBE), front=True)

    def _probe_answer(self, frame: Frame, t_ns: int) -> list[BoardEvent]:
        if frame.is_error:
            return []
        if frame.address == reg.OPERATION.address:
            mode = frame.payload[0] & Operation.MODE if frame.payload else Operation.ACTIVE
            return [] if mode == Operation.ACTIVE else self._lose("the board was reset", t_ns)
        tick, seq, kind, index = WORDS.unpack(frame.payload[: WORDS.size].ljust(WORDS.size, b"\0"))
        self._last_event_us = self._clock.now_us  # asked just now: no need to ask at the next heartbeat
        return [] if kind == EventKind.NONE else self._happened(seq, kind, index, self._clock.unwrap(tick))

    def _lose(self, reason: str, t_ns: int) -> list[BoardEvent]:
        refused = self._queue.clear()
        self._say_hello(t_ns)
        return [LinkLost(source=SOURCE, reason=reason), *refused]
