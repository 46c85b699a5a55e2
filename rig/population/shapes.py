"""What is said of a population: the shapes of the JSON, and the points that the figures draw.

`Population` is the ``population`` block of `inspect`, `analyze` and `simulate`. Window and report draw the
same values. A null has its reason in `Population.reasons`, by its path. Nothing here may steer a trial.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Explanation: TypeAlias = Literal["common", "offset", "distributional", "both"]
Counted: TypeAlias = Literal["tagged", "all"]
"""Which units count: all of them, or only those that a person has tagged, if any of them is."""
Verdict: TypeAlias = Literal["common", "offset", "distributional", "both", "undecided"]


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the parts."""


class Repeat(_Part, frozen=True, kw_only=True):
    """A correlation of halves: over many partitions, or of the two halves in time (then `r_sd` is null).

    Attributes
    ----------
    r, r_sd
        Mean and SD over the partitions of Pearson's R over units.
    p_mean, p_geometric
        Arithmetic and geometric mean of the two-sided P values. Neither is a P value in its own right.
    """

    r: float
    r_sd: float | None
    p_mean: float
    p_geometric: float


class Repeats(_Part, frozen=True, kw_only=True):
    """By the published sign count, and by the isotonic crossing."""

    paper: Repeat | None
    isotonic: Repeat | None


class Relation(_Part, frozen=True, kw_only=True):
    """Pearson's R of two quantities over units, and its P value (means over partitions if there are many)."""

    r: float
    p: float


class AsymmetryTest(_Part, frozen=True, kw_only=True):
    """Whether units differ in asymmetry: one-way ANOVA over disjoint folds of each unit's trials.

    Attributes
    ----------
    mean
        Mean published asymmetry over units, all trials.
    f, p
        Of the published ANOVA; null with fewer than two units that have a slope in every fold. The reversal
        point that all folds of a unit share makes it find differences where there are none.
    f_anew, p_anew
        The same with reversal point and slopes estimated anew in every fold: this one can be trusted.
    """

    mean: float
    f: float | None
    p: float | None
    f_anew: float | None = None
    p_anew: float | None = None


class Decoding(_Part, frozen=True, kw_only=True):
    """A reward distribution decoded from reversal points and asymmetries of different halves of the trials.

    Attributes
    ----------
    x_hz, p
        Support on the utility axis, ascending, and probabilities.
    p_low, p_high
        95 % band of each probability, from redrawing the units from their posteriors; empty if not drawn. It
        says how far the answer moves with the units, and need not hold `p` everywhere.
    wasserstein_hz
        Distance to the distribution that was delivered.
    shuffled_hz
        The same distance with asymmetries shuffled among the units, one value a shuffle: the control.
    loss
        Mean squared pull left over.
    """

    x_hz: tuple[float, ...]
    p: tuple[float, ...]
    p_low: tuple[float, ...] = ()
    p_high: tuple[float, ...] = ()
    wasserstein_hz: float
    shuffled_hz: tuple[float, ...]
    loss: float


class Decodings(_Part, frozen=True, kw_only=True):
    """By convex least squares, and by the published imputation (worked out on request only: it is slow)."""

    convex: Decoding | None
    published: Decoding | None


class HeldOutSigns(_Part, frozen=True, kw_only=True):
    """Share of unseen signs foretold by one reversal point for all units, and by each unit's own.

    Attributes
    ----------
    gain_se
        Standard error over units of the difference.
    """

    common: float
    own: float
    gain_se: float


class Evidence(_Part, frozen=True, kw_only=True):
    """Posterior probability of each explanation from equal priors, and the answer that stands both tests.

    Attributes
    ----------
    verdict
        ``undecided`` unless one explanation is probable enough and ahead of each rival unit by unit.
    held_out
        The model-free companion.
    """

    common: float
    offset: float
    distributional: float
    both: float
    verdict: Verdict
    held_out: HeldOutSigns | None


class CueUnit(_Part, frozen=True, kw_only=True):
    """One unit's answers to the 10, 50 and 90 % cues.

    Attributes
    ----------
    n
        Responses to each cue.
    c50, c50_ci95
        Normalised 50 % response and Fieller's 95 % interval.
    t, p
        Of the midpoint contrast.
    label, reason
        The published label, or null and why.
    """

    unit: str
    n: tuple[int, int, int]
    c50: float | None
    c50_ci95: tuple[float, float] | None
    t: float | None
    p: float | None
    label: str | None
    reason: str | None


class Cues(_Part, frozen=True, kw_only=True):
    """Diversity of the coding of the 50 % cue.

    Attributes
    ----------
    conditions
        The protocol's conditions that were taken for the 10, 50 and 90 % cue.
    spread, spread_p
        SD of the t statistics as normal scores (1 if all units stand at the midpoint), and its P.
    """

    conditions: tuple[str, str, str]
    spread: float | None
    spread_p: float | None
    units: tuple[CueUnit, ...]


class DriftUnit(_Part, frozen=True, kw_only=True):
    """The full and the forgetting estimate of one unit.

    Attributes
    ----------
    sds
        Their difference in its own standard deviations.
    moved_sds
        How far recent responses lie above all responses to the same sizes, in standard errors; 0 while there
        are too few.
    parted
        The recent estimate has left the full one's interval, by more than chance would.
    lost
        The unit has fallen silent; null where its spikes were not watched.
    """

    unit: str
    full_hz: float | None
    recent_hz: float | None
    sds: float
    moved_sds: float = 0.0
    parted: bool
    lost: bool | None


class Together(_Part, frozen=True, kw_only=True):
    """How far recent responses lie above all responses, over units: in Hz, and in standard errors."""

    hz: float
    standard_errors: float


class Population(_Part, frozen=True, kw_only=True):
    """Everything about the units together; what cannot be said is null, and `reasons` says why.

    Attributes
    ----------
    units
        How many units have data for an estimate and are counted.
    counted, left_out
        Whether only tagged units were counted, and how many others were left out for that.
    up_down
        For each size: (size in uL, units significantly above baseline, below).
    """

    units: int
    split_half: Repeats
    time_split: Repeats
    asymmetry_reversal: Relation | None
    baseline_reversal: Relation | None
    up_down: tuple[tuple[float, int, int], ...]
    asymmetry: AsymmetryTest | None
    decoding: Decodings
    evidence: Evidence | None
    cue_coding: Cues | None
    drift: tuple[DriftUnit, ...]
    drift_together: Together | None
    reasons: dict[str, str]
    counted: Counted = "all"
    left_out: int = 0


class UnitFigures(_Part, frozen=True, kw_only=True):
    """One unit's points in the figures, all in Hz on the utility axis or asymmetries; None where missing.

    Attributes
    ----------
    halves_paper, halves_isotonic
        Reversal points of the two halves of one partition (the first one).
    times_paper, times_isotonic
        Reversal points of the first and the second half of the session.
    asymmetry_half
        Asymmetry in the first half of that partition; goes with ``halves_paper[1]``.
    asymmetry, asymmetry_sd
        Posterior mean and SD from all trials.
    folds
        Published asymmetry in each disjoint fold.
    baseline_hz
        Mean baseline rate.
    mean_hz, sem_hz
        Mean response to each size and its standard error.
    """

    unit: str
    halves_paper: tuple[float | None, float | None]
    halves_isotonic: tuple[float | None, float | None]
    times_paper: tuple[float | None, float | None]
    times_isotonic: tuple[float | None, float | None]
    asymmetry_half: float | None
    asymmetry: float | None
    asymmetry_sd: float | None
    folds: tuple[float | None, ...]
    baseline_hz: float | None
    mean_hz: tuple[float | None, ...]
    sem_hz: tuple[float | None, ...]


class Figures(_Part, frozen=True, kw_only=True):
    """What the figures need beyond the numbers of `Population`.

    Attributes
    ----------
    r_paper, r_isotonic, r_asymmetry
        R of every partition, for the histogram behind the mean; NaN-free.
    delivered
        Share of each size among the rewards that the estimates are about.
    """

    units: tuple[UnitFigures, ...]
    r_paper: tuple[float, ...]
    r_isotonic: tuple[float, ...]
    r_asymmetry: tuple[float, ...]
    delivered: tuple[float, ...]


class PopulationView(_Part, frozen=True, kw_only=True):
    """Numbers and figures of one epoch of a session, after so many rewarded trials that count."""

    rewarded: int
    epoch: int
    sizes_ul: tuple[float, ...]
    utility_axis_hz: tuple[float, ...]
    population: Population
    figures: Figures
