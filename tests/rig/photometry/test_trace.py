"""The newest stretch: against a plain array."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.photometry.trace import Trace


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 70)), min_size=1, max_size=25),
    st.integers(5, 40),
    st.integers(-5, 900),
    st.integers(0, 120),
)
def test_it_is_an_array_with_holes_of_which_the_newest_part_is_kept(pieces, keep, start, length):
    trace, plain, at = Trace(keep), np.full(4000, np.nan), 100
    newest = None
    for gap, size in pieces:
        at += gap if newest is not None else 0
        values = np.arange(at, at + size, dtype=float)
        trace.append(at, values, np.ones(size, dtype=bool))
        plain[at : at + size] = values
        at = newest = at + size
    assert trace.next_sample == newest
    assert trace.oldest is not None
    low = max(start, 0)
    found = trace.between(low, low + length)
    assert len(found) == length
    expected = plain[low : low + length].copy()
    outside = np.arange(low, low + length)
    expected[(outside < trace.oldest) | (outside >= newest)] = np.nan
    assert np.array_equal(found, expected, equal_nan=True)
    # the newest samples are always kept, unless a hole as long has passed
    if all(gap < keep for gap, _ in pieces):
        total = newest - 100
        assert newest - trace.oldest >= min(keep, total)


def test_it_knows_since_when_it_is_settled():
    trace = Trace(100)
    trace.append(0, np.zeros(5), np.array([False, False, True, True, True]))
    assert trace.settled_from == 2
    trace.append(5, np.zeros(5), np.ones(5, dtype=bool))
    assert trace.settled_from == 2
    trace.append(20, np.zeros(3), np.zeros(3, dtype=bool))
    assert trace.settled_from is None
    trace.append(23, np.zeros(3), np.ones(3, dtype=bool))
    assert trace.settled_from == 23
    trace.clear()
    assert trace.next_sample is None
    assert np.isnan(trace.between(0, 5)).all()


def test_values_between_samples_lie_on_straight_lines():
    trace = Trace(50)
    trace.append(10, np.array([0.0, 1.0, 4.0, np.nan, 8.0]), np.ones(5, dtype=bool))
    found = trace.at(np.array([9.0, 10.0, 10.5, 12.0, 12.25, 14.0, 14.5]))
    assert np.array_equal(found, [np.nan, 0.0, 0.5, 4.0, np.nan, 8.0, np.nan], equal_nan=True)
