"""Pacing by behaviour: when the animal licks too much, or too little, wait longer before the next trial.

Licking is the animal's, and a wait changes neither the sizes nor their order, so this is sound. The firing
of the recorded units is not looked at: a baseline that was high by chance is lower the next time by
itself, and waiting for that would bend the responses, which are taken from the baseline.

::

    pacing = Pacing(span="baseline", above_hz=2.0, over=5, pause_s=20.0)
    pause = pacing.pause_s_after(history.records)          # 0.0 or 20.0
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import Final, Literal, TypeAlias

from rig.errors import ConfigError
from rig.trial.spec import TrialRecord
from rig.units import US_PER_S

SPOUT: Final = "lick"

Span: TypeAlias = Literal["baseline", "anticipation"]
"""From the trial's start to its first stimulus; from the cue to the reward (or to the trial's end)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pacing:
    """A preset bound on licking, and the pause that is made beyond it.

    Parameters
    ----------
    span
        Which licks count.
    above_hz, below_hz
        A pause is made when the rate over the last trials is above, or below; None: no such bound.
    over
        How many trials of the last ones that have such a span; none is made before there are so many.
    pause_s
        How long to wait on top, in seconds.
    line
        The input of the lick spout.

    Raises
    ------
    ConfigError
        If it could never, or would always, make a pause.
    """

    span: Span = "baseline"
    above_hz: float | None = None
    below_hz: float | None = None
    over: int = 5
    pause_s: float = 20.0
    line: str = SPOUT

    def __post_init__(self) -> None:
        """Refuse bounds that contradict each other."""
        above, below = self.above_hz, self.below_hz
        if above is None and below is None:
            raise ConfigError("Pacing(...) needs a bound: above_hz=... or below_hz=...")
        if above is not None and below is not None and above <= below:
            raise ConfigError("Pacing(...) would always pause: 'above_hz' must be more than 'below_hz'")
        if self.over < 1 or self.pause_s < 0:
            raise ConfigError("Pacing(...): 'over' must be 1 or more, and 'pause_s' 0 or more")

    def pause_s_after(self, records: Sequence[TrialRecord]) -> float:
        """Return the pause to make before the next trial, in seconds; 0 for none.

        Parameters
        ----------
        records
            The trials so far, oldest first (`History.records`).
        """
        rates = list(itertools.islice(_rates(records, self.span, self.line), self.over))
        if len(rates) < self.over:
            return 0.0
        rate = sum(rates) / len(rates)
        beyond = (self.above_hz is not None and rate > self.above_hz) or (
            self.below_hz is not None and rate < self.below_hz
        )
        return self.pause_s if beyond else 0.0


def lick_rate_hz(record: TrialRecord, span: Span, line: str = SPOUT) -> float | None:
    """Return how fast the animal licked in a part of a trial, in licks a second; None if it had no such part.

    A trial that is not complete has none.
    """
    start_us, stop_us = _span_us(record, span)
    if record.outcome != "complete" or stop_us <= start_us:
        return None
    return len(licks_us(record, start_us, stop_us, line)) * US_PER_S / (stop_us - start_us)


def licks_us(record: TrialRecord, start_us: int, stop_us: int, line: str = SPOUT) -> list[int]:
    """Return the times of the licks in a stretch of a trial, in microseconds after its start."""
    return [c.at_us for c in record.inputs if c.name == line and c.on and start_us <= c.at_us < stop_us]


def anticipated(record: TrialRecord, line: str = SPOUT) -> bool | None:
    """Whether the animal licked between a cue and its reward; None for a trial that did not have both."""
    if record.outcome != "complete" or record.cue_us is None or record.reward_us is None:
        return None
    return bool(licks_us(record, record.cue_us, record.reward_us, line))


def _span_us(record: TrialRecord, span: Span) -> tuple[int, int]:
    if span == "baseline":
        return 0, record.stimulus_us or 0
    end_us = record.reward_us if record.reward_us is not None else record.duration_us
    return (record.cue_us, end_us) if record.cue_us is not None else (0, 0)


def _rates(records: Sequence[TrialRecord], span: Span, line: str) -> Iterator[float]:
    """Yield the rates, newest first."""
    for record in reversed(records):
        rate = lick_rate_hz(record, span, line)
        if rate is not None:
            yield rate
