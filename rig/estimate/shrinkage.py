"""Shrunken reversal points: units share a Gaussian prior that is fitted to all of them.

A hierarchical model in eight sweeps of expectation-maximisation over the kinked posteriors. It steadies
early estimates and compresses extremes, so it is for display and for stopping, never for split halves
or correlations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes, Posterior

SWEEPS = 8
SMALLEST_SD_HZ = 0.1
"""Keeps the prior wider than a few grid cells, so that no unit is nailed to the mean."""


@dataclass(frozen=True, slots=True)
class Shrunken:
    """The fitted prior N(mean_hz, sd_hz^2) and the units' posteriors under it."""

    mean_hz: float
    sd_hz: float
    posterior: Posterior


def shrink(bayes: KinkedBayes, counts: SizeCounts, sweeps: int = SWEEPS) -> Shrunken | None:
    """Fit the shared prior and weigh every unit by it.

    Units without a single response do not enter the fit. None if there is no unit with one.

    Parameters
    ----------
    bayes
        The grid.
    counts
        Counts of all units.
    """
    evidence = bayes.evidence(counts)
    heard = counts.rewarded > 0
    if not heard.any():
        return None
    posterior = bayes.weigh(evidence)
    mean, sd = 0.0, 1.0
    for _ in range(sweeps):
        mean = float(posterior.mean_hz[heard].mean())
        spread = posterior.sd_hz[heard] ** 2 + (posterior.mean_hz[heard] - mean) ** 2
        sd = max(float(np.sqrt(spread.mean())), SMALLEST_SD_HZ)
        posterior = bayes.weigh(evidence, -0.5 * ((bayes.grid_hz - mean) / sd) ** 2)
    return Shrunken(mean, sd, posterior)
