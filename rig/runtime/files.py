"""Names of session files: made once, never overwritten."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import platform
import re
import sqlite3
from pathlib import Path
from typing import Final

from rig.errors import ConfigError

SUBJECT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def new_session_file(out: Path, subject: str, now: datetime.datetime | None = None) -> Path:
    """Create an empty ``OUT/<subject>_<yyyymmdd>_<hhmmss>.sqlite`` and return its path.

    A file of that name that is there already is left alone: the new one is called ``..._2.sqlite``, and
    so on.

    Parameters
    ----------
    now
        Local time for the name; the present by default.

    Raises
    ------
    ConfigError
        If the subject's name cannot be part of a file name, or the folder cannot be written.
    """
    if not SUBJECT.fullmatch(subject):
        raise ConfigError(
            f"subject '{subject}' cannot be part of a file name: use letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit, at most 64"
        )
    stem = f"{subject}_{(now or datetime.datetime.now()):%Y%m%d_%H%M%S}"
    try:
        out.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            path = out / (f"{stem}.sqlite" if number == 1 else f"{stem}_{number}.sqlite")
            try:
                path.touch(exist_ok=False)
            except FileExistsError:
                number += 1
            else:
                return path
    except OSError as error:
        raise ConfigError(f"cannot make a session file in '{out}': {error.strerror or error}") from None


def describe_installation() -> dict[str, object]:
    """Return what a session file says about the program that wrote it: when, and which versions."""
    return {"started": datetime.datetime.now().astimezone().isoformat(), "versions": versions()}


def versions() -> dict[str, str]:
    """Return the versions of the program and of what it stands on."""
    found: dict[str, str] = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in ("dopaloop", "numpy", "scipy", "msgspec", "pyzmq", "pyserial"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
