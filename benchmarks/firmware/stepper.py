"""The C core as a process of this computer, under a script (`firmware/host/stepper.c`)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from benchmarks.firmware.reference import Trace
from benchmarks.firmware.scripts import Script, Step
from rig.units import CYCLE_US

_LETTERS: Final = {
    "edge": "i", "soft": "o", "start": "s", "abort": "a", "pulse": "p", "max_open": "m", "sync": "y",
    "arm": "k", "alive": "h", "load": "l", "cost": "c", "budget": "g", "spent": "v",
}  # fmt: skip
_CYCLE_WRAP: Final = 1 << 32


class Stepper:
    """A running stepper; close it, or use it in a `with`."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it.

        Raises
        ------
        RuntimeError
            If it ended badly (a sanitizer found something); the details are on standard error.
        """
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        if process.stdout is not None:
            process.stdout.close()
        if process.wait(30):
            raise RuntimeError(f"the stepper ended with {process.returncode}")

    def ask(self, lines: list[str]) -> list[list[str]]:
        """Give it command lines; return its answer, a list of words for each line.

        Raises
        ------
        RuntimeError
            If it has ended.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write("\n".join([*lines, "x", ""]))
        stdin.flush()
        answer: list[list[str]] = []
        while True:
            words = stdout.readline().split()
            if words == ["."]:
                return answer
            if not words:
                raise RuntimeError(f"the stepper ended with {self._process.wait()}")
            answer.append(words)

    def ask_bytes(self, lines: list[str]) -> bytes:
        """Give it command lines; return the bytes that it sent to the host."""
        return b"".join(bytes.fromhex(words[1]) for words in self.ask(lines) if words[0] == "b")

    def play(self, script: Script) -> Trace:
        """Begin anew and do everything in the script, each at its time."""
        lines = ["z"]
        for step in script:
            lines.append(_moment(step.t_us))
            if step.what != "look":
                lines.append(_command(step))
        trace = Trace(events=[], answers=[])
        for letter, *words in self.ask(lines):
            if letter == "e":
                tick, _, kind, index = map(int, words)
                trace.events.append((tick, kind, index))
            elif letter in "rlv":
                trace.answers.append(tuple(map(int, words)))
        return trace


def _moment(t_us: int) -> str:
    return f"t {t_us // CYCLE_US % _CYCLE_WRAP} {t_us % CYCLE_US}"


def _command(step: Step) -> str:
    if step.what == "load":
        return f"l {step.a} {step.image.hex()}"
    return f"{_LETTERS[step.what]} {step.a} {step.b} {step.c} {step.d}"
