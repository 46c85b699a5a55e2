"""How far the units' differences can be trusted: split halves, and the checks that go with them.

Five questions, from one run of counts (Dabney et al. 2020, Nature 577:671, and its Extended Data Fig. 4):

1. Do reversal points of a random half repeat in the other half? Pearson's R over units, averaged over 1,000
   partitions. (Also by the isotonic crossing.)
2. Do those of the first half of the session repeat in the second? A gap to 1 means that something drifts.
3. Does a unit's asymmetry in one half go with its reversal point in the other? An expectile code says yes. A
   constant added to each unit's responses makes reversal points repeat just as well, and says no here.
4. Does the reversal point go with the baseline rate? It should not.
5. At each size, how many units answer significantly above, and how many below, their baseline?

Nothing here may steer a trial: it is worked out beside the decisions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from rig.estimate.counts import BoolArray, FloatArray, IntArray, SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.sign_count import sign_count
from rig.estimate.summary import MIN_REWARDED, MIN_SIZES
from rig.population.cells import Cells, isotonic_cells, sign_count_cells, slopes_cells
from rig.population.correlate import Correlation, averaged, correlate, pearson
from rig.population.half_counts import PARTITIONS, HalfCounts
from rig.population.time_split import TimeSplit

CELLS_AT_ONCE = 16_384
"""Cells worked on together: their arrays stay in the processor's cache."""
MIN_FOR_T = 5
"""Responses that a unit's t test at one size needs."""
SIGNIFICANT = 0.05
ROUNDING = 1e-12
"""A sum of squares about the mean below this part of that about zero is rounding, not spread."""


@dataclass(frozen=True, slots=True)
class Estimators:
    """One correlation by the published estimator and one by the isotonic crossing; None if undefined."""

    paper: Correlation | None
    isotonic: Correlation | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """The five answers; a correlation is None while there are fewer than four units with estimates.

    Attributes
    ----------
    split_half, time_split
        Random halves, averaged over the partitions; first against second half of the session.
    asymmetry_reversal
        Asymmetry from one half, reversal point from the other (published estimators).
    baseline_reversal
        Mean baseline rate against the published reversal point; None without baselines.
    up_down
        For each size, how many units are significantly above and below their baseline.
    each
        float64, shape (3, partitions): Pearson's R of every partition: published reversal points, isotonic
        ones, asymmetry against reversal; NaN where it is undefined.
    """

    split_half: Estimators
    time_split: Estimators
    asymmetry_reversal: Correlation | None
    baseline_reversal: Correlation | None
    up_down: tuple[tuple[int, int], ...]
    each: FloatArray = field(repr=False, compare=False)


class ReliabilityTracker:
    """Keeps what `evaluate` needs, trial by trial.

    Parameters
    ----------
    utility_hz
        float64, shape (sizes,), ascending: the axis of the session.
    units
        Number of units to begin with.
    partitions
        How many ways of halving the session are followed.

    Attributes
    ----------
    halves, time_split
        The counts.
    """

    def __init__(self, utility_hz: npt.ArrayLike, units: int = 0, partitions: int = PARTITIONS) -> None:
        self.utility_hz: FloatArray = np.asarray(utility_hz, dtype=np.float64)
        self.halves = HalfCounts(self.utility_hz.size, units, partitions)
        self.time_split = TimeSplit(self.utility_hz.size, units)

    def add_units(self, more: int) -> None:
        """Append `more` units that have no responses yet."""
        self.halves.add_units(more)
        self.time_split.add_units(more)

    def rows(self, index: IntArray) -> ReliabilityTracker:
        """Return a copy that holds the units `index` only."""
        chosen = ReliabilityTracker(self.utility_hz, 0, self.halves.partitions)
        chosen.halves, chosen.time_split = self.halves.rows(index), self.time_split.rows(index)
        return chosen

    def add(self, trial: int, size_index: npt.ArrayLike, response_hz: npt.ArrayLike) -> None:
        """Count one trial; parameters and errors as for `HalfCounts.add`."""
        self.halves.add(trial, size_index, response_hz)
        self.time_split.add(size_index, response_hz)

    def evaluate(self, baseline_hz: npt.ArrayLike | None = None) -> Reliability:
        """Work out all answers from the trials so far.

        Parameters
        ----------
        baseline_hz
            Mean baseline rate of each unit, shape (units,), in Hz; NaN where unknown.
        """
        self.halves.fold()
        whole = self.halves.all_trials
        enough = enough_data(whole)
        each, units = partition_correlations(self.halves, self.utility_hz)
        paper, crossing, relation = (averaged(r, n) for r, n in zip(each, units, strict=True))
        baseline = None
        if baseline_hz is not None:
            reversal = np.where(enough, sign_count(whole, self.utility_hz)[0], np.nan)
            baseline = correlate(baseline_hz, reversal)
        return Reliability(
            split_half=Estimators(paper, crossing),
            time_split=split_in_time(self.time_split, self.utility_hz, enough),
            asymmetry_reversal=relation,
            baseline_reversal=baseline,
            up_down=up_and_down(whole),
            each=each,
        )


def enough_data(counts: SizeCounts) -> BoolArray:
    """Which units have data for an estimate, shape (units,)."""
    enough: BoolArray = (counts.rewarded >= MIN_REWARDED) & ((counts.n > 0).sum(axis=1) >= MIN_SIZES)
    return enough


def half_cells(halves: HalfCounts) -> Iterator[tuple[slice, Cells, Cells]]:
    """Hand out both halves, some partitions at a time; arrays of shape (sizes, partitions, units)."""
    whole = halves.all_trials
    n = whole.n.T[:, None, :].astype(np.float32)
    total = whole.total.T[:, None, :].astype(np.float32)
    lean = (whole.negatives - whole.positives).T[:, None, :].astype(np.int32)
    step = max(CELLS_AT_ONCE // max(halves.units, 1), 1)
    for begin in range(0, halves.partitions, step):
        some = slice(begin, min(begin + step, halves.partitions))
        leaning = np.subtract(halves.negatives[:, some], halves.positives[:, some], dtype=np.int32)
        one = Cells(halves.n[:, some].astype(np.float32), halves.total[:, some], leaning)
        yield some, one, Cells(n - one.n, total - one.total, lean - one.lean)


def partition_correlations(
    halves: HalfCounts, utility_hz: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Correlate half against half: published reversal, isotonic reversal, asymmetry against reversal.

    Returns
    -------
    r
        float64, shape (3, partitions); NaN where undefined.
    n
        int64, same shape: how many units entered.
    """
    halves.fold()
    scarce = ~enough_data(halves.all_trials)
    r = np.full((3, halves.partitions), np.nan)
    n = np.zeros((3, halves.partitions), dtype=np.int64)
    if scarce.all():
        return r, n
    for some, one, other in half_cells(halves):
        ahead, ahead_other = one.next_met(), other.next_met()
        paper = sign_count_cells(one, utility_hz, ahead)
        paper_other = sign_count_cells(other, utility_hz, ahead_other)
        crossing = isotonic_cells(one, utility_hz, ahead)
        crossing[:, scarce] = np.nan
        asymmetry = slopes_cells(one, utility_hz, paper)[2]
        paper_other[:, scarce] = np.nan
        pairs = (
            (paper, paper_other),
            (crossing, isotonic_cells(other, utility_hz, ahead_other)),
            (asymmetry, paper_other),
        )
        for k, (a, b) in enumerate(pairs):
            r[k, some], n[k, some] = pearson(a, b)
    return r, n


def split_in_time(split: TimeSplit, utility_hz: FloatArray, enough: BoolArray) -> Estimators:
    """Correlate the reversal points of the first half of the session with those of the second."""
    found = []
    for estimator in (sign_count, isotonic):
        one, other = (
            np.where(enough, estimator(half, utility_hz)[0], np.nan) for half in (split.first, split.second)
        )
        found.append(correlate(one, other) if enough.any() else None)
    return Estimators(*found)


def up_and_down(counts: SizeCounts) -> tuple[tuple[int, int], ...]:
    """Count, for each size, the units with significantly positive and negative responses.

    Two-sided one-sample t test against 0 at 5 %, units with five responses or more and some spread.
    """
    n = counts.n.astype(np.float64)
    mean = counts.total / np.maximum(n, 1.0)
    within = counts.squares - n * mean**2
    variance = np.maximum(within, 0.0) / np.maximum(n - 1.0, 1.0)
    # what is left of equal responses is rounding
    fit = (counts.n >= MIN_FOR_T) & (within > ROUNDING * counts.squares)
    t = np.divide(mean, np.sqrt(variance / np.maximum(n, 1.0)), out=np.zeros_like(mean), where=fit)
    significant = fit & (2.0 * stdtr(np.maximum(n - 1.0, 1.0), -np.abs(t)) < SIGNIFICANT)
    up, down = (significant & (t > 0)).sum(axis=0), (significant & (t < 0)).sum(axis=0)
    return tuple(zip(up.tolist(), down.tolist(), strict=True))
