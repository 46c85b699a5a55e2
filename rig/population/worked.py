"""What numbers and figures of a population share, worked out once, and what is known beside the counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rig.estimate.asymmetry import Slopes, published_slopes
from rig.estimate.counts import BoolArray, FloatArray, IntArray, SizeCounts
from rig.estimate.cue_coding import CueResponses
from rig.estimate.drift import Drift
from rig.estimate.sign_count import sign_count
from rig.population.counts import PopulationCounts
from rig.population.reliability import Reliability, enough_data
from rig.population.shapes import Counted


@dataclass(frozen=True, slots=True)
class About:
    """What the counts are about.

    Attributes
    ----------
    units
        Names, in the order of the counts.
    rewarded
        Rewarded trials that count.
    why_nothing
        Why no statistic of reversal points can be told; None if it can.
    counted, left_out
        Whether only tagged units are counted, and how many others were left out.
    """

    units: Sequence[str]
    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]
    rewarded: int
    epoch: int = 0
    why_nothing: str | None = None
    counted: Counted = "all"
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of the units besides the responses to rewards.

    Attributes
    ----------
    lost
        bool, shape (units,): units that have fallen silent; None if nobody watched.
    cues, conditions
        Responses to the cues, and the conditions that were taken for the low, even and high one; None: no
        such cues, and `why_no_cues` says why.
    """

    lost: BoolArray | None = None
    cues: CueResponses | None = None
    conditions: tuple[str, str, str] | None = None
    why_no_cues: str = "the protocol names no cues of a low, an even and a high chance of reward"

    def rows(self, index: IntArray) -> Heard:
        """Return what is known of the units `index` only."""
        return replace(
            self,
            lost=self.lost[index] if self.lost is not None else None,
            cues=self.cues.rows(index) if self.cues is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Worked:
    """Estimates of U units from all trials.

    Attributes
    ----------
    whole
        Counts of all trials.
    enough
        bool, shape (U,): which units have data for an estimate.
    baseline_hz, reversal_hz
        float64, shape (U,): NaN where there is none; the published estimate.
    slopes
        Published slopes about it.
    folds, folds_anew
        float64, shape (U, folds): published asymmetry in each fold, about the same reversal point; and the
        posterior mean of each fold by itself.
    delivered
        float64, shape (sizes,): share of each size among the responses; zeros before the first.
    """

    counts: PopulationCounts
    whole: SizeCounts
    enough: BoolArray
    baseline_hz: FloatArray
    reversal_hz: FloatArray
    slopes: Slopes
    folds: FloatArray
    folds_anew: FloatArray
    delivered: FloatArray
    reliability: Reliability
    drift: Drift

    @property
    def ready(self) -> int:
        """How many units have data for an estimate."""
        return int(self.enough.sum())


def worked_out(counts: PopulationCounts) -> Worked:
    """Run the estimators that numbers and figures share."""
    whole, u = counts.whole, counts.utility_hz
    enough = enough_data(whole)
    reversal = np.where(enough, sign_count(whole, u)[0], np.nan)
    slopes = published_slopes(whole, u, reversal)
    given = whole.n.sum(axis=0).astype(np.float64)
    return Worked(
        counts=counts,
        whole=whole,
        enough=enough,
        baseline_hz=counts.baseline_hz,
        reversal_hz=reversal,
        slopes=slopes,
        folds=counts.folds.asymmetries(u, reversal),
        folds_anew=counts.folds.asymmetries_anew(u),
        delivered=given / max(given.sum(), 1.0),
        reliability=counts.reliability.evaluate(counts.baseline_hz),
        drift=counts.drift.check(),
    )
