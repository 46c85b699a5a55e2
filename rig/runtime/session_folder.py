"""A folder of session files as one recording: the units of all sessions, each with its own trials."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rig.errors import ConfigError
from rig.estimate.gather import Frame, Gathered, pooled
from rig.estimate.offline import Responses
from rig.estimate.population import NO_DISTRIBUTION
from rig.estimate.population_worked import Heard
from rig.estimate.tag_report import Tag
from rig.runtime.reader import SessionFile

SUFFIX: Final = ".sqlite"


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
        raise ConfigError(f"there is no session file (*{SUFFIX}) in this folder", where=str(path))
    sessions: dict[str, Gathered] = {}
    frames: dict[str, Frame] = {}
    skipped: list[str] = []
    for file in files:
        try:
            sessions[file.stem], frames[file.stem] = _read(file)
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


def _read(file: Path) -> tuple[Gathered, Frame]:
    """Read one session.

    Raises
    ------
    ConfigError, sqlite3.Error
        If it cannot be read, or holds nothing to analyse.
    """
    gathered = Gathered()
    with SessionFile(file) as session:
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
    return gathered, frame
