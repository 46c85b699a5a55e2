"""The near process's side of a pseudo-terminal: a child at the other end, and a board played into it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
import tty
from pathlib import Path
from typing import Final

from benchmarks.children import STAMP
from drivers.board.codec import HarpCodec
from drivers.board.emulator import BoardEmulator
from drivers.board.registers import HOST_ALIVE
from drivers.board.wire import Frame

ROOT: Final = Path(__file__).resolve().parent.parent
PATIENCE_S: Final = 5.0


class FarEnd:
    """A child process that holds the other end of a pseudo-terminal.

    Parameters
    ----------
    arguments
        Of `benchmarks.children`: what it is, and what that wants.
    """

    def __init__(self, folder: Path, what: str, *arguments: str) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self.master)
        path = os.ttyname(self._slave)
        command = [sys.executable, "-m", "benchmarks.children", what, path, str(folder), *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._process.stdout is not None
        self._ear = self._process.stdout.fileno()
        assert os.read(self._ear, 6) == b"ready\n", "the other process did not start"
        self._sent = 0

    def close(self) -> None:
        """End the child, close the pseudo-terminal."""
        self._process.kill()
        self._process.communicate()
        os.close(self.master)
        os.close(self._slave)

    def read(self, timeout_s: float) -> bytes:
        """Return what came within a time."""
        return os.read(self.master, 4096) if select.select([self.master], [], [], timeout_s)[0] else b""

    def send(self, data: bytes) -> None:
        """Write bytes to the child."""
        os.write(self.master, data)
        self._sent += len(data)

    def until_done(self) -> int:
        """Wait for the stamp of all that was sent; return its time in nanoseconds."""
        total = t_ns = 0
        while total < self._sent:
            assert select.select([self._ear], [], [], PATIENCE_S)[0], "the chunk was never dealt with"
            total, t_ns = STAMP.unpack(os.read(self._ear, STAMP.size))
        return t_ns


class PlayedBoard:
    """An emulated board at our end, whose time goes on only when we say so."""

    def __init__(self, end: FarEnd) -> None:
        self._end = end
        self._board = BoardEmulator()
        self._now_us = 0
        self._codec = HarpCodec()
        self._lick = False

    @property
    def running(self) -> bool:
        """Whether a trial runs."""
        return self._board.core.running

    def turn(self, us: int, wait_s: float = 0.0) -> bytes:
        """Take what the host sent, let time pass; return what the board sends."""
        self._board.receive(self._end.read(wait_s), self._now_us)
        self._now_us += us
        self._board.advance(self._now_us)
        return self._board.outgoing(self._now_us)

    def until_running(self) -> None:
        """Talk to the host until a trial runs."""
        until = time.monotonic() + PATIENCE_S
        while not self.running:
            assert time.monotonic() < until, "no trial was started"
            if data := self.turn(500, wait_s=0.0005):
                self._end.send(data)

    def an_edge(self) -> bytes:
        """Let the mouse lick, or stop; return the frame that tells of it."""
        self._lick = not self._lick
        self._board.input_edge(0, self._lick)
        return self.turn(2_000)

    def until_trial_ends(self) -> bytes:
        """Let a trial run; return the bytes that tell of its end, unsent, with an idle host behind."""
        self.until_running()
        while True:
            data = self.turn(5_000)
            if not self.running:
                break
            if data:
                self._end.send(data)
        self._end.until_done()
        time.sleep(0.002)
        self._board.receive(self._end.read(0.0), self._now_us)
        return data

    def until_answer(self) -> None:
        """Wait for the first frame that is not the host's sign of life."""
        while True:
            data = self._end.read(PATIENCE_S)
            assert data, "no answer"
            self._board.receive(data, self._now_us)
            for found in self._codec.feed(data, 0):
                if isinstance(found, Frame) and found.address != HOST_ALIVE.address:
                    return
