"""The board's firmware on an emulated ATmega2560: `firmware/sim` as a process, in two ways.

`Chip` goes step by step: nothing happens by itself, the chip runs as far as it is told, and what came of
it is told back, each thing with the clock of the chip at which it happened. There are 16 clocks in a
microsecond; board time 0 is the clock at which the firmware started its timer. `LiveChip` runs in real
time, with its serial line on a pseudo-terminal.
"""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from rig.errors import TransportError
from rig.units import CYCLE_US, TICK_WRAP_US

CLOCKS_PER_US: Final = 16
START_S: Final = 10.0
STOP_S: Final = 5.0


class ChipEvent(msgspec.Struct, frozen=True):
    """An event as the firmware noted it.

    Parameters
    ----------
    clock
        When it could be seen in the chip's memory (shortly after it was noted).
    t_us
        Board time that it carries, unwrapped with the chip's clock.
    seq, kind, index
        As on the wire.
    """

    clock: int
    t_us: int
    seq: int
    kind: int
    index: int


class PinChange(msgspec.Struct, frozen=True):
    """The chip drove its output pins; `levels` is a bit mask of the outputs."""

    clock: int
    levels: int
    sync: bool


class Told(msgspec.Struct):
    """What happened in one go.

    Parameters
    ----------
    data, data_clock
        Bytes that have left the chip for the host, and when the last of them had.
    """

    events: list[ChipEvent] = []
    pins: list[PinChange] = []
    data: bytes = b""
    data_clock: int = 0


def _start(*command: str | Path) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
    except OSError as error:
        raise TransportError(f"the emulated chip '{command[0]}' cannot be started: {error}") from None


def _stop(process: subprocess.Popen[str]) -> None:
    """End a chip's process: it goes when its standard input ends."""
    if process.stdin is not None and not process.stdin.closed:
        process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None and not process.stdout.closed:
        process.stdout.close()


class Chip:
    """An emulated chip; use it in a `with`, or close it.

    Parameters
    ----------
    program
        The emulator, `firmware/build/chip`.
    firmware
        A ``.elf`` file; of a ``.hex`` file the events cannot be seen from outside.

    Attributes
    ----------
    clock
        Clocks since power-on.

    Raises
    ------
    TransportError
        If it cannot be started; why is on standard error.
    """

    def __init__(self, program: Path, firmware: Path) -> None:
        self.clock = 0
        self._origin: int | None = None
        self._measured: dict[str, int] = {}
        self._memory = b""
        self._process = _start(program, firmware)
        try:
            self._answer()
        except TransportError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Switch it off."""
        _stop(self._process)

    # --- time ----------------------------------------------------------------------------------------

    @property
    def now_us(self) -> int:
        """Board time, rounded down; below 0 before the firmware has started its timer."""
        return -1 if self._origin is None else (self.clock - self._origin) // CLOCKS_PER_US

    def clock_at(self, t_us: int) -> int:
        """Return the clock at which board time `t_us` begins.

        Raises
        ------
        ValueError
            If the firmware has not started its timer yet.
        """
        if self._origin is None:
            raise ValueError("the chip has no board time yet: let it run for some milliseconds first")
        return self._origin + t_us * CLOCKS_PER_US

    # --- what it is told -----------------------------------------------------------------------------

    def boot(self) -> None:
        """Let it run until the firmware has started its timer."""
        while self._origin is None:
            self.run(self.clock + 1_000 * CLOCKS_PER_US)

    def run(self, until_clock: int) -> Told:
        """Run to a clock."""
        return self._ask(f"run {until_clock}")

    def run_us(self, t_us: int) -> Told:
        """Run to the end of microsecond `t_us` of board time."""
        return self.run(self.clock_at(t_us + 1) - 1)

    def until_event(self, until_clock: int) -> Told:
        """Run to a clock, or until the board notes an event."""
        return self._ask(f"until {until_clock}")

    def write(self, data: bytes) -> None:
        """Let the host write; the bytes go one after the other, behind those still on their way."""
        if data:
            self._ask(f"write {data.hex()}")

    def drive(self, line: int, high: bool, clock: int) -> None:
        """Drive an input from a clock to come; calls must be in the order of their clocks."""
        self._ask(f"pin {line} {int(high)} {clock}")

    def probe(self) -> None:
        """Begin to measure."""
        self._ask("probe")

    def measured(self) -> dict[str, int]:
        """Return what was measured since `probe`, in clocks, calls and bytes."""
        self._measured = {}
        self._ask("stats")
        return self._measured

    def memory(self, symbol: str, count: int) -> bytes:
        """Return bytes of its memory behind a symbol of the firmware; nothing if there is none."""
        self._ask(f"peek {symbol} {count}")
        return self._memory

    # --- the talk with the process ---------------------------------------------------------------------

    def _ask(self, command: str) -> Told:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(f"{command}\n")
            stdin.flush()
        except OSError as error:
            raise TransportError(f"the emulated chip has ended ({error})") from None
        return self._answer()

    def _answer(self) -> Told:
        assert self._process.stdout is not None
        lines: list[list[str]] = []
        while True:
            words = self._process.stdout.readline().split()
            if not words:
                raise TransportError("the emulated chip has ended; is there a firmware file?")
            if words[0] == ".":
                break
            lines.append(words)
        self.clock = int(words[1])
        self._origin = None if int(words[2]) < 0 else int(words[2])
        told = Told(events=[], pins=[])
        for letter, *rest in lines:
            self._take(told, letter, rest)
        return told

    def _take(self, told: Told, letter: str, words: list[str]) -> None:
        match letter:
            case "e":
                clock, cycle, us, seq, kind, index = map(int, words)
                told.events.append(ChipEvent(clock, self._unwrap(cycle * CYCLE_US + us), seq, kind, index))
            case "p":
                told.pins.append(PinChange(int(words[0]), int(words[1]), words[2] == "1"))
            case "b":
                told.data_clock, told.data = int(words[0]), told.data + bytes.fromhex(words[1])
            case "s":
                self._measured[words[0]] = int(words[1])
            case "m":
                self._memory = bytes.fromhex("".join(words))

    def _unwrap(self, tick: int) -> int:
        """Return the last board time up to now at which the counter read `tick`."""
        now_us = max(0, self.now_us)
        return now_us - (now_us - tick) % TICK_WRAP_US


class LiveChip:
    """An emulated chip in real time; use it in a `with`, or close it.

    Parameters
    ----------
    program, firmware
        As of `Chip`.

    Attributes
    ----------
    port
        The pseudo-terminal of its serial line.
    pins
        What its outputs did: (wall time in ns at which it was heard of, what).

    Raises
    ------
    TransportError
        If it does not come up.
    """

    def __init__(self, program: Path, firmware: Path) -> None:
        self.pins: queue.SimpleQueue[tuple[int, PinChange]] = queue.SimpleQueue()
        self._ports: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process = _start(program, firmware, "--pty")
        self._reader = threading.Thread(target=self._read, name="emulated chip", daemon=True)
        self._reader.start()
        try:
            self.port = self._ports.get(timeout=START_S)
        except queue.Empty:
            self.port = ""
        if not self.port:
            self.close()
            raise TransportError("the emulated chip did not come up; is there a firmware file?")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def drive(self, line: int, high: bool) -> None:
        """Drive an input now."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"pin {line} {int(high)}\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Switch it off."""
        _stop(self._process)
        self._reader.join(STOP_S)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            match line.split():
                case ["pty", port]:
                    self._ports.put(port)
                case ["p", clock, levels, sync]:
                    change = PinChange(int(clock), int(levels), sync == "1")
                    self.pins.put((time.monotonic_ns(), change))
        self._ports.put("")
