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
    other_ms
        When the other event came: the cue relative to the reward, or, around cues, the reward relative to
        the cue; None without one.
    times_ms
        Spike times relative to time zero, shape (spikes,).
    start_ms, stop_ms
        The stretch that was looked at: it begins earlier the earlier the cue came.
    """

    trial: int
    reward_ul: float
    signalled: bool
    other_ms: float | None
    times_ms: FloatArray
    start_ms: int
    stop_ms: int
    condition: str = ""


class UnitRows:
    """The rows of one unit, kept up to date: only trials that are new are looked at.

    Attributes
    ----------
    rows
        Oldest first.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._unit: str | None = None
        self._seen = 0
        self._last: AlignedSpikes | None = None
        self._list: list[AlignedSpikes] | None = None

    def follow(self, model: SessionModel, unit: str, *, around_cues: bool = False) -> None:
        """Take what is new of `unit`; begin again for another unit, session or event."""
        spikes = model.cue_spikes if around_cues else model.spikes
        same = unit == self._unit and spikes is self._list and self._seen <= len(spikes)
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
        self._seen, self._list = len(spikes), spikes
        self._last = spikes[-1] if spikes else None

    def _add(self, model: SessionModel, trial: AlignedSpikes, times: tuple[int, ...]) -> None:
        record = model.record(trial.trial)
        other_ms = None
        if record is not None and record.cue_us is not None and record.reward_us is not None:
            other_ms = (record.cue_us - record.reward_us) / 1e3 * (1 if trial.aligned_to == "reward" else -1)
        condition = record.spec.condition if record is not None else ""
        at = np.array(times, dtype=np.float64) / 10.0
        self.rows.append(
            Row(
                trial.trial,
                trial.reward_ul,
                trial.signalled,
                other_ms,
                at,
                trial.start_ms,
                trial.stop_ms,
                condition,
            )
        )


def span_ms(rows: Sequence[Row]) -> tuple[int, int]:
    """The stretch that any of the rows covers."""
    return min((row.start_ms for row in rows), default=0), max((row.stop_ms for row in rows), default=0)


def smoothed_rate(rows: Sequence[Row]) -> tuple[FloatArray, FloatArray]:
    """Mean rate over trials in 1 ms bins, smoothed with a causal kernel of 20 ms (Dabney et al. 2020).

    At each time the mean is over those trials that were looked at there: some begin earlier than others.

    Returns
    -------
    tuple
        Time in ms and rate in Hz, both of shape (ms - 50,): the first 50 ms lack their history.
    """
    if not rows:
        return np.empty(0), np.empty(0)
    taps = kernel()
    start, stop = span_ms(rows)
    bins = stop - start
    everything = np.concatenate([np.empty(0), *(row.times_ms for row in rows)]) - start
    index = np.floor(everything[(everything >= 0) & (everything < bins)]).astype(np.int64)
    count = np.bincount(index, minlength=bins).astype(np.float64)
    edges = np.zeros(bins + 1)
    np.add.at(edges, [row.start_ms - start for row in rows], 1.0)
    np.add.at(edges, [row.stop_ms - start for row in rows], -1.0)
    looked = np.convolve(np.cumsum(edges[:-1]), taps)[:bins]
    rate = np.full(bins, np.nan)
    np.divide(np.convolve(count, taps)[:bins] * 1e3, looked, out=rate, where=looked > 1e-9)
    history = len(taps) - 1
    return np.arange(start + history, stop, dtype=np.float64), rate[history:]
