"""A Bpod as the computer meets it, in computed time: command port, clock, and the matrices it is sent.

The other role of `drivers.bpod.wire`, around `drivers.bpod.interpreter`. It has no clock, port or thread:
whoever serves it says what time it is, hands it the bytes that came and takes those that are due.

What of the device is modelled: a tick of 100 us; one command a tick; a matrix that is sent while another
runs is read between ticks, and meanwhile no other command is; 0.1 s without ears after the handshake; the
next run one tick after the last, if it was there in time, and *never* if it was not (firmware 23.10 then
forgets to start it); the sync line's modes; the valves' driver that is off until the handshake. What is not:
modules, Flex I/O, outputs set by hand, overruns of the tick, and USB.

The file is longer than most: ticks, uploads and runs share one state, and the device's traps lie where they
meet. Its time is microseconds of the emulation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from drivers.bpod import wire
from drivers.bpod.hardware import R2, Hardware
from drivers.bpod.interpreter import Runner, Step
from drivers.bpod.matrix import MatrixError, StateMatrix, body_size, decode
from drivers.bpod.replies import command_size, fixed_reply
from rig.units import CYCLE_US, US_PER_MS

DISCOVERY_US: Final = 100 * US_PER_MS
DEAF_US: Final = 100 * US_PER_MS
PER_BYTE_US: Final = 1
"""USB full speed, as a matrix is read."""
_NEVER: Final = 1 << 62

Kind = Literal["pin", "sync", "begun", "state", "soft", "ended"]


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something on the device's pins, or in its run, for the world around it.

    Parameters
    ----------
    t_us
        Time of the emulation.
    kind
        ``pin`` (channel `number` has `value`), ``sync`` (the line is `value`), ``begun``, ``state`` (`number`
        was entered), ``soft`` (code `number` came from USB), ``ended`` (`value` 1: by itself).
    """

    t_us: int
    kind: Kind
    number: int = 0
    value: int = 0


class BpodEmulator:
    """One emulated state machine.

    Parameters
    ----------
    hardware
        What it has and says of itself.
    start_us
        Time of the emulation at the beginning.

    Attributes
    ----------
    now_us
        Time of the emulation.
    levels
        Bit mask of the input channels that are high.
    matrix
        The matrix that runs or ran last, or None.
    refused
        Why the last matrix was none. A real device does not look, and runs what there is.
    """

    def __init__(self, hardware: Hardware = R2, *, start_us: int = 0) -> None:
        self.hardware = hardware
        self.now_us = self._base_us = start_us
        self.levels = 0
        self.matrix: StateMatrix | None = None
        self.refused = ""
        self._actions = self._make_actions()
        self._happened: list[Happening] = []
        self._power_on()

    def _power_on(self) -> None:
        self._rx = bytearray()
        self._app_rx = bytearray()
        self._tx = bytearray()
        self._app_tx = bytearray()
        self._connected = False
        self._clock_us = self.now_us  # when the session clock was 0
        self._deaf_us = self._discovery_us = self.now_us
        self._enabled = -1
        self._virtual: dict[int, bool] = {}
        self._run: Runner | None = None
        self._start_tick = 0
        self._unbegun = False
        self._cycles = 0  # of the last run
        self._back = self._pending_back = False
        self._loaded: StateMatrix | None = None
        self._coming: tuple[int, int] | None = None  # bytes wanted, and when they can all be there
        self._ready: StateMatrix | None = None  # came while another ran
        self._arrived = False
        self._at_once = self._sent_anew = self._starts = self._was_queued = False
        self._seen_levels = 0
        self._soft: list[int | None] = [None, None]
        self._sync_channel: int | None = None
        self._sync_mode = wire.SYNC_TRIALS
        self.sync_level = False
        self._next_tick = 0

    # --- what the serving loop calls -----------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether a matrix runs."""
        return self._run is not None

    @property
    def sync_channel(self) -> int | None:
        """Output that carries the sync line, or None."""
        return self._sync_channel

    def receive(self, data: bytes, now_us: int) -> None:
        """The host writes to the command port now."""
        self._wake(now_us)
        self._rx += data

    def receive_app(self, data: bytes, now_us: int) -> None:
        """Another program writes soft codes to the second port now."""
        self._wake(now_us)
        self._app_rx += data

    def input_edge(self, channel: int, rising: bool) -> None:
        """An input channel changes now, at the time of the last `advance`.

        Raises
        ------
        ValueError
            If there is no such input line.
        """
        if not self.hardware.first_digital <= channel < len(self.hardware.inputs):
            raise ValueError(f"the Bpod has no input line on channel {channel}")
        self._wake(self.now_us + 1)
        self.levels = self.levels | 1 << channel if rising else self.levels & ~(1 << channel)

    def next_due_us(self) -> int | None:
        """When something happens by itself, or bytes are there to be taken; None if never."""
        if self._tx or self._app_tx or self._happened:
            return self.now_us
        due = self._due_us()
        return None if due >= _NEVER else max(due, self.now_us)

    def advance(self, to_us: int) -> list[Happening]:
        """Let time pass; return what happened, in order."""
        while (due := self._due_us()) <= to_us:
            self.now_us = max(self.now_us, due)
            self._tick()
        self.now_us = max(self.now_us, to_us)
        happened, self._happened = self._happened, []
        return happened

    def outgoing(self, now_us: int) -> bytes:
        """Return the bytes that have gone out of the command port by now; each once."""
        out, self._tx = bytes(self._tx), bytearray()
        return out

    def outgoing_app(self) -> bytes:
        """Return the bytes that have gone out of the second port; each once."""
        out, self._app_tx = bytes(self._app_tx), bytearray()
        return out

    def reset(self) -> None:
        """Lose power for a moment, now."""
        if self._run is not None:
            self._pins(self._run.stop())
            self._happen("ended")
        if self.sync_level:
            self._happen("sync", value=0)
        self._power_on()

    # --- time ----------------------------------------------------------------------------------------

    def _tick_of(self, t_us: int) -> int:
        """Number of the first tick at or after a time."""
        return -((self._base_us - t_us) // CYCLE_US)

    def _wake(self, now_us: int) -> None:
        """Something came now: look at the first tick from here on."""
        self._next_tick = min(self._next_tick, max(self._last_tick + 1, self._tick_of(now_us)))

    @property
    def _last_tick(self) -> int:
        return (self.now_us - self._base_us) // CYCLE_US

    def _due_us(self) -> int:
        return self._base_us + self._next_tick * CYCLE_US

    def _plan(self) -> None:
        """Find out which tick is the next that does something."""
        soon = self._last_tick + 1
        due = [_NEVER // CYCLE_US]
        if self._coming is None and command_size(self._rx, self.hardware):
            due.append(max(soon, self._tick_of(self._deaf_us)))
        if self._app_rx:
            due.append(soon)
        if self._coming is not None and len(self._rx) >= self._coming[0]:
            due.append(max(soon, self._tick_of(self._coming[1])))
        if not self._connected:
            due.append(max(soon, self._tick_of(self._discovery_us + DISCOVERY_US)))
        run = self._run
        if run is not None:
            if self._unbegun or self._changed() or self._soft != [None, None]:
                due.append(soon)
            else:
                cycle = run.next_cycle()
                due.append(_NEVER // CYCLE_US if cycle is None else self._start_tick + cycle)
        if self._starts:
            due.append(soon)
        self._next_tick = min(due)

    def _changed(self) -> bool:
        return self._seen_levels != self._levels_now()

    def _levels_now(self) -> int:
        levels = self.levels
        for channel, high in self._virtual.items():
            levels = levels | 1 << channel if high else levels & ~(1 << channel)
        return levels & self._enabled

    # --- one tick ------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if not self._connected and self.now_us - self._discovery_us >= DISCOVERY_US:
            self._tx.append(wire.DISCOVERY)
            self._discovery_us = self.now_us
        self._between_ticks()
        exits = False
        if self.now_us >= self._deaf_us and self._coming is None:
            exits = self._command() == wire.EXIT
        if self._app_rx:
            code = self._app_rx.pop(0)
            self._soft[1] = code if self._run is not None else None
        if exits:
            self._finish(by_itself=False)
        elif self._run is not None:
            self._run_cycle(self._run)
        self._plan()

    def _between_ticks(self) -> None:
        """Finish reading a matrix; begin what is to begin."""
        if self._coming is not None and len(self._rx) >= self._coming[0] and self.now_us >= self._coming[1]:
            size, self._coming = self._coming[0], None
            matrix = self._read(bytes(self._rx[:size]))
            del self._rx[:size]
            if self._run is not None:
                self._ready, self._arrived = matrix, True
            else:
                self._loaded, self._back = matrix, self._pending_back
                if self._at_once:
                    self._at_once, self._starts = False, True
        if self._starts:
            self._starts = False
            self._begin(queued=False)

    def _read(self, body: bytes) -> StateMatrix | None:
        try:
            return decode(body, wide=self.hardware.wide, timers=self.hardware.timers)
        except MatrixError as error:
            self.refused = str(error)
            return None

    def _begin(self, *, queued: bool) -> None:
        if self._sent_anew:
            self._tx.append(self._loaded is not None)
            self._sent_anew = False
        if self._loaded is None:
            return
        self.matrix = self._loaded
        self._virtual = {}
        self._soft = [None, None]
        self._seen_levels = self._levels_now()
        self._run = Runner(
            self._loaded,
            self.hardware,
            levels=self._seen_levels,
            enabled=self._enabled,
            sync=self._sync_channel,
            back=self._back,
        )
        self._unbegun, self._was_queued = True, queued
        self._cycles = 0

    def _run_cycle(self, run: Runner) -> None:
        if self._unbegun:
            self._unbegun = False
            self._start_tick = self._last_tick
            self._tx += wire.START.pack(self._session_us())
            self._happen("begun")
            self._toggle()
            self._show(run.start())
            return
        self._seen_levels = self._levels_now()
        step = run.step(self._last_tick - self._start_tick, self._seen_levels, (self._soft[0], self._soft[1]))
        self._soft = [None, None]
        self._cycles = run.cycle
        if step.events:
            head = bytes((wire.EVENTS, len(step.events), *step.events))
            self._tx += head + wire.CYCLE_COUNT.pack(run.cycle)
            for event in step.events:
                if event in self.hardware.soft_codes("X"):
                    self._happen("soft", event - self.hardware.soft_event)
        if step.entered is not None and self._sync_mode == wire.SYNC_STATES:
            self._toggle()
        self._show(step)
        if step.ended:
            self._finish(by_itself=True)

    def _show(self, step: Step) -> None:
        for letter, code in step.said:
            if letter == "X":
                self._tx += bytes((wire.SOFT_CODE, code))
            else:
                self._app_tx.append(code)
        if step.entered is not None:
            self._happen("state", step.entered)
        self._pins(step.pins)

    def _finish(self, *, by_itself: bool) -> None:
        """End the run (or nothing), tell it, and begin the next if that is here."""
        run, self._run = self._run, None
        if run is not None:
            self._pins(run.stop())
            self._happen("ended", value=by_itself)
        if self._sync_mode != wire.SYNC_TRIALS or self.sync_level:
            self._toggle()
        ticks = self._cycles + (run is not None and self._was_queued)  # as the firmware counts them
        self._tx += wire.END.pack(wire.END_MARK, self._cycles, ticks, self._session_us())
        if self._arrived:
            self._loaded, self._back, self._arrived = self._ready, self._pending_back, False
        if self._at_once:
            # If the next matrix is still on its way, firmware 23.10 never begins it by itself.
            self._at_once = False
            if self._coming is None:
                self._begin(queued=True)

    def _toggle(self) -> None:
        if self._sync_channel is not None:
            self.sync_level = not self.sync_level
            self._happen("sync", value=self.sync_level)

    def _pins(self, pins: dict[int, int]) -> None:
        for channel, value in sorted(pins.items()):
            self._happen("pin", channel, value)

    def _happen(self, kind: Kind, number: int = 0, value: int = 0) -> None:
        self._happened.append(Happening(t_us=self.now_us, kind=kind, number=number, value=int(value)))

    def _session_us(self) -> int:
        return self.now_us - self._clock_us

    # --- commands ------------------------------------------------------------------------------------

    def _command(self) -> bytes | None:
        """Carry out one command, if one is there as a whole; return its letter."""
        size = command_size(self._rx, self.hardware)
        if not size:
            return None
        letter, said = bytes(self._rx[:1]), bytes(self._rx[1:size])
        del self._rx[:size]
        answer = fixed_reply(letter, said, self.hardware)
        if answer is None and letter in self._actions:
            answer = self._actions[letter](said)
        self._tx += answer or b""
        return letter

    def _make_actions(self) -> dict[bytes, Callable[[bytes], bytes | None]]:
        return {
            wire.HANDSHAKE: self._shake_hands,
            wire.ENABLE: self._enable,
            wire.ALLOCATE: self._allocate,
            wire.SYNC: self._set_sync,
            wire.RESET_CLOCK: self._reset_clock,
            wire.UPLOAD: self._upload,
            wire.RUN: self._start,
            wire.SOFT_EVENT: self._soft_event,
            wire.APP_PORT: self._app_port,
            wire.READ_INPUT: lambda said: bytes((self._levels_now() >> said[0] & 1,)),
            wire.VIRTUAL_INPUT: self._pretend,
            wire.GOODBYE: self._goodbye,
        }

    def _shake_hands(self, _: bytes) -> bytes:
        self._connected = True
        self._deaf_us = self._clock_us = self.now_us + DEAF_US
        return bytes((wire.HANDSHAKE_REPLY,))

    def _reset_clock(self, _: bytes) -> bytes:
        self._clock_us = self.now_us
        return bytes((wire.DONE,))

    def _goodbye(self, _: bytes) -> bytes:
        self._connected = False
        self._discovery_us = self.now_us
        return bytes((wire.GOODBYE_REPLY,))

    def _enable(self, said: bytes) -> bytes:
        self._enabled = sum(1 << channel for channel, on in enumerate(said) if on)
        return bytes((wire.DONE,))

    def _allocate(self, said: bytes) -> bytes:
        self.hardware = msgspec.structs.replace(self.hardware, allocated=tuple(said))
        return bytes((wire.DONE,))

    def _set_sync(self, said: bytes) -> bytes:
        channel, self._sync_mode = said
        self._sync_channel = channel if channel < len(self.hardware.outputs) else None
        return bytes((wire.DONE,))

    def _upload(self, said: bytes) -> None:
        self._sent_anew = True
        self._at_once, self._pending_back = bool(said[0]), bool(said[1])
        size = body_size(said[1:])
        self._coming = size, self.now_us + size * PER_BYTE_US

    def _start(self, _: bytes) -> None:
        self._starts = True

    def _soft_event(self, said: bytes) -> None:
        self._soft[0] = said[0] if self._run is not None else None

    def _app_port(self, _: bytes) -> None:
        self._app_tx.append(wire.APP_PORT_REPLY)

    def _pretend(self, said: bytes) -> None:
        if self._run is not None:
            self._virtual[said[0]] = bool(said[1])
