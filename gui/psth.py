"""One unit's spikes around rewards: rows for a raster, smoothed rates for a PSTH. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gui.model import SessionModel
from rig.documents import AlignedSpikes
from rig.stream.published import kernel

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One trial of a raster.

    Attributes
    ----------
    cue_ms
        When the cue came, relative to the reward; None without one.
    times_ms
        Spike times relative to the reward, shape (spikes,).
    """

    trial: int
    reward_ul: float
    signalled: bool
    cue_ms: float | None
    times_ms: FloatArray


class UnitRows:
    """The rows of one unit, kept up to date: only trials that are new are looked at.

    Attributes
    ----------
    rows
        Oldest first.
    start_ms, stop_ms
        The stretch that every row covers.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.start_ms, self.stop_ms = 0, 0
        self._unit: str | None = None
        self._seen = 0
        self._last: AlignedSpikes | None = None

    def follow(self, model: SessionModel, unit: str) -> None:
        """Take what is new of `unit`; begin again for another unit or another session."""
        spikes = model.spikes
        same = unit == self._unit and self._seen <= len(spikes)
        if not (same and (self._seen == 0 or spikes[self._seen - 1] is self._last)):
            self.rows, self._seen, self._unit = [], 0, unit
        place = 0
        for trial in spikes[self._seen :]:
            # Units keep their order within a session, so the place of the last trial is a good guess.
            if place >= len(trial.units) or trial.units[place] != unit:
                if unit not in trial.units:
                    continue
                place = trial.units.index(unit)
            self._add(model, trial, trial.times[place])
        self._seen = len(spikes)
        self._last = spikes[-1] if spikes else None

    def _add(self, model: SessionModel, trial: AlignedSpikes, times: tuple[int, ...]) -> None:
        record = model.record(trial.trial)
        cue_ms = None
        if record is not None and record.cue_us is not None and record.reward_us is not None:
            cue_ms = (record.cue_us - record.reward_us) / 1e3
        self.start_ms, self.stop_ms = trial.start_ms, trial.stop_ms
        at = np.array(times, dtype=np.float64) / 10.0
        self.rows.append(Row(trial.trial, trial.reward_ul, trial.signalled, cue_ms, at))


def smoothed_rate(
    times_ms: Sequence[FloatArray], start_ms: int, stop_ms: int
) -> tuple[FloatArray, FloatArray]:
    """Mean rate over trials in 1 ms bins, smoothed with a causal kernel of 20 ms (Dabney et al. 2020).

    Parameters
    ----------
    times_ms
        One array of spike times a trial.

    Returns
    -------
    tuple
        Time in ms and rate in Hz, both of shape (ms - 50,): the first 50 ms lack their history.
    """
    taps = kernel()
    bins = stop_ms - start_ms
    everything = np.concatenate([np.empty(0), *times_ms]) - start_ms
    index = np.floor(everything[(everything >= 0) & (everything < bins)]).astype(np.int64)
    count = np.bincount(index, minlength=bins).astype(np.float64)
    rate = np.convolve(count, taps)[:bins] * 1e3 / max(len(times_ms), 1)
    history = len(taps) - 1
    return np.arange(start_ms + history, stop_ms, dtype=np.float64), rate[history:]
