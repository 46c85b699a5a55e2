"""Rig files: TOML text <-> `RigDescription`. Every error names the file, the line and the right name.

This is the one place where a wrong rig may raise: before the animal is in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from rig.checks.description import KeyPath, Problem, check_rig
from rig.description import RigDescription
from rig.errors import ConfigError
from rig.runtime.shape import check_shape
from rig.runtime.toml_lines import line_of, locate
from rig.runtime.toml_text import toml_text

_AT: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def load_rig(path: Path | str) -> RigDescription:
    """Read and check a rig file.

    Raises
    ------
    ConfigError
        If it cannot be read, or anything in it is wrong. All that is wrong is told at once, each with
        its line.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError("there is no such rig file", str(path)) from None
    except OSError as error:
        raise ConfigError(f"the rig file cannot be read ({error.strerror})", str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"the rig file is not UTF-8 text (byte {error.start})", str(path)) from None
    return parse_rig(text.replace("\r\n", "\n"), str(path))


def parse_rig(text: str, name: str = "rig file") -> RigDescription:
    r"""Read and check the text of a rig file; `name` is what errors call it.

    Raises
    ------
    ConfigError
        As `load_rig`.

    Examples
    --------
    >>> parse_rig('name = "box 1"\n[board]\nport = "COM3"').board.port
    'COM3'
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(error, text, name) from None
    except RecursionError:
        raise ConfigError("this is no rig file: its brackets are nested too deep", name) from None
    lines = locate(text)
    _refuse(check_shape(values, RigDescription), lines, name)
    rig = msgspec.convert(values, RigDescription)
    _refuse(check_rig(rig), lines, name)
    return rig


def dump_rig(rig: RigDescription) -> str:
    """Write a rig as the text of a rig file, every default spelled out.

    `parse_rig` reads it back to an equal description.
    """
    values: dict[str, object] = msgspec.to_builtins(rig)
    return toml_text(values)


def _refuse(problems: Iterable[Problem], lines: dict[KeyPath, int], name: str) -> None:
    """Raise one error with all problems, in the order of the file."""
    found = sorted(((line_of(lines, path) or 1, text) for path, text in problems), key=lambda item: item[0])
    if not found:
        return
    line, text = found[0]
    more = "".join(f"\n{name}, line {line}: {text}" for line, text in found[1:])
    raise ConfigError(text + more, f"{name}, line {line}")


def _syntax_error(error: tomllib.TOMLDecodeError, text: str, name: str) -> ConfigError:
    message = str(error)
    match = _AT.search(message)
    line = int(match[1]) if match and match[1] else text.count("\n") + 1
    what = message[: match.start()] if match else message
    lines = text.split("\n")
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    return ConfigError(
        f"this is not TOML: {what[:1].lower()}{what[1:]}" + (f": {shown}" if shown else ""),
        f"{name}, line {line}",
    )
