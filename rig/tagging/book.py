"""All units and light: what each pulse showed, what is suggested, and what a person has confirmed.

The book suggests. Only `confirm` makes a tag, with the name of who did it and what was known then.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy.typing as npt

from rig.tagging.pulses import Eligibility
from rig.tagging.report import TagCriteria
from rig.tagging.salt import SaltSettings
from rig.tagging.told import Confirmation, UnitTag
from rig.tagging.tracker import TagTracker
from rig.tagging.trains import Train
from rig.units import US_PER_MS


class TagBook:
    """Trackers of all units, and the confirmations.

    Parameters
    ----------
    settings, criteria
        How latencies are sorted; when a unit looks tagged.

    Attributes
    ----------
    confirmations
        By unit, the newest.
    """

    def __init__(self, settings: SaltSettings | None = None, criteria: TagCriteria | None = None) -> None:
        self.settings = settings or SaltSettings()
        self.criteria = criteria or TagCriteria()
        self.confirmations: dict[str, Confirmation] = {}
        self._trackers: dict[str, TagTracker] = {}
        self._judge = Eligibility(self.settings)
        self._views: dict[str, UnitTag] = {}

    @property
    def units(self) -> tuple[str, ...]:
        """Units that were listened to, in order of appearance."""
        return tuple(self._trackers)

    def tracker(self, unit: str) -> TagTracker:
        """Return a unit's tracker; a new unit gets one."""
        if unit not in self._trackers:
            self._trackers[unit] = TagTracker(unit, self.settings)
        return self._trackers[unit]

    def reach_us(self) -> tuple[int, int]:
        """From where to where around a pulse spikes are wanted, in board microseconds."""
        return round(-self.settings.reach_ms * US_PER_MS), round(self.settings.window_ms * US_PER_MS)

    def add_pulse(self, t_us: int, train: Train, spikes_ms: Mapping[str, npt.ArrayLike]) -> None:
        """Take one pulse (or sham pulse) of a train.

        Parameters
        ----------
        t_us
            Its onset, board time.
        spikes_ms
            By unit, its spikes around the pulse in ms after the onset, from `reach_us` at least. A unit that
            fired none belongs in it with an empty row: silence counts. One that could not be listened to
            (lost messages) does not.
        """
        clean = self._judge.take(t_us / US_PER_MS)
        for unit, relative_ms in spikes_ms.items():
            self.tracker(unit).add(relative_ms, eligible=clean, rate_hz=train.rate_hz, sham=train.sham)
            self._views.pop(unit, None)

    def view(self) -> tuple[UnitTag, ...]:
        """Tell of all units; only those that have seen a pulse since are worked out anew."""
        self.refresh(len(self._trackers))
        return tuple(self._views[unit] for unit in self._trackers)

    def refresh(self, most: int) -> bool:
        """Work out up to `most` units that have seen a pulse since; return whether none is left.

        A unit costs about a third of a millisecond, so a caller that must not pause takes a few at a time.
        """
        stale = [unit for unit in self._trackers if unit not in self._views]
        for unit in stale[:most]:
            self._views[unit] = self._trackers[unit].view(self.criteria)
        return len(stale) <= most

    def tag(self, unit: str) -> UnitTag | None:
        """Tell of one unit; None if it was never listened to."""
        tracker = self._trackers.get(unit)
        return tracker.view(self.criteria) if tracker is not None else None

    def confirm(self, unit: str, *, tagged: bool, by: str, board_us: int, note: str = "") -> Confirmation:
        """Write down a person's word on a unit, with what is known of it now."""
        evidence = self.tag(unit)
        word = Confirmation(unit=unit, tagged=tagged, by=by, board_us=board_us, note=note, evidence=evidence)
        return self.restore(word)

    def restore(self, word: Confirmation) -> Confirmation:
        """Take a confirmation that was stored before (of this unit, in an earlier session file)."""
        self.confirmations[word.unit] = word
        return word

    @property
    def tagged(self) -> frozenset[str]:
        """Units that a person has confirmed: the ones that population statistics count."""
        return frozenset(unit for unit, word in self.confirmations.items() if word.tagged)
