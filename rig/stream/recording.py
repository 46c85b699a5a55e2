"""Recorded units of the variable-magnitude task: spikes, trial stamps, trial types.

The format follows the released recordings of Dabney et al. 2020 (Nature 577:671). Times are in ms on the
recording's own clock. A trial's stamp is the odour onset, or the reward itself where no odour came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from rig.estimate.utility import PUBLISHED_SIZES_UL

Key = TypeVar("Key", bound=Hashable)
Given = TypeVar("Given")

SIZES_UL: Final = PUBLISHED_SIZES_UL
"""Trial type 1-7 is an unsignalled reward of these sizes, 8-14 a signalled one."""
UNCLASSIFIED: Final = 0
ODOUR_B: Final = 15
REWARD_DELAY_MS: Final = 1500.0
"""Odour onset to reward in signalled trials."""
DOUBLE_TOLERANCE_MS: Final = 20.0
"""Stamps of the same event in the released files differ by up to 6 ms."""


@dataclass(frozen=True, slots=True)
class RecordedUnit:
    """One unit's recording.

    Attributes
    ----------
    spikes_ms
        float64, shape (spikes,), ascending.
    stamps_ms
        float64, shape (trials,).
    trial_type
        int64, shape (trials,): 0 unclassified, 1-7 unsignalled, 8-14 signalled, 15 odour B and nothing.
    """

    name: str
    spikes_ms: npt.NDArray[np.float64]
    stamps_ms: npt.NDArray[np.float64]
    trial_type: npt.NDArray[np.int64]

    @property
    def rewarded(self) -> npt.NDArray[np.bool_]:
        """Which trials gave a reward, shape (trials,)."""
        return (self.trial_type > UNCLASSIFIED) & (self.trial_type < ODOUR_B)

    @property
    def rewards_in_order(self) -> npt.NDArray[np.int64]:
        """Places of the trials that gave a reward, in the order of their stamps, shape (rewards,)."""
        trials = np.flatnonzero(self.rewarded)
        return trials[np.argsort(self.stamps_ms[trials], kind="stable")]

    @property
    def signalled(self) -> npt.NDArray[np.bool_]:
        """Which trials were signalled rewards, shape (trials,)."""
        return self.rewarded & (self.trial_type > len(SIZES_UL))

    @property
    def size_index(self) -> npt.NDArray[np.int64]:
        """Number of the reward size, shape (trials,); meaningless where no reward was given."""
        return (self.trial_type - 1) % len(SIZES_UL)

    @property
    def doubled(self) -> npt.NDArray[np.bool_]:
        """Which trials are spurious copies, shape (trials,).

        A known defect of the released files: some signalled rewards of 0.1, 0.3 or 1.2 uL are entered again
        at their own reward time, 1.50 s later, as an unsignalled reward of some other size. The spikes
        follow the first entry.
        """
        unsignalled = self.rewarded & ~self.signalled
        small = np.sort(self.stamps_ms[self.signalled & (self.size_index < 3)]) + REWARD_DELAY_MS
        rewards = np.concatenate([[-np.inf], small, [np.inf]])
        after = np.searchsorted(rewards, self.stamps_ms)
        distance = np.minimum(rewards[after] - self.stamps_ms, self.stamps_ms - rewards[after - 1])
        doubled: npt.NDArray[np.bool_] = unsignalled & (distance <= DOUBLE_TOLERANCE_MS)
        return doubled

    def keep(self, trials: npt.NDArray[np.bool_]) -> RecordedUnit:
        """Return the recording with some of its trials only."""
        return RecordedUnit(self.name, self.spikes_ms, self.stamps_ms[trials], self.trial_type[trials])


def sessions(units: Iterable[Mapping[Key, Given]]) -> list[dict[Key, Given]]:
    """Put units that were recorded together into one session, to count each trial once.

    Parameters
    ----------
    units
        For each unit its trials: the trial's number or stamp -> what was given. Two units share a session if
        most of the shorter one's trials are in the other and none of the shared ones contradict.

    Returns
    -------
    The trials of each session.

    Examples
    --------
    >>> [len(trials) for trials in sessions([{1: "a", 2: "b"}, {1: "a", 2: "b", 3: "a"}, {1: "b", 2: "b"}])]
    [3, 2]
    """
    found: list[dict[Key, Given]] = []
    holders: dict[Key, list[int]] = {}  # trial -> the sessions that have it
    for unit in sorted(units, key=len, reverse=True):
        shared = Counter(place for key in unit for place in holders.get(key, ()))
        for place in sorted(shared):
            session = found[place]
            agree = all(given == session.get(key, given) for key, given in unit.items())
            if 2 * shared[place] > len(unit) and agree:
                break
        else:
            place = len(found)
            found.append({})
        for key in unit.keys() - found[place].keys():
            holders.setdefault(key, []).append(place)
        found[place].update(unit)
    return found
