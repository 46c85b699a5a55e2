"""All estimators over all units at once, as arrays, and what is enough data for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rig.estimate.asymmetry import Slopes, published_slopes
from rig.estimate.counts import BoolArray, FloatArray, IntArray, SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.kinked_bayes import KinkedBayes, Posterior
from rig.estimate.sign_count import sign_count

MIN_REWARDED = 5
"""Responses that a unit needs before anything is said about it."""
MIN_SIZES = 2
"""Different reward sizes that it needs."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The estimates of U units as arrays; where `enough` is false they mean nothing.

    Attributes
    ----------
    paper_hz, isotonic_hz
        float64, shape (U,): reversal points in Hz.
    paper_capped, isotonic_capped
        bool, shape (U,): that reversal point is an arbitrary cap.
    slopes
        Published slopes and asymmetry about the published reversal point.
    posterior
        The kinked Bayesian posterior.
    rewarded
        int64, shape (U,): responses.
    enough
        bool, shape (U,): whether a unit has the data for an estimate.
    """

    paper_hz: FloatArray
    paper_capped: BoolArray
    isotonic_hz: FloatArray
    isotonic_capped: BoolArray
    slopes: Slopes
    posterior: Posterior
    rewarded: IntArray
    enough: BoolArray


def summarise(counts: SizeCounts, bayes: KinkedBayes, utility_hz: Sequence[float]) -> Summary:
    """Run every estimator on every unit.

    Parameters
    ----------
    counts
        Counts of U units and J sizes.
    bayes
        The grid made from the same utilities.
    utility_hz
        One utility per size, ascending, in Hz.
    """
    rewarded = counts.rewarded
    enough = (rewarded >= MIN_REWARDED) & ((counts.n > 0).sum(axis=1) >= MIN_SIZES)
    paper_hz, paper_capped = sign_count(counts, utility_hz)
    isotonic_hz, isotonic_capped = isotonic(counts, utility_hz)
    return Summary(
        paper_hz=paper_hz,
        paper_capped=paper_capped,
        isotonic_hz=isotonic_hz,
        isotonic_capped=isotonic_capped,
        slopes=published_slopes(counts, utility_hz, paper_hz),
        posterior=bayes.posterior(counts),
        rewarded=rewarded,
        enough=enough,
    )
