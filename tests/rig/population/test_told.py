"""The population beside a session: the same units and trials as its own estimator, whatever is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from protocols.lowet_distributions import LowetDistributions
from protocols.mirrored import Mirrored
from rig.description import Neural
from rig.documents import (
    CueResponseTaken,
    CueRoles,
    Document,
    EpochStarted,
    EstimatesUpdated,
    ResponseTaken,
    SessionStarted,
    TrialDone,
)
from rig.population.shapes import Population, PopulationView
from rig.population.told import PopulationTracker
from rig.trial.spec import ResponseWindow, TrialRecord, TrialResponse, TrialSpec

Sit = Callable[..., Any]


def tracked(documents: Iterable[Document]) -> PopulationTracker:
    tracker = PopulationTracker(partitions=64)
    for document in documents:
        tracker.take(document)
    return tracker


def same_as_the_session(tracker: PopulationTracker, sitting: Any) -> None:
    """Hold every table of the tracker's counts to that of the session's own estimator."""
    estimator = sitting.session.reckoning.estimator
    assert tracker.counts is not None
    order = [tracker.units.index(unit) for unit in estimator.units]
    ours, theirs = tracker.counts.whole.rows(order), estimator.counts
    for name in ("n", "positives", "negatives"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for name in ("total", "squares"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-12)
    view = tracker.view()
    assert view is not None and view.rewarded == sitting.of(EstimatesUpdated)[-1].rewarded
    both = tracker.counts.first.n + tracker.counts.second.n
    np.testing.assert_array_equal(both, tracker.counts.whole.n)
    np.testing.assert_array_equal(tracker.counts.folds.n.sum(axis=1), tracker.counts.whole.n)


# --- the session's own rules ------------------------------------------------------------------------


def test_it_counts_what_the_session_counts(sit: Sit) -> None:
    sitting = sit(trials=60, units=6, neural=Neural(unsignalled_shift_hz=-1.5))
    sitting.run()
    tracker = tracked(sitting.documents)
    same_as_the_session(tracker, sitting)
    assert tracker.counts is not None and tracker.counts.whole.n.sum() > 200


def test_only_the_conditions_that_the_reversal_points_are_about(sit: Sit) -> None:
    sitting = sit(trials=60, units=4, protocol=LowetDistributions)
    sitting.run()
    tracker = tracked(sitting.documents)
    same_as_the_session(tracker, sitting)
    assert tracker.counts is not None
    told = sum(len(document.response.units) for document in sitting.of(ResponseTaken))
    assert 0 < tracker.counts.whole.n.sum() < told


def test_a_later_epoch_counts_from_nothing_and_discards_its_first_trials(sit: Sit) -> None:
    settings = {"at_least": 20, "at_most": 20, "discard": 8}
    sitting = sit(trials=50, units=4, protocol=Mirrored, settings=settings)
    sitting.run()
    (epoch,) = sitting.of(EpochStarted)
    tracker = tracked(sitting.documents)
    same_as_the_session(tracker, sitting)
    view = tracker.view()
    assert view is not None
    assert (view.epoch, view.sizes_ul) == (1, epoch.sizes_ul)
    rewarded = [d.record for d in sitting.of(TrialDone) if d.record.reward_us is not None]
    assert view.rewarded == sum(record.number >= 28 for record in rewarded)
    before = tracked(sitting.documents[: sitting.documents.index(epoch)]).view()
    assert before is not None
    assert (before.epoch, before.rewarded) == (0, sum(record.number < 20 for record in rewarded))


def test_late_responses_count_once(sit: Sit) -> None:
    late = sit(trials=30, neural=Neural(decision_deadline_s=0.5), silence_s=1000.0)
    held: list[Any] = []

    def swallow(entry: Any) -> bool:
        stalled: bool = 3 <= late.session.history.trials < 9
        if entry.kind == "messages" and stalled:
            held.append(entry)
        return bool(entry.kind == "messages" and stalled)

    def interfere(entry: Any) -> Iterator[tuple[str, str, bytes]]:
        if late.session.history.trials >= 9:
            while held:
                old = held.pop(0)
                yield old.source, old.kind, old.payload

    late.swallow, late.interfere = swallow, interfere
    late.run()
    assert [document for document in late.of(ResponseTaken) if document.revised]
    same_as_the_session(tracked(late.documents), late)


def test_two_streams_of_which_one_is_late(sit: Sit) -> None:
    (stream,) = sit().session.plan.rig.streams
    streams = (stream, msgspec.structs.replace(stream, name="other"))
    both = sit(trials=20, streams=streams, neural=Neural(decision_deadline_s=0.5))
    held: list[bytes] = []

    def interfere(entry: Any) -> Iterator[tuple[str, str, bytes]]:
        if entry.kind == "messages":
            held.append(entry.payload)
        if not 4 <= both.session.history.trials < 9:
            while held:
                yield "other", "messages", held.pop(0)

    both.interfere = interfere
    both.run()
    revised = [document for document in both.of(ResponseTaken) if document.revised]
    assert any(None not in document.response.response_hz for document in revised)
    tracker = tracked(both.documents)
    assert len(tracker.units) == 8
    same_as_the_session(tracker, both)


def test_nobody_is_disturbed_by_looking_or_by_a_checkpoint(sit: Sit) -> None:
    sitting = sit(trials=60, units=5)
    sitting.run()
    plain, looked = tracked(sitting.documents), PopulationTracker(partitions=64)
    middle = len(sitting.documents) // 2
    for number, document in enumerate(sitting.documents):
        looked.take(document)
        if number % 97 == 0:
            looked.view()
        if number == middle:
            checkpoint = looked.copy()
            then = checkpoint.view()
    assert looked.view() == plain.view()
    assert checkpoint.view() == then != looked.view()
    for document in sitting.documents[middle + 1 :]:
        checkpoint.take(document)
    assert checkpoint.view() == plain.view()


# --- documents by hand --------------------------------------------------------------------------------


def started(**changes: Any) -> SessionStarted:
    told: dict[str, Any] = {
        "subject": "m",
        "protocol": "p",
        "rig": "r",
        "seed": 1,
        "parameters": {},
        "sizes_ul": (1.2, 5.0, 20.0),
        "utility_axis_hz": (-2.0, 0.0, 8.0),
        "window": ResponseWindow(),
    }
    return SessionStarted(**(told | changes))


def trial(number: int, reward_ul: float = 5.0, condition: str = "a") -> TrialDone:
    record = TrialRecord(
        number=number,
        spec=TrialSpec(condition=condition, reward_ul=reward_ul, signalled=True),
        outcome="complete",
        start_us=number * 10_000_000,
        duration_us=5_000_000,
        states=(),
        outputs=(),
        inputs=(),
        cue_us=0,
        reward_us=1_500_000 if reward_ul else None,
        stimulus_us=0,
        delivered_ul=reward_ul,
        table_hash="",
    )
    return TrialDone(record=record)


def response(number: int, counts: dict[str, tuple[int, int] | None]) -> TrialResponse:
    return TrialResponse(
        trial=number,
        units=tuple(counts),
        response_hz=tuple(None if c is None else c[0] / 0.4 - c[1] for c in counts.values()),
        counts=tuple(counts.values()),
    )


def session(trials: int, rng: np.random.Generator, units: int = 6, **changes: Any) -> list[Document]:
    told: list[Document] = [started(**changes)]
    for number in range(trials):
        size = float(rng.choice((1.2, 5.0, 20.0)))
        told.append(trial(number, size))
        counts = {f"u{i}": (int(rng.poisson(1 + size / 4)), int(rng.poisson(4 + i))) for i in range(units)}
        told.append(ResponseTaken(response=response(number, dict(counts))))
    return told


def test_before_the_session_there_is_nothing_to_say() -> None:
    assert PopulationTracker().view() is None
    assert PopulationTracker().units == ()


def nulls(value: Any, path: str = "", told: bool = False) -> Iterator[str]:
    """Paths of the nulls below a value, without numbers of places; what says its own reason is left out."""
    if value is None and not told:
        yield path
    elif isinstance(value, dict):
        told = bool(value.get("reason"))
        for key, item in value.items():
            if key != "reason" and path.rpartition(".")[2] != "reasons":
                yield from nulls(item, f"{path}.{key}".lstrip("."), told)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from nulls(item, path, told)


def unexplained(population: Population) -> set[str]:
    def explained(path: str) -> bool:
        parts = path.split(".")
        return any(".".join(parts[: k + 1]) in population.reasons for k in range(len(parts)))

    return {path for path in nulls(msgspec.to_builtins(population)) if not explained(path)}


def viewed(documents: Iterable[Document]) -> PopulationView:
    view = tracked(documents).view()
    assert view is not None
    return view


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ([started()], "no unit has data for an estimate"),
        ([started(), trial(0), ResponseTaken(response=response(0, {"a": (3, 2), "b": None}))], "no unit has"),
        (session(30, np.random.default_rng(1), units=3), "3 units have data"),
        (session(5, np.random.default_rng(1), reversal_conditions=()), "no one reward distribution"),
        (
            session(9, np.random.default_rng(1), sizes_ul=(5.0,), utility_axis_hz=(0.0,)),
            "one reward size only",
        ),
        ([started(sizes_ul=(), utility_axis_hz=())], "takes no responses"),
    ],
)
def test_every_null_has_its_reason(documents: list[Document], words: str) -> None:
    told = viewed(documents).population
    assert told.split_half.paper is None and told.evidence is None and told.decoding.convex is None
    assert words in told.reasons["split_half.paper"]
    assert words in told.reasons["evidence"]
    assert not unexplained(told)
    assert all(reason and "\n" not in reason for reason in told.reasons.values())


def test_a_whole_session_by_hand_has_everything() -> None:
    view = viewed(session(150, np.random.default_rng(2), units=8))
    told = view.population
    assert not unexplained(told)
    assert set(told.reasons) == {
        *("time_split.paper.r_sd", "time_split.isotonic.r_sd", "decoding.published", "cue_coding"),
    }
    assert told.units == 8 and view.rewarded == 150
    assert told.baseline_reversal is not None and told.baseline_reversal.r > 0
    assert told.decoding.convex is not None and told.decoding.convex.p_low
    assert len(told.decoding.convex.shuffled_hz) == 100
    figures = view.figures
    assert len(figures.r_paper) == 64
    assert sum(figures.delivered) == pytest.approx(1.0)
    one = figures.units[3]
    assert one.baseline_hz == pytest.approx(7.0, abs=1.0)
    assert one.asymmetry is not None and one.asymmetry_sd is not None and 0 < one.asymmetry_sd < 0.5
    assert None not in (*one.halves_paper, *one.times_isotonic, *one.mean_hz, *one.sem_hz)


def test_the_published_imputation_is_worked_out_on_request_only() -> None:
    tracker = tracked(session(60, np.random.default_rng(2)))
    plain, asked = tracker.view(), tracker.view("all")
    assert plain is not None and asked is not None
    assert plain.population.decoding.published is None
    published = asked.population.decoding.published
    assert published is not None and len(published.x_hz) == 100 and len(published.shuffled_hz) == 20
    assert asked.population.decoding.convex == plain.population.decoding.convex


def test_a_late_response_is_counted_for_the_units_that_lacked_it_and_no_other() -> None:
    documents: list[Document] = [started(), trial(0), trial(1)]
    documents += [
        ResponseTaken(response=response(0, {"a": (4, 2), "b": None})),
        ResponseTaken(response=response(1, {"a": (2, 2), "b": (1, 1)})),
        ResponseTaken(response=response(0, {"a": (4, 2), "b": (6, 3)}), revised=True),
        ResponseTaken(response=response(0, {"a": (4, 2), "b": (6, 3)}), revised=True),
    ]
    tracker = tracked(documents)
    assert tracker.counts is not None
    assert tracker.counts.whole.n[:, 1].tolist() == [2, 2]
    assert tracker.counts.whole.total[:, 1].tolist() == [8.0 + 3.0, 12.0 + 1.5]
    assert tracker.counts.baseline_hz.tolist() == [2.0, 2.0]
    view = tracker.view()
    assert view is not None and view.rewarded == 2


def test_late_data_of_an_epoch_that_is_over_are_counted_nowhere() -> None:
    epoch = EpochStarted(
        epoch=1, name="n", trial=1, sizes_ul=(5.0, 20.0), utility_axis_hz=(0.0, 8.0), declared=()
    )
    tracker = tracked(
        [
            *(started(), trial(0), ResponseTaken(response=response(0, {"a": None})), epoch, trial(1)),
            ResponseTaken(response=response(0, {"a": (4, 2)}), revised=True),
            ResponseTaken(response=response(1, {"a": (2, 2)})),
        ]
    )
    assert tracker.counts is not None
    assert tracker.counts.whole.n.tolist() == [[1, 0]]


def test_a_unit_that_falls_silent_is_lost_and_the_others_are_not() -> None:
    documents: list[Document] = [started()]
    for number in range(80):
        documents.append(trial(number))
        silent = (0, 0) if number > 45 else (2, 5)
        documents.append(ResponseTaken(response=response(number, {"a": (2, 5), "b": silent})))
    assert [unit.lost for unit in viewed(documents).population.drift] == [False, True]


def cue_session(each: int) -> list[Document]:
    rng = np.random.default_rng(7)
    roles = CueRoles(low="p10", middle="p50", high="p90")
    told: list[Document] = [started(cue_roles=roles, cue_window=ResponseWindow())]
    number = 0
    for _ in range(each):
        for condition, rate in (("p10", 1), ("p50", 3), ("p90", 5), ("puff", 9)):
            told.append(trial(number, 0.0, condition))
            counts = {unit: (int(rng.poisson(rate * 2)), int(rng.poisson(4))) for unit in "ab"}
            told.append(CueResponseTaken(response=response(number, dict(counts))))
            number += 1
    return told


def test_cue_responses_go_by_their_roles_and_outlive_an_epoch() -> None:
    told = viewed(cue_session(70)).population
    cues = told.cue_coding
    assert cues is not None and not unexplained(told)
    assert cues.conditions == ("p10", "p50", "p90")
    assert [unit.n for unit in cues.units] == [(70, 70, 70)] * 2
    assert all(unit.c50 == pytest.approx(0.5, abs=0.15) and unit.label for unit in cues.units)
    epoch = EpochStarted(
        epoch=1, name="n", trial=280, sizes_ul=(5.0, 20.0), utility_axis_hz=(0.0, 8.0), declared=()
    )
    assert viewed([*cue_session(70), epoch]).population.cue_coding == cues


def test_few_cue_responses_give_no_label_but_a_reason() -> None:
    few = viewed(cue_session(3)).population
    assert few.cue_coding is not None and few.cue_coding.spread is None
    assert not unexplained(few)
    assert "not every one of the three cues" in viewed(cue_session(0)).population.reasons["cue_coding"]


def test_a_late_cue_response_counts_once() -> None:
    documents = cue_session(6)
    late = documents[2]
    assert isinstance(late, CueResponseTaken)
    documents.append(CueResponseTaken(response=late.response, revised=True))
    cues = viewed(documents).population.cue_coding
    assert cues is not None
    assert [unit.n for unit in cues.units] == [(6, 6, 6)] * 2
