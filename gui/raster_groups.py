"""How the rows of a raster are grouped: around rewards by their size, around cues by condition. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gui.model import SessionModel
from gui.psth import Row
from gui.theme import Theme
from gui.words import plain
from rig.trial.spec import ResponseWindow

AlignedTo = Literal["reward", "cue"]
OTHER: Final[dict[AlignedTo, AlignedTo]] = {"reward": "cue", "cue": "reward"}


@dataclass(frozen=True, slots=True)
class Group:
    """One group: the size in uL or the condition that its rows share, its name and its colour."""

    key: float | str
    label: str
    colour: str


def groups(model: SessionModel, theme: Theme, aligned: AlignedTo) -> list[Group]:
    """Return the groups from the bottom up: sizes ascending, conditions as they are declared."""
    if aligned == "reward":
        sizes = model.sizes_ul
        return [Group(size, f"{size:g}", theme.size_colour(k, len(sizes))) for k, size in enumerate(sizes)]
    conditions = dict.fromkeys(kind.condition for kind in model.declared if kind.cue is not None)
    colours = theme.series
    return [Group(name, plain(name), colours[k % len(colours)]) for k, name in enumerate(conditions)]


def rows_of(rows: Sequence[Row], group: Group) -> list[Row]:
    """Rows of one group: unsignalled below, signalled above, each by delay and with the newest on top."""
    by_size = isinstance(group.key, float)
    found = [row for row in rows if (row.reward_ul if by_size else row.condition) == group.key]
    return sorted(found, key=lambda row: (row.signalled, row.start_ms, row.trial))


def window_of(model: SessionModel, aligned: AlignedTo) -> ResponseWindow | None:
    """Where the responses that belong to the alignment are counted."""
    if model.started is None:
        return None
    return model.started.window if aligned == "reward" else model.started.cue_window


def both_kinds(model: SessionModel) -> bool:
    """Whether there are rewards that a cue announces and rewards that none does."""
    return len({kind.signalled for kind in model.declared if kind.reward_ul > 0}) != 1
