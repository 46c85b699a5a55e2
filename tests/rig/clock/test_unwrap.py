"""Counters that wrap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.clock.unwrap import Unwrapper


@settings(deadline=None)
@given(st.integers(0, 2**20), st.lists(st.integers(-(2**15) + 1, 2**15 - 1), max_size=50))
def test_any_steps_below_half_a_turn_are_followed(start, steps):
    counter, value = Unwrapper(bits=16), start % 2**16
    newest = value
    assert counter.take(value) == value
    for step in steps:
        value = newest + step
        assert counter.take(value % 2**16) == value
        newest = max(newest, value)


@pytest.mark.parametrize("bits", [16, 32])
def test_it_wraps_and_begins_anew_when_told(bits):
    counter = Unwrapper(bits=bits)
    assert counter.take(2**bits - 1) == 2**bits - 1
    assert counter.take(3) == 2**bits + 3
    counter.reset()
    assert counter.take(3) == 3
