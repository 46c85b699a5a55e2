"""Alarms of a running session: units whose answers change, all of them together, and units that fall silent.

The reversal point of a unit is estimated as if nothing moved. What moves is told once, when it begins, in a
notice for the people in the room; no decision hears of it. Every alarm must be far out of what chance does,
since a session is looked at after every trial (docs/explanation/alarms.md has the rates of false ones):

- a unit: its recent answers lie five standard errors off all of its answers to the same sizes; or four, and
  the posterior of its recent answers has parted from that of all (`rig.estimate.drift`)
- all units: the mean over units is four off, as a normal score, and at least 0.15 Hz. Values are learned
  from each reward by all units alike, so a smaller common change is what learning does.
- a silent unit: see `rig.estimate.unit_loss`; not if its stream has told that it has vanished

An alarm is over, and may be told again, when it has gone back by half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final, TypeAlias

import numpy as np

from rig.documents import Notice
from rig.estimate.counts import BoolArray, FloatArray
from rig.estimate.drift import DriftWatch
from rig.estimate.unit_loss import LossWatch
from rig.trial.spec import ResponseWindow, TrialResponse
from rig.units import US_PER_MS, US_PER_S

UNIT_SDS: Final = 5.0
PARTED_SDS: Final = 4.0
COMMON_SCORE: Final = 4.0
COMMON_HZ: Final = 0.15
BACK: Final = 0.5
"""An alarm is over below this part of what set it off; a lost unit is back above this part of its rate."""
ONE_BY_ONE: Final = 3
"""More units than this at once are told in one notice."""
NAMED: Final = 8
SUSPECTS: Final = 64
"""So many units' posteriors are worked out in a trial at most."""
ALL: Final = "population"

Told: TypeAlias = tuple[str, str]
"""Who it is about, and what is said."""


class Alarms:
    """Follows what the estimator follows, and says what changes.

    Parameters
    ----------
    window
        Where responses to rewards are counted; None: nothing is followed.
    """

    def __init__(self, window: ResponseWindow | None) -> None:
        self._seconds = 0.0
        if window is not None:
            length_ms = window.stop_ms - window.start_ms
            before_ms = window.baseline_stop_ms - window.baseline_start_ms
            self._seconds = (length_ms + before_ms) * US_PER_MS / US_PER_S
        self._index: dict[str, int] = {}
        self._loss = LossWatch()
        self._lost: BoolArray = np.zeros(0, dtype=np.bool_)
        self._told_lost: set[str] = set()
        self._drift: DriftWatch | None = None
        self._moved: BoolArray = np.zeros(0, dtype=np.bool_)
        self._together = False

    def begin_epoch(self, utility_hz: Sequence[float]) -> None:
        """Watch for change from nothing: another distribution of rewards is no drift. Silence is followed on.

        Parameters
        ----------
        utility_hz
            The epoch's sizes on the utility axis; with fewer than two there is no reversal point to watch.
        """
        self._drift = DriftWatch(utility_hz, len(self._index)) if len(utility_hz) > 1 else None
        self._moved = np.zeros(len(self._index), dtype=np.bool_)
        self._together = False

    def hear(self, response: TrialResponse, fresh: Set[str]) -> None:
        """Take what was counted in a trial, whether it is estimated from or not; of the `fresh` units."""
        self._ensure(response.units)
        spikes = {
            unit: float(sum(pair))
            for unit, pair in zip(response.units, response.counts, strict=True)
            if pair is not None and unit in fresh
        }
        if spikes:
            self._loss.add(self._row(spikes), self._seconds)

    def count(self, size_index: int, response_hz: Mapping[str, float]) -> None:
        """Take what the estimator took."""
        self._ensure(response_hz)
        if self._drift is not None:
            self._drift.add(size_index, self._row(response_hz))

    def check(self, board_us: int, vanished: Set[str] = frozenset()) -> list[Notice]:
        """Return what has begun or is over; call it once a trial.

        Parameters
        ----------
        vanished
            Units that their stream has told of: it goes on to do so.
        """
        told = [*self._silent(vanished), *(self._changed(self._drift) if self._drift is not None else ())]
        return [Notice(level="warning", source=source, text=text, board_us=board_us) for source, text in told]

    # --- units ------------------------------------------------------------------------------------

    def _ensure(self, units: Sequence[str] | Mapping[str, float]) -> None:
        new = [unit for unit in units if unit not in self._index]
        if not new:
            return
        for unit in new:
            self._index[unit] = len(self._index)
        self._loss.add_units(len(new))
        if self._drift is not None:
            self._drift.add_units(len(new))
        quiet = np.zeros(len(new), dtype=np.bool_)
        self._lost, self._moved = np.append(self._lost, quiet), np.append(self._moved, quiet)

    def _row(self, values: Mapping[str, float]) -> FloatArray:
        row = np.full(len(self._index), np.nan)
        for unit, value in values.items():
            row[self._index[unit]] = value
        return row

    # --- silence ----------------------------------------------------------------------------------

    def _silent(self, vanished: Set[str]) -> Iterator[Told]:
        rate, recent = self._loss.rate_hz, self._loss.recent_hz
        gone = self._loss.lost & ~self._lost
        back = self._lost & (recent >= BACK * rate)
        self._lost = (self._lost | gone) & ~back
        silent = [unit for unit in self._names(gone) if unit not in vanished]
        fires = [unit for unit in self._names(back) if unit in self._told_lost]
        self._told_lost = (self._told_lost | set(silent)) - set(fires)
        for names, one, many, then in (
            (
                silent,
                "has fallen silent",
                "have fallen silent",
                "Look at the drive, the channel, the sorting.",
            ),
            (fires, "fires again", "fire again", "Make sure that it is the same neuron."),
        ):
            if len(names) > ONE_BY_ONE:
                yield ALL, f"{len(names)} units {many}: {_listed(names)}. {then}"
                continue
            for unit in names:
                i = self._index[unit]
                rates = f"{recent[i]:.1f} Hz of late, {rate[i]:.1f} Hz in the session"
                yield unit, f"the unit {one} ({rates}). {then}"

    def _names(self, which: BoolArray) -> list[str]:
        return [unit for unit, chosen in zip(self._index, which.tolist(), strict=True) if chosen]

    # --- change -----------------------------------------------------------------------------------

    def _changed(self, watch: DriftWatch) -> Iterator[Told]:
        yield from self._all_changed(watch)
        sds = watch.moved_sds()
        self._moved &= np.abs(sds) >= BACK * PARTED_SDS
        if self._together:
            return  # what all units do is told once
        suspects = np.flatnonzero((np.abs(sds) > PARTED_SDS) & ~self._moved & ~self._lost)
        if not suspects.size:
            return
        # A posterior costs: of many suspects the worst are looked at, the others in a later trial.
        worst = np.argsort(-np.abs(sds[suspects]), kind="stable")[:SUSPECTS]
        suspects = np.sort(suspects[worst])
        found = watch.check(suspects)
        moved = (np.abs(found.moved_sds) > UNIT_SDS) | found.parted
        self._moved[suspects] |= moved
        units = list(self._index)
        names = [units[i] for i in suspects[moved]]
        if len(names) > ONE_BY_ONE:
            yield ALL, f"{len(names)} units answer otherwise than before: {_listed(names)}."
            return
        for unit, k in zip(names, np.flatnonzero(moved), strict=True):
            less = "more" if found.moved_sds[k] > 0 else "less"
            by = f"{found.recent_hz[k]:.1f} Hz by recent answers, {found.full_hz[k]:.1f} Hz by all"
            far = f"{abs(found.moved_sds[k]):.1f} standard errors"
            yield unit, f"the unit answers {less} than before ({far}). Its reversal point: {by}."

    def _all_changed(self, watch: DriftWatch) -> Iterator[Told]:
        common = watch.together()
        if common is None or common.score < BACK * COMMON_SCORE:
            self._together = False
        elif not self._together and common.score > COMMON_SCORE and abs(common.hz) > COMMON_HZ:
            self._together = True
            less = "more" if common.hz > 0 else "less"
            yield (
                ALL,
                f"all units together answer {less} than before (lately {common.hz:+.1f} Hz). Look at thirst, "
                "at what the valve gives, at the drive.",
            )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
