"""A session's report from its documents: the same estimates as the session's, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from protocols.mirrored import Mirrored
from rig.documents import EpochStarted, EstimatesUpdated, SessionStarted
from rig.results.report import Report, Truth
from rig.results.session_report import OF_THE_END, SessionReport

Sit = Callable[..., Any]


def told(documents: list[Any], **truth: Any) -> Report:
    followed = SessionReport()
    for document in documents:
        followed.show(document)
    return followed.report(**truth)


def test_a_session_of_one_epoch(sit: Sit) -> None:
    sitting = sit(trials=40, units=5)
    sitting.run()
    made = told(sitting.documents)
    last = sitting.of(EstimatesUpdated)[-1]
    assert [unit.unit for unit in made.units] == [unit.unit for unit in last.units]
    assert [unit.n for unit in made.units] == [unit.n for unit in last.units]
    assert made.trials == 40 and made.rewarded == sitting.session.history.rewarded
    assert made.epochs == () and made.reasons == {}
    assert made.population is not None and made.population.units == 5
    assert msgspec.json.decode(msgspec.json.encode(made), type=Report) == made


def test_a_session_of_two_epochs(sit: Sit) -> None:
    sitting = sit(
        trials=60, units=4, protocol=Mirrored, settings={"at_least": 30, "at_most": 30, "discard": 5}
    )
    sitting.run()
    (begun,) = sitting.of(EpochStarted)
    truth = {"Tetrode 1:1": Truth(reversal_hz=0.0, reversal_ul=5.0, asymmetry=0.5)}
    made = told(sitting.documents, truth=truth)
    first, second = made.epochs
    assert [(e.epoch, e.first_trial, e.name) for e in made.epochs] == [
        *((0, 0, "as trained"), (1, 30, "mirrored")),
    ]
    assert "30 trials" in second.reason
    assert second.units == made.units
    assert second.sizes_ul == made.sizes_ul == begun.sizes_ul
    # the first epoch stands as it was last told, and what is known of the end is not said of it
    before = [document for document in sitting.of(EstimatesUpdated) if document.epoch == 0][-1]
    assert [unit.n for unit in first.units] == [unit.n for unit in before.units]
    assert all(unit.truth is None and unit.reasons["truth"] == OF_THE_END for unit in first.units)
    assert made.units[0].truth is not None


@pytest.mark.parametrize("begun", [True, False])
def test_a_file_that_was_cut_short(sit: Sit, begun: bool) -> None:
    sitting = sit(trials=1)
    sitting.run()
    documents = [d for d in sitting.documents if isinstance(d, SessionStarted)] if begun else []
    made = told(documents)
    assert (made.trials, made.units) == (0, ())
    if begun:
        assert made.population is not None and made.population.split_half.paper is None
    else:
        assert made.population is None and made.reasons == {"population": "the session did not begin"}
