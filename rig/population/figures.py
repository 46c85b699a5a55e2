"""What the figures of a population draw: every unit's points, and R of every partition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import BoolArray, FloatArray, SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.sign_count import sign_count
from rig.population.shapes import Figures, UnitFigures
from rig.population.worked import Worked


def figures(worked: Worked, units: Sequence[str]) -> Figures:
    """Return every unit's points, in the order of `units`, and R of every partition."""
    counts, whole, enough = worked.counts, worked.whole, worked.enough
    u = counts.utility_hz
    split = counts.reliability.time_split
    paper = [_reversal(sign_count(half, u)[0], half, enough) for half in (counts.first, counts.second)]
    crossing = [_reversal(isotonic(half, u)[0], half, enough) for half in (counts.first, counts.second)]
    times = [_reversal(sign_count(half, u)[0], half, enough) for half in (split.first, split.second)]
    times_crossing = [_reversal(isotonic(half, u)[0], half, enough) for half in (split.first, split.second)]
    bayes = KinkedBayes(u)
    mean, error = _means(whole)
    columns = {
        "halves_paper": _pairs(*paper),
        "halves_isotonic": _pairs(*crossing),
        "times_paper": _pairs(*times),
        "times_isotonic": _pairs(*times_crossing),
        "asymmetry_half": _told(published_slopes(counts.first, u, paper[0]).asymmetry),
        "asymmetry": _told(np.where(enough, bayes.posterior(whole).tau, np.nan)),
        "asymmetry_sd": _told(np.where(enough, bayes.tau_sd(whole), np.nan)),
        "folds": [tuple(_told(row)) for row in worked.folds],
        "baseline_hz": _told(worked.baseline_hz),
        "mean_hz": [tuple(_told(row)) for row in mean],
        "sem_hz": [tuple(_told(row)) for row in error],
    }
    rows = zip(*columns.values(), strict=True)
    made = [
        UnitFigures(unit=unit, **dict(zip(columns, row, strict=True)))
        for unit, row in zip(units, rows, strict=True)
    ]
    each = [tuple(r[np.isfinite(r)].tolist()) for r in worked.reliability.each]
    return Figures(
        units=tuple(made),
        r_paper=each[0],
        r_isotonic=each[1],
        r_asymmetry=each[2],
        delivered=tuple(worked.delivered.tolist()),
    )


def _reversal(reversal: FloatArray, half: SizeCounts, enough: BoolArray) -> FloatArray:
    return np.where(enough & (half.rewarded > 0), reversal, np.nan)


def _means(counts: SizeCounts) -> tuple[FloatArray, FloatArray]:
    """Mean response to each size and its standard error, shape (units, sizes); NaN where unknown."""
    n = counts.n.astype(np.float64)
    nothing = np.full(n.shape, np.nan)
    mean = np.divide(counts.total, n, out=nothing.copy(), where=n > 0)
    within = np.maximum(counts.squares - n * np.nan_to_num(mean) ** 2, 0.0)
    variance = np.divide(within, (n - 1.0) * n, out=nothing, where=n > 1)
    return mean, np.sqrt(variance)


def _told(values: npt.ArrayLike) -> list[float | None]:
    """Numbers, None where there is none."""
    found = np.asarray(values, dtype=np.float64)
    return [value if good else None for value, good in zip(found.tolist(), np.isfinite(found), strict=True)]


def _pairs(one: FloatArray, other: FloatArray) -> list[tuple[float | None, float | None]]:
    return list(zip(_told(one), _told(other), strict=True))
