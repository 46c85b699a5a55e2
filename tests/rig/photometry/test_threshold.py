"""A value that dF/F passes from below."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rig.photometry.threshold import Threshold

VALUES = st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, np.nan]), max_size=40)


def passed(threshold, values, cuts=()):
    found, at = [], 0
    for piece in np.split(np.array(values), sorted(cuts)):
        found += threshold.take(at, piece)
        at += len(piece)
    return found


@given(VALUES, st.data())
def test_it_does_not_matter_how_samples_are_cut(values, data):
    cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=5))
    assert passed(Threshold(1.0, 3), values, cuts) == passed(Threshold(1.0, 3), values)


@given(VALUES)
def test_only_a_known_rise_counts(values):
    expected = [k for k in range(1, len(values)) if values[k - 1] < 1.0 <= values[k]]
    assert passed(Threshold(1.0, 0), values) == expected


def test_what_is_above_from_the_beginning_or_after_the_unknown_is_no_rise():
    assert passed(Threshold(1.0, 0), [2.0, 2.0]) == []
    assert passed(Threshold(1.0, 0), [0.0, np.nan, 2.0]) == []


def test_a_refractory_time_begins_with_what_counted_only():
    threshold = Threshold(1.0, 10)
    assert threshold.take(0, np.array([0.0, 2.0, 0.0]), armed=False) == []
    assert threshold.take(3, np.array([2.0, 0.0, 2.0])) == [3]
    assert threshold.take(13, np.array([0.0, 2.0])) == [14]


def test_after_forgetting_numbers_may_begin_again():
    threshold = Threshold(1.0, 1000)
    assert threshold.take(500, np.array([0.0, 2.0])) == [501]
    threshold.forget()
    assert threshold.take(0, np.array([2.0, 0.0, 2.0])) == [2]
