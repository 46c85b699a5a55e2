"""Sessions put together as one recording: each unit keeps its own trials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from protocols.mirrored import Mirrored
from rig.description import Neural
from rig.documents import EstimatesUpdated, TrialDone
from rig.estimate.offline import analyse
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ, UtilityAxis
from rig.population.offline import population_of
from rig.population.shapes import PopulationView
from rig.population.told import PopulationTracker
from rig.results.gather import Frame, Gathered, pooled

Sit = Callable[..., Any]


def gathered(documents: list[Any]) -> Gathered:
    made = Gathered()
    for document in documents:
        made.take(document)
    return made


def analysed(sessions: dict[str, Gathered]) -> tuple[Any, PopulationView]:
    frame = next(iter(sessions.values())).frame
    assert frame is not None
    responses, heard = pooled(sessions, frame)
    analysis = analyse(responses, frame.axis, frame.shift_hz)
    return analysis, population_of(responses, analysis, heard)


def test_one_session_gives_what_it_gave_itself(sit: Sit) -> None:
    sitting = sit(trials=60, units=5, neural=Neural(unsignalled_shift_hz=-1.5))
    sitting.run()
    analysis, view = analysed({"s": gathered(sitting.documents)})
    tracker = PopulationTracker()
    for document in sitting.documents:
        tracker.take(document)
    own = tracker.view()
    assert own is not None
    for one, other in zip(analysis.estimates, sitting.of(EstimatesUpdated)[-1].units, strict=True):
        assert one.unit == f"s/{other.unit}" and one.n == other.n
        assert one.bayes_hz == pytest.approx(other.bayes_hz, rel=1e-9)
        assert one.paper_hz == other.paper_hz and one.flags == other.flags
    told, expected = view.population, own.population
    assert told.split_half == expected.split_half and told.time_split == expected.time_split
    assert told.asymmetry == expected.asymmetry and told.evidence == expected.evidence
    assert told.decoding == expected.decoding and told.baseline_reversal == expected.baseline_reversal
    assert told.reasons == expected.reasons


def test_units_of_two_sessions_keep_their_own_trials(sit: Sit) -> None:
    sessions, n = {}, []
    for name, seed, trials in (("mon", 1, 40), ("tue", 2, 25)):
        sitting = sit(trials=trials, units=3, seed=seed)
        sitting.run()
        sessions[name] = gathered(sitting.documents)
        n += [unit.n for unit in sitting.of(EstimatesUpdated)[-1].units]
    analysis, view = analysed(sessions)
    assert [unit.n for unit in analysis.estimates] == n
    assert [unit.unit.split("/")[0] for unit in analysis.estimates] == ["mon"] * 3 + ["tue"] * 3
    assert view.population.units == 6
    assert view.rewarded == sum(session.rewarded for session in sessions.values())


def test_the_newest_epoch_is_taken(sit: Sit) -> None:
    settings = {"at_least": 20, "at_most": 20, "discard": 5}
    sitting = sit(trials=50, units=3, protocol=Mirrored, settings=settings)
    sitting.run()
    made = gathered(sitting.documents)
    assert min(row.trial for row in made.rows) >= 25
    assert (made.trials, made.frame is not None) == (50, True)
    first = gathered(sitting.documents[: sitting.documents.index(sitting.of(TrialDone)[10])])
    assert first.frame is not None and made.frame is not None
    assert first.frame.differs(made.frame) == "declared reward distribution"


def test_what_sessions_must_have_in_common() -> None:
    frame = Frame(PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ, ((5.0, 1.0),), 0.0, None)
    assert frame.differs(frame) is None
    assert frame.axis is PUBLISHED_AXIS
    for changed, what in (
        (Frame((1.0, 2.0), PUBLISHED_UTILITY_HZ, ((5.0, 1.0),), 0.0, None), "reward sizes"),
        (Frame(PUBLISHED_SIZES_UL, (0.0,) * 7, ((5.0, 1.0),), 0.0, None), "utility axis"),
        (Frame(PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ, ((5.0, 1.0),), 1.0, None), "shift of unsignalled"),
        (Frame(PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ, ((5.0, 1.0),), 0.0, ("a", "b", "c")), "cues"),
    ):
        assert str(frame.differs(changed)).startswith(what)
    own = Frame((1.0, 2.0), (-1.0, 4.0), (), 0.0, None)
    assert own.axis == UtilityAxis((1.0, 2.0), (-1.0, 4.0))


def test_before_the_session_began_it_has_no_frame() -> None:
    assert Gathered().frame is None
    assert np.array(Gathered().lost).size == 0
