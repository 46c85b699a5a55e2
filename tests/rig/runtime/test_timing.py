"""Histograms of durations."""

from rig.runtime.timing import Times


def test_percentiles_of_known_durations():
    times = Times()
    for us in range(1, 1001):
        times.add(us * 1000)
    found = times.summary()
    assert (found.count, found.mean_us, found.max_us) == (1000, 500.5, 1000.0)
    assert found.p50_us == 501.0
    assert found.p99_us == 991.0


def test_long_ones_are_counted_to_the_millisecond_and_never_above_the_longest():
    times = Times()
    for us in (5, 30_400, 9_000_000):
        times.add(us * 1000)
    assert times.summary().p50_us == 31_000.0
    assert times.summary().p99_us <= 9_000_000.0
    assert times.summary().max_us == 9_000_000.0


def test_none_at_all():
    assert Times().summary().p99_us == 0.0
