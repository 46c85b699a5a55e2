"""Counters that wrap: a device's 16 or 32 bits as a plain growing number."""

from __future__ import annotations


class Unwrapper:
    """Unwraps one counter, by the reading nearest to the last one.

    Parameters
    ----------
    bits
        Width of the counter. A 32-bit sample counter wraps after 39.8 h at 30 kHz, a 32-bit microsecond
        counter after 71.6 min, a 16-bit one at 130 Hz after 8.4 min.

    Notes
    -----
    Readings may come out of order by less than half a turn. A device that begins again at 0 looks as if it
    had wrapped, or gone back: whoever knows that it began again must say so with `reset`.

    Examples
    --------
    >>> counter = Unwrapper(bits=32)
    >>> [counter.take(raw) for raw in (2**32 - 2, 1, 0, 2**31 - 5)]
    [4294967294, 4294967297, 4294967296, 6442450939]
    """

    def __init__(self, bits: int = 32) -> None:
        self._turn = 1 << bits
        self._newest: int | None = None

    def take(self, raw: int) -> int:
        """Return the unwrapped value of a reading; the first one counts as it stands."""
        if self._newest is None:
            self._newest = raw
            return raw
        half = self._turn // 2
        value = self._newest + (raw - self._newest + half) % self._turn - half
        self._newest = max(self._newest, value)
        return value

    def reset(self) -> None:
        """Begin anew with the next reading."""
        self._newest = None
