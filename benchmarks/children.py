"""The other processes of the engine benchmarks: `python -m benchmarks.children WHAT PORT FOLDER`.

======  ==========================================================================================
echo    bare: reads from the port, writes the upper case back
engine  the engine does the same, with a session of two lines
listen  bare: reads from the port, stamps what came
board   the engine with the real session and driver: `habituation`, and a stamp after every chunk
======  ==========================================================================================

A stamp (`STAMP`, to standard output) is how many bytes have come so far and the time; the clock is
one for all processes.
"""

from __future__ import annotations

import os
import select
import struct
import sys
import time
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from drivers.transports import open_transport
from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.sitting import make_session
from rig.effects import Effect, Write
from rig.log.entry import Input
from rig.log.replay import SessionLike
from rig.runtime.engine import Engine
from rig.runtime.guard import Guard
from rig.runtime.ports import Port

STAMP: Final = struct.Struct("<QQ")
BAUD: Final = 1_000_000
LONG_TRIALS: Final = {"wait_min_s": "60", "wait_mean_s": "0"}
SHORT_TRIALS: Final = {"reward_ul": "1.2", "wait_min_s": "0.5", "wait_mean_s": "0", "lick_within_s": "0.5"}


def say_ready() -> None:
    """Tell the benchmark that the port is open."""
    os.write(1, b"ready\n")


class Stamper:
    """Counts bytes and tells when they had been dealt with."""

    def __init__(self) -> None:
        self._total = 0

    def stamp(self, size: int) -> None:
        """Tell that `size` more bytes are done now."""
        now = time.monotonic_ns()
        self._total += size
        os.write(1, STAMP.pack(self._total, now))


class Echo:
    """The least session there is."""

    def start(self, t_ns: int) -> list[Effect]:
        return []

    def step(self, entry: Input) -> list[Effect]:
        if entry.kind == "port":
            say_ready()
        return [Write("board", entry.payload.upper())] if entry.kind == "bytes" else []


class Stamped:
    """A session that tells when a chunk of the port has become events, and those were acted on."""

    def __init__(self, session: SessionLike) -> None:
        self._session = session
        self._stamper = Stamper()

    def start(self, t_ns: int) -> list[Effect]:
        return self._session.start(t_ns)

    def step(self, entry: Input) -> list[Effect]:
        effects = self._session.step(entry)
        if entry.kind == "bytes":
            self._stamper.stamp(len(entry.payload))
        elif entry.kind == "port":
            say_ready()
        return effects


def bare(path: str, then: Callable[[int, bytes], object]) -> None:
    """Read from the port for ever."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    say_ready()
    while True:
        select.select([fd], [], [])
        then(fd, os.read(fd, 4096))


def run_engine(session: SessionLike, path: str, folder: str, guard_frame: Callable[[int], bytes]) -> None:
    """Run an engine on the port until somebody kills it."""
    port = Port("board", lambda: open_transport(path, BAUD))
    guard = Guard(port, guard_frame, lambda: b"!")
    Engine(session, meta={}, out=Path(folder), subject="bench", ports=[port], guard=guard).run()


def main(what: str, path: str, folder: str, trials: str = "") -> None:
    """Be one of the processes."""
    if what == "echo":
        bare(path, lambda fd, data: os.write(fd, data.upper()))
    elif what == "listen":
        stamper = Stamper()
        bare(path, lambda _fd, data: stamper.stamp(len(data)))
    elif what == "engine":
        run_engine(Echo(), path, folder, lambda _counter: b"")
    else:
        rig = msgspec.structs.replace(demo_rig(), streams=())
        settings = LONG_TRIALS if trials == "long" else SHORT_TRIALS
        plan = make_plan("habituation", rig, subject="bench", seed=1, trials=None, settings=dict(settings))
        session, board, _ = make_session(plan)
        run_engine(Stamped(session), path, folder, board.alive_frame)


if __name__ == "__main__":
    main(*sys.argv[1:])
