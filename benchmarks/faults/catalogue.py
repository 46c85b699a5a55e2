"""Everything that is made to go wrong on the board's wire and on the neural stream."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from benchmarks.faults import wire
from benchmarks.faults.wire import Wire, some_moment
from drivers.transports.fault import Faults
from drivers.transports.pieces import PieceFaults
from rig.units import US_PER_S


@dataclasses.dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Parameters
    ----------
    name
        A word for the command line.
    what
        For people.
    make
        Makes a wire with it, from a seed and the rig's speed (a stall is wall time, whatever the speed).
    blind
        Promises that cannot be kept, since nothing on the wire tells; empty for nearly all.
    """

    name: str
    what: str
    make: Callable[[int, int], Wire]
    blind: str = ""


def _bytes(**faults: float) -> Callable[[int, int], Wire]:
    return lambda seed, speed: wire.SpoiltBytes(Faults(**faults), seed)  # type: ignore[arg-type]


def _frames(**faults: float) -> Callable[[int, int], Wire]:
    return lambda seed, speed: wire.SpoiltFrames(PieceFaults(**faults), seed)


def _messages(**faults: float) -> Callable[[int, int], Wire]:
    return lambda seed, speed: wire.SpoiltMessages(PieceFaults(**faults), seed)


def _stalled(seconds: float) -> Callable[[int, int], Wire]:
    return lambda seed, speed: wire.Stalled(some_moment(seed), int(seconds * US_PER_S) * speed)


BOARD = (
    Fault("none", "nothing", lambda seed, speed: Wire()),
    Fault("bytes-lost", "1 byte in 1000 lost, both ways", _bytes(drop=1e-3)),
    Fault("bytes-doubled", "1 byte in 1000 doubled", _bytes(double=1e-3)),
    Fault("bytes-garbled", "1 byte in 1000 garbled", _bytes(garble=1e-3)),
    Fault("bytes-many", "1 byte in 100 garbled", _bytes(garble=1e-2)),
    Fault(
        "bytes-swapped",
        "1 byte in 1000 changes places with the next",
        _bytes(swap=1e-3),
        blind="a sum of bytes does not see their order",
    ),
    Fault("frames-lost", "1 frame in 50 lost, both ways", _frames(drop=0.02)),
    Fault("frames-doubled", "1 frame in 50 doubled", _frames(double=0.02)),
    Fault("frames-garbled", "1 frame in 50 garbled", _frames(garble=0.02)),
    Fault("frames-swapped", "1 frame in 50 comes after the next", _frames(swap=0.02)),
    Fault("stall-short", "nothing passes for 0.15 s", _stalled(0.15)),
    Fault("stall", "nothing passes for 1.5 s", _stalled(1.5)),
    Fault("stall-long", "nothing passes for 8 s", _stalled(8.0)),
    Fault("slow", "12 kB/s, an eighth of the line", lambda seed, speed: wire.Slow(12_000.0 * speed)),
    Fault(
        "cut",
        "the cable is out for 2.5 s",
        lambda seed, speed: wire.Cut(some_moment(seed), 2_500_000 * speed),
    ),
    Fault(
        "dead",
        "the cable is out for 6 s, and the port does not say so",
        lambda seed, speed: wire.Unplugged(some_moment(seed), 6_000_000 * speed),
    ),
    Fault("reset", "the board is reset in mid-trial", lambda seed, speed: wire.Reset(some_moment(seed))),
    Fault(
        "noise",
        "3 s of noise as fast as the line goes",
        lambda seed, speed: wire.NoiseFlood(some_moment(seed), 3_000_000, seed),
    ),
    Fault(
        "repeats",
        "3 s of one good frame, over and over",
        lambda seed, speed: wire.FrameFlood(some_moment(seed), 3_000_000),
    ),
    Fault(
        "chatter",
        "an input chatters: 6000 edges a second for 1 s",
        lambda seed, speed: wire.Chatter(some_moment(seed), US_PER_S, 6_000),
    ),
)

STREAM = (
    Fault("messages-lost", "1 message in 100 lost", _messages(drop=0.01)),
    Fault("messages-doubled", "1 message in 100 doubled", _messages(double=0.01)),
    Fault(
        "messages-garbled",
        "1 message in 100 garbled, or a part of it lost",
        _messages(garble=0.01),
        blind="a message has no checksum: a digit that became another digit is believed",
    ),
    Fault("messages-swapped", "1 message in 100 comes after the next", _messages(swap=0.01)),
    Fault(
        "stream-stall",
        "nothing comes for 4 s, then all of it",
        lambda seed, speed: wire.StreamHeld(some_moment(seed), 4_000_000 * speed),
    ),
    Fault("stream-late", "everything comes 3 s late", lambda seed, speed: wire.StreamLate(3_000_000 * speed)),
    Fault(
        "stream-cut",
        "2 s of messages never come",
        lambda seed, speed: wire.StreamHeld(some_moment(seed), 2_000_000 * speed, lost=True),
    ),
    Fault(
        "stream-restart",
        "acquisition is started again",
        lambda seed, speed: wire.StreamRestart(some_moment(seed)),
    ),
    Fault(
        "stream-flood",
        "20 messages of nonsense for each true one, for 3 s",
        lambda seed, speed: wire.StreamFlood(some_moment(seed), 3_000_000, 20, seed),
    ),
)

ALL = BOARD + STREAM
