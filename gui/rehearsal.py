"""Check a session before the animal is in the rig: plan, preflight, and its tables for a diagram. No Qt."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rig.checks.preflight import rehearsed
from rig.cli.plans import make_plan
from rig.description import RigDescription
from rig.design.plan import SessionPlan
from rig.machine.table import StateTable
from rig.runtime import plugins
from rig.runtime.config import load_rig

_FILE: Final = re.compile(r"(.+)_\d{8}_\d{6}(?:_\d+)?\.sqlite")
"""Names of session files, see `rig.runtime.files`."""
STALE_DAYS: Final = 30


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wish:
    """What the start page asks for; texts as they were typed."""

    protocol: str
    rig: str
    subject: str
    seed: int
    trials: int | None
    settings: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Rehearsed:
    """A session that can be run.

    Attributes
    ----------
    checked
        How many trials' tables were built and checked.
    tables
        One table for each kind of trial, by its condition.
    """

    plan: SessionPlan
    checked: int
    tables: dict[str, StateTable]

    @property
    def sentence(self) -> str:
        """What to tell people."""
        sizes = ", ".join(f"{size:g}" for size in self.plan.sizes_ul)
        kinds = len(self.tables)
        return (
            f"✔ {self.checked} trials fit this rig and its board: {kinds} kind{'s' * (kinds != 1)} of trial"
            + (f", rewards of {sizes} uL." if sizes else ", no reward.")
        )


def rehearse(wish: Wish) -> Rehearsed:
    """Make the plan, and build and check every table that it will ask for.

    Raises
    ------
    ConfigError
        With one sentence on what is wrong, and where.
    """
    plan = make_plan(
        wish.protocol,
        load_rig(wish.rig),
        subject=wish.subject,
        seed=wish.seed,
        trials=wish.trials,
        settings=dict(wish.settings),
    )
    board = plugins.find("board", plan.rig.board.driver)(plan.rig.board)
    checked = 0
    tables: dict[str, StateTable] = {}
    for spec, table in rehearsed(plan, board.limits):
        checked += 1
        tables.setdefault(spec.condition, table)
    return Rehearsed(plan, checked, tables)


def rig_words(rig: RigDescription, today: datetime.date) -> str:
    """Say in a few lines what a rig file describes, and how old its calibrations are."""
    lines = [f"{rig.name}: board on {rig.board.port}"]
    lines += [f"stream {stream.name} from {stream.data}" for stream in rig.streams]
    if not rig.streams:
        lines.append("no neural stream")
    for name, out in rig.board.outputs.items():
        if out.kind == "valve":
            lines.append(f"valve {name}: {_calibration(out.calibrated_on, today)}")
    return "\n".join(lines)


def _calibration(text: str, today: datetime.date) -> str:
    if not text:
        return "▲ nobody knows when it was calibrated"
    try:
        days = (today - datetime.date.fromisoformat(text[:10])).days
    except ValueError:
        return f"calibration: {text}"
    mark = "▲ " if days > STALE_DAYS else ""
    return f"{mark}calibrated {days} day{'s' * (days != 1)} ago ({text})"


def subjects_of(out: Path) -> list[str]:
    """Return the subjects of the session files in a folder, the latest first."""
    found: dict[str, float] = {}
    if out.is_dir():
        for path in out.glob("*.sqlite"):
            match = _FILE.fullmatch(path.name)
            if match is not None:
                found[match[1]] = max(found.get(match[1], 0.0), path.stat().st_mtime)
    return sorted(found, key=lambda subject: -found[subject])
