"""A response window, laid into one trial that took place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from rig.trial.spec import ResponseWindow, TrialRecord
from rig.units import US_PER_MS


@dataclass(frozen=True, slots=True)
class Placed:
    """Where spikes are counted in one trial; board times in microseconds.

    Attributes
    ----------
    event_us
        What the response follows: the reward's or the cue's onset.
    stimulus_us
        What the baseline lies before.
    """

    window: ResponseWindow
    event_us: int
    stimulus_us: int

    @classmethod
    def after_reward(cls, record: TrialRecord, window: ResponseWindow) -> Self | None:
        """Lay a window after the reward, its baseline before the first stimulus; None without a reward."""
        if record.reward_us is None or record.stimulus_us is None:
            return None
        return cls(window, record.start_us + record.reward_us, record.start_us + record.stimulus_us)

    @classmethod
    def after_cue(cls, record: TrialRecord, window: ResponseWindow) -> Self | None:
        """Lay a window after the cue, its baseline before the cue; None if no cue came."""
        if record.cue_us is None:
            return None
        cue_us = record.start_us + record.cue_us
        return cls(window, cue_us, cue_us)

    @property
    def response_us(self) -> tuple[int, int]:
        """Begin and end of the response window."""
        window = self.window
        return self.event_us + window.start_ms * US_PER_MS, self.event_us + window.stop_ms * US_PER_MS

    @property
    def baseline_us(self) -> tuple[int, int]:
        """Begin and end of the baseline window."""
        window, zero = self.window, self.stimulus_us
        return zero + window.baseline_start_ms * US_PER_MS, zero + window.baseline_stop_ms * US_PER_MS

    @property
    def end_us(self) -> int:
        """When everything that is counted has happened."""
        return max(self.response_us[1], self.baseline_us[1])
