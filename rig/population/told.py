"""The population of a session, from the documents that the session tells.

Live, replayed, or read from a file: the same documents give the same numbers. They are those of the units
and trials that the session's own estimator takes (see `session_responses`). The tracker stands beside the
session: nothing that it works out can reach a decision.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Set
from typing import Literal, Self, TypeAlias

import numpy as np

from rig.documents import CueRoles, Document, EpochStarted, SessionStarted
from rig.estimate.counts import FloatArray
from rig.estimate.cue_coding import CueResponses
from rig.estimate.unit_loss import LossWatch
from rig.population.counts import PopulationCounts
from rig.population.half_counts import PARTITIONS
from rig.population.shapes import Counted, PopulationView
from rig.population.view import population_view
from rig.population.worked import About, Heard
from rig.results.session_responses import Answer, CueAnswer, SessionResponses
from rig.results.tag_report import TagsTold

Decode: TypeAlias = Literal["convex", "all"]

NO_AXIS = "this session takes no responses to rewards"
NO_DISTRIBUTION = "this protocol has no one reward distribution that reversal points could be about"
ONE_SIZE = "there is one reward size only, and a reversal point needs two or more"


class PopulationTracker:
    """Follows one session; its epochs one after the other, each from nothing.

    Parameters
    ----------
    partitions
        How many ways of halving the trials are followed.
    units
        ``tagged``: if a person has tagged any unit that was heard, only tagged ones count. ``all``: all.

    Examples
    --------
    ::

        tracker = PopulationTracker()
        for _, document in session_file.documents():
            tracker.take(document)
        view = tracker.view()
    """

    def __init__(self, partitions: int = PARTITIONS, units: Counted = "tagged") -> None:
        self._partitions = partitions
        self._counted: Counted = units
        self._tags = TagsTold()
        self._responses = SessionResponses()
        self._index: dict[str, int] = {}
        self._counts: PopulationCounts | None = None
        self._cues = CueResponses()
        self._loss = LossWatch()
        self._rewarded = 0

    @property
    def units(self) -> tuple[str, ...]:
        """Units met so far, in the order they were met."""
        return tuple(self._index)

    @property
    def counts(self) -> PopulationCounts | None:
        """What was counted in the epoch that runs; None where no responses are taken."""
        return self._counts

    def take(self, document: Document) -> None:
        """Take one document, in the session's order; those that are not about responses change nothing."""
        news = self._responses.take(document)
        self._tags.take(document)
        match document:
            case SessionStarted():
                self._index = {}
                self._cues, self._loss = CueResponses(), LossWatch()
                self._begin()
            case EpochStarted():
                self._begin()
            case _:
                pass
        match news:
            case Answer():
                self._count(news)
            case CueAnswer():
                self._ensure(news.units)
                if news.response_hz:
                    self._cues.add(news.cue_index, self._row(news.response_hz))
            case _:
                pass

    def _begin(self) -> None:
        """Count from nothing; units keep their places, and what is known of cues and silence stays."""
        self._rewarded = 0
        self._counts = None
        told = self._responses
        if told.utility_axis_hz:
            self._counts = PopulationCounts(told.utility_axis_hz, told.sizes_ul, self._partitions)
            self._counts.add_units(len(self._index))

    def _ensure(self, units: Iterable[str]) -> None:
        new = [unit for unit in units if unit not in self._index]
        if not new:
            return
        for unit in new:
            self._index[unit] = len(self._index)
        self._cues.add_units(len(new))
        self._loss.add_units(len(new))
        if self._counts is not None:
            self._counts.add_units(len(new))

    def _row(self, values: Mapping[str, float]) -> FloatArray:
        """Values in the order of the units; NaN where there is none."""
        row = np.full(len(self._index), np.nan)
        for unit, value in values.items():
            row[self._index[unit]] = value
        return row

    def _count(self, answer: Answer) -> None:
        self._ensure(answer.units)
        if answer.spikes:
            self._loss.add(self._row(answer.spikes), answer.seconds)
        if self._counts is None or answer.size_index is None or not answer.response_hz:
            return
        self._rewarded += answer.first
        baseline = self._row(answer.baseline_hz) if answer.baseline_hz else None
        self._counts.add(answer.trial, answer.size_index, self._row(answer.response_hz), baseline)

    def view(self, decode: Decode = "convex") -> PopulationView | None:
        """Work out everything from the trials so far; None before the session began.

        Parameters
        ----------
        decode
            ``all``: also the published imputation, which takes seconds.
        """
        if self._responses.started is None:
            return None
        told = self._responses
        chosen = self._chosen()
        about = About(
            units=tuple(unit for unit in self._index if unit in chosen),
            sizes_ul=told.sizes_ul,
            utility_axis_hz=told.utility_axis_hz,
            rewarded=self._rewarded,
            epoch=told.number,
            why_nothing=self._why_nothing(),
            counted="tagged" if len(chosen) < len(self._index) else "all",
            left_out=len(self._index) - len(chosen),
        )
        counts, heard = self._counts, Heard(self._loss.lost, self._cues, _names(told.roles))
        if about.left_out:
            index = np.array([self._index[unit] for unit in about.units], dtype=np.int64)
            counts, heard = counts.rows(index) if counts is not None else None, heard.rows(index)
        return population_view(counts, about, heard, published=decode == "all")

    def _chosen(self) -> Set[str]:
        """Units that count: the tagged ones if there is any among those that were heard, else all."""
        tagged = self._tags.tagged & self._index.keys() if self._counted == "tagged" else set()
        return tagged or self._index.keys()

    def _why_nothing(self) -> str | None:
        told = self._responses
        if not told.utility_axis_hz:
            return NO_AXIS
        if told.conditions == ():
            return NO_DISTRIBUTION
        return ONE_SIZE if len(told.sizes_ul) < 2 else None

    def copy(self) -> Self:
        """Return an independent copy (a checkpoint)."""
        return copy.deepcopy(self)


def _names(roles: CueRoles | None) -> tuple[str, str, str] | None:
    return None if roles is None else (roles.low, roles.middle, roles.high)
