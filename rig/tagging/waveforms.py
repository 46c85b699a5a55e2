"""Whether the spikes that light evokes look like those that come by themselves.

Light can drive a neighbour whose spikes the sorter takes for this unit's, and it can leave an artefact on
the wire. Then the mean waveforms differ. They are compared on the channel where the spontaneous one is
largest (peak to peak), by Pearson's correlation; above 0.9 is the usual demand.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rig.tagging.salt import Floats


class WaveformTally:
    """Mean waveforms of one unit, with and without light; costs the same for every spike.

    Attributes
    ----------
    evoked, spontaneous
        Spikes counted of each kind.
    """

    def __init__(self) -> None:
        self.evoked = 0
        self.spontaneous = 0
        self._sums: dict[bool, Floats] = {}

    def add(self, waveform: npt.ArrayLike, *, evoked: bool) -> None:
        """Take one spike.

        Parameters
        ----------
        waveform
            Shape (channels, samples), any unit.
        evoked
            Whether it came within the window after a pulse.

        Raises
        ------
        ValueError
            If its shape is another one than before.
        """
        sample = np.atleast_2d(np.asarray(waveform, dtype=np.float64))
        known = next(iter(self._sums.values()), sample)
        if known.shape != sample.shape:
            raise ValueError(f"a waveform of shape {sample.shape} after those of shape {known.shape}")
        self._sums[evoked] = self._sums.get(evoked, 0.0) + sample
        if evoked:
            self.evoked += 1
        else:
            self.spontaneous += 1

    def mean(self, *, evoked: bool) -> Floats | None:
        """Return the mean waveform, shape (channels, samples), or None without a spike."""
        n = self.evoked if evoked else self.spontaneous
        return self._sums[evoked] / n if n else None

    @property
    def correlation(self) -> float | None:
        """Correlation of the two means on the largest channel; None without spikes of both kinds."""
        evoked, spontaneous = self.mean(evoked=True), self.mean(evoked=False)
        if evoked is None or spontaneous is None:
            return None
        return waveform_correlation(evoked, spontaneous)


def waveform_correlation(evoked: npt.ArrayLike, spontaneous: npt.ArrayLike) -> float | None:
    """Correlate two mean waveforms on the channel where the spontaneous one is largest.

    Parameters
    ----------
    evoked, spontaneous
        Shape (channels, samples).

    Returns
    -------
    float or None
        None if one of them is flat there.
    """
    one, other = (np.atleast_2d(np.asarray(mean, dtype=np.float64)) for mean in (evoked, spontaneous))
    largest = int(np.ptp(other, axis=1).argmax())
    x, y = one[largest] - one[largest].mean(), other[largest] - other[largest].mean()
    scale = float(np.sqrt(np.sum(x * x) * np.sum(y * y)))
    return float(np.sum(x * y)) / scale if scale > 0 else None
