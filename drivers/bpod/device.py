"""The computer's side of a Bpod: implements `rig.device.WiredBoard`.

Three phases: off; the *hello* (`drivers.bpod.hello`), in which it is made safe and asked what it has; and
*ready* (`drivers.bpod.link`), in which it is given state machines and their events are followed. Rig time is
the device's session clock, which the hello sets to 0.

A Bpod has no watchdog: it does not notice that its computer is gone. What holds instead: every pulse is timed
by the device, and a table is taken only if it comes to rest by itself (`rig.machine.board_rules`). So a trial
that nobody watches any more ends, with nothing left open.
"""

from __future__ import annotations

from typing import Final

from drivers.bpod import wire
from drivers.bpod.compiler import Wiring
from drivers.bpod.hardware import Hardware
from drivers.bpod.hello import Hello
from drivers.bpod.idle import Rest
from drivers.bpod.limits import LIMITS, UNKNOWN
from drivers.bpod.lines import Lines
from drivers.bpod.link import SOURCE, Link
from drivers.bpod.orders import refused
from rig.commands import Abort, BoardCommand
from rig.description import BoardConfig
from rig.device import BoardAbilities, BoardLimits
from rig.events import BoardEvent, BoardReady, LinkLost


class BpodBoard:
    """Driver of a Bpod.

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
        self._rest = Rest(config.sync_seed)
        self._hello: Hello | None = None
        self._link: Link | None = None  # neither of them: off
        self._told_problem = ""
        self._known = False
        self._later: list[BoardEvent] = []
        self._later_ns = 0
        self._words = b""

    @property
    def limits(self) -> BoardLimits:
        """What this board can hold."""
        return UNKNOWN if self._link is None else self._link.orders.limits

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
        self._tell_later(self._forget(), t_ns)
        self._say_hello(t_ns)

    def send(self, command: BoardCommand, t_ns: int) -> None:
        """Queue a command; an abort goes before everything."""
        if self._link is not None:
            self._tell_later(self._link.obey(command, t_ns), t_ns)
        elif isinstance(command, Abort):
            self._words += wire.EXIT
        else:
            self._tell_later([refused(command, "the board is not connected")], t_ns)

    def feed(self, data: bytes, t_ns: int) -> list[BoardEvent]:
        """Take the bytes that came; return what they mean."""
        told = self._drain()
        if not data:
            return told
        if self._hello is not None:
            self._hello.feed(data, t_ns)
            return told + self._greeted(self._hello, t_ns)
        if self._link is not None:
            return told + self._link.feed(data, t_ns) + self._loss(self._link, t_ns)
        return told

    def idle(self, t_ns: int) -> list[BoardEvent]:
        """Let time pass: ask again, notice a dead link."""
        told = self._drain()
        if self._hello is not None:
            self._hello.idle(t_ns)
            return told + self._greeted(self._hello, t_ns)
        if self._link is not None:
            self._link.idle(t_ns)
            return told + self._loss(self._link, t_ns)
        return told

    def outgoing(self) -> bytes:
        """Return the bytes to write now; each is handed out once."""
        words, self._words = self._words, b""
        speaker = self._hello or self._link
        return words + (speaker.outgoing() if speaker is not None else b"")

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        times = [self._later_ns] if self._later else []
        if self._hello is not None:
            times.append(self._hello.deadline_ns)
        elif self._link is not None:
            times.append(self._link.deadline_ns())
        return min(times, default=None)

    # --- inside --------------------------------------------------------------------------------------

    def _drain(self) -> list[BoardEvent]:
        later, self._later = self._later, []
        return later

    def _tell_later(self, told: list[BoardEvent], t_ns: int) -> None:
        if told:
            self._later += told
            self._later_ns = t_ns

    def _say_hello(self, t_ns: int) -> None:
        self._hello = Hello(self._lines)
        self._hello.begin(t_ns)

    def _greeted(self, hello: Hello, t_ns: int) -> list[BoardEvent]:
        """Go on if the hello is over; say why if this machine cannot be used."""
        if hello.hardware is not None:
            self._hello = None
            return [self._meet(hello.hardware, t_ns)]
        if not hello.problem or hello.problem == self._told_problem:
            return []
        self._told_problem = hello.problem
        reason = f"the device at {self._config.port} cannot be used: {hello.problem}"
        return [LinkLost(source=SOURCE, reason=reason)]

    def _meet(self, hardware: Hardware, t_ns: int) -> BoardReady:
        names_in, names_out = hardware.input_channels(), hardware.output_channels()
        wiring = Wiring(
            hardware=hardware,
            inputs={line: names_in[name] for line, name in self._lines.inputs.items()},
            outputs={line: names_out[name] for line, name in self._lines.outputs.items()},
        )
        self._link = Link(self._config, wiring, self._rest, t_ns)
        anew, self._known = self._known, True
        emulated = hardware.revision & wire.EMULATED_REVISION
        return BoardReady(
            name=hardware.name,
            serial="unknown",
            firmware=f"{hardware.firmware[0]}.{hardware.firmware[1]}",
            time_scale=hardware.revision - emulated if emulated else 0,
            t_us=0,
            anew=anew,
        )

    def _loss(self, link: Link, t_ns: int) -> list[BoardEvent]:
        """Begin anew if the link is lost; be off if the device took a good-bye."""
        if link.over:
            return self._forget()
        if not link.lost:
            return []
        told: list[BoardEvent] = [
            LinkLost(source=SOURCE, reason=f"the Bpod at {self._config.port}: {link.lost}")
        ]
        told += self._forget()
        self._say_hello(t_ns)
        return told

    def _forget(self) -> list[BoardEvent]:
        link, self._link = self._link, None
        return link.orders.forget() if link is not None else []
