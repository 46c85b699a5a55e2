"""Which units count: the tagged ones, as if the others had never been recorded; and it is said."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from protocols.lowet_bernoulli import LowetBernoulli
from rig.cli.population_words import population_lines
from rig.documents import SessionStarted, TagConfirmed, TagsUpdated
from rig.population.shapes import Population
from rig.population.told import PopulationTracker
from rig.results.session_report import SessionReport
from rig.results.tag_report import NO_TAG, TagsTold, TagTruth
from rig.tagging.told import Confirmation, Salt, UnitTag

TAGGED = ("Tetrode 1:1", "Tetrode 1:3", "Tetrode 2:1", "Tetrode 2:2", "Tetrode 2:4")


def words(*units, tagged=True):
    return [TagConfirmed(word=Confirmation(unit=unit, tagged=tagged, by="Ada", board_us=1)) for unit in units]


def followed(documents, **options):
    tracker = PopulationTracker(partitions=32, **options)
    for document in documents:
        tracker.take(document)
    return tracker


@pytest.fixture(scope="module")
def documents():
    from rig.cli.plans import make_plan
    from rig.cli.rigs import demo_rig
    from rig.cli.simulate import run_virtual, virtual_description
    from rig.description import Emulation

    told = []

    class Keeper:
        def show(self, document):
            told.append(document)

    rig = virtual_description(demo_rig(), Emulation(units=10, seed=1))
    run_virtual(make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=90, settings={}), Keeper())
    return told


def only(documents, units):
    """The same session with some of its units only."""

    def cut(document):
        response = getattr(document, "response", None)
        if response is None:
            return document
        keep = [k for k, unit in enumerate(response.units) if unit in units]
        response = msgspec.structs.replace(
            response,
            units=tuple(response.units[k] for k in keep),
            response_hz=tuple(response.response_hz[k] for k in keep),
            counts=tuple(response.counts[k] for k in keep),
        )
        return msgspec.structs.replace(document, response=response)

    return [cut(document) for document in documents]


def plain(population: Population):
    """All but how many were left out, and the ANOVA over folds: a unit's folds hang on its place."""
    told = msgspec.to_builtins(population)
    for name in ("counted", "left_out", "asymmetry"):
        del told[name]
    return told


def close(one, other, path=""):
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            close(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path
        for k, (a, b) in enumerate(zip(one, other, strict=True)):
            close(a, b, f"{path}[{k}]")
    elif isinstance(one, float):
        assert other == pytest.approx(one, rel=1e-9, abs=1e-9), path
    else:
        assert one == other, path


def test_tagged_units_count_as_if_the_others_had_never_been_recorded(documents):
    view = followed([*documents, *words(*TAGGED)]).view()
    alone = followed(only(documents, TAGGED)).view()
    assert (view.population.counted, view.population.left_out, view.population.units) == ("tagged", 5, 5)
    assert [unit.unit for unit in view.figures.units] == list(TAGGED)
    assert {unit.unit for unit in view.population.drift} == set(TAGGED)
    close(plain(alone.population), plain(view.population))
    for ours, theirs in zip(view.figures.units, alone.figures.units, strict=True):
        assert ours.mean_hz == pytest.approx(theirs.mean_hz, nan_ok=True)
    np.testing.assert_allclose(view.figures.r_paper, alone.figures.r_paper)


def test_all_count_where_nobody_is_tagged_or_all_are_asked_for(documents):
    untagged = followed([*documents, *words(*TAGGED, tagged=False)]).view()
    asked = followed([*documents, *words(*TAGGED)], units="all").view()
    for view in (untagged, asked):
        assert (view.population.counted, view.population.left_out, view.population.units) == ("all", 0, 10)
    assert untagged == asked == followed(documents).view()


def test_tags_of_an_earlier_session_count_and_those_of_units_that_are_not_there_do_not(documents):
    known = tuple(Confirmation(unit=unit, tagged=True, by="", source="rig file") for unit in (*TAGGED, "9:9"))
    begun = [
        msgspec.structs.replace(document, tags=known) if isinstance(document, SessionStarted) else document
        for document in documents
    ]
    assert followed(begun).view() == followed([*documents, *words(*TAGGED)]).view()
    strangers = [
        msgspec.structs.replace(document, tags=known[-1:])
        if isinstance(document, SessionStarted)
        else document
        for document in documents
    ]
    assert followed(strangers).view() == followed(documents).view()


def test_a_word_in_mid_session_changes_the_next_view_and_can_be_taken_back(documents):
    tracker = followed(documents)
    before = tracker.view()
    for said, left_out in ((words("Tetrode 1:1"), 9), (words("Tetrode 1:2"), 8)):
        tracker.take(said[0])
        assert tracker.view().population.left_out == left_out
    for said in words("Tetrode 1:1", "Tetrode 1:2", tagged=False):
        tracker.take(said)
    assert tracker.view() == before


def test_cue_coding_counts_the_same_units(sit):
    sitting = sit(trials=60, units=6, protocol=LowetBernoulli)
    assert sitting.run().ok
    view = followed([*sitting.documents, *words("Tetrode 1:2", "Tetrode 1:4")]).view()
    whole = followed(sitting.documents).view()
    chosen = [
        unit for unit in whole.population.cue_coding.units if unit.unit in {"Tetrode 1:2", "Tetrode 1:4"}
    ]
    assert list(view.population.cue_coding.units) == chosen


def test_the_terminal_says_how_many_were_left_out(documents):
    lines = population_lines(followed([*documents, *words(*TAGGED)]).view().population)
    assert lines[0].startswith(
        "population of 5 units (tagged ones only; 5 not tagged left out, count them with"
    )
    assert "tagged" not in population_lines(followed(documents).view().population)[0]


# --- what the JSON says of each unit ----------------------------------------------------------------------


def lit(unit):
    salt = Salt(p=0.0, resolution=0.001, effect=0.6, pulses=40)
    return UnitTag(
        unit=unit, pulses=50, eligible=40, salt=salt, sham=salt, latency_mean_ms=4.5, jitter_ms=1.1,
        reliability=0.6, by_chance=0.05, suggestion=True, reasons=("P < 0.001",),
    )  # fmt: skip


def test_every_unit_has_its_tag_or_a_reason(documents):
    train = TagsUpdated(
        trial=0, rate_hz=1.0, sham=False, pulses_us=(1,), units=(lit("Tetrode 1:1"), lit("9:9"))
    )
    told = SessionReport()
    for document in (*documents, train, *words("Tetrode 1:1", "Tetrode 1:2")):
        told.show(document)
    made = told.report(light={"9:9": TagTruth(tagged=True, latency_ms=4.4)})
    units = {unit.unit: unit for unit in made.units}
    assert len(units) == 11
    first, second, third = (units[f"Tetrode 1:{k}"] for k in (1, 2, 3))
    assert (first.tag.tagged, first.tag.by, first.tag.p, first.tag.latency_ms) == (True, "Ada", 0.0, 4.5)
    assert (first.tag.reliability, first.tag.suggestion, first.tag.truth) == (0.6, True, None)
    assert (second.tag.tagged, second.tag.p, second.tag.reasons) == (
        True,
        None,
        ("no light was given in this session",),
    )
    assert third.tag is None and third.reasons["tag"] == NO_TAG
    only_lit = units["9:9"]
    assert (only_lit.n, only_lit.reversal.bayes, only_lit.tag.tagged) == ((), None, None)
    assert only_lit.tag.truth.latency_ms == 4.4
    assert only_lit.reasons["reversal.bayes"] == "no response to a reward was taken"


def test_evidence_of_an_earlier_session_is_told_with_its_source():
    told = TagsTold()
    word = Confirmation(unit="1:1", tagged=True, by="Ada", source="m1.sqlite", evidence=lit("1:1"))
    told.take(
        SessionStarted(
            subject="m1",
            protocol="p",
            rig="r",
            seed=1,
            parameters={},
            sizes_ul=(),
            utility_axis_hz=(),
            tags=(word,),
        )
    )
    tag = told.reports()["1:1"]
    assert (tag.tagged, tag.source, tag.p, tag.latency_ms, tag.pulses) == (True, "m1.sqlite", 0.0, 4.5, 50)
