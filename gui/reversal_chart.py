"""The rows of the reversal panel: estimates and intervals against the size axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gui.plot import SizeScale
from gui.row_chart import RowChart
from gui.theme import Theme
from rig.estimate.telling import NOT_SETTLED

BEYOND: Final = 0.17
"""How far outside the axis the arrow of an estimate at its edge stands."""
MARGIN: Final = 0.3


class ReversalChart(RowChart):
    """One row a unit, on an axis with a tick at each delivered size.

    Attributes
    ----------
    scale
        Where the sizes stand.
    """

    def __init__(self, theme: Theme) -> None:
        self.scale = SizeScale(())
        super().__init__(
            theme, "reversal point, uL  (dot: posterior mean, bar: 95 % interval)", words=[NOT_SETTLED]
        )

    def set_sizes(self, sizes_ul: Sequence[float], mean_place: float | None) -> None:
        """Put the delivered sizes on the axis, and mark the mean utility there."""
        self.scale = SizeScale(sizes_ul)
        self.scale.dress(self.plot.getPlotItem().getAxis("bottom"))
        last = max(len(sizes_ul) - 1, 1)
        self.set_axis(
            span=(-MARGIN, last + MARGIN),
            ends=(-BEYOND, len(sizes_ul) - 1 + BEYOND),
            grid=range(len(sizes_ul)),
            mark=None if mean_place is None else (mean_place, "mean utility"),
        )
