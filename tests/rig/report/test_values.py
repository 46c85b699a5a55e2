"""Values that the figures are drawn from, against straightforward ways to work them out."""

import math

import msgspec
import numpy as np
import pytest

from rig.documents import ResponseTaken, TrialDone
from rig.report.header import when
from rig.report.licks import Licks, anticipation_s
from rig.report.scales import column_of, labelled, mean_utility, span
from rig.report.settling import residuals
from rig.report.words import hz, plain, probability, ratio, short, signed


def test_drift_is_what_is_left_when_each_units_mean_is_taken_away(facts):
    trials, left = residuals(facts, facts.epochs[0])
    of_kind = {}
    for record in facts.records:
        if record.number in facts.responses:
            of_kind.setdefault((record.spec.reward_ul, record.spec.condition), []).append(record.number)
    for numbers in of_kind.values():
        values = np.array([facts.responses[number].response_hz for number in numbers], dtype=float)
        expected = (values - values.mean(axis=0)).mean(axis=1)
        found = [left[trials.tolist().index(number)] for number in numbers]
        assert found == pytest.approx(expected.tolist())
    assert len(trials) == sum(map(len, of_kind.values())) == 120


def test_a_late_response_replaces_the_first(many, gathered):
    first = next(document for document in many.documents if isinstance(document, ResponseTaken))
    values = tuple(value + 1.0 for value in first.response.response_hz)
    late = ResponseTaken(response=msgspec.structs.replace(first.response, response_hz=values), revised=True)
    told = gathered([*many.documents, late]).responses[first.response.trial]
    assert told.response_hz == values


def test_lick_rates_are_counts_over_recorded_time(facts):
    licks = Licks(facts.records)
    onsets = [
        record.start_us / 1e6 + change.at_us / 1e6
        for record in facts.records
        for change in record.inputs
        if change.on
    ]
    assert licks.at_s.tolist() == pytest.approx(sorted(onsets))
    record = facts.records[5]
    start, stop = record.start_us / 1e6, (record.start_us + record.duration_us) / 1e6
    inside = sum(start <= onset < stop for onset in onsets)
    assert licks.between_hz(np.array([start]), np.array([stop]))[0] == pytest.approx(inside / (stop - start))
    before = facts.records[0].start_us / 1e6
    assert math.isnan(licks.between_hz(np.array([before - 10.0]), np.array([before - 5.0]))[0])


def test_the_wait_before_an_outcome_is_each_conditions_own(facts):
    assert anticipation_s(facts.records) == pytest.approx({"signalled": 1.5, "odour_b": 1.5}, abs=1e-3)
    assert anticipation_s([]) == {}


def test_courses_end_where_the_estimates_ended(facts):
    epoch = facts.epochs[0]
    courses = epoch.courses()
    assert courses.rewarded[-1] == sum(document.reward_us is not None for document in facts.records)
    for unit in epoch.units:
        k = courses.units.index(unit.unit)
        assert courses.hz[-1, k] == unit.bayes_hz
        low, high = unit.bayes_ci95_hz
        assert courses.half_width_hz[-1, k] == pytest.approx((high - low) / 2)


def test_the_mean_of_the_rewards_is_that_of_the_declared_block(facts):
    epoch = facts.epochs[0]
    shares = np.array([7.5, 10, 15, 15, 30, 15, 7.5]) / 100
    assert mean_utility(epoch) == pytest.approx(float(shares @ np.array(epoch.axis_hz)))


def test_scales(facts):
    epoch = facts.epochs[0]
    assert labelled(epoch.sizes_ul, epoch.axis_hz, 0.4) == ["0.1", "", "1.2", "2.5", "5", "10", "20"]
    low, high = span(epoch)
    assert low < epoch.axis_hz[0] and high > epoch.axis_hz[-1]
    middle = (epoch.axis_hz[3] + epoch.axis_hz[4]) / 2
    assert column_of(epoch, np.array([epoch.axis_hz[2], middle])).tolist() == pytest.approx([2.0, 3.5])


def test_water_is_counted_from_trials(facts, many):
    assert facts.rewarded == 120
    delivered = sum(d.record.delivered_ul for d in many.documents if isinstance(d, TrialDone))
    assert facts.delivered_ul == pytest.approx(delivered)


def test_words():
    assert (
        plain("a\nb\x00\N{RIGHT-TO-LEFT OVERRIDE}\ud800é")
        == "a b\N{REPLACEMENT CHARACTER}" + "\N{REPLACEMENT CHARACTER}" * 2 + "é"
    )
    assert short("x" * 50, 10) == "xxxxx…xxxx"
    assert (hz(-1.234), hz(0.001), hz(None)) == ("−1.23 Hz", "0.00 Hz", "none")
    assert (ratio(-0.001), ratio(0.456), signed(-0.06, 1)) == ("0.00", "0.46", "−0.1")
    assert (probability(1.8e-5), probability(0.32), probability(0.0)) == ("1.8e-05", "0.32", "below 1e-300")
    assert (when(""), when("2026-03-02T09:14:00")) == ("date unknown", "2026-03-02 09:14")
