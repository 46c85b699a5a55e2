"""Licks of the whole session on one time line, looked at around each trial's event. Knows no Qt.

A trial's last licks often fall into the wait of the next trial, so licks are cut out of the session, not
out of the trial. What nobody recorded (the pause between two trials, what is still to come) is not
counted as a time without licks.
"""

from __future__ import annotations

import array
import math
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from rig.trial.spec import TrialRecord
from rig.units import US_PER_S

Alignment = Literal["first event", "reward"]
ALIGNMENTS: Final[tuple[Alignment, ...]] = ("first event", "reward")
MOST_WINDOW_S: Final = 15.0
SEEN: Final = 0.5
"""A bin counts for a trial if at least this part of it was recorded."""

Floats = npt.NDArray[np.float64]


class LickBook:
    """Licks and events of all finished trials, in seconds of rig time.

    Attributes
    ----------
    records
        The trials, oldest first.
    longest_s
        Longest time from a first event to its reward so far.
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.records: list[TrialRecord] = []
        self.longest_s = 0.0
        self._licks = array.array("d")
        self._edges = array.array("d")
        self._seen = array.array("d")
        self._events: dict[Alignment, array.array[float]] = {name: array.array("d") for name in ALIGNMENTS}
        self._frozen: tuple[Floats, Floats, Floats] | None = None

    def take(self, records: Sequence[TrialRecord]) -> int:
        """Take the trials that are new; return the number of the first one that may look different now."""
        known = len(self.records)
        if len(records) < known or (known and records[known - 1] is not self.records[-1]):
            self._clear()
            known = 0
        for record in records[known:]:
            self._add(record)
        return self._first_open(known)

    def events_s(self, alignment: Alignment) -> Floats:
        """Rig time of each trial's event; NaN for a trial that has none."""
        return np.array(self._events[alignment], dtype=np.float64)

    def licks_s(self) -> Floats:
        """Rig time of every lick, ascending."""
        return self._arrays()[0]

    def window_s(self, alignment: Alignment) -> tuple[float, float]:
        """What to look at around the event: from the first event to well after the reward."""
        longest = min(self.longest_s, MOST_WINDOW_S)
        if alignment == "reward":
            return -float(np.ceil(longest + 0.5)), 3.0
        return -1.0, float(np.ceil(longest + 2.5))

    def rates_hz(self, events_s: Floats, edges_s: Floats) -> Floats:
        """Lick rate around each event.

        Parameters
        ----------
        events_s
            Shape (trials,).
        edges_s
            Edges of the bins relative to the event, shape (bins + 1,).

        Returns
        -------
        ndarray
            Shape (trials, bins), in Hz; NaN where less than half a bin was recorded.
        """
        licks, edges, seen = self._arrays()
        at = events_s[:, None] + edges_s[None, :]
        counts = np.diff(np.searchsorted(licks, at), axis=1)
        lasted = np.diff(np.interp(at, edges, seen), axis=1) if edges.size else np.zeros(counts.shape)
        known = lasted >= SEEN * np.diff(edges_s)[None, :]
        rates = np.full(counts.shape, np.nan)
        np.divide(counts, lasted, out=rates, where=known & np.isfinite(events_s)[:, None])
        return rates

    # --- how --------------------------------------------------------------------------------------

    def _add(self, record: TrialRecord) -> None:
        start = record.start_us / US_PER_S
        end = (record.start_us + record.duration_us) / US_PER_S
        seen = self._seen[-1] if self._seen else 0.0
        self._edges.extend((start, end))
        self._seen.extend((seen, seen + end - start))
        onsets = [change.at_us for change in record.inputs if change.on and is_lick(change.name)]
        self._licks.extend(start + at_us / US_PER_S for at_us in sorted(onsets))
        self._events["first event"].append(_at_s(start, record.stimulus_us))
        self._events["reward"].append(_at_s(start, record.reward_us))
        if record.reward_us is not None and record.stimulus_us is not None:
            self.longest_s = max(self.longest_s, (record.reward_us - record.stimulus_us) / US_PER_S)
        self.records.append(record)
        self._frozen = None

    def _arrays(self) -> tuple[Floats, Floats, Floats]:
        if self._frozen is None:
            self._frozen = (
                np.array(self._licks, dtype=np.float64),
                np.array(self._edges, dtype=np.float64),
                np.array(self._seen, dtype=np.float64),
            )
        return self._frozen

    def _first_open(self, known: int) -> int:
        """Number of the oldest trial whose surroundings were not all recorded when `known` trials were."""
        if not known:
            return 0
        until = self._edges[2 * known - 1] - MOST_WINDOW_S - 3.0
        while known and self._edges[2 * known - 1] > until:
            known -= 1
        return known


def _at_s(start_s: float, at_us: int | None) -> float:
    return math.nan if at_us is None else start_s + at_us / US_PER_S


def is_lick(name: str) -> bool:
    """Whether an input is a lick detector, by its name in the rig file."""
    return "lick" in name.lower()
