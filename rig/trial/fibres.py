"""Photometry of one session: sources in, live traces, responses, reversal points and loops out.

Nothing here can delay a decision: responses of fibres are told when they come, and no trial waits for them.
(A protocol that wants them must wait by itself; there is no such protocol yet.) On a rig without photometry
there are no sources, and nothing of this does anything; the numerical library behind it is not even loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

import msgspec

from rig.clock.health import ClockHealth, health
from rig.commands import BoardCommand, SendSoftEvent
from rig.design.plan import SessionPlan
from rig.device import SampleDevice, SampleFeed
from rig.documents import FibreEstimatesUpdated, FibreResponseTaken, LoopsMeasured
from rig.effects import Stamped
from rig.errors import ConfigError, EncodeError, PackError
from rig.events import SampleEvent, SoftEventSeen, SourceReady, StreamRestarted, WireNoise
from rig.log.entry import PORT_OPEN, Input
from rig.log.pack import unpack
from rig.outbox import Outbox
from rig.photometry.settings import PhotometryConfig
from rig.photometry.told import SourceHealth
from rig.trial.fibre_events import FibreEvents
from rig.trial.fibre_reversals import FibreReversals
from rig.trial.live_arrays import fibre_array
from rig.trial.loops import Loops
from rig.trial.sample_losses import SampleLosses
from rig.trial.spec import TrialRecord
from rig.units import NS_PER_S, US_PER_S

if TYPE_CHECKING:  # scipy.signal comes with it, and takes most of a second
    from rig.photometry.intake import SampleIntake

LOOPS_EVERY_US: Final = 10 * US_PER_S


class Fibres:
    """All photometry sources of a session.

    Longer than most: windows, averages and reversal points of all fibres share their trials.

    Parameters
    ----------
    sources
        One driver a source, by the source's name in the rig file: a `SampleDevice` where it has a port, else
        a `SampleFeed`.
    send
        Hands a command to the board.
    """

    def __init__(
        self,
        plan: SessionPlan,
        sources: Mapping[str, SampleDevice | SampleFeed],
        out: Outbox,
        send: Callable[[BoardCommand], None],
    ) -> None:
        self._out = out
        self._send_command = send
        self._devices: dict[str, SampleDevice] = {}
        self._feeds: dict[str, SampleFeed] = {}
        self._intakes: dict[str, SampleIntake] = {}
        self._heard_ns: dict[str, int] = {}
        self._silent: set[str] = set()
        self._broken: set[str] = set()
        self._loops = Loops(self._send_soft)
        self._loops_us = 0
        for config in plan.rig.photometry:
            if config.name not in sources:
                raise ConfigError(f"no driver was made for the photometry source '{config.name}'")
            self._add(config, sources[config.name])
        fibres = tuple((name, fibre) for name, intake in self._intakes.items() for fibre in intake.fibres)
        self._events = FibreEvents(self._intakes)
        self._reversals = FibreReversals(plan, fibres)
        self._losses = SampleLosses(out)

    def _add(self, config: PhotometryConfig, source: SampleDevice | SampleFeed) -> None:
        from rig.photometry.intake import SampleIntake

        step = 1
        if config.port:
            device = self._devices[config.name] = cast(SampleDevice, source)
            step = device.buffer_samples
        else:
            self._feeds[config.name] = cast(SampleFeed, source)
        self._intakes[config.name] = SampleIntake(config, step)
        for threshold in config.thresholds:
            self._loops.add(config.name, threshold)

    def __contains__(self, source: str) -> bool:
        """Whether a source of samples has this name."""
        return source in self._intakes

    def __bool__(self) -> bool:
        """Whether there is any photometry at all."""
        return bool(self._intakes)

    # --- what comes in ----------------------------------------------------------------------------

    def take(self, entry: Input, *, armed: bool) -> None:
        """Take an input of one of the sources.

        Parameters
        ----------
        armed
            Whether a table runs that could take a soft event.
        """
        source, payload = entry.source, entry.payload
        match entry.kind:
            case "bytes":
                self._take(source, self._devices[source].feed(payload, entry.t_ns), armed=armed)
            case "messages":
                self._take_messages(source, payload, armed=armed)
            case "port" if payload == PORT_OPEN:
                self._devices[source].connect(entry.t_ns)
            case "port":
                self._out.notice("error", source, f"the port {payload.decode('utf-8', 'replace')}")
            case _:
                pass

    def _take_messages(self, source: str, payload: bytes, *, armed: bool) -> None:
        """Take a packed batch of messages of a program that publishes."""
        feed, now_ns = self._feeds[source], self._out.now_ns
        try:
            messages = unpack(payload)
        except PackError as error:
            noise = WireNoise(source=source, dropped=len(payload), reason=str(error))
            self._losses.take(source, [noise])
            return
        for parts in messages:
            self._take(source, feed.feed(parts, now_ns), armed=armed)

    def idle(self) -> None:
        """Let time pass."""
        now_ns = self._out.now_ns
        for name, device in self._devices.items():
            due_ns = device.deadline_ns()
            if due_ns is not None and due_ns <= now_ns:
                self._take(name, device.idle(now_ns), armed=False)

    def _take(self, source: str, events: list[SampleEvent], *, armed: bool) -> None:
        if not events or source in self._broken:
            return
        intake, now_ns = self._intakes[source], self._out.now_ns
        try:
            notable, chunks = intake.take(events, now_ns)
        except ConfigError as error:
            self._broken.add(source)
            self._out.notice("error", source, f"{error}; nothing is made of this source's samples")
            return
        for event in notable:
            if isinstance(event, SourceReady | StreamRestarted):
                self._loops.forget(source)
            if isinstance(event, SourceReady):
                self._out.notice("info", source, _greeting(event))
        if chunks:
            self._heard_ns[source] = now_ns
        for chunk in chunks:
            self._loops.look(chunk, intake, now_ns, armed=armed)
        for chunk in chunks:
            self._out.array(fibre_array(source, chunk, intake))
        self._losses.take(source, notable)

    def _send_soft(self, number: int) -> int:
        try:
            self._send_command(SendSoftEvent(number=number))
        except EncodeError as error:
            self._out.notice("error", "session", str(error))
        return self._out.stamp()

    def stamped(self, payload: bytes) -> None:
        """Take the engine's stamps of what was sent."""
        self._loops.written(msgspec.json.decode(payload, type=Stamped))

    # --- from the board ---------------------------------------------------------------------------

    def board_ready(self, time_scale: int) -> None:
        """The board has told how fast its time may go."""
        self._loops.scaled(time_scale)

    def board_heard(self, t_us: int) -> None:
        """The board has spoken, and stamped it `t_us`: all that a source without a sync line has."""
        for intake in self._intakes.values():
            intake.clock.board_heard(t_us, self._out.now_ns)

    def board_pulse(self, t_us: int) -> None:
        """The board drove a rising edge on its sync line."""
        for name, intake in self._intakes.items():
            intake.add_board_pulse(t_us)
            self._losses.miscounted(name, intake)

    def board_restarted(self, why: str) -> None:
        """The board's time began anew: no clock fits it any more, no open event lies in it."""
        for intake in self._intakes.values():
            intake.restart_board(why)
        self.spoil(why)

    def interrupted(self, why: str) -> None:
        """Nothing was recorded for a while: no open event is whole any more."""
        self.spoil(why)
        for name, intake in self._intakes.items():
            intake.interrupted(why)
            self._loops.forget(name)

    def soft_event(self, event: SoftEventSeen) -> None:
        """The running table took a soft event."""
        self._loops.acted(event, self._out.now_ns)

    # --- trials -------------------------------------------------------------------------------------

    def open(self, record: TrialRecord, epoch: int, why_missing: str | None) -> None:
        """Ask the fibres about a finished trial."""
        self._reversals.before(record, epoch)
        self._events.open(record, why_missing)

    def spoil(self, why: str) -> None:
        """Withhold what is still open: something happened that is not in the model."""
        self._events.spoil(why)

    def settle(self) -> None:
        """Tell what can be told by now."""
        if not self._intakes:
            return
        self._tell(self._events.settle(self._out.board_us))
        self._look_for_silence()
        self._losses.tell()
        if self._loops.news and self._out.board_us - self._loops_us >= LOOPS_EVERY_US:
            self._tell_loops()

    def close(self) -> None:
        """The session is over: tell what there is."""
        if not self._intakes:
            return
        self._tell(self._events.close())
        self._losses.tell(over=True)
        if self._loops.news:
            self._tell_loops()

    def _tell(self, responses: Iterator[FibreResponseTaken]) -> None:
        newest: int | None = None
        for told in responses:
            self._out.publish(told)
            if self._reversals.add(told):
                newest = told.trial
        if newest is not None:
            fibres = self._reversals.told()
            self._out.publish(FibreEstimatesUpdated(trial=newest, epoch=self._reversals.epoch, fibres=fibres))

    def _tell_loops(self) -> None:
        self._loops_us = self._out.board_us
        loops = self._loops.told(self._intakes)
        self._out.publish(LoopsMeasured(board_us=self._out.board_us, loops=loops))

    def _look_for_silence(self) -> None:
        """Say when nothing comes any more; a device's own driver does so for itself."""
        now_ns = self._out.now_ns
        for name in self._feeds:
            heard_ns = self._heard_ns.get(name, 0)
            limit_s = self._intakes[name].config.silence_s
            silent = now_ns - heard_ns > limit_s * NS_PER_S
            if silent and name not in self._silent:
                self._silent.add(name)
                self._out.notice("warning", name, f"no samples for {limit_s:g} s; does the program run?")
            elif not silent and name in self._silent:
                self._silent.discard(name)
                self._out.notice("info", name, "samples come again")

    # --- what goes out ------------------------------------------------------------------------------

    def flush(self) -> None:
        """Hand the devices' bytes to their ports."""
        for name, device in self._devices.items():
            self._out.write(name, device.outgoing())

    def farewell(self, source: str) -> bytes:
        """Return the last bytes for a device, on whatever way out: its stream stops, its lights go off."""
        device = self._devices[source]
        device.stop()
        return device.outgoing()

    def deadlines_ns(self) -> list[int | None]:
        """When time should pass next for each device, and for what waits to be told."""
        return [*(device.deadline_ns() for device in self._devices.values()), self._losses.deadline_ns()]

    def clocks(self, board_us: int) -> dict[str, ClockHealth]:
        """How each source's clock stands at board time `board_us`; of those that have begun."""
        begun = {name: intake for name, intake in self._intakes.items() if intake.ready is not None}
        return {name: health(intake.clock, board_us) for name, intake in begun.items()}

    def positions(self) -> dict[str, tuple[int, float]]:
        """Where each source's own clock stands: sample that comes next, samples per second as stated."""
        found = {name: intake.position for name, intake in self._intakes.items()}
        return {name: position for name, position in found.items() if position is not None}

    def states(self) -> tuple[SourceHealth, ...]:
        """Health of every source."""
        return tuple(intake.health(self._out.board_us) for intake in self._intakes.values())

    @property
    def estimates(self) -> FibreReversals:
        """The fibres' reversal points so far."""
        return self._reversals


def _greeting(ready: SourceReady) -> str:
    serial = f", serial {ready.serial}" if ready.serial else ""
    detail = f"; {ready.detail}" if ready.detail else ""
    return f"{ready.name}{serial} sends {', '.join(ready.channels)} at {ready.rate_hz:g} Hz{detail}"
