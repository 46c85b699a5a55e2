r"""Talk to MicroPython's raw REPL, the host's side: one command after another, without a clock of its own.

::

    host                      board
    \r 03 03  (interrupt)     whatever was on its mind
    \r 01     (raw REPL)      ...raw REPL; CTRL-B to exit\r\n>
    04        (soft reset)    OK\r\nsoft reboot\r\nraw REPL; CTRL-B to exit\r\n>
    source 04                 OK  output  04  error text  04 >

A board that is streaming does not listen to an interrupt, so it is told to stop first. Long sources are
written in pieces with a pause between, as the board's input ring is small.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from drivers.pyphotometry.wire import STOP
from rig.units import NS_PER_MS, NS_PER_S

BANNER: Final = b"raw REPL; CTRL-B to exit\r\n>"
INTERRUPT: Final = b"\r\x03\x03"
ENTER: Final = b"\r\x01"
END: Final = b"\x04"
ACCEPTED: Final = b"OK"
PROMPT: Final = b"\x04>"

PIECE: Final = 256
PIECE_NS: Final = 10 * NS_PER_MS
QUIET_NS: Final = 100 * NS_PER_MS
"""What comes this soon after a stop or an interrupt is thrown away."""
QUIETLY: Final = ("stop", "interrupt")
PATIENCE_NS: Final = 3 * NS_PER_S
MOST: Final = 1 << 16
"""A reply longer than this is none."""


class Answer(msgspec.Struct, frozen=True):
    """What a command said: its output and, if it failed, the text of the error."""

    command: str
    output: str
    error: str


class Refused(msgspec.Struct, frozen=True):
    """The board did not answer as a MicroPython board does."""

    reason: str


class Started(msgspec.Struct, frozen=True):
    """The last command runs; these bytes came behind it already."""

    rest: bytes


Told = Answer | Refused | Started


class RawRepl:
    """One conversation: enter the raw REPL, run commands, start the last one and leave it running.

    Parameters
    ----------
    commands
        Python source; the last one is not waited for.
    """

    def __init__(self, commands: list[str], t_ns: int) -> None:
        self._commands = deque(commands)
        self._heard = b""
        self._pieces: deque[bytes] = deque()
        self._out = b""
        self._running: str | None = None
        # What is done next, unless a reply is waited for, and when at the latest.
        self._step = "stop"
        self._due_ns = t_ns
        self._act(t_ns)

    def outgoing(self) -> bytes:
        """Return the bytes to write now; each is handed out once."""
        out, self._out = self._out, b""
        return out

    def deadline_ns(self) -> int:
        """When `idle` wants to be called next."""
        return self._due_ns

    def feed(self, data: bytes, t_ns: int) -> list[Told]:
        """Take what the board said."""
        told: list[Told] = []
        if self._pieces or self._step in QUIETLY:
            self.idle(t_ns)  # a late answer is an answer: no giving up here
        self._heard += data
        while (one := self._hear(t_ns)) is not None:
            told.append(one)
            if isinstance(one, (Refused, Started)):
                break
        return told

    def idle(self, t_ns: int) -> list[Told]:
        """Let time pass: write the next piece, go on after a pause, or give up."""
        if t_ns < self._due_ns:
            return []
        if self._pieces:
            self._write(t_ns)
            return []
        if self._step in QUIETLY:
            self._heard = b""
            self._step = "interrupt" if self._step == "stop" else "enter"
            self._act(t_ns)
            return []
        self._due_ns = t_ns + PATIENCE_NS
        what = self._running or "the raw REPL"
        return [Refused(f"no answer to {what}")]

    def _act(self, t_ns: int) -> None:
        """Do what this step is about."""
        if self._step == "stop":
            self._out += STOP
            self._due_ns = t_ns + QUIET_NS
        elif self._step == "interrupt":
            self._out += INTERRUPT
            self._due_ns = t_ns + QUIET_NS
        else:
            self._out += ENTER if self._step == "enter" else END
            self._due_ns = t_ns + PATIENCE_NS

    def _hear(self, t_ns: int) -> Told | None:
        """Take one reply out of what was heard, if it is whole."""
        heard = self._heard
        if self._step in ("enter", "reset"):
            if not heard.endswith(BANNER):
                return Refused("it talks, but not as MicroPython") if len(heard) > MOST else None
            self._heard = b""
            if self._step == "enter":
                self._step = "reset"
                self._act(t_ns)
            else:
                self._step = "run"
                self._next(t_ns)
            return None
        if self._step != "run" or len(heard) < len(ACCEPTED) or self._running is None:
            return None
        if not heard.startswith(ACCEPTED):
            return Refused(f"{self._running} was not taken: {heard[:40]!r}")
        if not self._commands:
            return Started(heard[len(ACCEPTED) :])
        output, end, rest = heard[len(ACCEPTED) :].partition(END)
        if not end or not rest.endswith(PROMPT):
            return Refused(f"no end of the reply to {self._running}") if len(heard) > MOST else None
        answer = Answer(
            self._running, output.decode("utf-8", "replace"), rest[: -len(PROMPT)].decode("utf-8", "replace")
        )
        self._heard = b""
        self._next(t_ns)
        return answer

    def _next(self, t_ns: int) -> None:
        self._running = self._commands.popleft()
        source = self._running.encode() + END
        self._pieces.extend(source[at : at + PIECE] for at in range(0, len(source), PIECE))
        self._write(t_ns)

    def _write(self, t_ns: int) -> None:
        self._out += self._pieces.popleft()
        self._due_ns = t_ns + (PIECE_NS if self._pieces else PATIENCE_NS)
