"""Sources of samples on bad wires: a photometry board on a serial line, a program on ZeroMQ.

What is promised of them is one thing: a sample that is told bears its own number, or the number line was
declared broken (`StreamRestarted`); one that is missing is told as lost.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers.pyphotometry.device import PyPhotometryBoard
from drivers.pyphotometry.emulator import PyPhotometryEmulator
from drivers.pyphotometry.wire import VOLTS_PER_COUNT
from drivers.samples import codec
from drivers.samples.device import SampleStream
from drivers.samples.wire import Header
from drivers.transports.fault import Faults, FaultyStream
from drivers.transports.pieces import FaultyPieces, PieceFaults
from rig.events import LinkLost, SampleEvent, Samples, SamplesLost, StreamRestarted, WireNoise
from rig.photometry.settings import PhotometryConfig
from rig.units import NS_PER_US, US_PER_S

Floats = NDArray[np.float64]
STEP_US: Final = 10_000
RUN_S: Final = 20
RATE_HZ: Final = 130


@dataclasses.dataclass
class SourceFound:
    """What a drill of a source came to; as `benchmarks.faults.drill.Found`."""

    samples: int = 0
    true: int = 0
    lost: int = 0
    restarts: int = 0
    links: int = 0
    noise: int = 0
    spoilt: int = 0
    broken: list[str] = dataclasses.field(default_factory=list)
    notices: Counter[str] = dataclasses.field(default_factory=Counter)


@dataclasses.dataclass(frozen=True)
class SourceFault:
    """One kind of fault of one kind of source."""

    name: str
    what: str
    run: Callable[[int], SourceFound]
    blind: str = ""


def measured(first: int, count: int) -> Floats:
    """Volts that tell every sample from its neighbours, exactly representable in counts."""
    counts = (np.arange(first, first + count)[:, None] * np.array([7, 11, 13])) % 20_000 + 1000
    return np.asarray(counts * VOLTS_PER_COUNT, dtype=np.float64)


def judge(events: list[SampleEvent], found: SourceFound, channels: int) -> SourceFound:
    """Hold what was told against what was measured."""
    due: int | None = None
    for event in events:
        match event:
            case Samples():
                if due is not None and event.first != due:
                    text = f"sample {event.first} came where {due} was due, and nothing was said"
                    found.broken.append(text)
                due = event.end
                found.samples += len(event.values)
                really = measured(event.first, len(event.values))[:, :channels]
                right = np.isclose(event.values, really, atol=VOLTS_PER_COUNT / 2).all(axis=1)
                wrong = int(np.count_nonzero(~right))
                if wrong:
                    text = f"{wrong} of {len(really)} samples from {event.first} on have other values"
                    found.broken.append(text)
            case SamplesLost():
                found.lost += event.count
                due = event.first + event.count
                found.notices[f"warning: {event.reason}"] += 1
            case StreamRestarted():
                found.restarts += 1
                due = None
                found.notices[f"warning: {_plain(event.reason)}"] += 1
            case WireNoise():
                found.noise += event.dropped
                found.notices[f"info: noise, {_plain(event.reason)}"] += 1
            case LinkLost():
                found.links += 1
                found.notices[f"error: {_plain(event.reason)}"] += 1
            case _:
                pass
    return found


def _plain(text: str) -> str:
    return re.sub(r"\d+", "N", text)


# --- a photometry board on a serial line --------------------------------------------------------------


class Serial:
    """Emulated board and driver in computed time, and a bad line between them."""

    def __init__(self, seed: int, faults: Faults | None = None) -> None:
        config = PhotometryConfig(name="fibre", port="COM7", mode="2EX_2EM_pulsed", rate_hz=RATE_HZ)
        self.emulator = PyPhotometryEmulator(lambda start, rate: measured)
        self.board = PyPhotometryBoard(config)
        self.back = FaultyStream(faults or Faults(), seed)
        self.now_us = 0
        self.events: list[SampleEvent] = []
        self.connected = True
        self.held: bytes | None = None
        self.room = float("inf")
        self.noise: np.random.Generator | None = None
        self._waiting = b""
        self.board.connect(0)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_us = self.now_us + int(seconds * US_PER_S)
        while self.now_us < end_us:
            self._turn()

    def _turn(self) -> None:
        now_ns = self.now_us * NS_PER_US
        out = self.board.outgoing()
        if out and self.connected:
            self.emulator.receive(out, self.now_us)
        self.emulator.advance(self.now_us)
        data = self.emulator.outgoing()
        data = self.back.apply(data) if self.connected else b""
        if self.noise is not None:
            data += self.noise.bytes(100)
        if self.held is not None:
            self.held += data
            data = b""
        self._waiting += data
        passed = self._waiting[: int(min(self.room, 1 << 20))]
        self._waiting = self._waiting[len(passed) :]
        if passed:
            self.events += self.board.feed(passed, now_ns)
        due_ns = self.board.deadline_ns()
        if due_ns is not None and due_ns <= now_ns:
            self.events += self.board.idle(now_ns)
        self.now_us += STEP_US

    def found(self) -> SourceFound:
        """Judge the run."""
        found = SourceFound(true=int(self.now_us * RATE_HZ / US_PER_S), spoilt=max(1, self.back.spoilt))
        return judge(self.events, found, 2)


def _serial_bytes(**faults: float) -> Callable[[int], SourceFound]:
    def run(seed: int) -> SourceFound:
        line = Serial(seed, Faults(**faults))  # type: ignore[arg-type]
        line.run(RUN_S)
        return line.found()

    return run


def _serial(act: Callable[[Serial, np.random.Generator], None]) -> Callable[[int], SourceFound]:
    def run(seed: int) -> SourceFound:
        draws = np.random.Generator(np.random.PCG64([seed, 7]))
        line = Serial(seed)
        line.run(3 + 4 * draws.random())
        act(line, draws)
        line.run(RUN_S)
        return line.found()

    return run


def _stall(line: Serial, draws: np.random.Generator) -> None:
    line.held = b""
    line.run(2.0)
    held, line.held = line.held, None
    line._waiting += held


def _cut(line: Serial, draws: np.random.Generator) -> None:
    line.connected = False
    line.run(2.0 + 6 * draws.random())
    line.connected = True


def _slow(line: Serial, draws: np.random.Generator) -> None:
    line.room = 9.0  # bytes in 10 ms: less than it sends


def _flood(line: Serial, draws: np.random.Generator) -> None:
    line.noise = draws
    line.run(3.0)
    line.noise = None


def _reset(line: Serial, draws: np.random.Generator) -> None:
    line.emulator.reboot()


def _chunks(line: Serial, draws: np.random.Generator) -> None:
    for _ in range(5):
        line.emulator.drop(int(draws.integers(1, 4)))
        line.run(1.0)


def _late(line: Serial, draws: np.random.Generator) -> None:
    line.emulator.stall(400_000)


PHOTOMETRY = (
    SourceFault("ppm-lost", "1 byte in 1000 lost", _serial_bytes(drop=1e-3)),
    SourceFault("ppm-doubled", "1 byte in 1000 doubled", _serial_bytes(double=1e-3)),
    SourceFault("ppm-garbled", "1 byte in 1000 garbled", _serial_bytes(garble=1e-3)),
    SourceFault(
        "ppm-swapped",
        "1 byte in 1000 changes places with the next",
        _serial_bytes(swap=1e-3),
        blind="a sum of words does not see their order",
    ),
    SourceFault("ppm-chunks", "chunks lost before the wire", _serial(_chunks)),
    SourceFault("ppm-stall", "nothing passes for 2 s, then all of it", _serial(_stall)),
    SourceFault("ppm-slow", "the line carries less than is sent", _serial(_slow)),
    SourceFault("ppm-cut", "the cable is out for 2 to 8 s", _serial(_cut)),
    SourceFault("ppm-reset", "the board is reset", _serial(_reset)),
    SourceFault("ppm-flood", "3 s of noise", _serial(_flood)),
    SourceFault(
        "ppm-late",
        "the board's own program is late by 0.4 s",
        _serial(_late),
        blind="the board numbers what it sends, not what it measures: the sync line tells",
    ),
)


# --- a program on ZeroMQ --------------------------------------------------------------------------------


def _garbled(parts: list[bytes], draws: np.random.Generator) -> list[bytes]:
    spoilt = list(parts)
    at = int(draws.integers(len(spoilt)))
    data = bytearray(spoilt[at])
    data[int(draws.integers(len(data)))] ^= int(draws.integers(1, 256))
    spoilt[at] = bytes(data)
    return spoilt if draws.random() < 0.7 else spoilt[:at]


class Published:
    """A sender's messages through bad pieces, and what the driver makes of them."""

    def __init__(self, seed: int, faults: PieceFaults | None = None) -> None:
        self.feed = SampleStream(PhotometryConfig(name="fibre", driver="samples", data="tcp://127.0.0.1:1"))
        self.pieces = FaultyPieces(faults or PieceFaults(), seed, _garbled)
        self.events: list[SampleEvent] = []
        self._seq = self._first = 0
        self.true = 0

    def send(self, messages: int, *, arrive: bool = True) -> None:
        """Let the sender send."""
        for _ in range(messages):
            header = Header(
                stream="fibre", seq=self._seq, first_sample=self._first, rate_hz=100.0,
                channels=("a", "b"), dtype="<f8",
            )  # fmt: skip
            values = measured(self._first, 10)[:, :2]
            self._seq, self._first, self.true = self._seq + 1, self._first + 10, self.true + 10
            for parts in self.pieces.apply([codec.encode(header, values)]) if arrive else ():
                self.events += self.feed.feed(parts, 0)

    def skip(self, samples: int) -> None:
        """The sender itself loses samples, and counts them."""
        self._first += samples

    def restart(self) -> None:
        """The sender is started again."""
        self._seq = self._first = 0

    def found(self) -> SourceFound:
        """Judge the run."""
        return judge(self.events, SourceFound(true=self.true, spoilt=max(1, self.pieces.spoilt)), 2)


def _pieces(**faults: float) -> Callable[[int], SourceFound]:
    def run(seed: int) -> SourceFound:
        stream = Published(seed, PieceFaults(**faults))
        stream.send(500)
        return stream.found()

    return run


def _program(act: Callable[[Published, int], Any]) -> Callable[[int], SourceFound]:
    def run(seed: int) -> SourceFound:
        stream = Published(seed)
        stream.send(50 + seed % 50)
        act(stream, seed)
        stream.send(100)
        return stream.found()

    return run


def _nonsense(stream: Published, seed: int) -> None:
    draws = np.random.Generator(np.random.PCG64([seed, 8]))
    for _ in range(2000):
        parts = [draws.bytes(int(draws.integers(0, 90))) for _ in range(int(draws.integers(0, 4)))]
        stream.events += stream.feed.feed(parts, 0)


PROGRAM = (
    SourceFault("zmq-lost", "1 message in 50 lost", _pieces(drop=0.02)),
    SourceFault("zmq-doubled", "1 message in 50 doubled", _pieces(double=0.02)),
    SourceFault(
        "zmq-garbled",
        "1 message in 50 garbled, or a part of it lost",
        _pieces(garble=0.02),
        blind="a message has no checksum: a damaged number is a number",
    ),
    SourceFault("zmq-swapped", "1 message in 50 comes after the next", _pieces(swap=0.02)),
    SourceFault("zmq-cut", "30 messages never come", _program(lambda s, seed: s.send(30, arrive=False))),
    SourceFault("zmq-skip", "the sender loses 77 samples itself", _program(lambda s, seed: s.skip(77))),
    SourceFault("zmq-restart", "the sender is started again", _program(lambda s, seed: s.restart())),
    SourceFault("zmq-flood", "2000 messages of nonsense", _program(_nonsense)),
)
