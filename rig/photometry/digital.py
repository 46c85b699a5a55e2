"""Digital lines that come with samples: from levels to edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rig.events import Ttl


class DigitalLines:
    """Remembers the levels, tells the changes.

    Examples
    --------
    >>> lines = DigitalLines()
    >>> lines.take(0, np.array([[1, 0], [1, 1]], dtype=np.uint8))
    [Ttl(line=1, rising=True, sample=1, after_gap=False)]
    """

    def __init__(self) -> None:
        self._levels: NDArray[np.uint8] | None = None

    def clear(self) -> None:
        """Forget the levels: the next ones are a beginning, not a change."""
        self._levels = None

    def take(self, first: int, levels: NDArray[np.uint8], *, after_gap: bool = False) -> list[Ttl]:
        """Take the levels of consecutive samples.

        Parameters
        ----------
        levels
            Shape (samples, lines), 0 or 1; at least one sample.
        after_gap
            Whether samples before the first were lost.
        """
        before = levels[0] if self._levels is None else self._levels
        self._levels = levels[-1]
        changed = np.diff(levels, axis=0, prepend=before[None]) != 0
        if not changed.any():
            return []
        return [
            Ttl(
                line=line,
                rising=bool(levels[row, line]),
                sample=first + row,
                after_gap=after_gap and row == 0,
            )
            for row, line in np.argwhere(changed).tolist()
        ]
