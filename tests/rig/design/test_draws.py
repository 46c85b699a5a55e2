"""Draws are stable for ever: these numbers must never change."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.design.draws import Draws
from rig.errors import ConfigError


def test_the_first_draws_of_a_seed_are_what_they_always_were():
    draws = Draws(1, 2, 3)
    assert [draws.integer(1000) for _ in range(5)] == [616, 483, 571, 86, 63]
    assert Draws(7).uniform() == 0.625095466604667


def test_streams_of_different_keys_differ():
    assert len({Draws(1, key).raw() for key in range(100)}) == 100


@given(seed=st.integers(0, 2**63), below=st.integers(1, 2**40))
def test_an_integer_is_within_its_range(seed, below):
    assert 0 <= Draws(seed).integer(below) < below


def test_an_empty_range_is_refused():
    with pytest.raises(ValueError, match="positive"):
        Draws(1).integer(0)


def test_the_exponential_has_its_mean():
    draws = Draws(5)
    assert statistics.fmean(draws.exponential(5.0) for _ in range(20_000)) == pytest.approx(5.0, rel=0.03)


def test_the_shortest_wait_is_no_longer_than_the_longest():
    assert Draws(5).wait(2.0, 3.0, 2.0) == 2.0
    with pytest.raises(ConfigError, match="the shortest wait, 5 s, is longer than the longest one, 2 s"):
        Draws(5).wait(5.0, 3.0, 2.0)


@given(seed=st.integers(0, 2**32), items=st.lists(st.integers()))
def test_a_shuffle_keeps_every_item(seed, items):
    shuffled = list(items)
    Draws(seed).shuffle(shuffled)
    assert sorted(shuffled) == sorted(items)


def test_every_order_comes_up():
    orders = set()
    for seed in range(200):
        items: list[object] = [1, 2, 3]
        Draws(seed).shuffle(items)
        orders.add(tuple(items))
    assert len(orders) == 6
