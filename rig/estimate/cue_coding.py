"""How a unit answers a cue of 50 %, between its answers to 10 % and 90 %.

With responses m to the cues of low, even and high probability of the same reward:

- c50 = (m50 - m10) / (m90 - m10). Classical value: 0.5 for all units. An expectile code: above 0.5 for
  optimistic units, below for pessimistic ones (0.34 to 0.66 for asymmetries of 0.3 to 0.7). Its interval is
  Fieller's, honest about a small denominator: where 90 % and 10 % do not differ there is no interval, no c50.
- The midpoint contrast m50 - (m10 + m90) / 2, with its variance s50^2/n50 + s10^2/(4 n10) + s90^2/(4 n90) and
  Welch-Satterthwaite degrees of freedom: a t statistic for each unit.
- The published label (Dabney et al. 2020, Extended Data Fig. 7): two Mann-Whitney tests, 50 against 10 and 50
  against 90. Differs from 10 only: optimistic. From 90 only: pessimistic. Else: interpolating. With few
  trials "does not differ" means little, so no unit is labelled before 60 trials of every cue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtri, stdtr, stdtrit

from rig.estimate.counts import BoolArray, FloatArray, IntArray

Label: TypeAlias = Literal["optimistic", "pessimistic", "interpolating"]
CUES: Final = 3
LABEL_TRIALS: Final = 60
"""Trials of every cue before a unit is labelled."""
MIN_TRIALS: Final = 5
"""Trials of every cue before anything is said."""
SIGNIFICANT: Final = 0.05
TOO_FEW = "too few trials of a cue"
TOO_ALIKE = "the 10 % and the 90 % cue do not differ"
NO_VARIATION = "its answers never vary"
ROUNDING: Final = 1e-24
"""A squared standard error below this part of the squared answers is rounding, not spread."""


class CueResponses:
    """Every response to the three cues, kept for the rank tests.

    Parameters
    ----------
    units
        Number of units to begin with.
    """

    def __init__(self, units: int = 0) -> None:
        self._kept: list[list[FloatArray]] = [[] for _ in range(CUES)]
        self.units = units

    def add_units(self, more: int) -> None:
        """Append `more` units; earlier trials stay missing for them."""
        self.units += more

    def add(self, cue_index: int, response_hz: npt.ArrayLike) -> None:
        """Take the responses to one cue.

        Parameters
        ----------
        cue_index
            0 for the low probability of reward, 1 for the even one, 2 for the high one.
        response_hz
            float64, shape (units,), in Hz; NaN where missing.

        Raises
        ------
        ValueError
            If there is no such cue or the shape does not fit the units.
        """
        y = np.asarray(response_hz, dtype=np.float64)
        if not 0 <= cue_index < CUES:
            raise ValueError(f"cue index {cue_index} is not among 0..{CUES - 1}")
        if y.shape != (self.units,):
            raise ValueError(f"{self.units} units, but responses of shape {y.shape}")
        self._kept[cue_index].append(y.copy())

    def rows(self, index: IntArray) -> CueResponses:
        """Return a copy that holds the units `index` only."""
        chosen = CueResponses(len(index))
        chosen._kept = [[*self.of(cue)[:, index]] for cue in range(CUES)]
        return chosen

    def of(self, cue_index: int) -> FloatArray:
        """All responses to one cue, shape (trials, units), in Hz; NaN where missing."""
        rows = np.full((len(self._kept[cue_index]), self.units), np.nan)
        for row, y in zip(rows, self._kept[cue_index], strict=True):
            row[: y.size] = y
        return rows


@dataclass(frozen=True, slots=True)
class CueCoding:
    """What the units make of the 50 % cue; arrays float64, shape (units,), NaN where nothing can be said.

    Attributes
    ----------
    trials
        int64, shape (units, 3): responses to each cue.
    c50, c50_ci95
        The normalised response and its 95 % interval, shape (units, 2).
    contrast_hz, t, dof, p
        Midpoint contrast in Hz, its t statistic, degrees of freedom and two-sided P.
    labels, reasons
        The published label of each unit, or None and why.
    spread, spread_p
        SD about zero of the t statistics as normal scores, and the P of a spread this wide or wider if all
        units stood at the midpoint (chi-squared). None without units.
    """

    trials: IntArray
    c50: FloatArray
    c50_ci95: FloatArray
    contrast_hz: FloatArray
    t: FloatArray
    dof: FloatArray
    p: FloatArray
    labels: tuple[Label | None, ...]
    reasons: tuple[str | None, ...]
    spread: float | None
    spread_p: float | None


def cue_coding(responses: CueResponses) -> CueCoding:
    """Work out everything from the responses so far."""
    kept = [responses.of(cue) for cue in range(CUES)]
    trials, mean, error = _moments(kept)
    enough = (trials >= MIN_TRIALS).all(axis=1)
    weights = np.array([0.25, 1.0, 0.25])
    contrast = np.where(enough, mean[:, 1] - (mean[:, 0] + mean[:, 2]) / 2, np.nan)
    parts = error * weights
    variance = parts.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        dof = variance**2 / (parts**2 / np.maximum(trials - 1, 1)).sum(axis=1)
        t = contrast / np.sqrt(variance)
    fit = enough & (variance > ROUNDING * (mean**2).sum(axis=1))
    t, dof = np.where(fit, t, np.nan), np.where(fit, dof, np.nan)
    c50, interval = _fieller(mean, error, dof)
    labels, reasons = _labels(kept, trials, fit, np.isfinite(c50))
    spread, spread_p = _spread(t[fit], dof[fit])
    return CueCoding(
        trials=trials,
        c50=c50,
        c50_ci95=interval,
        contrast_hz=contrast,
        t=t,
        dof=dof,
        p=2.0 * stdtr(dof, -np.abs(t)),
        labels=labels,
        reasons=reasons,
        spread=spread,
        spread_p=spread_p,
    )


def _moments(kept: list[FloatArray]) -> tuple[IntArray, FloatArray, FloatArray]:
    """Trials, means and squared standard errors, each shape (units, cues)."""
    seen = [np.isfinite(y) for y in kept]
    n = np.stack([s.sum(axis=0) for s in seen], axis=1)
    sums = [np.where(s, y, 0.0).sum(axis=0) for s, y in zip(seen, kept, strict=True)]
    mean = np.stack(sums, axis=1) / np.maximum(n, 1)
    squares = [
        (np.where(s, y - mean[:, cue], 0.0) ** 2).sum(axis=0)
        for cue, (s, y) in enumerate(zip(seen, kept, strict=True))
    ]
    variance = np.stack(squares, axis=1) / np.maximum(n - 1, 1)
    return n, mean, variance / np.maximum(n, 1)


def _fieller(mean: FloatArray, error: FloatArray, dof: FloatArray) -> tuple[FloatArray, FloatArray]:
    """c50 and Fieller's 95 % interval: the ratios r for which (N - r D) is not significantly off zero."""
    top, bottom = mean[:, 1] - mean[:, 0], mean[:, 2] - mean[:, 0]
    critical = stdtrit(dof, 0.975) ** 2
    a = bottom**2 - critical * (error[:, 2] + error[:, 0])
    b = top * bottom - critical * error[:, 0]
    c = top**2 - critical * (error[:, 1] + error[:, 0])
    told = np.isfinite(dof) & (a > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = np.sqrt(np.maximum(b**2 - a * c, 0.0)) / a
        ends = np.stack([b / a - half, b / a + half], axis=1)
        ratio = top / bottom
    return np.where(told, ratio, np.nan), np.where(told[:, None], ends, np.nan)


def _labels(
    kept: list[FloatArray], trials: IntArray, fit: BoolArray, told: BoolArray
) -> tuple[tuple[Label | None, ...], tuple[str | None, ...]]:
    """Return labels, or why there is none; the reason is also that of a missing c50 or t."""
    few: BoolArray = np.asarray((trials < LABEL_TRIALS).any(axis=1))
    nothing: BoolArray = np.asarray((trials < MIN_TRIALS).any(axis=1))
    ready = fit & told & ~few
    from_low, from_high = _differs(kept[1], kept[0], ready), _differs(kept[1], kept[2], ready)
    labels: list[Label | None] = []
    reasons: list[str | None] = []
    for i in range(trials.shape[0]):
        if not ready[i]:
            labels.append(None)
            alike = TOO_ALIKE if fit[i] else NO_VARIATION
            reasons.append(TOO_FEW if nothing[i] or (few[i] and told[i]) else alike)
            continue
        only_low, only_high = from_low[i] and not from_high[i], from_high[i] and not from_low[i]
        labels.append("optimistic" if only_low else "pessimistic" if only_high else "interpolating")
        reasons.append(None)
    return tuple(labels), tuple(reasons)


def _differs(one: FloatArray, other: FloatArray, units: BoolArray) -> BoolArray:
    """Whether each of `units` answers two cues differently, by the Mann-Whitney test at 5 %."""
    from scipy.stats import mannwhitneyu  # slow to load, and seldom needed

    differs = np.zeros(units.size, dtype=np.bool_)
    for i in np.flatnonzero(units):
        a, b = one[:, i], other[:, i]
        test = mannwhitneyu(a[np.isfinite(a)], b[np.isfinite(b)], method="asymptotic")
        differs[i] = float(test.pvalue) < SIGNIFICANT
    return differs


def _spread(t: FloatArray, dof: FloatArray) -> tuple[float | None, float | None]:
    if not t.size:
        return None, None
    # the score of the lower tail is exact where that of the upper would round to infinity
    # and a P too small for a float is held, so that one very clear unit does not make the spread infinite
    scores = ndtri(np.maximum(stdtr(dof, -np.abs(t)), np.finfo(np.float64).tiny))
    total = float((scores**2).sum())
    return float(np.sqrt(total / t.size)), float(chdtrc(t.size, total))
