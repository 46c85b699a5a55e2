"""Averages of a fibre's responses and traces, by what the event was (a size, a cue). Kept trial by trial."""

from __future__ import annotations

import math
from collections.abc import Hashable

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Average(msgspec.Struct, frozen=True, eq=False):
    """Events of one kind.

    Attributes
    ----------
    n
        Responses that count.
    withheld
        Events whose response was withheld.
    mean, sem
        Of the responses, in dF/F; not a number with none, and with fewer than two.
    trace, trace_sem
        The same for each point around the event, minus the event's own baseline; shape (points,).
    """

    n: int
    withheld: int
    mean: float
    sem: float
    trace: Floats
    trace_sem: Floats


class _Running:
    """Mean and spread of rows that come one by one (Welford 1962), each point by itself."""

    def __init__(self, points: int) -> None:
        self.n = np.zeros(points)
        self._mean = np.zeros(points)
        self._squares = np.zeros(points)

    def add(self, values: Floats) -> None:
        known = np.isfinite(values)
        self.n += known
        away = np.where(known, values - self._mean, 0.0)
        self._mean += away / np.maximum(self.n, 1.0)
        self._squares += away * np.where(known, values - self._mean, 0.0)

    @property
    def mean(self) -> Floats:
        return np.where(self.n > 0, self._mean, np.nan)

    @property
    def sem(self) -> Floats:
        spread = np.sqrt(self._squares / np.maximum(self.n - 1.0, 1.0) / np.maximum(self.n, 1.0))
        return np.where(self.n > 1, spread, np.nan)


class AlignedAverages:
    """Averages of one fibre.

    Parameters
    ----------
    points
        Points of a trace around an event.

    Examples
    --------
    >>> averages = AlignedAverages(points=2)
    >>> averages.add(2.5, 0.01, 0.0, np.array([0.0, 0.01]))
    >>> averages.add(2.5, 0.03, 0.0, np.array([0.0, 0.03]))
    >>> average = averages.of(2.5)
    >>> average.n, round(average.mean, 3), average.trace.round(3).tolist()
    (2, 0.02, [0.0, 0.02])
    """

    def __init__(self, points: int) -> None:
        self._points = points
        self._responses: dict[Hashable, _Running] = {}
        self._traces: dict[Hashable, _Running] = {}
        self._withheld: dict[Hashable, int] = {}

    @property
    def kinds(self) -> tuple[Hashable, ...]:
        """What has been met, in that order."""
        return tuple(self._responses)

    def add(self, kind: Hashable, dff: float | None, baseline_dff: float | None, trace: Floats) -> None:
        """Count one event; a withheld one (None) is counted as such and its trace is left out."""
        if kind not in self._responses:
            self._responses[kind], self._traces[kind] = _Running(1), _Running(self._points)
            self._withheld[kind] = 0
        if dff is None or baseline_dff is None:
            self._withheld[kind] += 1
            return
        self._responses[kind].add(np.array([dff]))
        self._traces[kind].add(trace - baseline_dff)

    def of(self, kind: Hashable) -> Average:
        """Return the averages of a kind; empty ones for a kind never met."""
        responses, traces = self._responses.get(kind), self._traces.get(kind)
        if responses is None or traces is None:
            nothing = np.full(self._points, np.nan)
            return Average(0, 0, math.nan, math.nan, nothing, nothing)
        return Average(
            int(responses.n[0]),
            self._withheld[kind],
            float(responses.mean[0]),
            float(responses.sem[0]),
            traces.mean,
            traces.sem,
        )
