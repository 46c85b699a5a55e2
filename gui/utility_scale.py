"""The utility axis as an axis of a plot: places in Hz, ticks at the reward sizes. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Tick = tuple[float, str]


class UtilityScale:
    """Reward sizes where they stand on the utility axis: here a unit's two slopes are straight lines.

    Parameters
    ----------
    sizes_ul
        Reward sizes, ascending.
    axis_hz
        Their utilities in Hz, ascending.
    """

    def __init__(self, sizes_ul: Sequence[float], axis_hz: Sequence[float]) -> None:
        self.sizes_ul = tuple(sizes_ul)
        self.axis_hz = tuple(axis_hz)

    def ticks(
        self,
        pixels_per_hz: float,
        *,
        apart_px: float = 24.0,
        within: tuple[float, float] = (-np.inf, np.inf),
    ) -> list[list[Tick]]:
        """Ticks at the sizes: those with a label, and those whose label would run into another's.

        The largest and the smallest size have their label first, then each next one below that has room.

        Parameters
        ----------
        within
            The stretch of the axis that is in view: sizes beyond it need no room.
        """
        seen = [k for k, hz in enumerate(self.axis_hz) if within[0] <= hz <= within[1]]
        labelled: list[int] = []
        for k in dict.fromkeys((*seen[-1:], *seen[:1], *reversed(seen))):
            if all(abs(self.axis_hz[k] - self.axis_hz[j]) * pixels_per_hz >= apart_px for j in labelled):
                labelled.append(k)
        names = [(hz, f"{size:g}") for size, hz in zip(self.sizes_ul, self.axis_hz, strict=True)]
        bare = [(hz, "") for k, (hz, _) in enumerate(names) if k not in labelled]
        return [[names[k] for k in sorted(labelled)], bare]

    def hz_ticks(self) -> list[list[Tick]]:
        """Ticks at whole Hz, as many as are easily read."""
        low, high = self.axis_hz[0], self.axis_hz[-1]
        step = next((s for s in (0.5, 1.0, 2.0, 5.0, 10.0) if (high - low) / s <= 8), 20.0)
        first = np.ceil(low / step) * step
        return [[(float(hz), f"{hz:g}") for hz in np.arange(first, high + 1e-9, step)], []]
