"""Licks of the whole session on one time line, looked at around events.

A trial's last licks often fall into the wait of the next trial, so licks are cut out of the session. What
nobody recorded (the pause between two trials) is not counted as a time without licks.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Final

import numpy as np

from rig.report.facts import Floats
from rig.trial.spec import TrialRecord
from rig.units import US_PER_S

SEEN: Final = 0.5
"""A bin counts for a trial if at least this part of it was recorded."""


def is_lick(name: str) -> bool:
    """Whether an input is a lick detector, by its name in the rig file."""
    return "lick" in name.lower()


class Licks:
    """Every lick of a session, and what stretches of it were recorded.

    Attributes
    ----------
    at_s
        Rig time of every lick, ascending.
    """

    def __init__(self, records: Sequence[TrialRecord]) -> None:
        at: list[float] = []
        edges: list[float] = []
        seen: list[float] = [0.0]
        for record in records:
            start = record.start_us / US_PER_S
            lasted = record.duration_us / US_PER_S
            edges += [start, start + lasted]
            seen += [seen[-1] + lasted, seen[-1] + lasted]
            at += [start + c.at_us / US_PER_S for c in record.inputs if c.on and is_lick(c.name)]
        self.at_s: Floats = np.sort(np.array(at, dtype=np.float64))
        self._edges: Floats = np.array(edges, dtype=np.float64)
        self._seen: Floats = np.array(seen[:-1], dtype=np.float64)

    def rates_hz(self, events_s: Floats, edges_s: Floats) -> Floats:
        """Lick rate around each event, shape (events, bins), in Hz; NaN where too little was recorded."""
        at = events_s[:, None] + edges_s[None, :]
        return self.between_hz(at[:, :-1], at[:, 1:])

    def between_hz(self, start_s: Floats, stop_s: Floats) -> Floats:
        """Lick rate from each start to its stop (same shape), in Hz; NaN where too little was recorded."""
        counts = np.searchsorted(self.at_s, stop_s) - np.searchsorted(self.at_s, start_s)
        if not self._edges.size:
            return np.full(np.shape(start_s), np.nan)
        lasted = np.interp(stop_s, self._edges, self._seen) - np.interp(start_s, self._edges, self._seen)
        rates = np.full(np.shape(start_s), np.nan)
        np.divide(counts, lasted, out=rates, where=(lasted > 0) & (lasted >= SEEN * (stop_s - start_s)))
        return rates

    def around(self, event_s: float, window_s: tuple[float, float]) -> Floats:
        """Licks in a window around one event, relative to it."""
        low, high = np.searchsorted(self.at_s, (event_s + window_s[0], event_s + window_s[1]))
        return np.asarray(self.at_s[low:high] - event_s, dtype=np.float64)


def stimulus_s(record: TrialRecord) -> float | None:
    """Rig time of a trial's first event: its cue, else its reward."""
    return None if record.stimulus_us is None else (record.start_us + record.stimulus_us) / US_PER_S


SHORTEST_WAIT_S: Final = 0.3
"""A reward sooner after its cue leaves no time to lick beforehand."""


def anticipation_s(records: Sequence[TrialRecord]) -> dict[str, float]:
    """Time from cue to outcome of each condition with cues that leaves time to lick, in seconds.

    It is the median of the condition's own rewards; that of all cued rewards if it has none.
    """
    cued: dict[str, list[TrialRecord]] = {}
    for record in records:
        if record.cue_us is not None:
            cued.setdefault(record.spec.condition, []).append(record)
    of_all = _wait_s(records)
    told = {condition: _wait_s(own) or of_all for condition, own in cued.items()}
    return {condition: wait for condition, wait in told.items() if wait and wait >= SHORTEST_WAIT_S}


def _wait_s(records: Sequence[TrialRecord]) -> float | None:
    waits = [
        (record.reward_us - record.cue_us) / US_PER_S
        for record in records
        if record.reward_us is not None and record.cue_us is not None
    ]
    return median(waits) if waits else None
