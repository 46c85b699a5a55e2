"""Put two lines into a rig file and leave the rest of it as its author wrote it, comments too."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from rig.errors import ConfigError
from rig.runtime.config import load_rig, parse_rig
from rig.runtime.toml_lines import locate

BY_HAND = "the rig file is written in a way that cannot be edited line by line; put these lines in by hand"


def write_calibration(path: Path, valve: str, lines: Sequence[str]) -> None:
    """Put `lines` (``key = value``) into a valve's table, in place of those with the same keys.

    The file is replaced as a whole, and only by one that is a good rig file.

    Raises
    ------
    ConfigError
        If the file cannot be edited like that, or would no longer be a good rig file; it is left as it is.
    """
    made = edited(path, valve, lines)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}-", delete=False
    ) as file:
        file.write(made)
    shutil.copymode(path, file.name)
    Path(file.name).replace(path)


def edited(path: Path, valve: str, lines: Sequence[str]) -> str:
    """Return the text that `write_calibration` would write.

    Raises
    ------
    ConfigError
        As `write_calibration`.
    """
    load_rig(path)
    made = with_lines(path.read_bytes().decode("utf-8-sig"), ("board", "outputs", valve), lines)
    parse_rig(made.replace("\r\n", "\n"), f"{path} with the new calibration")
    return made


def with_lines(text: str, table: tuple[str, ...], lines: Sequence[str]) -> str:
    r"""Return a TOML text in which a table has these lines.

    Raises
    ------
    ConfigError
        If the table has no header of its own.

    Examples
    --------
    >>> with_lines("[a]\nx = [1,\n  2] # old\ny = 3 # kept\n", ("a",), ["x = [5]", "z = 1"])
    '[a]\nx = [5]\nz = 1\ny = 3 # kept\n'
    """
    rows = text.split("\n")
    at = locate(text.replace("\r\n", "\n"))
    end = "\r" if rows[0].endswith("\r") else ""
    if table not in at or not rows[at[table] - 1].lstrip().startswith("["):
        raise ConfigError(BY_HAND)
    place, gone = at[table], set[int]()
    for line in lines:
        key = line.partition("=")[0].strip()
        first = at.get((*table, key))
        if first is None:
            continue
        if rows[first - 1].split("=")[0].strip() != key:
            raise ConfigError(BY_HAND)
        span = range(first - 1, _last(rows, first - 1))
        if not gone:
            place = first - 1
        gone |= set(span)
    kept = [(number, row) for number, row in enumerate(rows) if number not in gone]
    before = [row for number, row in kept if number < place]
    after = [row for number, row in kept if number >= place]
    return "\n".join([*before, *(line + end for line in lines), *after])


def _last(rows: Sequence[str], first: int) -> int:
    """Return the number of the row after the value that begins in row `first`."""
    for after in range(first + 1, len(rows) + 1):
        try:
            tomllib.loads("\n".join(row.rstrip("\r") for row in rows[first:after]))
        except tomllib.TOMLDecodeError:
            continue
        return after
    raise ConfigError(BY_HAND)
