"""Spike trains: counts, bounds and lateness, against a plain list."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rig.stream.ring import SpikeRing

UNITS = ("a:1", "a:2", "b:1")


def test_counting_is_strictly_inside():
    ring = SpikeRing()
    for sample in (10, 20, 30):
        ring.add("a:1", sample)
    assert ring.count(10, 30) == [1]
    assert ring.count(9.999, 30.001) == [3]
    assert ring.count(30, 10) == [0]
    assert ring.count_unit("a:1", 15, 25) == 1
    assert ring.count_unit("nobody", 15, 25) == 0


def test_fractions_of_a_sample_count_far_from_zero():
    ring = SpikeRing()
    ring.add("a:1", 10**12)
    assert ring.count(10**12 - 0.25, 10**12 + 0.25) == [1]
    assert ring.count(10**12 + 0.25, 10**12 + 5) == [0]


def test_units_are_known_by_roster_or_by_arrival_in_that_order():
    ring = SpikeRing()
    ring.add_unit("b:1")
    ring.add("a:1", 7)
    ring.add_unit("a:1")
    assert ring.units == ("b:1", "a:1")
    assert ring.count(0, 10) == [0, 1]
    assert (ring.first_seen("b:1"), ring.first_seen("a:1"), ring.first_seen("c:9")) == (None, 7, None)


def test_first_seen_is_the_earliest_whatever_came_first():
    ring = SpikeRing()
    for sample in (50, 40, 60):
        ring.add("a:1", sample)
    assert ring.first_seen("a:1") == 40
    assert ring.disordered == 1


def test_what_comes_after_its_window_was_counted_is_late_but_kept():
    ring = SpikeRing()
    ring.add("a:1", 1000)
    ring.settle(900)
    ring.settle(100)  # a mark never goes back
    ring.add("a:1", 899)
    ring.add("b:1", 10)
    ring.add("b:1", 900)
    assert ring.late == 2
    assert ring.count(0, 2000) == [2, 2]


def test_what_was_forgotten_stays_forgotten():
    ring = SpikeRing()
    for sample in range(0, 1_000_000, 100):
        ring.add("a:1", sample)
    ring.forget_before(500_000)
    assert ring.count(-1, 499_999) == [0]
    assert ring.count(499_999, 10**9) == [5000]
    ring.add("a:1", 3)
    ring.add("new:1", 3)
    assert (ring.count(-1, 499_999), ring.late, ring.units) == ([0], 2, ("a:1",))
    assert ring.first_seen("a:1") == 0


def test_memory_is_bounded_with_and_without_marks():
    marked, unmarked = SpikeRing(), SpikeRing(keep_samples=10_000)
    for sample in range(0, 20_000_000, 100):
        marked.add("a:1", sample)
        unmarked.add("a:1", sample)
        if sample % 700 == 0:
            marked.forget_before(sample - 100_000)
    for ring, kept in ((marked, 100_000), (unmarked, 10_000)):
        held = ring.count(-1, 10**9)[0]
        assert kept // 100 <= held <= 2 * kept // 100 + 2
        assert ring.count(20_000_000 - kept, 10**9) == [kept // 100 - 1]


def test_clear_keeps_the_units_and_nothing_else():
    ring = SpikeRing()
    ring.add("a:1", 1_000_000)
    ring.forget_before(900_000)
    ring.clear()
    assert (ring.units, ring.count(0, 10**9), ring.first_seen("a:1")) == (("a:1",), [0], None)
    ring.add("a:1", 5)
    assert (ring.count(0, 10**9), ring.late, ring.first_seen("a:1")) == ([1], 0, 5)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.sampled_from(UNITS), st.integers(0, 300)), max_size=80),
    st.floats(-5, 305),
    st.floats(-5, 305),
)
def test_counts_equal_those_of_a_plain_list(spikes, lo, hi):
    ring = SpikeRing()
    for unit in UNITS:
        ring.add_unit(unit)
    for unit, sample in spikes:
        ring.add(unit, sample)
    plain = [sum(unit == who and lo < sample < hi for who, sample in spikes) for unit in UNITS]
    assert ring.count(lo, hi) == plain
    assert [ring.count_unit(unit, lo, hi) for unit in UNITS] == plain
