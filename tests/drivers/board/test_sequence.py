"""Events come out in order, once each, or are reported lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from drivers.board.event_codes import Overrun
from drivers.board.sequence import EventOrder
from rig.events import EventsLost, StateEntered


def event(number):
    return StateEntered(t_us=number * 1_000, state=number % 64)


def started(first=0, t_us=0):
    order = EventOrder()
    order.start(first, t_us)
    return order


def test_in_order_events_pass_at_once():
    order = started(65_534)
    for number in range(65_534, 65_540):
        assert order.take(number % 65_536, event(number)) == [event(number)]
    assert order.whole


def test_a_gap_holds_later_events_back_until_it_is_filled():
    order = started()
    assert order.take(0, event(0)) == [event(0)]
    assert order.take(3, event(3)) == []
    assert order.to_ask() == [1, 2]
    assert order.to_ask() == []
    assert order.take(2, event(2)) == []
    assert not order.whole
    assert order.take(1, event(1)) == [event(1), event(2), event(3)]
    assert order.whole


def test_what_cannot_be_had_is_told_with_its_bounds():
    order = started()
    order.take(0, event(0))
    order.take(4, event(4))
    assert order.to_ask() == [1, 2, 3]
    assert order.give_up(2) == []
    assert order.give_up(1) == []
    assert order.give_up(3) == [EventsLost(count=3, after_us=0, before_us=4_000), event(4)]
    assert order.take(2, event(2)) == []  # too late


def test_duplicates_are_dropped():
    order = started()
    order.take(0, event(0))
    assert order.take(0, event(0)) == []
    order.take(2, event(2))
    assert order.take(2, event(2)) == []
    assert order.take(1, event(1)) == [event(1), event(2)]


def test_what_the_board_has_forgotten_is_not_asked_for():
    order = started()
    assert order.take(100, event(100)) == []
    assert order.to_ask() == list(range(37, 100))  # with number 100 these are the last 64
    told = []
    for number in range(37, 100):
        told += order.take(number, event(number))
    assert told[0] == EventsLost(count=37, after_us=0, before_us=37_000)
    assert told[1:] == [event(n) for n in range(37, 101)]


def test_a_number_far_ahead_is_doubted():
    order = started(10)
    assert not order.is_far(10)
    assert not order.is_far(266)
    assert order.is_far(267)
    assert not order.is_far(9)  # merely old


def test_an_overrun_takes_a_number_and_says_nothing():
    order = started()
    assert order.take(0, Overrun(t_us=5, lost=3)) == []
    assert order.take(1, event(1)) == [event(1)]


def test_an_endless_gap_does_not_hold_more_than_it_may():
    order = started()
    told = []
    for number in range(1, 2_000):
        told += order.take(number, event(number))
    assert isinstance(told[0], EventsLost)
    assert [e for e in told if isinstance(e, StateEntered)] == [event(n) for n in range(1, 2_000)]


@given(st.data())
def test_everything_is_told_in_order_or_lost(data):
    count = data.draw(st.integers(1, 60))
    first = data.draw(st.integers(0, 65_535))
    order = started(first)
    arriving = data.draw(st.permutations(range(count)))
    arrived = set(arriving[: data.draw(st.integers(1, count))])
    told = []
    for number in (n for n in arriving if n in arrived):
        told += order.take((first + number) % 65_536, event(number))
    for seq in order.to_ask():
        told += order.give_up(seq)
    states = [e for e in told if isinstance(e, StateEntered)]
    assert states == [event(n) for n in sorted(arrived)]
    assert sum(e.count for e in told if isinstance(e, EventsLost)) == max(arrived) + 1 - len(arrived)
    assert order.whole
