"""The numbers on the page are those of the population, to the last digit."""

import pytest

from rig.report import Paper, page

LONG = {"paper": "published sign count", "isotonic": "isotonic crossing"}


@pytest.fixture(scope="module")
def numbers(html, parse):
    return parse(html).numbers


@pytest.fixture(scope="module")
def population(facts):
    return facts.epochs[0].view.population


@pytest.mark.parametrize("name", LONG)
def test_split_halves(numbers, population, name):
    random, timed = getattr(population.split_half, name), getattr(population.time_split, name)
    assert numbers[f"R, random halves, {LONG[name]}"] == random.r
    assert numbers[f"SD, random halves, {LONG[name]}"] == random.r_sd
    assert numbers[f"mean P, random halves, {LONG[name]}"] == random.p_mean
    assert numbers[f"geometric mean P, random halves, {LONG[name]}"] == random.p_geometric
    assert numbers[f"R, halves in time, {LONG[name]}"] == timed.r
    assert numbers[f"P, halves in time, {LONG[name]}"] == timed.p_mean


def test_asymmetry_and_baseline(numbers, population):
    assert numbers["R, asymmetry and reversal point"] == population.asymmetry_reversal.r
    assert numbers["mean P of that R"] == population.asymmetry_reversal.p
    assert numbers["mean asymmetry"] == population.asymmetry.mean
    assert numbers["F, as published: folds share the reversal point"] == population.asymmetry.f
    assert numbers["P, all anew in every fold: the one to trust"] == population.asymmetry.p_anew
    assert numbers["R, baseline and reversal point"] == population.baseline_reversal.r


def test_up_and_down(numbers, population):
    assert population.up_down
    for size, up, down in population.up_down:
        assert numbers[f"up at {size:g} µL"] == up
        assert numbers[f"down at {size:g} µL"] == down


def test_evidence(numbers, population, html):
    evidence = population.evidence
    assert numbers["probability of “one reversal point for all”"] == evidence.common
    assert numbers["probability of “an expectile code and constants”"] == evidence.both
    assert numbers["signs foretold by one for all"] == evidence.held_out.common
    assert numbers["signs foretold by each unit's own"] == evidence.held_out.own
    assert evidence.verdict == "undecided"
    assert "answer: undecided" in html


def test_decoding(numbers, population):
    convex = population.decoding.convex
    assert numbers["distance, convex least squares"] == convex.wasserstein_hz
    beaten = sum(shuffled > convex.wasserstein_hz for shuffled in convex.shuffled_hz)
    assert numbers["shuffles it beats, convex least squares"] == beaten


def test_drift(numbers, population):
    assert numbers["units that parted from their past"] == sum(unit.parted for unit in population.drift)
    assert numbers["recent less all responses"] == population.drift_together.hz


def test_reversal_points(numbers, facts):
    points = sorted(unit.bayes_hz for unit in facts.epochs[0].units)
    assert numbers["lowest"] == points[0]
    assert numbers["highest"] == points[-1]
    assert numbers["units with a reversal point"] == len(points) == 12


def test_truth(numbers, facts, many):
    units = facts.epochs[0].units
    inside = [low <= many.truth[u.unit].reversal_hz <= high for u in units for low, high in [u.bayes_ci95_hz]]
    assert numbers["intervals that hold the truth"] == pytest.approx(sum(inside) / len(inside))
    errors = [unit.bayes_hz - many.truth[unit.unit].reversal_hz for unit in units]
    assert numbers["bias, Bayes"] == pytest.approx(sum(errors) / len(errors))


def test_water_and_licks(numbers, facts):
    assert numbers["water in trials"] == pytest.approx(sum(record.delivered_ul for record in facts.records))
    onsets = [change for record in facts.records for change in record.inputs if change.on]
    assert numbers["licks"] == len(onsets) > 100
    assert numbers["licks before the outcome, signalled"] > 1 > numbers["licks before the outcome, odour_b"]


def test_what_was_decoded_by_the_published_way_is_shown_or_explained(html, facts):
    assert facts.epochs[0].view.population.decoding.published is None
    reason = facts.epochs[0].view.population.reasons["decoding.published"]
    assert f"Not by the published imputation: {reason}." in html


def test_cue_coding(simulate, parse):
    session = simulate("variable_probability", 120, 5)
    facts = session.facts()
    cues = facts.epochs[0].view.population.cue_coding
    told = parse(page(facts, Paper(file="p.sqlite", truth=session.truth, no_truth="each cue has its own")))
    assert told.numbers["units with c50"] == sum(unit.c50 is not None for unit in cues.units) > 3
    assert told.numbers["spread of the t values (1: all at the midpoint)"] == cues.spread
    assert "Why: this protocol has no one reward distribution" in told.text
    assert "Truth and estimate. Why: each cue has its own." in told.text
