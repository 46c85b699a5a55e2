"""What clients may have, by a clock of the test's."""

from __future__ import annotations

import pytest

from rig.runtime.ration import Ration, Turns


class Clock:
    def __init__(self):
        self.now = 50.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_each_has_its_own_and_all_have_no_more_than_the_total(clock):
    ration = Ration(each=3, total=5, clock=clock)
    assert [ration.take("a") for _ in range(4)] == [None, None, None, 3]
    assert [ration.take("b") for _ in range(3)] == [None, None, 5]
    assert ration.take("c") == 5
    clock.now += 0.99
    assert ration.take("c") == 5
    clock.now += 0.02
    assert [ration.take(who) for who in "abc"] == [None, None, None]


def test_what_is_refused_is_not_counted(clock):
    ration = Ration(each=2, total=100, clock=clock)
    assert sum(ration.take("a") is None for _ in range(500)) == 2
    assert ration.take("b") is None


def test_who_asks_under_a_thousand_names_costs_no_memory_for_long(clock):
    ration = Ration(each=1, total=10, clock=clock)
    for number in range(1000):
        ration.take(f"client {number}")
    assert len(ration._taken) == 10
    clock.now += 1.5
    ration.take("a")
    assert len(ration._taken) == 1


def test_a_turn_ends_and_is_followed_by_a_longer_rest(clock):
    turns = Turns(0.005, 2.0, clock=clock)
    assert turns.rests_s == 0.0
    turns.begin()
    clock.now += 0.004
    assert not turns.over
    clock.now += 0.004
    assert turns.over
    turns.end()
    assert turns.rests_s == pytest.approx(0.016)
    clock.now += 0.015
    assert turns.rests_s > 0
    clock.now += 0.002
    assert turns.rests_s == 0.0
