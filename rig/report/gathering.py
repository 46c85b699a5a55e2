"""A session's documents, folded into what its figures are drawn from."""

from __future__ import annotations

from collections.abc import Iterable

from rig.documents import (
    Audit,
    Document,
    EpochStarted,
    EstimatesUpdated,
    FibreEstimatesUpdated,
    FibreResponseTaken,
    Notice,
    ResponseTaken,
    SessionEnded,
    SessionStarted,
    TrialDone,
)
from rig.population.shapes import PopulationView
from rig.report.facts import Epoch, Facts
from rig.results.tag_report import TagsTold
from rig.trial.spec import TrialRecord, TrialResponse


class Gathering:
    """Takes a session's documents one by one, also of a session that is not over."""

    def __init__(self) -> None:
        self._started: SessionStarted | None = None
        self._ended: SessionEnded | None = None
        self._records: list[TrialRecord] = []
        self._responses: dict[int, TrialResponse] = {}
        self._notices: list[Notice] = []
        self._epochs: list[Epoch] = []
        self._tags = TagsTold()

    def take(self, document: Document) -> None:
        """Take the next document."""
        self._tags.take(document)
        match document:
            case SessionStarted():
                self._started = document
                self._epochs.append(_first_epoch(document))
            case EpochStarted():
                self._epochs.append(_later_epoch(document))
            case TrialDone():
                self._records.append(document.record)
            case ResponseTaken():
                self._responses[document.response.trial] = document.response
            case EstimatesUpdated():
                self._estimated(document)
            case FibreEstimatesUpdated() | FibreResponseTaken():
                self._fibres(document)
            case Audit():
                for epoch in self._epochs:
                    if epoch.number == document.epoch:
                        epoch.audit = document
            case Notice():
                self._notices.append(document)
            case SessionEnded():
                self._ended = document
            case _:
                pass

    def _estimated(self, document: EstimatesUpdated) -> None:
        epoch = next((e for e in self._epochs if e.number == document.epoch), None)
        if epoch is None:
            return
        epoch.units = document.units
        told = {
            unit.unit: (unit.bayes_hz, (unit.bayes_ci95_hz[1] - unit.bayes_ci95_hz[0]) / 2)
            for unit in document.units
            if unit.bayes_hz is not None and unit.bayes_ci95_hz is not None
        }
        epoch.points.append((document.rewarded, told))

    def _fibres(self, document: FibreEstimatesUpdated | FibreResponseTaken) -> None:
        if isinstance(document, FibreEstimatesUpdated):
            for epoch in self._epochs:
                if epoch.number == document.epoch:
                    epoch.fibres = document.fibres
        elif document.aligned_to == "reward" and document.dff is not None:
            began = [epoch for epoch in self._epochs if epoch.first_trial <= document.trial]
            if began:
                began[-1].fibre_responses.append(document)

    def facts(self, views: Iterable[PopulationView] = ()) -> Facts:
        """Return what was gathered; `views` are told by their epoch's number, the last of each counts."""
        for view in views:
            for epoch in self._epochs:
                if epoch.number == view.epoch:
                    epoch.view = view
        return Facts(
            started=self._started,
            ended=self._ended,
            records=tuple(self._records),
            responses=self._responses,
            notices=tuple(self._notices),
            epochs=tuple(self._epochs),
            tags=self._tags.reports(),
        )


def _first_epoch(started: SessionStarted) -> Epoch:
    return Epoch(
        number=0,
        name=started.epochs[0].name if started.epochs else "",
        first_trial=0,
        sizes_ul=started.sizes_ul,
        axis_hz=started.utility_axis_hz,
        declared=started.declared,
        conditions=started.reversal_conditions,
    )


def _later_epoch(began: EpochStarted) -> Epoch:
    return Epoch(
        number=began.epoch,
        name=began.name,
        first_trial=began.trial,
        sizes_ul=began.sizes_ul,
        axis_hz=began.utility_axis_hz,
        declared=began.declared,
        conditions=began.reversal_conditions,
        reason=began.reason,
        discard=began.discard,
        stimulated=began.stimulated,
    )
