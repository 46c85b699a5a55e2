"""Harp devices beside the board: set up, told what a trial needs, listened to.

::

    device found --> setup written --> before each trial: what its cue wants --> answered --> the trial begins

Everything is written between trials. While a trial runs only the board acts, by its own clock: an odour is
chosen here, and let through by a line of the board's. A trial whose choice was not answered does not begin.

What the devices send by themselves is told in batches, with the device's own time and the board's: by the
sync line, where it is wired to the device, or by this computer's stamps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rig.clock.health import ClockHealth, StreamClock, health
from rig.clock.host import HostClock
from rig.clock.model import ClockModel
from rig.description import HarpConfig
from rig.device import Auxiliary
from rig.documents import HarpEvent, HarpEvents
from rig.errors import ConfigError
from rig.events import DeviceEvent, DeviceReady, LinkLost, RegisterRefused, RegisterTold, WireNoise
from rig.log.entry import PORT_OPEN, Input
from rig.outbox import Outbox
from rig.session.losses import Losses
from rig.units import NS_PER_MS, NS_PER_S, US_PER_S

HELLO_NS: Final = 5 * NS_PER_S
"""Wall time from the session's start within which every device must have answered once."""
TELL_NS: Final = 100 * NS_PER_MS
MOST_WAITING: Final = 256
"""Events are told when the first has waited this long, or when there are so many."""
SERIAL_DELAY_US: Final = (200.0, 2000.0)
"""Least delay of a device on a serial port."""
NO_CUE: Final = "none"
"""What the rig file calls a trial without a cue."""


class _Device:
    """One device: its driver, its clock, and what is still to be written and told."""

    def __init__(self, config: HarpConfig, driver: Auxiliary) -> None:
        self.config = config
        self.driver = driver
        self.clock: StreamClock = ClockModel(float(US_PER_S))
        if not config.sync_input:
            self.clock = HostClock(float(US_PER_S), stream_delay_us=SERIAL_DELAY_US)
        self.met = False  # it has answered once
        self.to_set_up = False
        self.set_up = False
        self.chosen: int | None = None  # the trial that its state is for
        self.wanted: set[str] = set()  # registers that the choice was written to, until it is answered
        self.newest_us: int | None = None
        self.level = False
        self.waiting: list[RegisterTold] = []
        self.since_ns = 0

    @property
    def settled(self) -> bool:
        return self.set_up and self.driver.settled

    def lost(self) -> None:
        self.set_up = self.to_set_up = False
        self.chosen = None
        self.wanted = set()


class Beside:
    """All Harp devices of a session that stand beside the board.

    Parameters
    ----------
    devices
        One driver a device, by its name in the rig file.

    Attributes
    ----------
    fault
        Why the session cannot go on; None while it can.
    """

    def __init__(self, configs: Sequence[HarpConfig], devices: Mapping[str, Auxiliary], out: Outbox) -> None:
        self._out = out
        self._losses = Losses(out)
        self._devices: dict[str, _Device] = {}
        self.fault: str | None = None
        for config in configs:
            if config.name not in devices:
                raise ConfigError(f"no driver was made for the Harp device '{config.name}'")
            self._devices[config.name] = _Device(config, devices[config.name])

    def __contains__(self, source: str) -> bool:
        """Whether a device has this name."""
        return source in self._devices

    def __bool__(self) -> bool:
        """Whether there is any device at all."""
        return bool(self._devices)

    @property
    def described(self) -> dict[str, object]:
        """What each device is like; the session file keeps it."""
        return {name: device.driver.described for name, device in self._devices.items()}

    # --- what comes in ----------------------------------------------------------------------------

    def take(self, entry: Input) -> None:
        """Take an input of one of the devices."""
        device = self._devices[entry.source]
        match entry.kind:
            case "bytes":
                self._take(device, device.driver.feed(entry.payload, entry.t_ns))
            case "port" if entry.payload == PORT_OPEN:
                device.driver.connect(entry.t_ns)
            case "port":
                self._on_broken(device, f"its port {entry.payload.decode('utf-8', 'replace')}")
            case _:
                pass

    def idle(self) -> None:
        """Let time pass."""
        now_ns = self._out.now_ns
        for device in self._devices.values():
            due_ns = device.driver.deadline_ns()
            if due_ns is not None and due_ns <= now_ns:
                self._take(device, device.driver.idle(now_ns))
            if not device.met and now_ns >= HELLO_NS and self.fault is None:
                kind, port = device.config.device, device.config.port
                self.fault = f"nothing on '{port}' answers as {kind}; is it the right port, and powered?"

    def _take(self, device: _Device, events: Sequence[DeviceEvent]) -> None:
        name = device.config.name
        for event in events:
            match event:
                case DeviceReady():
                    self._out.notice("info", name, f"{event.name}, firmware {event.firmware} is ready")
                    device.met = device.to_set_up = True
                case RegisterTold():
                    self._told(device, event)
                case RegisterRefused():
                    self._out.notice("error", name, event.reason)
                    self.fault = f"Harp device '{name}': {event.reason}"
                case LinkLost():
                    self._on_broken(device, event.reason)
                case WireNoise():
                    self._losses.board(name, event)

    def _on_broken(self, device: _Device, reason: str) -> None:
        device.lost()
        if not device.met:  # nothing has begun: better to say so at once than to wait for a cable
            self.fault = f"Harp device '{device.config.name}': {reason}"
            return
        text = f"it is lost: {reason}; the next trial waits for it"
        self._out.notice("error", device.config.name, text)

    def _told(self, device: _Device, event: RegisterTold) -> None:
        config, now_ns = device.config, self._out.now_ns
        device.newest_us = event.stamp_us
        device.clock.stream_heard(event.stamp_us, now_ns)
        register, _, bit = config.sync_input.partition(".")
        if event.register == register and not event.asked:
            self._sync(device, event, bit)
        if event.asked:
            self._answered(device, event)
        elif event.register not in config.events:
            return
        if not device.waiting:
            device.since_ns = now_ns
        device.waiting.append(event)

    @staticmethod
    def _sync(device: _Device, event: RegisterTold, bit: str) -> None:
        value = event.value
        level = bit in value.split("|") if isinstance(value, str) and bit else value in (1, "High")
        if level != device.level:
            device.level = level
            device.clock.stream_edge(event.stamp_us, level)

    def _answered(self, device: _Device, event: RegisterTold) -> None:
        """Look whether the device holds now what was written; what a trial needs must be so."""
        needed = event.register in device.wanted
        device.wanted.discard(event.register)
        if event.kept:
            return
        text = f"{event.register} is {event.value!r} now, which is not what was written"
        self._out.notice("error" if needed else "warning", device.config.name, text)
        if needed:
            self.fault = f"Harp device '{device.config.name}': {text}"

    # --- from the board ---------------------------------------------------------------------------

    def board_pulse(self, t_us: int, *, rising: bool) -> None:
        """The board drove its sync line."""
        for device in self._devices.values():
            device.clock.board_edge(t_us, rising)

    def board_heard(self, t_us: int) -> None:
        """The computer hears now of something that the board stamped `t_us`."""
        for device in self._devices.values():
            device.clock.board_heard(t_us, self._out.now_ns)

    def board_restarted(self, why: str) -> None:
        """The board's time began anew."""
        for device in self._devices.values():
            device.clock.restart_board(why)

    def interrupted(self, why: str) -> None:
        """Nothing was recorded for a while: what the devices hold is not known."""
        for device in self._devices.values():
            device.lost()
            device.clock.reset(why)

    # --- trials -------------------------------------------------------------------------------------

    def between(self) -> None:
        """No trial runs: write what a device that has just been found is to be set up with."""
        for device in self._devices.values():
            if device.to_set_up:
                device.to_set_up, device.set_up = False, True
                device.driver.write(device.config.setup, self._out.now_ns)

    def ready_for(self, trial: int, cue: str | None) -> bool:
        """Whether everything is as trial `trial` wants it; the first time this asks the devices for it.

        Also False while a device is not there.
        """
        ready = True
        for device in self._devices.values():
            if device.settled and device.chosen != trial:
                device.chosen = trial
                values = device.config.cues.get(NO_CUE if cue is None else cue, {})
                device.wanted = set(values)
                device.driver.write(values, self._out.now_ns)
            ready &= device.settled and not device.wanted
        return ready

    # --- what goes out ------------------------------------------------------------------------------

    def settle(self, *, over: bool = False) -> None:
        """Tell what has waited long enough; all of it if the session is over."""
        now_ns = self._out.now_ns
        self._losses.tell(over=over)
        for device in self._devices.values():
            waits = len(device.waiting)
            if waits and (over or waits >= MOST_WAITING or now_ns - device.since_ns >= TELL_NS):
                self._out.publish(self._events(device))
                device.waiting = []

    def _events(self, device: _Device) -> HarpEvents:
        clock = device.clock
        known = clock.locked and not clock.stale(self._out.board_us)
        events = tuple(
            HarpEvent(
                register=event.register,
                harp_us=event.stamp_us,
                board_us=round(clock.to_board_us(event.stamp_us)) if known else None,
                asked=event.asked,
                value=event.value,
            )
            for event in device.waiting
        )
        return HarpEvents(device=device.config.name, events=events)

    def flush(self) -> None:
        """Hand the devices' bytes to their ports."""
        for name, device in self._devices.items():
            self._out.write(name, device.driver.outgoing())

    def farewell(self, source: str) -> bytes:
        """Return the last bytes for a device, on whatever way out: what the rig file wants at the end."""
        return self._devices[source].driver.farewell()

    def deadlines_ns(self) -> list[int | None]:
        """When time should pass next, for each device and for what waits to be told."""
        due: list[int | None] = [device.driver.deadline_ns() for device in self._devices.values()]
        due += [device.since_ns + TELL_NS for device in self._devices.values() if device.waiting]
        if any(not device.met for device in self._devices.values()):
            due.append(HELLO_NS)
        return [*due, self._losses.deadline_ns()]

    def clocks(self, board_us: int) -> dict[str, ClockHealth]:
        """How each device's clock stands at board time `board_us`."""
        return {name: health(device.clock, board_us) for name, device in self._devices.items()}

    def positions(self) -> dict[str, tuple[int, float]]:
        """Where each device's own clock stands: its newest stamp, and ticks per second."""
        stamps = {name: device.newest_us for name, device in self._devices.items()}
        return {name: (stamp, float(US_PER_S)) for name, stamp in stamps.items() if stamp is not None}
