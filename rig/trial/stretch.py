"""How much of a trial a raster shows: a stretch in milliseconds around the reward or the cue."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

from rig.trial.placed import Placed
from rig.trial.spec import TrialRecord
from rig.units import US_PER_MS

Stretch: TypeAlias = tuple[int, int]
"""Begin and end, relative to the event."""

BEFORE_CUE_MS: Final = 1000
BEFORE_REWARD_MS: Final = -2500
"""Around a reward it begins here at the latest, also where no cue came."""
MOST_AFTER_CUE_MS: Final = 6000
SPARE_MS: Final = 500
"""Around a cue it ends so long before the trial does: by then the streams have told it."""


def around_reward(record: TrialRecord, reward: Placed) -> Stretch:
    """From a second before the cue to the end of the response window."""
    start_ms = BEFORE_REWARD_MS
    if record.cue_us is not None:
        cue_ms = (record.start_us + record.cue_us - reward.event_us) / US_PER_MS
        start_ms = min(start_ms, math.floor(cue_ms) - BEFORE_CUE_MS)
    return start_ms, reward.window.stop_ms


def around_cue(record: TrialRecord, cue: Placed) -> Stretch:
    """From a second before the cue on past the outcome, whether there was a reward or not.

    It ends half a second before the trial does, to a tenth of a second, so that trials with and without a
    reward show the same; at most six seconds after the cue, and not before the cue's window does.
    """
    after_ms = (record.start_us + record.duration_us - cue.event_us) / US_PER_MS - SPARE_MS
    stop_ms = min(math.floor(after_ms / 100) * 100, MOST_AFTER_CUE_MS)
    return -BEFORE_CUE_MS, max(stop_ms, cue.window.stop_ms)
