"""What the window knows of fibres: live traces, averages around events, reversal points, loops. No Qt."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gui.fibre_samples import FibreSamples
from gui.live_trace import LiveTrace
from rig.documents import FibreEstimatesUpdated, FibreResponseTaken, LoopsMeasured
from rig.photometry.averages import AlignedAverages, Average
from rig.photometry.told import FibreTold, LoopLatency

Floats = NDArray[np.float64]
Key = tuple[str, str]
"""(source, fibre)."""

NO_TRACE: Final = np.empty(0)


class FibreView:
    """One fibre.

    Attributes
    ----------
    live
        Its newest samples.
    told
        Its newest reversal point, or None.
    withheld
        Responses that were withheld, by the reason.
    times_ms
        Where around an event its traces are read; empty before the first.
    """

    def __init__(self) -> None:
        self.live = LiveTrace()
        self.told: FibreTold | None = None
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Begin the averages anew; the live trace goes on."""
        self.told = None
        self.withheld: Counter[str] = Counter()
        self.times_ms: Floats = NO_TRACE
        self._by: dict[str, AlignedAverages] = {}

    def add(self, response: FibreResponseTaken) -> None:
        """Take one response."""
        if response.reason is not None:
            self.withheld[response.reason] += 1
        if not response.trace:
            return
        if not len(self.times_ms):
            places = np.arange(len(response.trace), dtype=np.float64)
            self.times_ms = response.start_ms + response.step_ms * places
        if len(response.trace) != len(self.times_ms):
            return
        points = len(self.times_ms)
        averages = self._by.setdefault(response.aligned_to, AlignedAverages(points))
        kind = response.reward_ul if response.aligned_to == "reward" else response.condition
        trace = np.array([np.nan if value is None else value for value in response.trace])
        averages.add(kind, response.dff, response.baseline_dff, trace)

    def averages(self, aligned_to: str) -> list[tuple[object, Average]]:
        """Return (size in uL, or condition) and its averages; sizes ascending, conditions as they came."""
        found = self._by.get(aligned_to)
        if found is None:
            return []
        kinds = found.kinds if aligned_to == "cue" else sorted(found.kinds, key=lambda kind: float(str(kind)))
        return [(kind, found.of(kind)) for kind in kinds]


class FibreBook:
    """All fibres of a session.

    Attributes
    ----------
    fibres
        In the order in which they were heard of.
    loops
        How long loops on fibres took, as it was told last.
    """

    def __init__(self) -> None:
        self.fibres: dict[Key, FibreView] = {}
        self.loops: tuple[LoopLatency, ...] = ()

    def of(self, source: str, fibre: str) -> FibreView:
        """Return one fibre, made if need be."""
        return self.fibres.setdefault((source, fibre), FibreView())

    def samples(self, samples: FibreSamples) -> None:
        """Take live samples."""
        self.of(samples.source, samples.fibre).live.take(samples)

    def response(self, told: FibreResponseTaken) -> None:
        """Take a response to an event."""
        self.of(told.source, told.fibre).add(told)

    def estimates(self, told: FibreEstimatesUpdated) -> None:
        """Take the newest reversal points."""
        for fibre in told.fibres:
            self.of(fibre.source, fibre.fibre).told = fibre

    def measured(self, told: LoopsMeasured) -> None:
        """Take what loops took."""
        self.loops = told.loops

    def begin_epoch(self) -> None:
        """Another declared distribution begins: averages and estimates begin from nothing."""
        for view in self.fibres.values():
            view.begin_epoch()
