"""What a check is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

RECORDINGS = "DOPALOOP_DATA"
NOT_SET = f"{RECORDINGS} is not set: no recordings"


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


class NoRecordingError(Exception):
    """A recording is not there, so what needs it is left out; the text says what is missing."""


def file_of(name: str) -> Path:
    """Return a file of the folder with the recordings.

    Raises
    ------
    NoRecordingError
        If there is no such folder, or it does not hold the file.
    """
    folder = os.environ.get(RECORDINGS)
    if not folder:
        raise NoRecordingError(NOT_SET)
    path = Path(folder) / name
    if not path.exists():
        raise NoRecordingError(f"{RECORDINGS} holds no {name}")
    return path


@dataclass(frozen=True)
class UnitFiles:
    """Files about recorded units of the variable-magnitude task.

    Attributes
    ----------
    name
        ``dev`` for ``varmag_dev_spikes.npz``.
    """

    name: str = "dev"

    @property
    def spikes(self) -> Path:
        """Their spikes and trials."""
        return file_of(f"varmag_{self.name}_spikes.npz")

    @property
    def trials(self) -> Path:
        """One line a trial, with the published response."""
        return file_of(f"varmag_{self.name}_trials.csv")

    @property
    def golden(self) -> Path:
        """Counts and estimates of the published pipeline."""
        return file_of(f"golden_{self.name}.json")


def unit_files() -> tuple[UnitFiles, ...]:
    """Return the sets of recorded units in the folder, ``dev`` first; that one alone if there is none."""
    found = sorted(Path(os.environ.get(RECORDINGS) or os.devnull).glob("varmag_*_spikes.npz"))
    names = [path.name.removeprefix("varmag_").removesuffix("_spikes.npz") for path in found]
    return tuple(UnitFiles(name) for name in sorted(names, key=lambda name: name != "dev") or ["dev"])


HALVES: dict[tuple[int, int], dict[bool, tuple[float, float, float]]] = {
    (20, 82): {True: (0.82, 0.93, 0.63), False: (0.84, 0.95, 0.66)},
    (40, 208): {True: (0.76, 0.88, 0.50), False: (0.756, 0.880, 0.502)},
}
"""Units and doubled rewards of a set -> copies kept or not -> mean R of random halves (sign count, isotonic,
asymmetry against reversal), worked out independently of this program."""


def known_halves(units: int, copies: int, *, keep: bool) -> tuple[float, float, float]:
    """Return what the halves of a set must give.

    Raises
    ------
    NoRecordingError
        If nobody has worked it out for this set.
    """
    known = HALVES.get((units, copies))
    if known is None:
        raise NoRecordingError(f"no figures are known for these {units} units with {copies} doubled rewards")
    return known[keep]
