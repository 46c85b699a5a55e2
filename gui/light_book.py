"""Light, as the tagging panel draws it: what is known of each unit, its spikes around each pulse. No Qt."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from rig.documents import AlignedSpikes, SessionStarted, TagConfirmed, TagsUpdated, TrialDone
from rig.tagging.told import Confirmation, UnitTag
from rig.units import US_PER_MS

Floats = npt.NDArray[np.float64]

MOST_TRAINS: Final = 400
"""Trains whose spikes are kept: of more than these, the oldest are no longer drawn."""


@dataclasses.dataclass(frozen=True)
class Pulse:
    """One pulse, or sham pulse, and the spikes around it in ms after its onset."""

    rate_hz: float
    sham: bool
    spikes_ms: Floats


@dataclasses.dataclass(frozen=True)
class Train:
    """One train: its pulses in ms after the first, and every unit's spikes (units of 0.1 ms)."""

    trial: int
    rate_hz: float
    sham: bool
    pulses_ms: tuple[float, ...]
    spikes: AlignedSpikes


class LightBook:
    """Follows what a session says of light.

    Attributes
    ----------
    units
        Unit name -> what is known, the newest; in the order they were met.
    words
        Unit name -> a person's newest word.
    trains
        The newest trains, oldest first.
    withheld
        Pulses that a stream did not hear, by the reason.
    pulse_ms
        Length of a pulse; 0 before the first.
    """

    def __init__(self) -> None:
        self.units: dict[str, UnitTag] = {}
        self.words: dict[str, Confirmation] = {}
        self.trains: deque[Train] = deque(maxlen=MOST_TRAINS)
        self.withheld: dict[str, int] = {}
        self.pulse_ms = 0.0
        self._spikes: dict[int, AlignedSpikes] = {}

    @property
    def tagged(self) -> set[str]:
        """Units that a person has confirmed."""
        return {unit for unit, word in self.words.items() if word.tagged}

    def begin(self, started: SessionStarted) -> None:
        """Take what was known before the session."""
        self.words = {word.unit: word for word in started.tags}

    def trial(self, done: TrialDone) -> None:
        """Look how long a pulse is."""
        record = done.record
        if record.spec.stimulation != "light" or self.pulse_ms:
            return
        valves_and_cues = {record.spec.cue}
        changes = [change for change in record.outputs if change.name not in valves_and_cues]
        on = next((change for change in changes if change.on), None)
        off = next((c for c in changes if on is not None and not c.on and c.name == on.name), None)
        if on is not None and off is not None:
            self.pulse_ms = (off.at_us - on.at_us) / US_PER_MS

    def spikes(self, told: AlignedSpikes) -> None:
        """Take the spikes around a train; they are drawn when the train itself has been told."""
        self._spikes[told.trial] = told

    def updated(self, told: TagsUpdated) -> None:
        """Take what a train has shown."""
        self.units.update({tag.unit: tag for tag in told.units})
        self.withheld = told.withheld
        spikes = self._spikes.pop(told.trial, None)
        if spikes is not None:
            first = told.pulses_us[0]
            pulses = tuple((at - first) / US_PER_MS for at in told.pulses_us)
            self.trains.append(Train(told.trial, told.rate_hz, told.sham, pulses, spikes))

    def confirmed(self, told: TagConfirmed) -> None:
        """Take a person's word."""
        self.words[told.word.unit] = told.word

    def pulses(self, unit: str, before_ms: float, after_ms: float) -> Iterator[Pulse]:
        """Yield the pulses that the unit was listened to, oldest first, with the spikes around each.

        Parameters
        ----------
        before_ms, after_ms
            How far around a pulse, both positive.
        """
        for train in self.trains:
            if unit not in train.spikes.units:
                continue
            place = train.spikes.units.index(unit)
            times = np.asarray(train.spikes.times[place], dtype=np.float64) / 10.0
            at_ms = np.array(train.pulses_ms)
            edges = np.searchsorted(times, [at_ms - before_ms, at_ms + after_ms])
            for at, first, last in zip(train.pulses_ms, *edges.tolist(), strict=True):
                yield Pulse(train.rate_hz, train.sham, times[first:last] - at)
