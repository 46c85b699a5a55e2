"""A session's report from its documents: the newest estimates, epoch by epoch, and the population."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from rig.documents import (
    Document,
    EpochStarted,
    EstimatesUpdated,
    FibreEstimatesUpdated,
    LoopsMeasured,
    SessionStarted,
    TrialDone,
    UnitEstimate,
)
from rig.photometry.told import FibreTold, LoopLatency
from rig.population.shapes import Counted, PopulationView
from rig.population.told import Decode, PopulationTracker
from rig.results.report import NO_TRUTH, EpochReport, Report, ReportCounts, Truth, report, unit_reports
from rig.results.tag_report import TagsTold, TagTruth

FIRST_REASON = "the session began"
OF_THE_END = "what is revealed of a simulated animal is how it stood at the session's end"


class SessionReport:
    """Follows the documents of a session, in their order.

    Parameters
    ----------
    units
        Which units count in the population.

    Attributes
    ----------
    population, tags
        Follow them too.
    loops
        How long loops on fibres took, as told last.
    """

    def __init__(self, units: Counted = "tagged") -> None:
        self.population = PopulationTracker(units=units)
        self.tags = TagsTold()
        self._trials = self._rewarded = 0
        self._started: SessionStarted | None = None
        self._epochs: list[EpochStarted] = []
        self._estimates: dict[int, tuple[UnitEstimate, ...]] = {}
        self._fibres: dict[int, tuple[FibreTold, ...]] = {}
        self.loops: tuple[LoopLatency, ...] = ()

    def show(self, document: Document) -> None:
        """Take one document."""
        self.population.take(document)
        self.tags.take(document)
        match document:
            case SessionStarted():
                self._started = document
            case EpochStarted():
                self._epochs.append(document)
            case TrialDone():
                self._trials += 1
                self._rewarded += document.record.reward_us is not None
            case EstimatesUpdated():
                self._estimates[document.epoch] = document.units
            case FibreEstimatesUpdated():
                self._fibres[document.epoch] = document.fibres
            case LoopsMeasured():
                self.loops = document.loops
            case _:
                pass

    @property
    def fibres(self) -> tuple[FibreTold, ...]:
        """The fibres' reversal points in the newest epoch."""
        return self._fibres.get(self._epochs[-1].epoch if self._epochs else 0, ())

    def view(self, decode: Decode = "convex") -> PopulationView | None:
        """Work out the population."""
        return self.population.view(decode)

    def report(
        self,
        truth: Mapping[str, Truth] | None = None,
        no_truth: str = NO_TRUTH,
        light: Mapping[str, TagTruth] | None = None,
    ) -> Report:
        """Return the report; parameters as for `rig.results.report.report`.

        Parameters
        ----------
        light
            What light does to simulated units.
        """
        newest = self._epochs[-1] if self._epochs else self._started
        counts = ReportCounts(
            trials=self._trials,
            rewarded=self._rewarded,
            sizes_ul=newest.sizes_ul if newest else (),
            utility_axis_hz=newest.utility_axis_hz if newest else (),
        )
        number = self._epochs[-1].epoch if self._epochs else 0
        view = self.view()
        told = report(
            self._estimates.get(number, ()),
            counts,
            truth,
            no_truth=no_truth,
            population=view.population if view else None,
            no_population="the session did not begin",
            tags=self.tags.reports(light),
        )
        told = msgspec.structs.replace(told, fibres=self.fibres, loops=self.loops)
        if not self._epochs:
            return told
        return msgspec.structs.replace(told, epochs=self._by_epoch(told, no_truth))

    def _by_epoch(self, told: Report, no_truth: str) -> tuple[EpochReport, ...]:
        why = OF_THE_END if any(unit.truth for unit in told.units) else no_truth
        newest = self._epochs[-1].epoch
        made = []
        for begun in (self._started, *self._epochs):
            number = begun.epoch if isinstance(begun, EpochStarted) else 0
            estimates = self._estimates.get(number, ())
            made.append(
                EpochReport(
                    epoch=number,
                    name=begun.name if isinstance(begun, EpochStarted) else _first_name(begun),
                    first_trial=begun.trial if isinstance(begun, EpochStarted) else 0,
                    reason=begun.reason if isinstance(begun, EpochStarted) else FIRST_REASON,
                    sizes_ul=begun.sizes_ul if begun else (),
                    utility_axis_hz=begun.utility_axis_hz if begun else (),
                    units=told.units if number == newest else unit_reports(estimates, {}, why),
                )
            )
        return tuple(made)


def _first_name(started: SessionStarted | None) -> str:
    return started.epochs[0].name if started is not None and started.epochs else ""
