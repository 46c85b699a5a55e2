"""One animal, one box: a claim on a subject for as long as its session runs, and corrections afterwards.

The claim is a small file beside the session files, ``OUT/.<subject>.running``. It says which process on which
computer runs the animal. A claim whose process is gone is void. The process of another computer (a shared
folder) cannot be asked; it is believed while its session file grows.

A wrong subject is corrected in a table of its own: what was recorded stays as it was, and so does what a
replay checks.
"""

from __future__ import annotations

import contextlib
import datetime
import getpass
import os
import platform
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from rig.errors import ConfigError
from rig.runtime.files import SUBJECT
from rig.runtime.registry import alive

SILENT_S: Final = 120.0
"""After so long without a change to its session file, a session on another computer is taken for over."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs the animal."""

    host: str
    pid: int
    rig: str
    out: str


@contextlib.contextmanager
def claimed(subject: str, out: Path, rig: str) -> Iterator[None]:
    """Hold the subject for as long as the context lasts.

    Raises
    ------
    ConfigError
        If the animal is in another session now, or the claim cannot be written.
    """
    if not SUBJECT.fullmatch(subject):
        yield  # the session file refuses the name with a better sentence
        return
    path = out / f".{subject}.running"
    mine = msgspec.json.encode(Claim(host=platform.node(), pid=os.getpid(), rig=rig, out=str(out)))
    try:
        out.mkdir(parents=True, exist_ok=True)
        _take(path, mine, subject)
    except OSError as error:
        raise ConfigError(f"cannot write into '{out}': {error.strerror or error}") from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_bytes() == mine:
                path.unlink()


def _take(path: Path, mine: bytes, subject: str) -> None:
    for _ in range(3):
        try:
            with path.open("xb") as file:
                file.write(mine)
        except FileExistsError:
            reason = _why_held(path, subject)
            if reason is not None:
                raise ConfigError(reason) from None
            path.unlink(missing_ok=True)  # of a session that was killed
        else:
            return
    raise ConfigError(f"'{subject}' is being started in two places at once; try again")


def _why_held(path: Path, subject: str) -> str | None:
    """Say who holds the subject, or None if nobody does any more."""
    try:
        holder = msgspec.json.decode(path.read_bytes(), type=Claim)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        # half written: somebody is just starting, or died in that moment
        fresh = time.time() - path.stat().st_mtime < 2.0
        return f"'{subject}' is being started in another process" if fresh else None
    here = holder.host == platform.node()
    if here and holder.pid == os.getpid():
        return f"'{subject}' is already in a session of this process"
    if here and not alive(holder.pid):
        return None
    if not here and not _grows(path.parent, subject):
        return None
    where = "this computer" if here else f"computer '{holder.host}'"
    return (
        f"'{subject}' is in '{holder.rig}' now (process {holder.pid} on {where}); one animal cannot be "
        "in two boxes: check the name, or stop that session first"
    )


def _grows(out: Path, subject: str) -> bool:
    newest = 0.0
    for pattern in (f"{subject}_*.sqlite", f"{subject}_*.sqlite-wal"):
        for file in out.glob(pattern):
            with contextlib.suppress(OSError):
                newest = max(newest, file.stat().st_mtime)
    return time.time() - newest < SILENT_S


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit: what was changed, by whom, when and why."""

    at: str
    who: str
    field: str
    was: str
    now: str
    why: str


_TABLE: Final = """
CREATE TABLE IF NOT EXISTS corrections (
    at TEXT NOT NULL, who TEXT NOT NULL, field TEXT NOT NULL, was TEXT NOT NULL, now TEXT NOT NULL,
    why TEXT NOT NULL
)"""


def correct_subject(path: Path, was: str, now: str, why: str) -> Correction:
    """Say in a session file that another animal was in the box; the recorded name stays.

    Parameters
    ----------
    was
        The name so far.

    Raises
    ------
    ConfigError
        If the new name cannot be one, no reason is given, or the file is in use or cannot be written.
    """
    if not SUBJECT.fullmatch(now):
        raise ConfigError(f"subject '{now}' cannot be a name: use letters, digits, '.', '_' and '-'")
    if now == was:
        raise ConfigError(f"the subject is '{was}' already")
    if not why.strip():
        raise ConfigError("a correction needs a reason: who looks at this file in a year must understand it")
    line = Correction(
        at=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        who=getpass.getuser(),
        field="subject",
        was=was,
        now=now,
        why=why.strip(),
    )
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=2.0)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(_TABLE)
            db.execute("INSERT INTO corrections VALUES (?,?,?,?,?,?)", msgspec.structs.astuple(line))
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise ConfigError(f"cannot be corrected now ({error})", str(path)) from None
    return line
