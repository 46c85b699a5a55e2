"""The reward distribution that a population stands for, with its band and its control.

The trials are halved as in partition 0. Asymmetries come from its first half, reversal points from its
second one: from the same trials they go together by construction, and nearly every classical session would
beat its shuffles. The convex decoding takes isotonic reversal points, and slopes about them: a distributional
code is found by it half as often again as by the sign count. Its band redraws the reversal points from the
kinked posteriors of the second half, the asymmetries from those of the first. The published imputation takes
the published estimates.

Draws are keyed by one constant, so the same counts give the same answer.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import BoolArray, FloatArray, SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.sign_count import sign_count
from rig.population.correlate import MIN_UNITS
from rig.population.counts import PopulationCounts
from rig.population.decoding import TAU_RANGE, Decoded, convex, wasserstein
from rig.population.imputation import imputed
from rig.population.redraw import Band, posterior_draws, redrawn
from rig.population.shapes import Decoding

SEED: Final = 0xDEC0DE
SHUFFLES: Final = 100
REDRAWS: Final = 100
IMPUTED_SHUFFLES: Final = 20
"""An imputation takes some fifty times as long as a convex decoding."""
STARTS: Final = (1000, 100)
"""Random sample sets that the imputation chooses its start from, and samples in each (as published)."""


def decode_convex(counts: PopulationCounts, enough: BoolArray, delivered: FloatArray) -> Decoding | None:
    """Decode by convex least squares; None with fewer than four units that have data in both halves.

    Parameters
    ----------
    enough
        bool, shape (units,): the units that are counted.
    delivered
        Share of each size, shape (sizes,).
    """
    first, second = _halves(counts, enough)
    if first.units < MIN_UNITS:
        return None
    low, high = float(counts.utility_hz[0]), float(counts.utility_hz[-1])
    asymmetry = published_slopes(first, counts.utility_hz, isotonic(first, counts.utility_hz)[0]).asymmetry
    reversal = isotonic(second, counts.utility_hz)[0]
    kept = np.isfinite(reversal) & np.isfinite(asymmetry)
    if kept.sum() < MIN_UNITS:
        return None
    reversal, asymmetry = reversal[kept], asymmetry[kept]
    rng = np.random.default_rng(SEED)
    orders = [rng.permutation(reversal.size) for _ in range(SHUFFLES)]
    control = [convex(reversal, asymmetry[order], low, high) for order in orders]
    band = _band(first.rows(kept), second.rows(kept), counts.utility_hz, rng)
    return _told(convex(reversal, asymmetry, low, high), control, counts.utility_hz, delivered, band)


def _band(first: SizeCounts, second: SizeCounts, utility_hz: FloatArray, rng: np.random.Generator) -> Band:
    """Decode redrawn units: asymmetries from posteriors of the first half, reversal points of the second."""
    bayes = KinkedBayes(utility_hz)
    evidence = bayes.evidence(first)
    slopes, place = bayes.weigh(evidence), bayes.posterior(second)
    shape = (REDRAWS, first.units)
    reversals, _ = posterior_draws(bayes.grid_hz, place.mass, evidence.tau, rng.random(shape))
    _, taus = posterior_draws(
        *(bayes.grid_hz, slopes.mass, evidence.tau, rng.random(shape)),
        spread=bayes.tau_spread(first),
        normal=rng.standard_normal(shape),
    )
    return redrawn(reversals, np.clip(taus, *TAU_RANGE), float(utility_hz[0]), float(utility_hz[-1]))


def decode_published(counts: PopulationCounts, enough: BoolArray, delivered: FloatArray) -> Decoding | None:
    """Decode by the published imputation; parameters and None as for `decode_convex`. Takes seconds."""
    first, second = _halves(counts, enough)
    asymmetry = published_slopes(first, counts.utility_hz, sign_count(first, counts.utility_hz)[0]).asymmetry
    reversal = sign_count(second, counts.utility_hz)[0]
    kept = np.isfinite(reversal) & np.isfinite(asymmetry)
    if kept.sum() < MIN_UNITS:
        return None
    reversal, asymmetry = reversal[kept], asymmetry[kept]
    low, high = float(counts.utility_hz[0]), float(counts.utility_hz[-1])
    rng = np.random.default_rng(SEED)
    starts = rng.random(STARTS)
    own = imputed(reversal, asymmetry, low, high, starts)
    orders = [rng.permutation(reversal.size) for _ in range(IMPUTED_SHUFFLES)]
    control = [imputed(reversal, asymmetry[order], low, high, starts) for order in orders]
    return _told(own, control, counts.utility_hz, delivered)


def _halves(counts: PopulationCounts, enough: BoolArray) -> tuple[SizeCounts, SizeCounts]:
    """Both halves of the units that have a response in each."""
    heard = enough & (counts.first.rewarded > 0) & (counts.second.rewarded > 0)
    return counts.first.rows(heard), counts.second.rows(heard)


def _told(
    own: Decoded,
    control: list[Decoded],
    utility_hz: FloatArray,
    delivered: FloatArray,
    band: Band | None = None,
) -> Decoding:
    def distance(one: Decoded) -> float:
        return wasserstein(one.x, one.p, utility_hz, delivered)

    return Decoding(
        x_hz=tuple(own.x.tolist()),
        p=tuple(own.p.tolist()),
        p_low=tuple(band.low.tolist()) if band else (),
        p_high=tuple(band.high.tolist()) if band else (),
        wasserstein_hz=distance(own),
        shuffled_hz=tuple(distance(one) for one in control),
        loss=own.loss,
    )
