"""A folder of session files as one recording: the units of all sessions, each with its own trials."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rig.errors import ConfigError
from rig.estimate.offline import Responses
from rig.population.told import NO_DISTRIBUTION
from rig.population.worked import Heard
from rig.results.gather import Frame, Gathered, pooled
from rig.results.tag_report import Tag
from rig.runtime.reader import SessionFile

SUFFIX: Final = ".sqlite"
IDENTITY: Final = ("started", "subject", "seed")
"""What two sessions never share, even if both began at once on two rigs."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder of sessions holds.

    Attributes
    ----------
    responses
        Not shifted; units are named ``session/unit``.
    heard
        Silent units, and responses to cues.
    tags
        Unit -> what is known of it and light, where anything is.
    frame
        What all sessions have in common.
    sessions, skipped
        Files that were read, and one sentence for each that was not.
    """

    responses: Responses
    heard: Heard
    tags: dict[str, Tag]
    frame: Frame
    sessions: tuple[str, ...]
    skipped: tuple[str, ...]


def read_folder(path: Path) -> Folder:
    """Read every session file of a folder; those that cannot be read are left out, with a sentence each.

    Raises
    ------
    ConfigError
        If no session can be analysed, or two of them do not belong together.
    """
    files = sorted(path.glob(f"*{SUFFIX}"))
    if not files:
        deeper = "; folders inside it are not searched" if any(path.glob(f"*/*{SUFFIX}")) else ""
        raise ConfigError(f"there is no session file (*{SUFFIX}) in this folder{deeper}", where=str(path))
    sessions: dict[str, Gathered] = {}
    frames: dict[str, Frame] = {}
    skipped: list[str] = []
    seen: dict[tuple[str, ...], str] = {}
    for file in files:
        try:
            gathered, frame, identity = _read(file)
            twin = seen.get(identity) if identity else None
            if twin is not None and gathered.trials > sessions[twin].trials:
                skipped.append(_copy(twin, file.stem))
                del sessions[twin], frames[twin]
            elif twin is not None:
                skipped.append(_copy(file.stem, twin))
                continue
            seen[identity] = file.stem
            sessions[file.stem], frames[file.stem] = gathered, frame
        except ConfigError as error:
            skipped.append(f"{file.name} is left out: {str(error).removeprefix(f'{file}: ')}")
        except sqlite3.Error as error:
            skipped.append(f"{file.name} is left out: it is damaged ({error})")
    if not sessions:
        raise ConfigError(f"no session here can be analysed: {'; '.join(skipped)}", where=str(path))
    first, frame = next(iter(frames.items()))
    for name, other in frames.items():
        what = frame.differs(other)
        if what is not None:
            raise ConfigError(
                f"{first}{SUFFIX} and {name}{SUFFIX} differ in their {what}; "
                "put sessions that belong together into a folder of their own",
                where=str(path),
            )
    responses, heard = pooled(sessions, frame)
    tags = {
        f"{name}/{unit}": tag
        for name, session in sessions.items()
        for unit, tag in session.tags.reports().items()
        if unit in session.units
    }
    return Folder(
        responses, heard, tags, frame, tuple(f"{name}{SUFFIX}" for name in sessions), tuple(skipped)
    )


def _copy(name: str, other: str) -> str:
    return f"{name}{SUFFIX} is left out: it is the same session as {other}{SUFFIX}; it counts once"


def _read(file: Path) -> tuple[Gathered, Frame, tuple[str, ...]]:
    """Read one session; besides, what no other session shares with it (empty if the file does not say).

    Raises
    ------
    ConfigError, sqlite3.Error
        If it cannot be read, or holds nothing to analyse.
    """
    gathered = Gathered()
    with SessionFile(file) as session:
        told = session.meta_text
        identity = (
            tuple(told.get(key, "") for key in ("started", "subject", "seed")) if "started" in told else ()
        )
        for _, document in session.documents():
            gathered.take(document)
    frame = gathered.frame
    if frame is None:
        raise ConfigError("the session in it did not begin")
    if len(frame.sizes_ul) < 2 or not frame.utility_axis_hz:
        raise ConfigError("its protocol gives no rewards of two sizes or more that responses are taken to")
    if gathered.conditions == ():
        raise ConfigError(NO_DISTRIBUTION)
    if not gathered.rows:
        raise ConfigError("no unit answered a reward in it")
    return gathered, frame, identity
