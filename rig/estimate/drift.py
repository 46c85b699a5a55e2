"""Watch for change: a windowed posterior beside the full one.

A reversal point is estimated from the whole session, as if nothing moved. The windowed posterior forgets: a
response loses half of its weight with every 100 later ones of its unit. While nothing moves, the two differ
by chance only. Forgetting with weights w costs precision: the difference has about n W2 / W^2 - 1 times the
variance of the full posterior (W the sum of the weights, W2 that of their squares, n the responses). The
alarm of a unit goes off where the windowed mean leaves the full posterior's 95 % interval *and* the
difference is more than four of its own standard deviations: the first alone goes off by chance in a long
session.

One unit's alarm is slow: in a session of 200 rewards it hardly can go off. A change of all units together
(thirst, a valve that clogs) shows much sooner, in the mean over units of recent less all responses.

That difference of recent and all responses, size by size, is also kept for each unit: it has no bias and a
plain standard error, so that chance alone carries it far out no more often than a normal variable::

    moved = sum_t (w_t - W_j / n_j) y_t / W      variance v (W2 - sum_j W_j^2 / n_j) / W^2

(y_t was given to size j, which has n_j responses and weights W_j; v is the variance within sizes.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtr

from rig.estimate.counts import BoolArray, FloatArray, IntArray, SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes

HALF_LIFE: Final = 100.0
ALARM_SDS: Final = 4.0
MIN_RESPONSES: Final = 60
"""Before this the window has forgotten nothing worth the name."""
MIN_UNITS: Final = 4
"""Fewer are no population that could move together."""


@dataclass(frozen=True, slots=True)
class Common:
    """How far the recent responses of all units lie above all of their responses to the same sizes.

    Attributes
    ----------
    hz, sds
        Mean over units, in Hz, and in standard errors over units.
    units
        How many had enough responses.
    """

    hz: float
    sds: float
    units: int

    @property
    def score(self) -> float:
        """Size of `sds` as a normal score: the same chance, however few the units."""
        return -float(ndtri(stdtr(self.units - 1, -abs(self.sds))))


@dataclass(frozen=True, slots=True)
class Drift:
    """The two posteriors side by side; arrays of shape (units,).

    Attributes
    ----------
    full_hz, recent_hz
        Posterior means of all responses and of the recent ones, in Hz.
    sds
        Their difference in its own standard deviations; 0 while there are too few responses.
    parted
        bool: the alarm of the unit.
    moved_sds
        How far the unit's recent responses lie above all of its responses to the same sizes, in standard
        errors; 0 while there are too few.
    common_hz, common_sds
        How far the recent responses lie above all responses to the same sizes, mean over the units with
        enough of them: in Hz, and in standard errors over units. None with fewer than four such units.
    """

    full_hz: FloatArray
    recent_hz: FloatArray
    sds: FloatArray
    parted: BoolArray
    moved_sds: FloatArray
    common_hz: float | None
    common_sds: float | None


class DriftWatch:
    """Keeps the full counts and the forgetting ones.

    Parameters
    ----------
    utility_hz
        float64, shape (sizes,), ascending, in Hz.
    units
        Number of units to begin with.
    half_life
        Responses of a unit after which an older one counts half.
    """

    def __init__(self, utility_hz: npt.ArrayLike, units: int = 0, half_life: float = HALF_LIFE) -> None:
        self._utility_hz = utility_hz
        self._bayes = KinkedBayes(utility_hz)
        sizes = np.asarray(utility_hz).size
        self._full = SizeCounts(sizes, units)
        self._keep = 0.5 ** (1.0 / half_life)
        self._n: FloatArray = np.zeros((units, sizes))
        self._total: FloatArray = np.zeros((units, sizes))
        self._squares: FloatArray = np.zeros((units, sizes))
        self._weight2: FloatArray = np.zeros(units)

    def add_units(self, more: int) -> None:
        """Append `more` units that have no responses yet."""
        self._full.add_units(more)
        room = np.zeros((more, self._full.sizes))
        self._n, self._total, self._squares = (
            np.concatenate([table, room]) for table in (self._n, self._total, self._squares)
        )
        self._weight2 = np.concatenate([self._weight2, np.zeros(more)])

    def rows(self, index: IntArray) -> DriftWatch:
        """Return a copy that holds the units `index` only."""
        chosen = DriftWatch(self._utility_hz)
        chosen._keep, chosen._full = self._keep, self._full.rows(index)
        chosen._n, chosen._total = self._n[index].copy(), self._total[index].copy()
        chosen._squares, chosen._weight2 = self._squares[index].copy(), self._weight2[index].copy()
        return chosen

    def add(self, size_index: int, response_hz: npt.ArrayLike) -> None:
        """Count one trial; parameters and errors as for `SizeCounts.add`."""
        self._full.add(size_index, response_hz)
        y = np.asarray(response_hz, dtype=np.float64)
        seen = ~np.isnan(y)
        y = np.where(seen, y, 0.0)
        # a unit forgets by its own responses: silence ages nothing
        keep = np.where(seen, self._keep, 1.0)
        for name, value in (("_n", seen), ("_total", y), ("_squares", y * y)):
            table = getattr(self, name) * keep[:, None]
            table[:, size_index] += value
            setattr(self, name, table)
        self._weight2 = self._weight2 * keep**2 + seen

    @property
    def units(self) -> int:
        """Number of units."""
        return self._full.units

    def check(self, rows: IntArray | None = None) -> Drift:
        """Compare the two posteriors.

        Parameters
        ----------
        rows
            Places of the units to compare; all if None. Arrays of the answer are about these.
        """
        chosen = np.arange(self.units) if rows is None else rows
        full = self._bayes.posterior(self._full.rows(chosen))
        recent = self._bayes.posterior(self._recent().rows(chosen))
        n = self._full.rewarded[chosen]
        weight = np.maximum(self._n[chosen].sum(axis=1), 1.0)
        lost = np.maximum(n * self._weight2[chosen] / weight**2 - 1.0, 0.0)
        own_sd = full.sd_hz * np.sqrt(lost)
        difference = recent.mean_hz - full.mean_hz
        ready = (n >= MIN_RESPONSES) & (own_sd > 0)
        sds = np.divide(difference, own_sd, out=np.zeros_like(difference), where=ready)
        outside = (recent.mean_hz < full.ci95_hz[:, 0]) | (recent.mean_hz > full.ci95_hz[:, 1])
        common = self.together()
        return Drift(
            full_hz=full.mean_hz,
            recent_hz=recent.mean_hz,
            sds=sds,
            parted=outside & (np.abs(sds) > ALARM_SDS),
            moved_sds=self.moved_sds()[chosen],
            common_hz=common.hz if common else None,
            common_sds=common.sds if common else None,
        )

    def together(self) -> Common | None:
        """Return the common change alone, which costs no posterior; None with fewer than four units."""
        moved = self._moved()[self._full.rewarded >= MIN_RESPONSES]
        if moved.size < MIN_UNITS:
            return None
        mean, sd = float(moved.mean()), float(moved.std(ddof=1))
        sds = mean / sd * float(np.sqrt(moved.size)) if sd > 0 else 0.0
        return Common(hz=mean, sds=sds, units=moved.size)

    def moved_sds(self) -> FloatArray:
        """Return `Drift.moved_sds` of all units, without any posterior."""
        n = np.maximum(self._full.n, 1)
        weight = np.maximum(self._n.sum(axis=1), 1.0)
        within = (self._full.squares - self._full.total**2 / n).sum(axis=1)
        dof = np.maximum(self._full.n - 1, 0).sum(axis=1)
        spread = self._weight2 - (self._n**2 / n).sum(axis=1)
        error = np.sqrt(np.maximum(within / np.maximum(dof, 1) * spread, 0.0)) / weight
        ready = (self._full.rewarded >= MIN_RESPONSES) & (error > 0)
        sds: FloatArray = np.divide(self._moved(), error, out=np.zeros_like(error), where=ready)
        return sds

    def _moved(self) -> FloatArray:
        """Recent less all responses of each unit, size by size, in Hz; unlike the posteriors without bias."""
        full = self._full.total / np.maximum(self._full.n, 1)
        moved = (self._total - self._n * full).sum(axis=1) / np.maximum(self._n.sum(axis=1), 1.0)
        return np.asarray(moved, dtype=np.float64)

    def _recent(self) -> SizeCounts:
        counts = SizeCounts(self._full.sizes)
        # weights stand in for numbers of trials: the posterior only multiplies and adds them
        counts.n = cast(IntArray, self._n)
        counts.positives = counts.negatives = np.zeros(self._n.shape, dtype=np.int64)
        counts.total, counts.squares = self._total, self._squares
        return counts
