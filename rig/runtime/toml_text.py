"""Plain values -> TOML text. A few dozen lines, so no further dependency: the library only reads TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(values: Mapping[str, object]) -> str:
    """Write nested mappings, lists, text, numbers and booleans as TOML; None is left out.

    Examples
    --------
    >>> print(toml_text({"name": "box", "board": {"port": "COM3", "baud": 1000000}}), end="")
    name = "box"
    <BLANKLINE>
    [board]
    port = "COM3"
    baud = 1000000
    """
    return "\n".join(_table(values, ())).lstrip("\n") + "\n"


def _table(values: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    later: list[tuple[str, object]] = []
    for key, value in values.items():
        if isinstance(value, Mapping) or _is_tables(value):
            later.append((key, value))
        elif value is not None:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in later:
        here = (*path, key)
        name = ".".join(_key(part) for part in here)
        if isinstance(value, Mapping):
            yield from ("", f"[{name}]")
            yield from _table(value, here)
        elif isinstance(value, list | tuple):
            for item in value:
                yield from ("", f"[[{name}]]")
                yield from _table(item, here)


def _is_tables(value: object) -> bool:
    return (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(item, Mapping) for item in value)
    )


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _string(text: str) -> str:
    # JSON escapes what TOML wants escaped, but for DEL.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
