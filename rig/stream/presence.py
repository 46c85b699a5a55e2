"""Which units are there: a unit appears with its first spike, and vanishes when it falls silent for too long.

Sorters make units up as they go, and lose them when the electrode moves. Nothing on the wire says so. A unit
has vanished when it has not fired for twenty of its mean intervals, and for half a minute at least: chance
does that to a Poisson unit once in half a billion intervals. (`rig.estimate.unit_loss` judges the rate in
trials; this goes by the stream alone, so it holds between trials and without a protocol too.)
"""

from __future__ import annotations

from typing import Final

from rig.events import UnitAppeared, UnitVanished

INTERVALS: Final = 20.0
LEAST_S: Final = 30.0
LEAST_SPIKES: Final = 20
LOOK_EVERY_S: Final = 1.0


class _Unit:
    """First and last spike of one unit, and how many."""

    __slots__ = ("first", "last", "spikes", "there")

    def __init__(self, sample: int) -> None:
        self.first = self.last = sample
        self.spikes = 1
        self.there = True


class Presence:
    """Watches the units of one stream.

    Parameters
    ----------
    known
        Units that are expected (the roster): their first spike is no news.

    Examples
    --------
    >>> presence = Presence()
    >>> presence.spike("Tetrode 1:1", 600)
    UnitAppeared(unit='Tetrode 1:1', sample=600, again=False)
    >>> presence.spike("Tetrode 1:1", 900) is None
    True
    """

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        self._known = frozenset(known)
        self._units: dict[str, _Unit] = {}
        self._looked: int | None = None

    @property
    def there(self) -> tuple[str, ...]:
        """Units that have fired and not vanished."""
        return tuple(name for name, unit in self._units.items() if unit.there)

    def clear(self) -> None:
        """Begin anew: the stream's samples did. Units that fire again are no news."""
        self._known |= frozenset(self._units)
        self._units.clear()
        self._looked = None

    def spike(self, unit: str, sample: int) -> UnitAppeared | None:
        """Take a spike; say so if the unit is new or back."""
        known = self._units.get(unit)
        if known is None:
            self._units[unit] = _Unit(sample)
            return None if unit in self._known else UnitAppeared(unit=unit, sample=sample)
        known.spikes += 1
        known.last = max(known.last, sample)
        if known.there:
            return None
        known.there = True
        known.first, known.spikes = sample, 1  # its rate is judged anew
        return UnitAppeared(unit=unit, sample=sample, again=True)

    def progress(self, next_sample: int, rate_hz: float) -> list[UnitVanished]:
        """Take how far the stream has come; return the units that have vanished meanwhile."""
        if self._looked is not None and next_sample - self._looked < LOOK_EVERY_S * rate_hz:
            return []
        self._looked = next_sample
        gone = []
        for name, unit in self._units.items():
            if not unit.there or unit.spikes < LEAST_SPIKES:
                continue
            mean_s = (unit.last - unit.first) / (unit.spikes - 1) / rate_hz
            silent_s = (next_sample - unit.last) / rate_hz
            if silent_s > max(LEAST_S, INTERVALS * mean_s):
                unit.there = False
                gone.append(UnitVanished(unit=name, sample=unit.last, silent_s=silent_s))
        return gone
