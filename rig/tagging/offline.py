"""Recorded light: all pulses of a file at once.

`batch_histograms` does for all pulses together what `rig.tagging.tracker` does one by one; the tests hold the
two to the same counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rig.tagging.pulses import eligible, sham_times
from rig.tagging.salt import ROUNDING_MS, Counts, Floats, SaltSettings, bins_of
from rig.tagging.tracker import TagTracker


def batch_histograms(
    spikes_ms: npt.ArrayLike, pulses_ms: npt.ArrayLike, settings: SaltSettings | None = None
) -> Counts:
    """Return the latency histograms of some pulses, shape (B + 1, bins): the baselines, then the light's.

    Parameters
    ----------
    spikes_ms, pulses_ms
        float64, shapes (spikes,) and (pulses,), ascending; all pulses are taken.
    """
    settings = settings or SaltSettings()
    spikes = np.append(np.asarray(spikes_ms, dtype=np.float64), np.inf)
    pulses = np.asarray(pulses_ms, dtype=np.float64)[:, None]
    begins = np.arange(settings.baselines + 1) * settings.window_ms  # after the first baseline's beginning
    # Half a unit of the last kept decimal: a spike that rounds onto the edge lies in the window behind it.
    edges = pulses - settings.reach_ms + begins - 0.5 * 10.0**-ROUNDING_MS
    first = spikes[np.searchsorted(spikes, edges)]
    latency = np.round(first - pulses, ROUNDING_MS) + settings.reach_ms - begins
    late = np.round(latency, ROUNDING_MS) >= settings.window_ms
    binned = bins_of(np.where(late, np.nan, latency), settings)
    rows = np.broadcast_to(np.arange(settings.baselines + 1), binned.shape)
    counts = np.zeros((settings.baselines + 1, settings.bins), dtype=np.int64)
    np.add.at(counts, (rows, binned), 1)
    return counts


def tag_recording(
    unit: str,
    spikes_ms: npt.ArrayLike,
    pulses_ms: npt.ArrayLike,
    settings: SaltSettings | None = None,
) -> TagTracker:
    """Take all pulses of a recording one by one, and sham pulses where there is room between them.

    Parameters
    ----------
    spikes_ms, pulses_ms
        float64, shapes (spikes,) and (pulses,), ascending.
    """
    tracker = TagTracker(unit, settings)
    settings = tracker.settings
    spikes, pulses = np.asarray(spikes_ms, dtype=np.float64), np.asarray(pulses_ms, dtype=np.float64)
    clean, rates = eligible(pulses, settings), train_rates(pulses)
    for t_ms, tested, rate_hz in zip(pulses.tolist(), clean.tolist(), rates.tolist(), strict=True):
        tracker.add(_around(spikes, t_ms, settings), eligible=tested, rate_hz=rate_hz)
    for t_ms in sham_times(pulses, settings).tolist():
        tracker.add(_around(spikes, t_ms, settings), eligible=True, rate_hz=0.0, sham=True)
    return tracker


def train_rates(pulses_ms: npt.ArrayLike) -> Floats:
    """Guess each pulse's train rate from the nearer of its neighbours, in Hz, shape (pulses,).

    Examples
    --------
    >>> train_rates([0.0, 50.0, 100.1, 5000.0]).tolist()
    [20.0, 20.0, 20.0, 0.2]
    """
    pulses = np.asarray(pulses_ms, dtype=np.float64)
    gaps = np.concatenate([[np.inf], np.diff(pulses), [np.inf]])
    nearer = np.minimum(gaps[:-1], gaps[1:])
    rate = np.divide(1000.0, nearer, out=np.zeros(pulses.size), where=nearer > 0)
    whole: Floats = np.where(rate >= 1.0, np.round(rate), np.round(rate, 1))
    return whole


def _around(spikes: Floats, t_ms: float, settings: SaltSettings) -> Floats:
    first, last = np.searchsorted(spikes, (t_ms - settings.reach_ms - 1.0, t_ms + settings.window_ms + 1.0))
    around: Floats = spikes[first:last] - t_ms
    return around
