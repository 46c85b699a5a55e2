"""One unit and light, pulse by pulse. A pulse costs the same whether it is the first or the thousandth."""

from __future__ import annotations

import math
from array import array

import numpy as np
import numpy.typing as npt

from rig.tagging.report import TagCriteria
from rig.tagging.salt import Counts, SaltSettings, bins_of, first_latencies, salt
from rig.tagging.told import Following, Salt, UnitTag
from rig.tagging.waveforms import WaveformTally


class TagTracker:
    """Latency histograms, latencies and reliability of one unit.

    Parameters
    ----------
    unit
        Its name.
    settings
        How latencies are sorted.

    Attributes
    ----------
    waveforms
        Mean waveforms, for whoever has waveforms to add.
    histograms, sham_histograms
        Counts of first-spike latencies, shape (B + 1, bins): the baselines, then the pulse.

    Examples
    --------
    >>> tracker = TagTracker("Tetrode 1:1")
    >>> for k in range(40):
    ...     tracker.add([-11.0 * k - 5.0, 4.2], eligible=True, rate_hz=1.0)
    >>> tag = tracker.view()
    >>> tag.salt.p_text, round(tag.latency_mean_ms, 3), tag.reliability, tag.suggestion
    ('P < 0.00097', 4.2, 1.0, True)
    """

    def __init__(self, unit: str, settings: SaltSettings | None = None) -> None:
        self.unit = unit
        self.settings = settings or SaltSettings()
        self.waveforms = WaveformTally()
        self.histograms = self._empty()
        self.sham_histograms = self._empty()
        self._rows = np.arange(self.settings.baselines + 1)
        self._latencies = array("d")
        self._eligible = 0
        self._by_rate: dict[float, list[int]] = {}
        self._tested: dict[bool, Salt | None] = {}

    def _empty(self) -> Counts:
        return np.zeros((self.settings.baselines + 1, self.settings.bins), dtype=np.int64)

    @property
    def reach_ms(self) -> tuple[float, float]:
        """From where to where around a pulse spikes are wanted, in ms."""
        return -self.settings.reach_ms, self.settings.window_ms

    def add(self, relative_ms: npt.ArrayLike, *, eligible: bool, rate_hz: float, sham: bool = False) -> None:
        """Take one pulse.

        Parameters
        ----------
        relative_ms
            The unit's spikes around it, in ms after its onset, any order; from `reach_ms` at least.
        eligible
            Whether its past is clean (`rig.tagging.pulses`). If not, it tells of following only.
        rate_hz
            Rate of its train.
        sham
            Whether no light came.
        """
        latencies = first_latencies(relative_ms, self.settings)
        fired = not math.isnan(latencies[-1])
        if not sham:
            tally = self._by_rate.setdefault(rate_hz, [0, 0])
            tally[0] += 1
            tally[1] += fired
        if not eligible:
            return
        histograms = self.sham_histograms if sham else self.histograms
        histograms[self._rows, bins_of(latencies, self.settings)] += 1
        self._tested.pop(sham, None)
        if not sham:
            self._eligible += 1
            if fired:
                self._latencies.append(float(latencies[-1]))

    def salt(self, *, sham: bool = False) -> Salt | None:
        """Test what came so far; None before the first pulse. Costs about half a millisecond."""
        if sham not in self._tested:
            histograms = self.sham_histograms if sham else self.histograms
            self._tested[sham] = salt(histograms, self.settings)
        return self._tested[sham]

    def view(self, criteria: TagCriteria | None = None) -> UnitTag:
        """Tell everything that is known."""
        latencies = np.frombuffer(self._latencies, dtype=np.float64) if self._latencies else np.zeros(0)
        n, baselines = latencies.size, self.settings.baselines
        silent = int(self.histograms[:-1, -1].sum())
        eligible = self._eligible
        tag = UnitTag(
            unit=self.unit,
            pulses=sum(pulses for pulses, _ in self._by_rate.values()),
            eligible=eligible,
            salt=self.salt(),
            sham=self.salt(sham=True),
            latency_mean_ms=float(latencies.mean()) if n else None,
            latency_median_ms=float(np.median(latencies)) if n else None,
            jitter_ms=float(latencies.std(ddof=1)) if n > 1 else None,
            reliability=n / eligible if eligible else None,
            by_chance=1.0 - silent / (eligible * baselines) if eligible else None,
            following=tuple(
                Following(rate_hz=rate, pulses=pulses, share=fired / pulses)
                for rate, (pulses, fired) in sorted(self._by_rate.items())
            ),
            waveform_r=self.waveforms.correlation,
        )
        return (criteria or TagCriteria()).judge(tag)
