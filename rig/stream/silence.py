"""Recorded units that never fired about a reward, or fell silent before the recording's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from rig.estimate.unit_loss import LossWatch
from rig.stream.published import AFTER_MS, BEFORE_MS, WINDOW_BINS, WINDOW_START_MS, rate_hz, unit_baseline
from rig.stream.recording import REWARD_DELAY_MS, RecordedUnit

BEFORE_S: Final = BEFORE_MS / 1000.0
AFTER_S: Final = WINDOW_BINS / 1000.0


def fires(unit: RecordedUnit) -> bool:
    """Whether a spike lies about any reward. If none does, its silence is no answer: nothing was recorded."""
    stamps = unit.stamps_ms[unit.rewarded]
    first = np.searchsorted(unit.spikes_ms, stamps - BEFORE_MS, side="right")
    return bool((np.searchsorted(unit.spikes_ms, stamps + AFTER_MS, side="left") > first).any())


def fallen_silent(units: Sequence[RecordedUnit]) -> npt.NDArray[np.bool_]:
    """Which units had fallen silent by the last of their rewards, or never fired, shape (units,).

    What is counted is what a live session counts: spikes in both windows of every reward.
    """
    counts = [_counts(unit)[unit.rewards_in_order] for unit in units]
    watch = LossWatch(len(units))
    for reward in range(max((own.size for own in counts), default=0)):
        watch.add([own[reward] if reward < own.size else np.nan for own in counts], BEFORE_S + AFTER_S)
    return watch.lost | ~np.array([fires(unit) for unit in units], dtype=np.bool_)


def _counts(unit: RecordedUnit) -> npt.NDArray[np.float64]:
    rewards = unit.stamps_ms + np.where(unit.signalled, REWARD_DELAY_MS, 0.0)
    after = rate_hz(unit.spikes_ms, rewards, WINDOW_START_MS, WINDOW_START_MS + WINDOW_BINS)
    counts: npt.NDArray[np.float64] = after * AFTER_S + unit_baseline(unit) * BEFORE_S
    return counts
