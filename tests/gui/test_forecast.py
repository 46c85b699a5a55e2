"""Forecasts follow one over the square root, and say so when there is none."""

import math

import pytest

from gui.forecast import SETTLED, Target, forecast, roundly
from rig.documents import UnitEstimate


def estimate(n=100, half_hz=1.0, half_ul=2.0, **fields):
    known = {
        "unit": "a",
        "n": (n,),
        "paper_hz": 0.0,
        "paper_ul": 5.0,
        "isotonic_hz": 0.0,
        "isotonic_ul": 5.0,
        "bayes_hz": 0.0,
        "bayes_sd_hz": half_hz / 2,
        "bayes_ci95_hz": (-half_hz, half_hz),
        "bayes_ul": 5.0,
        "bayes_ci95_ul": (5 - half_ul, 5 + half_ul),
        "asymmetry_paper": 0.5,
        "asymmetry_bayes": 0.5,
    }
    return UnitEstimate(**{**known, **fields})


@pytest.mark.parametrize(("aim", "left"), [(2.0, 0), (4.0, 0), (1.0, 300), (2 / math.sqrt(2), 100)])
def test_half_the_width_takes_four_times_the_trials(aim, left):
    found = forecast(estimate(), Target("", aim, in_hz=False), mean_ul=5.0)
    assert found.half_width == 2.0
    assert found.trials == left and found.water_ul == left * 5.0


def test_settled_is_told_in_hz_and_asks_for_forty_responses():
    assert forecast(estimate(n=100, half_hz=3.2), SETTLED, 5.0).trials == 300
    assert forecast(estimate(n=12, half_hz=1.0), SETTLED, 5.0).trials == 28


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"flags": ("at edge",)}, "end of the axis"),
        ({"half_ul": 9.0}, "far off"),
        ({"bayes_ci95_ul": None, "reason": "3 responses"}, "3 responses"),
    ],
)
def test_where_nothing_can_be_said_it_says_why(fields, says):
    found = forecast(estimate(**fields), Target("", 1.0, in_hz=False), 5.0)
    assert found.trials is None and says in found.reason


def test_numbers_are_no_more_precise_than_the_guess():
    assert [roundly(n) for n in (0, 7, 14, 187)] == [0, 7, 10, 190]
