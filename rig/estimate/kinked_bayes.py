"""The kinked Gaussian posterior of a reversal point: two slopes, a grid, an honest interval.

Model of a response to size j: mean s- * a_j(z) + s+ * b_j(z), with a_j = min(u_j - z, 0) and
b_j = max(u_j - z, 0), Gaussian noise of variance v_j, slopes with prior N(1, 1). Given z the slopes
integrate out in closed form, so the posterior of z is one number per grid point::

    A- = sum n_j a_j^2 / v_j + 1      h- = sum S_j a_j / v_j + 1      (A+, h+ with b_j)
    log p(z) = (h-^2 / A- + h+^2 / A+) / 2 - log(A-) / 2 - log(A+) / 2

The prior of z is flat over the range of the sizes. Everything is matrix products over units x grid.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import BoolArray, FloatArray, SizeCounts

GRID_POINTS = 240
START_VARIANCE = 22.0
"""Variance of a response in Hz^2, taken until a unit has `START_DOF` degrees of freedom of its own."""
START_DOF = 5
POOLED_WEIGHT = 10.0
"""The pooled variance counts as much as this many degrees of freedom in the variance of one size."""
VARIANCE_FLOOR = 4.0
SLOPE_MEAN, SLOPE_VARIANCE = 1.0, 1.0
SLOPE_FLOOR = 1e-3
EDGE_MASS = 0.025
"""A unit is *at edge* when more than this mass sits in the first or the last cell of the grid."""
INTERVAL = (0.025, 0.975)
BLOCK = 24
"""Units worked on at once: their arrays stay small, which is several times faster for 1,000."""


def size_variances(counts: SizeCounts) -> FloatArray:
    """Variance of a single response, in Hz^2, shape (units, sizes): shrunk to the unit's pooled one."""
    n = counts.n.astype(np.float64)
    # n is fractional where old responses are forgotten: less than one response still has its own mean
    within = np.maximum(counts.squares - counts.total**2 / np.where(n > 0, n, 1.0), 0.0)
    dof = np.maximum(n - 1.0, 0.0).sum(axis=1)
    pooled = np.where(dof >= START_DOF, within.sum(axis=1) / np.maximum(dof, 1.0), START_VARIANCE)
    shrunk = (within + POOLED_WEIGHT * pooled[:, None]) / (n - 1.0 + POOLED_WEIGHT)
    floored: FloatArray = np.maximum(shrunk, VARIANCE_FLOOR)
    return floored


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the counts say about each grid point; every array float64, shape (units, points).

    Attributes
    ----------
    log_likelihood
        Up to a constant per unit.
    tau
        Asymmetry s+ / (s+ + s-) of the expected slopes given the grid point.
    """

    log_likelihood: FloatArray
    tau: FloatArray


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posteriors of all units.

    Attributes
    ----------
    mean_hz, sd_hz, tau
        float64, shape (units,): posterior mean and SD of the reversal point, mean asymmetry.
    ci95_hz
        float64, shape (units, 2): equal-tailed 95 % interval.
    at_edge
        bool, shape (units,): much of the mass sits at an end of the axis.
    mass
        float64, shape (units, points): probability of each grid point, summing to 1.
    """

    mean_hz: FloatArray
    sd_hz: FloatArray
    ci95_hz: FloatArray
    tau: FloatArray
    at_edge: BoolArray
    mass: FloatArray

    @property
    def half_width_hz(self) -> FloatArray:
        """Half the width of the 95 % interval, shape (units,)."""
        half: FloatArray = (self.ci95_hz[:, 1] - self.ci95_hz[:, 0]) / 2
        return half


class KinkedBayes:
    """The grid for one set of reward sizes; holds no data.

    Parameters
    ----------
    utility_hz
        float64, shape (sizes,), strictly ascending, in Hz.
    points
        Grid points from the smallest to the largest utility.

    Attributes
    ----------
    grid_hz
        float64, shape (points,).
    """

    def __init__(self, utility_hz: npt.ArrayLike, points: int = GRID_POINTS) -> None:
        u = np.asarray(utility_hz, dtype=np.float64)
        self.grid_hz: FloatArray = np.linspace(u[0], u[-1], points)
        distance = u[:, None] - self.grid_hz[None, :]
        self._below: FloatArray = np.minimum(distance, 0.0)
        self._above: FloatArray = np.maximum(distance, 0.0)
        self._below2: FloatArray = self._below**2
        self._above2: FloatArray = self._above**2

    def evidence(self, counts: SizeCounts) -> Evidence:
        """Log-likelihood and asymmetry at every grid point, for all units."""
        a_neg, a_pos, h_neg, h_pos = self._normal_equations(counts)
        s_neg, s_pos = h_neg / a_neg, h_pos / a_pos
        log_likelihood = 0.5 * (h_neg * s_neg + h_pos * s_pos - np.log(a_neg * a_pos))
        s_neg, s_pos = np.maximum(s_neg, SLOPE_FLOOR), np.maximum(s_pos, SLOPE_FLOOR)
        return Evidence(log_likelihood, s_pos / (s_neg + s_pos))

    def _normal_equations(self, counts: SizeCounts) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """A-, A+, h- and h+ of the model above, each of shape (units, points)."""
        variance = size_variances(counts)
        weight, response = counts.n / variance, counts.total / variance
        prior, pull = 1.0 / SLOPE_VARIANCE, SLOPE_MEAN / SLOPE_VARIANCE
        a_neg = weight @ self._below2 + prior
        a_pos = weight @ self._above2 + prior
        h_neg = response @ self._below + pull
        h_pos = response @ self._above + pull
        return a_neg, a_pos, h_neg, h_pos

    def posterior(self, counts: SizeCounts) -> Posterior:
        """Posterior of every unit under the flat prior (a unit without trials keeps the prior)."""
        if counts.units <= BLOCK:
            return self.weigh(self.evidence(counts))
        blocks = [
            self.weigh(self.evidence(counts.rows(np.arange(first, min(first + BLOCK, counts.units)))))
            for first in range(0, counts.units, BLOCK)
        ]
        return Posterior(*(np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Posterior)))

    def tau_spread(self, counts: SizeCounts) -> FloatArray:
        """SD of each unit's asymmetry given the reversal point, shape (units, points).

        Given z the two slopes are independent Gaussians, s- of variance 1/A- and s+ of 1/A+. To first order
        tau = s+ / (s+ + s-) then has the variance ``(s+^2 / A- + s-^2 / A+) / (s+ + s-)^4``, slopes floored
        as for the asymmetry itself. It is held to tau (1 - tau), the most that anything in 0..1 can vary
        about tau.
        """
        a_neg, a_pos, h_neg, h_pos = self._normal_equations(counts)
        s_neg = np.maximum(h_neg / a_neg, SLOPE_FLOOR)
        s_pos = np.maximum(h_pos / a_pos, SLOPE_FLOOR)
        first_order = (s_pos**2 / a_neg + s_neg**2 / a_pos) / (s_neg + s_pos) ** 4
        tau = s_pos / (s_neg + s_pos)
        spread: FloatArray = np.sqrt(np.minimum(first_order, tau * (1.0 - tau)))
        return spread

    def tau_sd(self, counts: SizeCounts) -> FloatArray:
        """Posterior SD of each unit's asymmetry, shape (units,); beside `Posterior.tau`, its mean.

        By the law of total variance, ``E_z[var(tau | z)] + var_z(E[tau | z])``: how vague the slopes are
        where the reversal point is known, and how far the asymmetry moves with it (`tau_spread` has the
        first part). It is left out of `posterior` because no decision needs it.
        """
        found = [np.zeros(0)]
        for first in range(0, counts.units, BLOCK):
            some = counts.rows(np.arange(first, min(first + BLOCK, counts.units)))
            evidence = self.evidence(some)
            posterior = self.weigh(evidence)
            within = (posterior.mass * self.tau_spread(some) ** 2).sum(axis=1)
            between = (posterior.mass * (evidence.tau - posterior.tau[:, None]) ** 2).sum(axis=1)
            found.append(np.sqrt(within + between))
        return np.concatenate(found)

    def weigh(self, evidence: Evidence, log_prior: npt.ArrayLike = 0.0) -> Posterior:
        """Turn evidence into posteriors.

        Parameters
        ----------
        evidence
            From `evidence`.
        log_prior
            Log prior on the grid, shape (points,), or a number for a flat one.
        """
        log_mass = evidence.log_likelihood + np.asarray(log_prior, dtype=np.float64)
        mass = np.exp(log_mass - log_mass.max(axis=1, keepdims=True, initial=-np.inf))
        mass /= mass.sum(axis=1, keepdims=True)
        mean = mass @ self.grid_hz
        variance = mass @ self.grid_hz**2 - mean**2
        return Posterior(
            mean_hz=mean,
            sd_hz=np.sqrt(np.maximum(variance, 0.0)),
            ci95_hz=self._interval(mass),
            tau=(mass * evidence.tau).sum(axis=1),
            at_edge=(mass[:, 0] > EDGE_MASS) | (mass[:, -1] > EDGE_MASS),
            mass=mass,
        )

    def p_above(self, posterior: Posterior, threshold_hz: float) -> FloatArray:
        """Probability that each unit's reversal point is above a threshold, shape (units,).

        By the linear CDF, as the intervals: a reversal point is never outside the range of the sizes.
        """
        grid = self.grid_hz
        cell = grid[1] - grid[0]
        above = np.clip((grid - threshold_hz) / cell + 0.5, 0.0, 1.0)
        if not grid[0] <= threshold_hz < grid[-1]:
            above = np.full_like(grid, threshold_hz < grid[0])
        p: FloatArray = posterior.mass @ above
        return p

    def _interval(self, mass: FloatArray) -> FloatArray:
        """Quantiles of the linear CDF: each grid point's mass is spread evenly over its cell."""
        cumulated = np.cumsum(mass, axis=1)
        row = np.arange(mass.shape[0])
        cell = self.grid_hz[1] - self.grid_hz[0]
        ends = []
        for quantile in INTERVAL:
            k = np.minimum((cumulated < quantile).sum(axis=1), mass.shape[1] - 1)
            before = cumulated[row, k] - mass[row, k]
            part = (quantile - before) / np.maximum(mass[row, k], np.finfo(np.float64).tiny)
            ends.append(self.grid_hz[k] + (np.clip(part, 0.0, 1.0) - 0.5) * cell)
        interval: FloatArray = np.clip(np.stack(ends, axis=1), self.grid_hz[0], self.grid_hz[-1])
        return interval
