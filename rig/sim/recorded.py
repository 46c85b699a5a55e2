"""Recorded units: the n-th delivery of a kind plays a unit's n-th recorded trial of that kind.

A recording holds, per unit, spike times, trial stamps and trial types (1-7: unsignalled rewards of the
seven published sizes, 8-14: the same signalled by an odour 1.5 s before, 15: an odour that promises
nothing; 0: none of these). Around each of the board's own events, -1000 to +600 ms are played. What
comes *before* an event must be known ahead of it, so the running table is read for when its first
stimulus comes; a table that waits for more than time cannot be foreseen, and then nothing is played
before its stimulus.

Spikes are moved onto the grid of the simulation (0.1 ms, offset by 0.05 ms) so that the count in any
window with edges on whole 0.1 ms stays the same, a spike on an edge counting for the window before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rig.machine.table import StateTable
from rig.sim.neurons import SAME_DROP, unit_names
from rig.sim.spiking import HALF_CYCLE_US, NO_SPIKES, Spikes
from rig.sim.stimuli import Forecast, Wiring, foresee
from rig.sim.truth import AnimalTruth, UnitTruth
from rig.sim.units import Stretch
from rig.stream.recording import ODOUR_B, REWARD_DELAY_MS, SIZES_UL, RecordedUnit
from rig.units import CYCLE_US, US_PER_MS

BEFORE_MS: Final = -1000.0
AFTER_MS: Final = 600.0
RESPONSE_MS: Final = (200.0, 600.0)

Floats = NDArray[np.float64]


def between(unit: RecordedUnit, trial: int, start_ms: float, stop_ms: float) -> Floats:
    """Return a unit's spikes in (start, stop] after a recorded trial's stamp, in ms after it."""
    stamp = unit.stamps_ms[trial]
    first, last = np.searchsorted(unit.spikes_ms, (stamp + start_ms - 1.0, stamp + stop_ms + 1.0))
    # Rounding to 1 ns takes out what subtracting two large floats put in.
    after: Floats = np.round(unit.spikes_ms[first:last] - stamp, 6)
    return after[(after > start_ms) & (after <= stop_ms)]


def trial_type(volume_ul: float, *, signalled: bool) -> int | None:
    """Trial type of a reward; None if it is not of a published size."""
    for number, size in enumerate(SIZES_UL, start=1):
        if abs(volume_ul - size) <= SAME_DROP * size:
            return number + len(SIZES_UL) * signalled
    return None


def supply(unit: RecordedUnit) -> tuple[int, ...]:
    """Return how many trials of each rewarded type (1-14) a unit has, doubled entries included."""
    counts = np.bincount(unit.trial_type, minlength=ODOUR_B + 1)
    return tuple(int(n) for n in counts[1:ODOUR_B])


def reference_counts(unit: RecordedUnit, trial: int) -> tuple[int, int]:
    """Count a recorded trial's spikes: (200-600 ms after its reward, 1000 ms before its stamp)."""
    reward = REWARD_DELAY_MS if unit.signalled[trial] else 0.0
    response = between(unit, trial, reward + RESPONSE_MS[0], reward + RESPONSE_MS[1])
    return len(response), len(between(unit, trial, BEFORE_MS, 0.0))


class RecordedUnits:
    """Recorded units as the neurons of an animal.

    Parameters
    ----------
    units
        As recorded.
    wiring
        What the board's lines mean.
    """

    def __init__(self, units: Sequence[RecordedUnit], wiring: Wiring) -> None:
        self._units = tuple(units)
        # Trials of each type in the order recorded, doubled entries included.
        self._trials = [
            {kind: np.flatnonzero(unit.trial_type == kind) for kind in range(1, ODOUR_B + 1)}
            for unit in units
        ]
        self._wiring = wiring
        self._names = unit_names(len(units))
        self._given: dict[int, int] = {}
        self._trial = -1
        self._kind: int | None = None
        self._chosen: list[int | None] = [None] * len(units)
        self._expected_us: int | None = None
        self._waiting: Spikes = NO_SPIKES
        self._ready: list[Spikes] = []
        self._played: list[list[tuple[int, int]]] = [[] for _ in units]
        self._exhausted: list[list[int]] = [[] for _ in units]
        self._notes: list[str] = []

    @property
    def names(self) -> tuple[str, ...]:
        """Unit names on the rig, in the recording's order."""
        return self._names

    # --- what happens ---------------------------------------------------------------------------------

    def trial_began(self, t_us: int, stretch: Stretch, table: StateTable | None) -> None:
        """Read the table ahead and play what was recorded before the first stimulus."""
        self._cut(t_us)
        self._trial = stretch[0]
        self._kind = self._expected_us = None
        forecast = foresee(table, self._wiring) if table is not None else None
        if forecast is None:
            return
        self._choose(_kind_of(forecast))
        self._expected_us = t_us + forecast.after_us
        self._play(self._expected_us, 0.0, BEFORE_MS, 0.0)
        self._drop_before(t_us)

    def smelled(self, t_us: int, stretch: Stretch, *, promising: bool, cue: str | None = None) -> None:
        """Play on from the odour: to the reward if one is promised."""
        self._cut(t_us)
        self._check(t_us)
        if not promising:
            if self._kind != ODOUR_B:
                self._choose(ODOUR_B)
            self._play(t_us, 0.0, 0.0, AFTER_MS)
            self._delivered()
        elif self._kind is not None:
            self._play(t_us, 0.0, 0.0, REWARD_DELAY_MS)

    def omitted(self, trial: int, cue: str) -> None:
        """Play nothing: the recordings hold no reward that was left out."""

    def lit(self, t_us: int, trial: int, pulse: int) -> None:
        """Play nothing: what light did to them was recorded outside the task."""

    def rewarded(
        self, t_us: int, stretch: Stretch, volume_ul: float, *, signalled: bool, cue: str | None = None
    ) -> None:
        """Play what was recorded after a reward of this size."""
        self._cut(t_us)
        if not signalled:
            self._check(t_us)
        kind = trial_type(volume_ul, signalled=signalled)
        if kind is None or kind != self._kind:
            self._choose(kind)
        reward = REWARD_DELAY_MS if signalled else 0.0
        self._play(t_us, reward, reward, reward + AFTER_MS)
        self._delivered()

    def trial_ended(self, t_us: int, stretch: Stretch) -> None:
        """Be silent between trials."""
        self._cut(t_us)

    # --- what it does -----------------------------------------------------------------------------------

    def emit(self, to_us: int) -> Spikes:
        """Return spikes before `to_us` that were not handed out yet."""
        self._cut(to_us, drop=False)
        pieces, self._ready = self._ready, []
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])

    def truth(self, trials: int) -> AnimalTruth:
        """Reveal which recorded trial each unit played when, and where it ran out."""
        return AnimalTruth(
            animal="recorded",
            seed=0,
            trials=trials,
            settings={"units": len(self._units)},
            units=tuple(
                UnitTruth(
                    unit=name,
                    reason="a recorded unit: its true reversal point is not known",
                    source=unit.name,
                    played=tuple(self._played[i]),
                    exhausted=tuple(self._exhausted[i]),
                )
                for i, (name, unit) in enumerate(zip(self._names, self._units, strict=True))
            ),
            notes=tuple(self._notes),
        )

    # --- how ----------------------------------------------------------------------------------------------

    def _cut(self, t_us: int, *, drop: bool = True) -> None:
        """Make ready what lies before `t_us`; drop what was meant for later."""
        units, times = self._waiting
        stop = int(np.searchsorted(times, t_us))
        self._ready.append((units[:stop], times[:stop]))
        self._waiting = NO_SPIKES if drop else (units[stop:], times[stop:])

    def _check(self, t_us: int) -> None:
        if self._expected_us is None:
            self._notes.append(f"trial {self._trial}: the first stimulus could not be foreseen")
        elif self._expected_us != t_us:
            moved = t_us - self._expected_us
            self._notes.append(
                f"trial {self._trial}: the first stimulus came {moved} us from where it was foreseen"
            )

    def _choose(self, kind: int | None) -> None:
        """Pick each unit's recorded trial for the coming delivery."""
        self._kind = kind
        number = self._given.get(kind, 0) if kind is not None else 0
        for i in range(len(self._units)):
            trials = self._trials[i].get(kind, ()) if kind is not None else ()
            self._chosen[i] = int(trials[number]) if number < len(trials) else None

    def _delivered(self) -> None:
        """Count a delivery, and write down who played what."""
        if self._kind is None:
            return
        self._given[self._kind] = self._given.get(self._kind, 0) + 1
        for i, chosen in enumerate(self._chosen):
            if chosen is None:
                self._exhausted[i].append(self._trial)
            else:
                self._played[i].append((self._trial, chosen))

    def _drop_before(self, t_us: int) -> None:
        """A wait shorter than what is to be played before its stimulus loses the beginning."""
        units, times = self._waiting
        start = int(np.searchsorted(times, t_us))
        self._waiting = (units[start:], times[start:])

    def _play(self, event_us: int, event_ms: float, start_ms: float, stop_ms: float) -> None:
        """Lay recorded spikes in (start, stop] around a board event that `event_ms` stands for."""
        found = [
            (i, between(unit, trial, start_ms, stop_ms) - event_ms)
            for i, (unit, trial) in enumerate(zip(self._units, self._chosen, strict=True))
            if trial is not None
        ]
        if not found:
            return
        units = np.concatenate([np.full(len(after), i, dtype=np.int64) for i, after in found])
        # Up to the next slot's end: a spike on the 0.1 ms grid belongs to the slot before it.
        after_ms = np.concatenate([after for _, after in found])
        slots = np.ceil(np.round(after_ms * (US_PER_MS / CYCLE_US), 4)).astype(np.int64) - 1
        times = event_us + slots * CYCLE_US + HALF_CYCLE_US
        order = np.lexsort((units, times))
        self._waiting = (units[order], times[order])


def _kind_of(forecast: Forecast) -> int | None:
    if forecast.kind == "odour":
        return ODOUR_B
    if not forecast.volume_ul:
        return None
    return trial_type(forecast.volume_ul, signalled=forecast.kind == "promise")
