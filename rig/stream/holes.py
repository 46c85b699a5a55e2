"""Which samples of a stream are here as a whole. A spike that was lost must not be read as silence."""

from __future__ import annotations

from collections import deque
from typing import Final

MOST: Final = 256
"""Holes that are remembered; the oldest lie far behind every window."""


class Holes:
    """Where a stream began, and where messages were lost.

    Parameters
    ----------
    back_samples
        Spikes may come this far behind the delivered samples, so a hole begins that much earlier.

    Examples
    --------
    >>> holes = Holes(back_samples=10)
    >>> holes.progress(1000); holes.progress(2000)
    >>> holes.lost(); holes.progress(3000); holes.progress(4000)
    >>> holes.why_not(500, 800), holes.why_not(1200, 1800), holes.why_not(1500, 2500)
    ('the stream does not reach back to the window', None, 'messages were lost in the window')
    """

    def __init__(self, back_samples: int) -> None:
        self._back = back_samples
        self._from: int | None = None
        self._next: int | None = None
        self._open: int | None = None
        self._holes: deque[tuple[int, int]] = deque(maxlen=MOST)

    def clear(self) -> None:
        """Forget all: the stream began anew."""
        self._from = self._next = self._open = None
        self._holes.clear()

    def progress(self, next_sample: int) -> None:
        """All samples below `next_sample` were delivered."""
        if self._from is None:
            self._from = next_sample  # where the first block began is not known
        if self._open is not None:
            self._holes.append((self._open, next_sample))
            self._open = None
        self._next = next_sample

    def lost(self) -> None:
        """Messages were lost just now."""
        if self._open is None and self._next is not None:
            self._open = self._next - self._back

    def forget_before(self, sample: int) -> None:
        """Spikes before `sample` are gone."""
        if self._from is not None:
            self._from = max(self._from, sample)

    def why_not(self, first: float, last: float) -> str | None:
        """Return why the samples from `first` to `last` are not whole, or None if they are."""
        if self._from is None or first < self._from:
            return "the stream does not reach back to the window"
        still_open = self._open is not None and last > self._open
        if still_open or any(low < last and first < high for low, high in self._holes):
            return "messages were lost in the window"
        return None
