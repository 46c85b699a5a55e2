"""SALT, the stimulus-associated spike latency test (Kvitsiani et al. 2013, Nature 498:363-366).

A unit that light drives does not only fire more: it fires *when the light comes*. So the test compares
histograms of the first spike's latency. Each pulse gives one latency after the pulse, and one in each of B
windows of the same length that lie back to back before it; a window without a spike counts in a bin of its
own. Two histograms lie apart by::

    d = sqrt(2 * Jensen-Shannon divergence)            (a metric; Endres & Schindelin 2003; natural logarithm)

The B baseline windows among themselves, B(B-1)/2 distances, say what chance does. The test's statistic is the
median distance of the light's histogram to the baselines'; P is the part of the chance distances that are at
least as large. So P comes in steps of one in B(B-1)/2: 0.01 needs B = 15 (105 distances), 0.001 needs B = 46
(1035). A P of nothing means: below that step.

The divergence is the textbook one. The authors' program leaves out of the mean histogram the bins in which
the other one is empty; on 20 recorded units the two agree on which are driven (all of them).
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from rig.errors import ConfigError
from rig.tagging.told import Salt

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

ROUNDING_MS: Final = 6
"""Differences of times are rounded to this many decimals of a ms, so that a bin's edge is where it is."""
LEAST_BASELINES: Final = 3


class SaltSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How latencies are sorted into histograms.

    Parameters
    ----------
    window_ms
        Length of the window after a pulse, and of each baseline window.
    bin_ms
        Width of a bin; divides the window.
    baselines
        Number B of baseline windows; they reach back `baselines * window_ms` before the pulse.
    """

    window_ms: float = 10.0
    bin_ms: float = 1.0
    baselines: int = 46

    def __post_init__(self) -> None:
        bins = self.window_ms / self.bin_ms if self.bin_ms > 0 else 0.0
        if not 1 <= bins <= 1000 or abs(bins - round(bins)) > 1e-9:
            raise ConfigError(
                f"a window of {self.window_ms:g} ms does not divide into bins of {self.bin_ms:g} ms"
            )
        if self.baselines < LEAST_BASELINES:
            raise ConfigError(f"SALT needs {LEAST_BASELINES} baseline windows at least, not {self.baselines}")

    @property
    def bins(self) -> int:
        """Bins of a histogram; the last is for windows without a spike."""
        return round(self.window_ms / self.bin_ms) + 1

    @property
    def reach_ms(self) -> float:
        """How far before a pulse the first baseline window begins."""
        return self.baselines * self.window_ms

    @property
    def resolution(self) -> float:
        """The step that P comes in."""
        return 2.0 / (self.baselines * (self.baselines - 1))


def first_latencies(relative_ms: npt.ArrayLike, settings: SaltSettings) -> Floats:
    """Return the first spike's latency in each window of one pulse.

    Parameters
    ----------
    relative_ms
        Spike times minus the pulse's onset, shape (spikes,); those outside all windows are ignored.

    Returns
    -------
    float64, shape (B + 1,), in ms after the window's beginning; the last is the light's; NaN for no spike.
    A window is closed at its beginning and open at its end.
    """
    at = np.round(np.asarray(relative_ms, dtype=np.float64), ROUNDING_MS) + settings.reach_ms
    windows = settings.baselines + 1
    at = at[(at >= 0.0) & (at < windows * settings.window_ms)]
    window = np.floor(at / settings.window_ms).astype(np.int64)
    latencies = np.full(windows, np.inf)
    np.minimum.at(latencies, window, at - window * settings.window_ms)
    latencies[np.isinf(latencies)] = np.nan
    rounded: Floats = np.round(latencies, ROUNDING_MS)
    return rounded


def bins_of(latencies: Floats, settings: SaltSettings) -> Counts:
    """Return the bin of each latency (NaN: the last); the same shape."""
    last = settings.bins - 1
    found = np.floor(np.round(latencies, ROUNDING_MS) / settings.bin_ms)
    return np.where(np.isnan(latencies), last, np.minimum(found, last - 1)).astype(np.int64)


def distances(histograms: npt.ArrayLike) -> Floats:
    """Return how far every two histograms lie apart.

    Parameters
    ----------
    histograms
        Counts, shape (n, bins); each row holds at least one.

    Returns
    -------
    float64, shape (n, n): 0 on the diagonal, at most sqrt(2 log 2) = 1.18.

    Examples
    --------
    >>> distances([[1, 0], [0, 1]]).round(3).tolist()
    [[0.0, 1.177], [1.177, 0.0]]
    """
    counts = np.asarray(histograms, dtype=np.float64)
    p = counts / counts.sum(axis=1, keepdims=True)
    middle = 0.5 * (p[:, None, :] + p[None, :, :])
    own = xlogy(p, p).sum(axis=1)
    divergence = 0.5 * (own[:, None] + own[None, :]) - xlogy(middle, middle).sum(axis=2)
    apart: Floats = np.sqrt(2.0 * np.maximum(divergence, 0.0))
    return apart


def salt(histograms: npt.ArrayLike, settings: SaltSettings | None = None) -> Salt | None:
    """Test a unit by its histograms.

    Parameters
    ----------
    histograms
        Counts, shape (B + 1, bins): the baseline windows, then the light's.

    Returns
    -------
    Salt or None
        None before the first pulse.
    """
    settings = settings or SaltSettings()
    counts = np.asarray(histograms)
    pulses = int(counts[-1].sum())
    if not pulses:
        return None
    apart = distances(counts)
    chance = apart[:-1, :-1][np.triu_indices(settings.baselines, 1)]
    light = float(np.median(apart[:-1, -1]))
    return Salt(
        # Equal histograms are equally far apart, whatever the order of a sum.
        p=float(np.mean(chance >= light - 1e-12)),
        resolution=settings.resolution,
        effect=light - float(np.median(chance)),
        pulses=pulses,
    )
