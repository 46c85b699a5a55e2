"""The reversal point of one fibre: the reward size whose response in dF/F is zero. It is a population's.

What is valid. A fibre reports the sum of many neurons through a sensor. Its responses are in dF/F, which is
no unit of utility, so nothing here compares a response with a utility: only *where the response changes its
sign* is asked, and the answer is a reward size in uL.

- *Isotonic*: the means per size, made to ascend, and the place where the line through them crosses zero.
  Only the order of the sizes is taken for granted. Where between two sizes the sign changes cannot be known
  without more (the line there may have a kink), so its interval ends at sizes: the sign changes above the one
  and below the other. Its ends come from redrawing each mean within its own error.
- *Kinked*: `rig.estimate.kinked_bayes` with the declared utility axis as abscissa. Its priors are in Hz, so
  the data are put into units in which they fit: responses by the fibre's own noise, the axis by the fibre's
  own slope. It takes for granted that the population's response is straight in utility on each side.

The zero is the level just before the trial's first stimulus. A sensor that shows increases better than
decreases leaves the sign as it is but bends the two slopes, so the asymmetry of a fibre is not told. And a
fibre cannot part the first 200 ms after a reward, in which all sizes excite alike, from what follows. Its
reversal point lies below that of the neurons' later response, and with a slow sensor there is often none: the
response stays above zero at every size.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from rig.estimate.counts import SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.kinked_bayes import START_DOF, START_VARIANCE, KinkedBayes
from rig.estimate.utility import PlacedSizes
from rig.photometry.told import FibreEstimate

Floats = NDArray[np.float64]

REDRAWN: Final = 400
CLEAR: Final = 2.0
"""A slope over sizes below this many standard errors is no slope."""
TAIL: Final = 0.025

NO_SLOPE: Final = "response does not rise with size"
ABOVE: Final = "above zero at every size"
BELOW: Final = "below zero at every size"
AT_EDGE: Final = "at edge"
NO_KINK: Final = "the kinked model does not fit"


class FibreReversal:
    """Responses of one fibre by reward size, and the estimate from them.

    Parameters
    ----------
    sizes
        The declared sizes on the utility axis.
    seed
        Of the redrawn means.
    """

    def __init__(self, sizes: PlacedSizes, seed: int = 0) -> None:
        self.sizes = sizes
        self._u = np.array(sizes.utility_hz)
        self._counts = SizeCounts(len(sizes.sizes_ul), 1)
        bits = np.random.PCG64(np.random.SeedSequence([seed, 0xF1B3E])).random_raw(REDRAWN * len(self._u))
        self._normal = ndtri(((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)
        self._normal = self._normal.reshape(REDRAWN, len(self._u))

    def add(self, reward_ul: float, dff: float | None) -> None:
        """Count one rewarded trial; a withheld response (None) does not count.

        Raises
        ------
        ConfigError
            If the size was not declared.
        """
        if dff is not None:
            self._counts.add(self.sizes.index(reward_ul), [dff])

    def estimate(self) -> FibreEstimate:
        """Estimate from all responses so far."""
        counts = self._counts
        n, total = counts.n[0].astype(np.float64), counts.total[0]
        mean = np.divide(total, n, out=np.full_like(total, np.nan), where=n > 0)
        within = np.maximum(counts.squares[0] - np.where(n > 0, mean, 0.0) * total, 0.0)
        own = np.sqrt(within / np.maximum(n - 1, 1) / np.maximum(n, 1))
        told = FibreEstimate(
            n=tuple(int(k) for k in n),
            mean_dff=tuple(None if k == 0 else float(m) for m, k in zip(mean, n, strict=True)),
            sem_dff=tuple(None if k < 2 else float(s) for s, k in zip(own, n, strict=True)),
        )
        dof = int(np.maximum(n - 1, 0).sum())
        pooled = within.sum() / max(dof, 1)
        if np.count_nonzero(n) < 2 or dof < START_DOF or pooled <= 0:
            return msgspec.structs.replace(told, reason="too few responses, or all of one size")
        return self._estimated(told, mean, n, float(pooled))

    def _estimated(self, told: FibreEstimate, mean: Floats, n: Floats, pooled: float) -> FibreEstimate:
        met = n > 0
        error = np.sqrt(pooled / np.maximum(n, 1))
        slope, slope_error = _line(self._u[met], mean[met], n[met], pooled)
        flags = [NO_SLOPE] if slope < CLEAR * slope_error else []
        crossing, between, side = self._isotonic(np.where(met, mean, 0.0), error, n)
        if side:
            flags.append(side)
        bayes: float | None = None
        interval: tuple[float, float] | None = None
        if between is not None:  # without a change of sign the model would bend its slopes to make one
            bayes, interval, at_edge = self._kinked(pooled, max(slope, slope_error))
            flags += [AT_EDGE] * at_edge
            if interval[1] < between[0] or interval[0] > between[1]:
                bayes, interval = None, None
                flags.append(NO_KINK)
        return msgspec.structs.replace(
            told,
            isotonic_ul=crossing,
            between_ul=between,
            bayes_ul=bayes,
            bayes_ci95_ul=interval,
            rise=slope / slope_error,
            flags=tuple(flags),
        )

    def _isotonic(
        self, mean: Floats, error: Floats, n: Floats
    ) -> tuple[float | None, tuple[float, float] | None, str]:
        """Crossing in uL, the sizes around it, and which side all responses are on if there is none."""
        rows = np.concatenate([mean[None], mean + error * self._normal])
        many = SizeCounts(len(n), len(rows))
        many.n[:] = n.astype(np.int64)
        many.total[:] = rows * n / error.min()  # so that what counts as zero is small beside the noise
        where_hz, capped = isotonic(many, self._u)
        ends = np.quantile(where_hz[1:], (TAIL, 1.0 - TAIL), method="inverted_cdf")
        met = np.flatnonzero(n > 0)
        low = met[max(int(np.searchsorted(self._u[met], ends[0], side="right")) - 1, 0)]
        high = met[min(int(np.searchsorted(self._u[met], ends[1])), len(met) - 1)]
        between = self.sizes.sizes_ul[low], self.sizes.sizes_ul[high]
        if not capped[0]:
            return float(self.sizes.axis.to_ul(where_hz[0])), between, ""
        return None, None, ABOVE if (mean[met] > 0).all() else BELOW

    def _kinked(self, pooled: float, slope: float) -> tuple[float, tuple[float, float], bool]:
        noise = (START_VARIANCE / pooled) ** 0.5
        stretch = noise * slope
        scaled = self._counts.copy()
        scaled.total *= noise
        scaled.squares *= noise**2
        posterior = KinkedBayes(self._u * stretch).posterior(scaled)
        found = np.array([posterior.mean_hz[0], *posterior.ci95_hz[0]]) / stretch
        middle, low, high = (float(v) for v in self.sizes.axis.to_ul(found))
        return middle, (low, high), bool(posterior.at_edge[0])


def _line(u: Floats, mean: Floats, n: Floats, pooled: float) -> tuple[float, float]:
    """Slope of the means over utility, weighted by responses, and its standard error."""
    away = u - np.average(u, weights=n)
    spread = float(np.sum(n * away**2))
    return float(np.sum(n * away * mean) / spread), (pooled / spread) ** 0.5
