"""What a check is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RECORDINGS = "DOPALOOP_DATA"


@dataclass(frozen=True)
class Result:
    """What came out, in words, and whether that is what was asked."""

    told: str
    met: bool


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes
    ----------
    number
        Checks with the same one belong together.
    what, asked
        What is looked at; what it must be.
    recorded
        Whether it needs recordings.
    run
        Looks.
    """

    number: int
    what: str
    asked: str
    recorded: bool
    run: Callable[[], Result]


CHECKS: list[Check] = []
Runner = Callable[[], Result]


def check(number: int, what: str, asked: str, *, recorded: bool = False) -> Callable[[Runner], Runner]:
    """Put a function among the checks."""

    def add(run: Runner) -> Runner:
        CHECKS.append(Check(number, what, asked, recorded, run))
        return run

    return add


def data() -> Path:
    """Return the folder with the recordings."""
    return Path(os.environ[RECORDINGS])


def has_data() -> bool:
    """Whether there is one."""
    return RECORDINGS in os.environ
