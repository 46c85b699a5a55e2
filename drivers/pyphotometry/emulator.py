"""A pyPhotometry board in computed time: the prompt, the program behind it, its two buffers, its faults.

The other role of the driver's own codec. It has no clock, port or thread: whoever serves it says what time it
is, hands it the bytes that came and takes those that are due. What it measures comes from a source, by sample
number, so a run is the same at any speed and in any number of steps.

Two ways of losing samples are the real board's: a chunk that is lost on its way leaves a gap in the numbers;
a program that is late by a buffer (`stall`) leaves none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers.pyphotometry import words as data_words
from drivers.pyphotometry.board_repl import BoardRepl, Failed, traceback
from drivers.pyphotometry.codec import Words, encode
from drivers.pyphotometry.repl import END
from drivers.pyphotometry.wire import LED_BYTES, MODES, NUMBERS, STOP, VOLTS_PER_COUNT, Mode
from rig.units import US_PER_S

DARK: Final = 600
"""Counts of the photoreceiver without light."""
CONFIG_KEYS: Final = ("pins", "LED_calibration", "oversampling_rate")
BLOCK: Final = 4096
"""Samples made at a time at most."""

Floats = NDArray[np.float64]
Source = Callable[[int, int], Floats]
"""(first sample, samples) -> volts, shape (samples, signals). Asked in order, each sample once."""
Begin = Callable[[int, float], Source]
"""(rig time of the start in us, true samples per second) -> the source of this run."""
Lost = Callable[[int, int], NDArray[np.bool_]]
"""(first chunk, chunks) -> which of them are lost on their way, shape (chunks,)."""


class PyPhotometryEmulator:
    """One emulated board.

    Longer than most: the board and its faults share one state.

    Parameters
    ----------
    begin
        Makes what the signals are, in volts, each time the board starts.
    ppm
        How much faster than nominal its crystal is.
    lost
        Chunks that never reach the host, though the board has numbered them.
    firmware
        Whether the photometry program is on it.
    start_us
        Time of the emulation at the beginning.

    Attributes
    ----------
    now_us
        Time of the emulation.
    started_us
        When the running (or last) stream began; None before. Sample k is taken k + 1 periods later.
    led_ma
        Currents of the lights.
    dropped, overrun
        Chunks lost on their way (numbered), and chunks that a late program let go by (not numbered).
    """

    def __init__(
        self,
        begin: Begin,
        *,
        ppm: float = 0.0,
        lost: Lost | None = None,
        firmware: bool = True,
        unique_id: int = 0x0123_4567_89AB,
        start_us: int = 0,
    ) -> None:
        self._begin = begin
        self._source: Source | None = None
        self._lost = lost
        self._faster = 1.0 + ppm * 1e-6
        self._repl = BoardRepl(self._call, unique_id, firmware=firmware)
        self.now_us = start_us
        self.started_us: int | None = None
        self.led_ma = [0, 0]
        self.dropped = 0
        self.overrun = 0
        self._out = bytearray()
        self._mode: Mode = MODES["2EX_2EM_pulsed"]
        self._mode_set = False
        self._running = False
        self._per_us = 1e-6
        self._per_chunk = 1
        self._taken = 0  # samples since the start
        self._waiting: list[Words] = []  # of the buffer that fills
        self._filled = 0
        self._number = 0  # chunks made since the start
        self._late: Words | None = None  # the newest full buffer while the program is busy
        self._busy_until_us = start_us
        self._drop = 0
        self._command = b""
        self._edges: list[tuple[int, int, bool]] = []
        self._levels = [False, False]

    # --- what the serving loop calls -----------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether it streams."""
        return self._running

    @property
    def sent(self) -> int:
        """Samples of each signal that are in chunks by now."""
        return self._taken - self._filled

    def receive(self, data: bytes, now_us: int) -> None:
        """The host writes `data` now."""
        self.advance(now_us)
        for at in range(len(data)):
            byte = data[at : at + 1]
            if self._running:
                self._live_byte(byte)
            else:
                self._out += self._repl.key(byte)

    def input_edge(self, line: int, rising: bool, t_us: int) -> None:
        """A digital input changes at `t_us`, which `advance` has not passed; edges come in order."""
        if self._running:
            self._edges.append((t_us, line, rising))
        else:
            self._levels[line] = rising

    def next_due_us(self) -> int | None:
        """When the next chunk goes out; None while nothing streams."""
        if not self._running:
            return None
        full = self._sample_us(self._taken + self._per_chunk - self._filled - 1)
        return max(full, self._busy_until_us)

    def advance(self, to_us: int) -> None:
        """Let time pass."""
        self.now_us = max(self.now_us, to_us)
        while self._running and (count := self._due(self.now_us)) > 0:
            self._sample(min(count, BLOCK))
        if self._late is not None and self.now_us >= self._busy_until_us:
            self._send(self._late)
            self._late = None

    def outgoing(self) -> bytes:
        """Return the bytes to give to the host; each is returned once."""
        out = bytes(self._out)
        self._out.clear()
        return out

    # --- faults --------------------------------------------------------------------------------------

    def drop(self, chunks: int) -> None:
        """Lose the next chunks on their way to the host; their numbers are missed."""
        self._drop += chunks

    def stall(self, duration_us: int) -> None:
        """Keep the board's program busy: of the buffers filled meanwhile, only the last one is sent."""
        self._busy_until_us = max(self._busy_until_us, self.now_us + duration_us)

    def crash(self, error: str) -> None:
        """Let the board's program fail with this last line of a traceback."""
        self._running = False
        self._out += END + traceback(error) + END + b">"

    def reboot(self) -> None:
        """Lose power for a moment: the prompt again, nothing running, silence."""
        self._running = self._repl.raw = False
        self._repl.reset()
        self._out.clear()

    # --- the program -----------------------------------------------------------------------------------

    def _call(self, method: str, arguments: list[Any]) -> None:
        match method, arguments:
            case "Photometry", [dict() as config]:
                for key in CONFIG_KEYS:
                    if key not in config:
                        raise Failed(f"KeyError: {key}")
            case "set_mode", [str() as name]:
                if name not in MODES:
                    raise Failed("AssertionError: Invalid mode.")
                self._mode, self._mode_set = MODES[name], True
            case "set_LED_current", [int() as first, int() as second]:
                self.led_ma = [first, second]
            case "start", [int() as rate_hz, int() as size, _]:
                if not self._mode_set:
                    raise Failed("AttributeError: 'Photometry' object has no attribute 'mode'")
                self._start(rate_hz, size)
            case _:
                raise Failed("TypeError: function takes another number of arguments")

    def _start(self, rate_hz: int, size: int) -> None:
        self._per_us = rate_hz * self._faster / US_PER_S
        self._per_chunk = size // self._mode.words
        self._taken = self._filled = self._number = 0
        self._waiting.clear()
        self._late = None
        self._busy_until_us = self.started_us = self.now_us
        self._source = self._begin(self.now_us, self._per_us * US_PER_S)
        self._running = True

    def _live_byte(self, byte: bytes) -> None:
        """Take a byte while the program runs."""
        self._command += byte
        if self._command[:1] == STOP:
            self._running = False
            self._command = b""
            self._out += END + END + b">"
        elif self._command[:1] not in LED_BYTES:
            self._command = b""
        elif len(self._command) == 3:
            self.led_ma[LED_BYTES.index(self._command[:1])] = int.from_bytes(self._command[1:], "little")
            self._command = b""

    # --- samples -----------------------------------------------------------------------------------------

    def _sample_us(self, sample: int) -> int:
        """Return when a sample is taken."""
        return (self.started_us or 0) + math.ceil((sample + 1) / self._per_us)

    def _due(self, t_us: int) -> int:
        """Return how many samples are due by now."""
        behind = math.floor((t_us - (self.started_us or 0)) * self._per_us) + 1 - self._taken
        while behind > 0 and self._sample_us(self._taken + behind - 1) > t_us:
            behind -= 1
        return behind

    def _sample(self, count: int) -> None:
        first, mode = self._taken, self._mode
        if self._source is None:
            return
        volts = self._source(first, count)[:, : mode.signals]
        counts = np.rint(volts / VOLTS_PER_COUNT).astype(np.int64)
        dark = np.full_like(counts, DARK) if mode.pulsed else None
        lit = counts if dark is None else counts + dark
        digital = self._digital(first, count)[:, : mode.digitals]
        self._taken += count
        self._waiting.append(data_words.encode(lit, dark, digital, mode))
        self._filled += count
        self._fill()

    def _digital(self, first: int, count: int) -> NDArray[np.uint8]:
        """Levels of both inputs at each of the samples, shape (samples, 2)."""
        digital = np.empty((count, 2), dtype=np.uint8)
        digital[:] = self._levels
        last_us = self._sample_us(first + count - 1)
        while self._edges and self._edges[0][0] <= last_us:
            t_us, line, rising = self._edges.pop(0)
            seen = max(math.ceil((t_us - (self.started_us or 0)) * self._per_us) - 1 - first, 0)
            while seen < count and self._sample_us(first + seen) < t_us:
                seen += 1
            digital[seen:, line] = self._levels[line] = rising
        return digital

    def _fill(self) -> None:
        """Send the buffers that are full; of those filled while the program is busy, keep the last."""
        chunks = self._filled // self._per_chunk
        if not chunks:
            return
        all_words = np.concatenate(self._waiting)
        full, rest = np.split(all_words, [chunks * self._per_chunk])
        self._waiting, self._filled = [rest], len(rest)
        rows = full.reshape(chunks, -1)
        first = self._taken - self._filled - len(full)
        if self._busy_until_us > self._sample_us(first + self._per_chunk - 1):
            ends = [self._sample_us(first + (k + 1) * self._per_chunk - 1) for k in range(chunks)]
            busy = sum(end_us < self._busy_until_us for end_us in ends)
            self.overrun += busy - 1 + (self._late is not None)
            self._late, rows = rows[busy - 1 : busy], rows[busy:]
            if len(rows):
                self._send(self._late)
                self._late = None
        if len(rows):
            self._send(rows)

    def _send(self, rows: Words) -> None:
        numbers = self._number + np.arange(len(rows))
        self._number += len(rows)
        kept = np.ones(len(rows), dtype=np.bool_)
        if self._lost is not None:
            kept &= ~self._lost(int(numbers[0]), len(rows))
        dropped = min(self._drop, len(rows))
        self._drop -= dropped
        kept[:dropped] = False
        self.dropped += int(np.count_nonzero(~kept))
        self._out += encode((numbers[kept] + 1) % NUMBERS, rows[kept])
