"""A recorded photometry session, whatever file it came from: to analyse, or to play on an emulated board."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class PhotometryRecording(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Samples of all channels.

    Attributes
    ----------
    name
        Of the subject, or of the file.
    channels
        Names of the columns of `values`.
    values
        float64, shape (samples, channels), in volts; not a number where lost.
    digital
        uint8, shape (samples, lines): 0 or 1.
    events_s
        Times of events that the file holds, in seconds since the first sample, by name.
    about
        What else the file says of itself.
    """

    name: str
    rate_hz: float
    channels: tuple[str, ...]
    values: Floats
    digital: NDArray[np.uint8]
    events_s: dict[str, Floats] = {}
    about: dict[str, object] = {}

    def channel(self, name: str) -> Floats:
        """Return one channel's values, shape (samples,).

        Raises
        ------
        KeyError
            If there is none of that name (with those there are).
        """
        if name not in self.channels:
            raise KeyError(f"there is no channel '{name}'; there are {', '.join(self.channels)}")
        values: Floats = self.values[:, self.channels.index(name)]
        return values

    def rises(self, line: int) -> NDArray[np.int64]:
        """Return the samples that first saw digital line `line` high, shape (edges,)."""
        rises: NDArray[np.int64] = np.flatnonzero(np.diff(self.digital[:, line].astype(np.int8)) == 1) + 1
        return rises

    @property
    def lost(self) -> int:
        """Samples that are not known."""
        return int(np.isnan(self.values).any(axis=1).sum())

    def play(self, first: int, count: int) -> Floats:
        """Return samples for an emulated board, shape (count, channels).

        Past the end it begins anew; lost ones are 0.
        """
        at = (first + np.arange(count)) % len(self.values)
        played: Floats = np.nan_to_num(self.values[at], nan=0.0)
        return played
