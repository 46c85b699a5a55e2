"""On which line of a TOML text each key stands. The standard library's parser does not tell.

The text is known to be good TOML when it comes here; so this only has to follow it, not to judge it.
"""

from __future__ import annotations

import tomllib
from typing import Final

from rig.checks.description import KeyPath

_SPACE: Final = " \t"
_BLANK: Final = " \t\r\n"
_BARE_END: Final = ",]}#\r\n"


def locate(text: str) -> dict[KeyPath, int]:
    r"""Return the 1-based line of every table, key and list item of a good TOML text.

    Examples
    --------
    >>> locate('name = "box"\n[board]\nport = "COM3"')
    {('name',): 1, ('board',): 2, ('board', 'port'): 3}
    """
    return _Scanner(text).scan()


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of `path`, or else of the nearest thing around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self._skip(_BLANK):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> KeyPath:
        """Read ``[a.b]`` or ``[[a.b]]``; return the table that is meant."""
        line = self._line()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        keys = self._keys("]")
        self._at += 2 if many else 1
        path: KeyPath = ()
        for number, key in enumerate(keys):
            path = (*path, key)
            if many and number == len(keys) - 1:
                self._counts[path] = self._counts.get(path, 0) + 1
            self._note(path, line)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self._note(path, line)
        return path

    def _pair(self, table: KeyPath) -> None:
        """Read ``a.b = value``."""
        line = self._line()
        path = table
        for key in self._keys("="):
            path = (*path, key)
            self._note(path, line)
        self._at += 1
        self._skip(_SPACE)
        self._value(path)

    def _keys(self, end: str) -> list[str]:
        """Read a dotted key up to `end`."""
        keys: list[str] = []
        start = self._at
        while self._at < len(self._text) and self._text[self._at] != end:
            char = self._text[self._at]
            if char in "\"'":
                begin = self._at
                self._string()
                keys.append(tomllib.loads(f"k = {self._text[begin : self._at]}")["k"])
                start = self._at
                continue
            if char == ".":
                self._add_bare(keys, start)
                start = self._at + 1
            self._at += 1
        self._add_bare(keys, start)
        return keys

    def _add_bare(self, keys: list[str], start: int) -> None:
        bare = self._text[start : self._at].strip()
        if bare:
            keys.append(bare)

    def _value(self, path: KeyPath) -> None:
        char = self._text[self._at : self._at + 1]
        if char and char in "\"'":
            self._string()
        elif char == "[":
            self._list(path)
        elif char == "{":
            self._inline_table(path)
        else:
            while self._at < len(self._text) and self._text[self._at] not in _BARE_END:
                self._at += 1

    def _string(self) -> None:
        text, quote = self._text, self._text[self._at]
        mark = quote * 3 if text.startswith(quote * 3, self._at) else quote
        self._at += len(mark)
        while self._at < len(text) and not text.startswith(mark, self._at):
            self._at += 2 if quote == '"' and text[self._at] == "\\" else 1
        self._at += len(mark)
        while len(mark) == 3 and text.startswith(quote, self._at):  # up to two quotes before the last three
            self._at += 1

    def _list(self, path: KeyPath) -> None:
        self._at += 1
        number = 0
        while self._skip(_BLANK + ",") and self._text[self._at] != "]":
            self._note((*path, number), self._line())
            self._value((*path, number))
            number += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._skip(_BLANK + ",") and self._text[self._at] != "}":
            self._pair(path)
        self._at += 1

    def _skip(self, chars: str) -> bool:
        """Pass over `chars` and comments; return whether there is more."""
        text = self._text
        while self._at < len(text):
            if text[self._at] == "#":
                end = text.find("\n", self._at)
                self._at = len(text) if end < 0 else end
            elif text[self._at] not in chars:
                return True
            else:
                self._at += 1
        return False

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _note(self, path: KeyPath, line: int) -> None:
        self._lines.setdefault(path, line)
