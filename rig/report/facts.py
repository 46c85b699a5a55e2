"""What the figures of a session are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rig.documents import (
    Audit,
    DeclaredTrial,
    FibreResponseTaken,
    Notice,
    SessionEnded,
    SessionStarted,
    UnitEstimate,
)
from rig.photometry.told import FibreTold
from rig.population.shapes import PopulationView
from rig.results.report import Truth
from rig.results.tag_report import Tag
from rig.trial.spec import TrialRecord, TrialResponse

Floats = npt.NDArray[np.float64]
Point = tuple[int, dict[str, tuple[float, float]]]
"""Rewarded trials, and for each unit its reversal point and half the width of its interval, both in Hz."""


@dataclass(frozen=True, slots=True)
class Courses:
    """Estimates over an epoch.

    Attributes
    ----------
    rewarded
        int64, shape (points,): rewarded trials.
    units
        Names, in the order of the columns.
    hz, half_width_hz
        float64, shape (points, units): reversal point and half of its 95 % interval; NaN before there is one.
    """

    rewarded: npt.NDArray[np.int64]
    units: tuple[str, ...]
    hz: Floats
    half_width_hz: Floats


@dataclass(slots=True)
class Epoch:
    """A stretch of the session with one declared reward distribution.

    Attributes
    ----------
    first_trial
        0-based.
    units
        The newest estimates.
    view
        What the population shows; None where there is none.
    fibres
        The newest estimates of fibres.
    fibre_responses
        Their responses to rewards, in the order they were told.
    """

    number: int
    name: str
    first_trial: int
    sizes_ul: tuple[float, ...]
    axis_hz: tuple[float, ...]
    declared: tuple[DeclaredTrial, ...]
    conditions: tuple[str, ...] | None
    reason: str = ""
    discard: int = 0
    stimulated: bool = False
    units: tuple[UnitEstimate, ...] = ()
    audit: Audit | None = None
    view: PopulationView | None = None
    points: list[Point] = field(default_factory=list)
    fibres: tuple[FibreTold, ...] = ()
    fibre_responses: list[FibreResponseTaken] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its number and name."""
        return f"{self.number} {self.name}".strip()

    @property
    def placed(self) -> bool:
        """Whether its sizes have a utility each."""
        return len(self.sizes_ul) == len(self.axis_hz) > 0

    @property
    def why_no_units(self) -> str:
        """Why no unit has a reversal point, where none has."""
        reasons = self.view.population.reasons if self.view else {}
        told = next((unit.reason for unit in self.units if unit.reason), None)
        return reasons.get("split_half.paper") or told or "no unit answered a reward"

    @property
    def estimated(self) -> list[UnitEstimate]:
        """Units that have a reversal point, lowest first."""
        known = [unit for unit in self.units if unit.bayes_hz is not None]
        return sorted(known, key=lambda unit: (unit.bayes_hz or 0.0, unit.unit))

    def courses(self) -> Courses:
        """Return the estimates over the epoch."""
        names = tuple(dict.fromkeys(name for _, told in self.points for name in told))
        place = {name: k for k, name in enumerate(names)}
        hz = np.full((len(self.points), len(names)), np.nan)
        half = hz.copy()
        for row, (_, told) in enumerate(self.points):
            for name, (value, width) in told.items():
                hz[row, place[name]], half[row, place[name]] = value, width
        rewarded = np.array([count for count, _ in self.points], dtype=np.int64)
        return Courses(rewarded, names, hz, half)


@dataclass(frozen=True, slots=True)
class Paper:
    """What is said of the file itself, not by its documents.

    Attributes
    ----------
    file
        Its name, without the folder.
    meta
        Its description (`rig.runtime.reader.SessionFile.meta`).
    ended
        How it ended, from its end mark; None if it has none.
    truth
        Unit -> its true values in the newest epoch, if the animal was simulated.
    no_truth
        Why there are none, or not of all units; empty where nobody knows because the animal is real.
    program
        Name and version of the program that makes the report.
    """

    file: str
    meta: Mapping[str, object] = field(default_factory=dict)
    ended: str | None = None
    truth: Mapping[str, Truth] = field(default_factory=dict)
    no_truth: str = ""
    program: str = "dopaloop"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the figures are drawn from.

    Attributes
    ----------
    responses
        By trial; a late response has replaced the first.
    tags
        Of every unit of which anything is known about light.
    """

    started: SessionStarted | None
    ended: SessionEnded | None
    records: tuple[TrialRecord, ...]
    responses: Mapping[int, TrialResponse]
    notices: tuple[Notice, ...]
    epochs: tuple[Epoch, ...]
    tags: Mapping[str, Tag] = field(default_factory=dict)

    @property
    def rewarded(self) -> int:
        """Trials with a reward."""
        return sum(record.reward_us is not None for record in self.records)

    @property
    def delivered_ul(self) -> float:
        """Water given in trials, in uL."""
        return sum(record.delivered_ul for record in self.records)

    def epoch_of(self, trial: int) -> Epoch | None:
        """Return the epoch that a trial belongs to."""
        return next((epoch for epoch in reversed(self.epochs) if trial >= epoch.first_trial), None)
