"""A pyboard's prompt as a host meets it: MicroPython's friendly and raw REPL, for an emulated board.

It understands the few lines of Python that a photometry host says, and answers all others as MicroPython
answers a name that it does not know. What it writes is what a real MicroPython wrote when it was asked the
same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any, Final

from drivers.pyphotometry.repl import ACCEPTED, BANNER, END

PROMPT: Final = b"\r\n>>> "
WELCOME: Final = (
    b'MicroPython v1.12 on 2019-12-20; PYBv1.1 with STM32F405RG\r\nType "help()" for more information.'
)
_CALL: Final = re.compile(r"(?:\w+\s*=\s*)?(?:photometry_upy|p)\.(\w+)\((.*)\)", re.DOTALL)
_PRINT: Final = re.compile(r"print\((.*)\)", re.DOTALL)


class Failed(Exception):  # noqa: N818 - it is what the board says, not a fault of ours
    """A command failed: the last line of a traceback."""


class BoardRepl:
    """The prompt of one board.

    Parameters
    ----------
    call
        Calls a method of the board's program (``Photometry``, ``set_mode``, ...) with its arguments; returns
        what to print, or None. Raises `Failed`.
    unique_id
        Of the chip.
    firmware
        Whether the board has the photometry program at all.

    Attributes
    ----------
    raw
        Whether it is in the raw REPL.
    """

    def __init__(self, call: Callable[[str, list[Any]], None], unique_id: int, *, firmware: bool) -> None:
        self._call = call
        self._unique_id = unique_id
        self._firmware = firmware
        self._known: set[str] = set()
        self._line = b""
        self.raw = False

    def reset(self) -> None:
        """Forget all names: the board begins anew."""
        self._known.clear()
        self._line = b""

    def key(self, byte: bytes) -> bytes:
        """Take one byte; return the answer. The last command may have started the program."""
        if byte == b"\x01":
            self._line = b""
            before = b"" if self.raw else b"\r\n"
            self.raw = True
            return before + BANNER
        if byte == b"\x03":
            self._line = b""
            return b"" if self.raw else PROMPT
        if not self.raw:
            return PROMPT if byte == b"\r" else byte if byte.isascii() and byte >= b" " else b""
        if byte == b"\x02":
            self.raw = False
            return b"\r\n" + WELCOME + PROMPT
        if byte != END:
            self._line += byte
            return b""
        source, self._line = self._line.decode("utf-8", "replace").strip(), b""
        if not source:
            self.reset()
            return ACCEPTED + b"\r\nsoft reboot\r\n" + BANNER
        return self._run(source)

    def _run(self, source: str) -> bytes:
        try:
            output = self._execute(source)
        except Failed as failure:
            return ACCEPTED + END + traceback(str(failure)) + END + b">"
        return ACCEPTED if output is None else ACCEPTED + output + END + END + b">"

    def _execute(self, source: str) -> bytes | None:
        """Return what a command printed, or None if it goes on running."""
        if source == "import photometry_upy":
            if not self._firmware:
                raise Failed("ImportError: no module named 'photometry_upy'")
            self._known.add("photometry_upy")
            return b""
        if source.startswith("def "):  # helpers of the makers' host
            return b""
        if match := _PRINT.fullmatch(source):
            if match[1] != "p.unique_id":
                raise _unknown(match[1])
            self._need("p")
            return f"{self._unique_id}\r\n".encode()
        match = _CALL.fullmatch(source)
        if match is None:
            raise _unknown(source)
        method = match[1]
        self._need("photometry_upy" if method == "Photometry" else "p")
        self._call(method, _arguments(match[2]))
        if method == "Photometry":
            self._known.add("p")
        return None if method == "start" else b""

    def _need(self, name: str) -> None:
        if name not in self._known:
            raise _unknown(name)


def _unknown(source: str) -> Failed:
    name = re.split(r"\W", source, maxsplit=1)[0]
    return Failed(f"NameError: name '{name}' is not defined")


def _arguments(text: str) -> list[Any]:
    try:
        return list(ast.literal_eval(f"({text},)"))
    except (ValueError, SyntaxError):
        raise Failed("SyntaxError: invalid syntax") from None


def traceback(last: str) -> bytes:
    """Return the text of an error, as MicroPython writes it."""
    text = f'Traceback (most recent call last):\r\n  File "<stdin>", line 1, in <module>\r\n{last}\r\n'
    return text.encode()
