"""The host's side of a pyPhotometry board: bytes in, samples and edges out.

The board is a MicroPython pyboard with the makers' own firmware on it, which is not ours to install: a board
that has been used with the pyPhotometry program has it. The driver asks it to start over (which stops what
ran), sets mode and light, starts, and from then on decodes chunks. After three seconds without one, or when
the board's program has failed, the link is lost and all begins again by itself; samples are counted anew.

Nothing on the wire says when a sample was taken. The rig's sync line on a digital input does.
"""

from __future__ import annotations

import enum
from typing import Final

from drivers.pyphotometry.codec import ChunkCodec, Run, Stray
from drivers.pyphotometry.reader import ChunkReader
from drivers.pyphotometry.repl import Answer, RawRepl, Refused, Started
from drivers.pyphotometry.wire import (
    CRASHES,
    HARDWARE,
    LED_BYTES,
    STOP,
    Mode,
    mode_of,
)
from rig.errors import ConfigError, EncodeError
from rig.events import (
    LinkLost,
    SampleEvent,
    SourceReady,
    StreamRestarted,
    WireNoise,
)
from rig.photometry.settings import PhotometryConfig
from rig.units import NS_PER_MS, NS_PER_S

SILENCE_NS: Final = 3 * NS_PER_S
RETRY_NS: Final = 2 * NS_PER_S
SETTLE_NS: Final = 100 * NS_PER_MS
"""A chunk with an unexpected number is judged without its successor after this long."""
LAST_WORDS_NS: Final = 300 * NS_PER_MS
"""How long to listen to what a failing program says."""
KEPT: Final = 2000

IDENTIFY: Final = "print(p.unique_id)"
IMPORT: Final = "import photometry_upy"


class _Phase(enum.Enum):
    OFF = enum.auto()
    HELLO = enum.auto()
    PAUSE = enum.auto()
    RUNNING = enum.auto()
    FAILING = enum.auto()


class PyPhotometryBoard:
    """Driver of one board (fulfils `rig.device.SampleDevice`).

    Parameters
    ----------
    config
        The source's part of the rig file.

    Attributes
    ----------
    mode
        Its acquisition mode.
    codec, reader
        Framer and reader of chunks, with their counts.

    Raises
    ------
    ConfigError
        If mode, rate, hardware or currents do not fit.
    """

    def __init__(self, config: PhotometryConfig) -> None:
        where = f"photometry '{config.name}'"
        self.mode: Mode = mode_of(config.mode, config.rate_hz, where)
        hardware = HARDWARE.get(config.hardware)
        if hardware is None:
            known = ", ".join(HARDWARE)
            raise ConfigError(f"there is no board version '{config.hardware}'; known are {known}", where)
        self._largest_ma = hardware.largest(self.mode)
        for milliamps in config.led_ma:
            if not 0 <= milliamps <= self._largest_ma:
                raise ConfigError(
                    f"led_ma is {milliamps}; board {config.hardware} takes 0 to {self._largest_ma} mA in "
                    f"mode {self.mode.name}",
                    where,
                )
        self._config = config
        self._hardware = hardware
        self.codec = ChunkCodec(self.mode.chunk_words(config.rate_hz))
        self.reader = ChunkReader(config.name, self.mode, config.rate_hz)
        self._phase = _Phase.OFF
        self._repl: RawRepl | None = None
        self._out = b""
        self._serial = ""
        self._told = ""  # the last complaint, not to be repeated
        self._since_ns = 0  # since when this phase lasts, or the last good chunk
        self._strays = b""
        self._started = False

    @property
    def buffer_samples(self) -> int:
        """Samples of each signal in a chunk."""
        return self.mode.chunk_samples(self._config.rate_hz)

    # --- what the session calls --------------------------------------------------------------------

    def connect(self, t_ns: int) -> None:
        """Begin the hello; repeated until the board streams."""
        config, words = self._config, self.mode.chunk_words(self._config.rate_hz)
        first, second = config.led_ma
        commands = [
            IMPORT,
            f"p = photometry_upy.Photometry({self._hardware.config()!r})",
            IDENTIFY,
            f"p.set_mode('{self.mode.name}')",
            f"p.set_LED_current({first},{second})",
            f"p.start({config.rate_hz},{words},False)",
        ]
        self._repl = RawRepl(commands, t_ns)
        self._phase = _Phase.HELLO

    def feed(self, data: bytes, t_ns: int) -> list[SampleEvent]:
        """Take the bytes that came; return what they mean."""
        if self._phase is _Phase.HELLO and self._repl is not None:
            return self._hello(self._repl, self._repl.feed(data, t_ns), t_ns)
        if self._phase is _Phase.RUNNING:
            return self._stream(self.codec.feed(data, t_ns), t_ns)
        if self._phase is _Phase.FAILING:
            self._strays += data
            return self._fail(t_ns) if self._strays.endswith(b"\x04>") else []
        return []

    def idle(self, t_ns: int) -> list[SampleEvent]:
        """Let time pass: go on with the hello, notice a dead link."""
        if self._phase is _Phase.HELLO and self._repl is not None:
            return self._hello(self._repl, self._repl.idle(t_ns), t_ns)
        if self._phase is _Phase.PAUSE and t_ns >= self._since_ns + RETRY_NS:
            self.connect(t_ns)
        elif self._phase is _Phase.FAILING and t_ns >= self._since_ns + LAST_WORDS_NS:
            return self._fail(t_ns)
        elif self._phase is _Phase.RUNNING:
            return self._wait(t_ns)
        return []

    def outgoing(self) -> bytes:
        """Return the bytes to write now; each is handed out once."""
        out, self._out = self._out, b""
        return out + (self._repl.outgoing() if self._repl is not None else b"")

    def deadline_ns(self) -> int | None:
        """When `idle` wants to be called next, or None."""
        match self._phase:
            case _Phase.HELLO if self._repl is not None:
                return self._repl.deadline_ns()
            case _Phase.PAUSE:
                return self._since_ns + RETRY_NS
            case _Phase.FAILING:
                return self._since_ns + LAST_WORDS_NS
            case _Phase.RUNNING:
                held = SETTLE_NS if self.reader.order.waiting else SILENCE_NS
                times = (self._since_ns + held, self.codec.deadline_ns())
                return min(t_ns for t_ns in times if t_ns is not None)
            case _:
                return None

    def stop(self) -> None:
        """Stop the stream and switch the lights off."""
        if self._phase is not _Phase.OFF:
            self._out += STOP
        self._phase, self._repl = _Phase.OFF, None

    def set_led(self, number: int, milliamps: int) -> None:
        """Set the current of LED 1 or 2 while it runs; nothing is answered.

        Raises
        ------
        EncodeError
            If there is no such LED, the current is too large, or the board is not running.
        """
        if number not in (1, 2) or not 0 <= milliamps <= self._largest_ma:
            raise EncodeError(f"LED {number} cannot be set to {milliamps} mA (0 to {self._largest_ma} mA)")
        if self._phase is not _Phase.RUNNING:
            raise EncodeError(f"LED {number} cannot be set: the board is not running")
        self._out += LED_BYTES[number - 1] + milliamps.to_bytes(2, "little")

    # --- the hello --------------------------------------------------------------------------------

    def _hello(self, repl: RawRepl, told: list[Answer | Refused | Started], t_ns: int) -> list[SampleEvent]:
        for one in told:
            if isinstance(one, Refused):
                return self._complain(f"{one.reason}; is a pyPhotometry board plugged in there?", t_ns)
            if isinstance(one, Answer):
                if one.error:
                    return self._complain(_why(one), t_ns)
                if one.command == IDENTIFY:
                    self._serial = one.output.strip()
            else:
                return self._run(repl, one.rest, t_ns)
        return []

    def _complain(self, reason: str, t_ns: int) -> list[SampleEvent]:
        self._phase, self._repl, self._since_ns = _Phase.PAUSE, None, t_ns
        reason = f"{self._config.port}: {reason}"
        if reason == self._told:
            return []
        self._told = reason
        return [LinkLost(source=self._config.name, reason=reason)]

    def _run(self, repl: RawRepl, rest: bytes, t_ns: int) -> list[SampleEvent]:
        self._out += repl.outgoing()
        self._phase, self._repl, self._since_ns, self._told = _Phase.RUNNING, None, t_ns, ""
        self.codec.reset()
        self.reader.reset()
        self._strays = b""
        told: list[SampleEvent] = []
        if self._started:
            told.append(StreamRestarted(reason="the photometry board was started again"))
        self._started = True
        lights = " and ".join(str(milliamps) for milliamps in self._config.led_ma)
        told.append(
            SourceReady(
                name="pyPhotometry",
                serial=self._serial,
                channels=self.mode.channels(),
                rate_hz=float(self._config.rate_hz),
                detail=f"{self.mode.name}, LEDs at {lights} mA",
            )
        )
        return told + (self._stream(self.codec.feed(rest, t_ns), t_ns) if rest else [])

    # --- the stream -------------------------------------------------------------------------------

    def _wait(self, t_ns: int) -> list[SampleEvent]:
        told: list[SampleEvent] = []
        if self.reader.order.waiting and t_ns >= self._since_ns + SETTLE_NS:
            told += self.reader.settle()
        told += self._stream(self.codec.idle(t_ns), t_ns)
        if self._phase is _Phase.RUNNING and t_ns >= self._since_ns + SILENCE_NS:
            seconds = SILENCE_NS // NS_PER_S
            told += self._complain(f"no samples for {seconds} s; check the cable and the board", t_ns)
            self.connect(t_ns)
        return told

    def _stream(self, found: list[Run | Stray], t_ns: int) -> list[SampleEvent]:
        told: list[SampleEvent] = []
        for one in found:
            if isinstance(one, Run):
                self._since_ns, self._strays = t_ns, b""
                told += self.reader.take(one)
                continue
            told.append(self._noise(len(one.data), "no chunk"))
            self._strays = (self._strays + one.data)[-KEPT:]
            if any(words in self._strays for words in CRASHES):
                self._phase, self._since_ns = _Phase.FAILING, t_ns
                return told + (self._fail(t_ns) if self._strays.endswith(b"\x04>") else [])
        return told

    def _noise(self, dropped: int, reason: str) -> WireNoise:
        return WireNoise(source=self._config.name, dropped=dropped, reason=reason)

    def _fail(self, t_ns: int) -> list[SampleEvent]:
        text = self._strays.removesuffix(b"\x04>").decode("utf-8", "replace").strip()
        last = text.splitlines()[-1] if text else "no reason given"
        return self._complain(f"the board's own program failed: {last}", t_ns)


def _why(answer: Answer) -> str:
    """Say for people what a failed command means."""
    last = answer.error.strip().splitlines()[-1]
    if answer.command == IMPORT:
        return (
            f"the board has no pyPhotometry firmware ({last}); open it once in the pyPhotometry program, "
            "which installs it"
        )
    if "Photometry(" in answer.command:
        return f"the board's firmware is not version 1.1 ({last}); open it in pyPhotometry 1.1 or later"
    return f"'{answer.command}' failed on the board: {last}"
