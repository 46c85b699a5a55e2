"""Whether units differ in asymmetry: disjoint folds of each unit's trials, and a one-way ANOVA over them.

The published test (Dabney et al. 2020, Nature 577:671): seven disjoint folds of a unit's trials, as many of
each size in every fold, give seven asymmetries of the unit, its reversal point held fixed. If units differ,
the asymmetries differ more between units than within them.

Fixing the reversal point misleads. It comes from the same trials, its error shifts all seven asymmetries of a
unit the same way, and the test calls units different that are all alike: in 89 of 100 classical sessions. So
beside it stands the same test with everything estimated anew in each fold, by the kinked posterior: 5 in 100.

Folds are kept online. The first seven responses of a unit to a size go to seven different folds, the next
seven again, and so on; in which order is a hash of (unit, size, round). So folds are balanced within each
size, nothing is drawn, and a response costs the same at any length of the session. (The published code
leaves out what does not fill a round; here it counts.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import fdtrc

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import FloatArray, IntArray, SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes
from rig.population.half_counts import mix

FOLDS: Final = 7
POINTS: Final = 60
"""Of the grid for a fold: a seventh of the trials leaves a reversal point as vague as that."""
_SALT: Final = np.uint64(0xF01D5)


class FoldCounts:
    """Responses of every unit to every size, in disjoint folds.

    Parameters
    ----------
    sizes
        Number of reward sizes.
    units
        Number of units to begin with.

    Attributes
    ----------
    n
        int64, shape (units, folds, sizes): responses.
    total, squares
        float64, same shape: their sum in Hz, the sum of their squares in Hz^2.

    Examples
    --------
    >>> folds = FoldCounts(sizes=1, units=1)
    >>> for response in range(10):
    ...     folds.add(0, [float(response)])
    >>> sorted(folds.n[0, :, 0].tolist()), float(folds.total.sum())
    ([1, 1, 1, 1, 2, 2, 2], 45.0)
    """

    def __init__(self, sizes: int, units: int = 0) -> None:
        self.n: IntArray = np.zeros((units, FOLDS, sizes), dtype=np.int64)
        self.total: FloatArray = np.zeros((units, FOLDS, sizes))
        self.squares: FloatArray = np.zeros((units, FOLDS, sizes))

    def add_units(self, more: int) -> None:
        """Append `more` units that have no responses yet."""
        room = (more, *self.n.shape[1:])
        self.n = np.concatenate([self.n, np.zeros(room, dtype=np.int64)])
        self.total = np.concatenate([self.total, np.zeros(room)])
        self.squares = np.concatenate([self.squares, np.zeros(room)])

    def rows(self, index: IntArray) -> FoldCounts:
        """Return a copy that holds the units `index` only; each keeps the folds that it has."""
        chosen = FoldCounts(self.n.shape[2])
        chosen.n, chosen.total = self.n[index].copy(), self.total[index].copy()
        chosen.squares = self.squares[index].copy()
        return chosen

    def add(self, size_index: npt.ArrayLike, response_hz: npt.ArrayLike) -> None:
        """Count one trial.

        Parameters
        ----------
        size_index
            Which size was given, 0-based: a number, or one per unit.
        response_hz
            float64, shape (units,), in Hz; NaN where a unit's response is missing.
        """
        y = np.asarray(response_hz, dtype=np.float64)
        unit = np.flatnonzero(~np.isnan(y))
        size = np.broadcast_to(np.asarray(size_index, dtype=np.int64), y.shape)[unit]
        seen = self.n[unit, :, size].sum(axis=1)
        fold = _fold(unit, size, seen)
        self.n[unit, fold, size] += 1
        self.total[unit, fold, size] += y[unit]
        self.squares[unit, fold, size] += y[unit] ** 2

    def asymmetries(self, utility_hz: npt.ArrayLike, reversal_hz: npt.ArrayLike) -> FloatArray:
        """Published asymmetry in each fold, shape (units, folds); NaN where one side has no responses.

        Parameters
        ----------
        utility_hz
            float64, shape (sizes,), in Hz.
        reversal_hz
            float64, shape (units,), in Hz: the same one for all folds of a unit; NaN gives NaN.
        """
        fixed = np.repeat(np.asarray(reversal_hz, dtype=np.float64), FOLDS)
        return published_slopes(self._cells(), utility_hz, fixed).asymmetry.reshape(-1, FOLDS)

    def asymmetries_anew(self, utility_hz: npt.ArrayLike) -> FloatArray:
        """Posterior mean asymmetry in each fold by itself, shape (units, folds); NaN without responses.

        Each fold estimates its own reversal point and slopes (`kinked_bayes`), so that folds share nothing.
        """
        cells = self._cells()
        tau = KinkedBayes(utility_hz, points=POINTS).posterior(cells).tau
        return np.where(cells.rewarded > 0, tau, np.nan).reshape(-1, FOLDS)

    def _cells(self) -> SizeCounts:
        """Every fold of every unit as a unit of its own."""
        sizes = self.n.shape[2]
        cells = SizeCounts(sizes)
        for name in ("n", "total", "squares"):
            setattr(cells, name, getattr(self, name).reshape(-1, sizes))
        cells.positives = cells.negatives = np.zeros_like(cells.n)
        return cells


def _fold(unit: IntArray, size: IntArray, seen: IntArray) -> IntArray:
    """Fold of the next response of each unit, given how many to that size came before."""
    done, place = seen // FOLDS, seen % FOLDS
    state = mix(unit.astype(np.uint64) + _SALT)
    state = mix(state + size.astype(np.uint64))
    state = mix(state + done.astype(np.uint64))
    lots = mix(np.add.outer(state, np.arange(FOLDS, dtype=np.uint64)))
    order = lots.argsort(axis=1)
    return np.asarray(order[np.arange(unit.size), place], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Anova:
    """A one-way analysis of variance over units, folds as repeats.

    Attributes
    ----------
    f, p
        The statistic, and how often chance alone gives one as large.
    between, within
        Degrees of freedom.
    """

    f: float
    p: float
    between: int
    within: int


def anova(values: npt.ArrayLike) -> Anova | None:
    """Test whether units differ; None with fewer than two units that have a value in every fold.

    Parameters
    ----------
    values
        float64, shape (units, folds).

    Examples
    --------
    >>> round(anova([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]]).f, 6)
    1.5
    """
    told = np.asarray(values, dtype=np.float64)
    told = told[np.isfinite(told).all(axis=1)]
    units, folds = told.shape
    if units < 2 or folds < 2:
        return None
    means = told.mean(axis=1)
    between, within = units - 1, units * (folds - 1)
    noise = float(((told - means[:, None]) ** 2).sum()) / within
    if noise <= 0:
        return None
    f = folds * float(((means - means.mean()) ** 2).sum()) / between / noise
    return Anova(f, float(fdtrc(between, within, f)), between, within)
