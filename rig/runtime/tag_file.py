"""Tags in session files: those said while it ran, and those said afterwards, over the rasters.

What is said afterwards stands in a table of its own (``later_tags``): what was recorded stays as it was, and
so does what a replay checks. A reader gets both, in order.
"""

from __future__ import annotations

import contextlib
import datetime
import getpass
import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from rig.documents import SessionStarted, TagConfirmed, TagsUpdated
from rig.errors import ConfigError
from rig.runtime.reader import SessionFile
from rig.tagging.told import Confirmation, UnitTag

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS later_tags (
    at TEXT NOT NULL, who TEXT NOT NULL, unit TEXT NOT NULL, tagged INTEGER NOT NULL, note TEXT NOT NULL
)"""


class TagsSoFar(msgspec.Struct, frozen=True):
    """What a session file knows of units and light.

    Attributes
    ----------
    units
        By name, the newest of each unit that was listened to.
    words
        By name, the newest word of a person, with what was known of the unit.
    """

    units: dict[str, UnitTag]
    words: dict[str, Confirmation]


def read_tags(path: Path | str) -> tuple[TagsSoFar, str]:
    """Read the tags of a session, and whose they are.

    Raises
    ------
    ConfigError
        If it is no session file, or damaged.
    """
    units: dict[str, UnitTag] = {}
    words: dict[str, Confirmation] = {}
    with SessionFile(path) as file:
        for _, document in file.documents():
            match document:
                case SessionStarted():
                    words.update({word.unit: word for word in document.tags})
                case TagsUpdated():
                    units.update({tag.unit: tag for tag in document.units})
                case TagConfirmed(word=word):
                    words[word.unit] = word
                case _:
                    pass
        subject = file.subject
    known = {
        name: word if word.evidence else msgspec.structs.replace(word, evidence=units.get(name))
        for name, word in words.items()
    }
    return TagsSoFar(units, known), subject


def earlier_tags(path: Path, subject: str) -> tuple[Confirmation, ...]:
    """Return the words of an earlier session of the same animal, for a session that begins now.

    Raises
    ------
    ConfigError
        If it was another animal, or nobody has tagged anything.
    """
    found, whose = read_tags(path)
    if whose != subject:
        raise ConfigError(f"these are tags of '{whose}', not of '{subject}'", str(path))
    if not found.words:
        raise ConfigError(
            "nobody has confirmed a tag in this session: do so in the window, or with "
            f"`dopaloop tag {path} UNIT`",
            str(path),
        )
    return tuple(
        msgspec.structs.replace(word, source=word.source or path.name) for word in found.words.values()
    )


def tag_later(path: Path, unit: str, *, tagged: bool, note: str = "", who: str = "") -> Confirmation:
    """Write a person's word on a unit into the file of a session that is over.

    Parameters
    ----------
    who
        Who says so; the user of this computer if empty.

    Raises
    ------
    ConfigError
        If no such unit was heard in it, or the file is in use or cannot be written.
    """
    _check(path, unit)
    at = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    word = Confirmation(unit=unit, tagged=tagged, by=who or getpass.getuser(), at=at, note=note)
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=2.0)) as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(_TABLE)
            row = (word.at, word.by, word.unit, int(word.tagged), word.note)
            db.execute("INSERT INTO later_tags VALUES (?,?,?,?,?)", row)
            db.execute("COMMIT")
    except sqlite3.Error as error:
        raise ConfigError(f"a tag cannot be written into it now ({error})", str(path)) from None
    return word


def _check(path: Path, unit: str) -> None:
    """Refuse a unit that was not listened to; quick, since a window waits for it."""
    with SessionFile(path) as file:
        known = [str(row[0]) for row in file.table("tags")[1]] if "tags" in file.tables else []
    if unit not in known:
        there = ", ".join(known) or "none"
        raise ConfigError(f"no unit '{unit}' was listened to while light came; there are: {there}", str(path))
