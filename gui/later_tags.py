"""What a person says of units when nobody runs the session any more: it goes into its file."""

from __future__ import annotations

from pathlib import Path

from rig.documents import Notice, TagConfirmed
from rig.operator import Tag
from rig.runtime.tag_file import tag_later


def say_later(path: str, command: Tag) -> tuple[TagConfirmed, Notice]:
    """Write a word into the file of a session that is over; return what the session would have told.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    word = tag_later(Path(path), command.unit, tagged=command.tagged, note=command.note)
    text = f"unit {word.unit} is {'' if word.tagged else 'not '}tagged"
    return TagConfirmed(word=word), Notice(level="note", source=word.by, text=text)
