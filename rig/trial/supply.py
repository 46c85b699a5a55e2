"""How long the recorded trials of a played-back unit last.

An emulated rig can play recorded units. The n-th delivery of a size and condition plays a unit's n-th
recorded trial of that type; past its last one the unit has nothing to say, and silence would be read as
a strong inhibition. The emulator writes into the rig file what there is; here it is counted down.
"""

from __future__ import annotations

from collections import Counter

from rig.description import Emulation, RigDescription
from rig.estimate.utility import PUBLISHED_SIZES_UL
from rig.trial.spec import TrialRecord

EXHAUSTED = "recording exhausted"


class RecordedSupply:
    """Counts deliveries against what a unit's recording holds; without a recording it says nothing."""

    def __init__(self, rig: RigDescription) -> None:
        self._trials = (rig.emulation or Emulation()).recorded_trials
        self._given: Counter[int] = Counter()
        self._numbers: dict[int, int] = {}

    def delivered(self, record: TrialRecord) -> None:
        """Count a reward that was really given; each trial once, in order."""
        kind = _type(record)
        if kind is not None and record.number not in self._numbers:
            self._numbers[record.number] = self._given[kind]
            self._given[kind] += 1

    def why_missing(self, unit: str, record: TrialRecord) -> str | None:
        """Return why `unit` has no response in this trial, or None if it has."""
        held = self._trials.get(unit)
        kind = _type(record)
        if held is None or kind is None:
            return None
        number = self._numbers.get(record.number, 0)
        return None if kind <= len(held) and number < held[kind - 1] else EXHAUSTED


def _type(record: TrialRecord) -> int | None:
    """Trial type as in the published files: 1-7 unsignalled by size, 8-14 signalled by size."""
    sizes = PUBLISHED_SIZES_UL
    if record.spec.reward_ul not in sizes:
        return None
    return sizes.index(record.spec.reward_ul) + 1 + len(sizes) * record.spec.signalled
