"""One reversal point for all units, or many, and why: a Bayesian comparison of explanations.

A unit's mean response to utility u is modelled as

    g * (tau [u - z]+  -  (1 - tau) [z - u]+)  +  o          but not below minus its baseline rate

with its own gain g ~ N(2, 1), its own asymmetry tau ~ Beta(a, a), and Gaussian noise of the variance seen.

- *common*: one z for all units, no constant (o = 0). Classical learning; slopes may differ between units.
- *offset*: one z for all units, and a constant o ~ N(0, s^2) for each. Units differ in where they cross zero
  for reasons that have nothing to do with the reward distribution.
- *distributional*: z is the tau expectile of the rewards given, plus one shift for all units; o = 0.
- *both*: z as in *distributional*, and a constant for each unit as in *offset*.

Gains and constants integrate out in closed form (`unit_evidence`), the asymmetry on a grid, and what the
units share (z or the shift, a, s) on a grid too. So each explanation has a marginal likelihood, computed from
counts and baseline rates alone.

The likelihood of a too simple model is too sure of itself. So an answer is given only if two things agree:
its posterior probability is 0.95 or more, and over units it is ahead of each rival (Vuong 1989, Econometrica
57:307): the per-unit differences of log evidence average to 2 standard errors or more. Otherwise it is
undecided. How often the answer is wrong on simulated worlds is tested, and told in docs/explanation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from rig.estimate.counts import FloatArray, SizeCounts
from rig.estimate.fixed_points import expectiles
from rig.population.shapes import Explanation, Verdict
from rig.population.unit_evidence import unit_evidence

EXPLANATIONS: Final[tuple[Explanation, ...]] = ("common", "offset", "distributional", "both")

TAU: Final[FloatArray] = np.linspace(0.025, 0.975, 39)
LOCATION_SD_HZ = 1.0
"""Prior SD of the common reversal point about the mean of the rewards, and of the shift about zero."""
LOCATIONS: Final[FloatArray] = np.linspace(-2.0, 2.0, 21)
ALIKE: Final = (3.0, 12.0, 100.0)
"""Beta parameters of the asymmetries where they mean nothing: as diverse as in a code, to all alike."""
DIVERSE: Final = (2.0, 3.0, 5.0, 8.0)
"""Those of a distributional code: SD 0.22 to 0.12. Less diverse than that, it is none."""
OFFSETS_HZ: Final = (0.3, 0.6, 1.0, 1.5, 2.2)
"""SDs of the constants. Smaller ones are no explanation of their own."""
NO_OFFSET: Final = (0.0,)
PART_OF: Final[dict[Explanation, Explanation]] = {"common": "offset", "distributional": "both"}
"""The simpler one is the other one with constants of zero. Over that rival it need not be ahead unit by unit:
the better the data agree with it, the less the two differ."""
BLOCK: Final = 32
"""Units worked on at once, to bound what is held in memory."""
SURE: Final = 0.95
STANDARD_ERRORS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the counts say about the explanations.

    Attributes
    ----------
    log_evidence
        Log marginal likelihood of each, up to one constant.
    probability
        Posterior probability of each, from equal priors.
    standing
        For each rival of the most probable one, how many standard errors over units it is behind.
    verdict
        The most probable one if it stands both tests, else ``undecided``.
    """

    log_evidence: dict[Explanation, float]
    probability: dict[Explanation, float]
    standing: dict[Explanation, float]
    verdict: Verdict


def compare(
    counts: SizeCounts,
    utility_hz: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    baseline_hz: npt.ArrayLike | None = None,
) -> Comparison:
    """Compare the explanations.

    Parameters
    ----------
    counts
        Counts of the units that are to be explained (with data for an estimate).
    utility_hz
        float64, shape (sizes,), ascending, in Hz.
    probabilities
        Of the sizes, as the animal has met them; need not sum to one.
    baseline_hz
        float64, shape (units,): mean baseline rates: no mean response can be further below zero.
        NaN or None: not known, so responses may fall as low as they like.

    Raises
    ------
    ValueError
        If there are fewer than four units, or the distribution is none.
    """
    if counts.units < 4:
        raise ValueError(f"{counts.units} units; explanations of a population need four or more")
    u = np.asarray(utility_hz, dtype=np.float64)
    p = np.asarray(probabilities, dtype=np.float64)
    places = expectiles(TAU, u, p)[:, None] + LOCATIONS
    mean = float(u @ p / p.sum())
    alike = np.broadcast_to(mean + LOCATIONS, places.shape)
    floor = -np.asarray(
        np.full(counts.units, np.nan) if baseline_hz is None else baseline_hz, dtype=np.float64
    )

    def units(z: FloatArray, offsets_hz: tuple[float, ...]) -> FloatArray:
        """Log evidence, shape (units, taus, locations, offsets)."""
        expected = _expected(u, z)
        found = [unit_evidence(counts, expected, sd, floor) for sd in offsets_hz]
        return np.stack(found, axis=-1).reshape(counts.units, *z.shape, len(offsets_hz))

    found: dict[Explanation, _Weighed] = {
        "common": _weigh(units(alike, NO_OFFSET), ALIKE),
        "offset": _weigh(units(alike, OFFSETS_HZ), ALIKE),
        "distributional": _weigh(units(places, NO_OFFSET), DIVERSE),
        "both": _weigh(units(places, OFFSETS_HZ), DIVERSE),
    }
    log_evidence = {name: weighed.total for name, weighed in found.items()}
    everything = logsumexp(list(log_evidence.values()))
    probability = {name: float(np.exp(value - everything)) for name, value in log_evidence.items()}
    best = max(EXPLANATIONS, key=lambda name: log_evidence[name])
    standing = {
        name: _standing(found[best].units - found[name].units) for name in EXPLANATIONS if name != best
    }
    ahead = all(z >= STANDARD_ERRORS for name, z in standing.items() if name != PART_OF.get(best))
    stands = ahead and probability[best] >= SURE
    return Comparison(log_evidence, probability, standing, best if stands else "undecided")


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Log evidence of all units together, and of each one given what the units share."""

    total: float
    units: FloatArray


def _expected(u: FloatArray, z: FloatArray) -> FloatArray:
    """Response of a gain of one to each size, shape (sizes, taus x locations); `z` has (taus, locations)."""
    error = u[:, None, None] - z
    tau = TAU[:, None]
    response = tau * np.maximum(error, 0.0) + (1.0 - tau) * np.minimum(error, 0.0)
    return response.reshape(u.size, -1)


def _weigh(evidence: FloatArray, beta: tuple[float, ...]) -> _Weighed:
    """Integrate asymmetries out per unit, and what is shared over all units.

    `evidence` has shape (units, taus, locations, spreads); the spreads are equally likely before the data.
    """
    spiky = np.array([(a - 1.0) * np.log(TAU * (1.0 - TAU)) for a in beta])
    prior = spiky - logsumexp(spiky, axis=1, keepdims=True)
    # over the asymmetry of each unit; what is shared stays: location, spread, beta
    per_unit = np.concatenate(
        [
            logsumexp(evidence[first : first + BLOCK, ..., None] + prior.T[:, None, None, :], axis=1)
            for first in range(0, evidence.shape[0], BLOCK)
        ]
    )
    location = -0.5 * (LOCATIONS / LOCATION_SD_HZ) ** 2
    location -= logsumexp(location)
    shared = per_unit.sum(axis=0) + location[:, None, None] - np.log(per_unit[0, 0].size)
    total = float(logsumexp(shared))
    units = logsumexp(per_unit + (shared - total), axis=(1, 2, 3))
    return _Weighed(total, units)


def _standing(difference: FloatArray) -> float:
    spread = float(difference.std(ddof=1))
    ahead = float(difference.mean()) * np.sqrt(difference.size)
    return float(ahead / spread) if spread > 0 else 0.0
