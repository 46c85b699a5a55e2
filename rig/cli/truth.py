"""What a simulated animal reveals after the last trial, and how well it was estimated."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import msgspec
from rich import box
from rich.table import Table

from rig.documents import UnitEstimate
from rig.results.report import NO_TRUTH, Truth
from rig.sim.neurons import Truth as SimulatedTruth
from rig.sim.truth import AnimalTruth, UnitTruth

LATER = "the fixed points of this epoch's rewards are not known"


def truth_from(payload: bytes | None, epoch: int = 0) -> tuple[dict[str, Truth], str]:
    """Read a truth record (`rig.sim.animal.AnimalTruth` as JSON), or None for a real animal.

    Parameters
    ----------
    epoch
        Whose rewards it shall be about. In a later one the animal may still be on its way to them.

    Returns
    -------
    tuple
        Unit name -> truth of the units whose truth is known, and why it is not known for the others.
    """
    if payload is None:
        return {}, NO_TRUTH
    revealed = msgspec.json.decode(payload, type=AnimalTruth)
    told = {unit.unit: _of_epoch(unit, epoch) for unit in revealed.units}
    known = {
        unit: Truth(reversal_hz=truth.reversal_hz, reversal_ul=truth.reversal_ul, asymmetry=truth.asymmetry)
        for unit, truth in told.items()
        if truth is not None
    }
    why = next((unit.reason for unit in revealed.units if unit.reason), None)
    return known, why or (LATER if epoch else NO_TRUTH)


def _of_epoch(unit: UnitTruth, epoch: int) -> SimulatedTruth | None:
    if epoch == 0:
        return unit.truth
    return unit.later[epoch - 1] if len(unit.later) >= epoch else None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """How well one estimator did over all units.

    Attributes
    ----------
    correlation
        Pearson correlation of estimate and truth over units.
    bias_hz, rmse_hz
        Mean and root mean square of estimate minus truth.
    coverage, width_hz
        Share of 95 % intervals that hold the truth, and their median width; Bayes only.
    """

    estimator: str
    units: int
    correlation: float
    bias_hz: float
    rmse_hz: float
    coverage: float | None = None
    width_hz: float | None = None


def scores(units: Sequence[UnitEstimate], truth: Mapping[str, Truth]) -> list[Score]:
    """Score the three estimators against the truth; fewer than three known units give nothing."""
    told = []
    for name in ("paper", "isotonic", "bayes"):
        pairs = [
            (value, truth[unit.unit].reversal_hz)
            for unit in units
            if unit.unit in truth and (value := getattr(unit, f"{name}_hz")) is not None
        ]
        if len(pairs) < 3:
            continue
        errors = [estimate - true for estimate, true in pairs]
        coverage = width = None
        if name == "bayes":
            known = [
                (unit.bayes_ci95_hz, truth[unit.unit].reversal_hz)
                for unit in units
                if unit.unit in truth and unit.bayes_ci95_hz is not None
            ]
            coverage = statistics.fmean(low <= true <= high for (low, high), true in known)
            width = statistics.median(high - low for (low, high), _ in known)
        told.append(
            Score(
                estimator=name,
                units=len(pairs),
                correlation=_correlation(pairs),
                bias_hz=statistics.fmean(errors),
                rmse_hz=math.sqrt(statistics.fmean(error * error for error in errors)),
                coverage=coverage,
                width_hz=width,
            )
        )
    return told


def _correlation(pairs: Sequence[tuple[float, float]]) -> float:
    try:
        return statistics.correlation([a for a, _ in pairs], [b for _, b in pairs])
    except statistics.StatisticsError:
        return math.nan


def scores_table(told: Sequence[Score]) -> Table:
    """Return the scores for a terminal."""
    title = "estimates against the animal's truth (Hz on the utility axis)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("estimator", "units", "correlation", "bias", "rmse", "95 % coverage", "width"):
        table.add_column(column, justify="left" if column == "estimator" else "right", no_wrap=True)
    for score in told:
        table.add_row(
            {"paper": "published sign count", "isotonic": "isotonic crossing", "bayes": "kinked Bayes"}[
                score.estimator
            ],
            str(score.units),
            f"{score.correlation:.2f}",
            f"{score.bias_hz:+.2f}",
            f"{score.rmse_hz:.2f}",
            "" if score.coverage is None else f"{score.coverage:.3f}",
            "" if score.width_hz is None else f"{score.width_hz:.2f}",
        )
    return table
