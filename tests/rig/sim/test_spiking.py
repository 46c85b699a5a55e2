"""Spikes have the rates and the variability asked for, however they are fetched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.sim import draws
from rig.sim.spiking import SpikeTrains

HEAD = np.array([[20.0] * 5, [0.0] * 5])
TAIL = np.array([1.0, 4.0, 6.0, 8.0, 15.0])


def play(fano, cuts, fetches):
    """Two trials with a stretch each at the given cuts; spikes fetched at the given times as well."""
    trains = SpikeTrains(draws.key(7), 5, fano)
    events = [(t, "begin", i) for i, t in enumerate(sorted(cuts))] + [(t, "fetch", 0) for t in fetches]
    got = []
    for t, what, number in sorted(events, key=lambda event: event[0]):
        if what == "begin":
            trains.begin(t, (number // 2, number % 2), HEAD if number % 2 else HEAD[:0], TAIL)
        else:
            got.append(trains.emit(t))
    got.append(trains.emit(8_000_000))
    return np.concatenate([g[0] for g in got]), np.concatenate([g[1] for g in got])


grid = st.integers(0, 50_000).map(lambda k: 100 * k)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([0.6, 1.0, 1.8]),
    st.lists(grid, min_size=1, max_size=4, unique=True),
    st.lists(st.integers(0, 7_000_000), max_size=8),
)
def test_it_does_not_matter_how_spikes_are_fetched(fano, cuts, fetches):
    whole_units, whole_times = play(fano, cuts, [])
    units, times = play(fano, cuts, fetches)
    assert (units == whole_units).all()
    assert (times == whole_times).all()
    assert (np.diff(times) >= 0).all()
    assert (times % 100 == 50).all()


@settings(max_examples=30, deadline=None)
@given(grid)
def test_a_cut_changes_nothing_before_it(cut):
    units, times = play(1.0, [0, cut + 100], [])
    whole_units, whole_times = play(1.0, [0], [])
    before, whole_before = times < cut + 100, whole_times < cut + 100
    assert (units[before] == whole_units[whole_before]).all()
    assert (times[before] == whole_times[whole_before]).all()


@pytest.mark.parametrize(("fano", "low", "high"), [(1.0, 0.93, 1.07), (1.8, 1.6, 1.9), (0.6, 0.57, 0.68)])
def test_rates_and_fano_factors(fano, low, high):
    n = 500
    trains = SpikeTrains(draws.key(1), n, fano)
    rate = np.full(n, 6.0)
    response, baseline = [], []
    for trial in range(20):
        start = trial * 4_000_000
        trains.begin(start, (trial, 0), np.zeros((0, n)), rate)
        # The stimulus comes off the bins' edges; the response window lies on them.
        stimulus = start + 1_237_300
        trains.emit(start + trial * 10_000)
        trains.emit(stimulus - 1_000_000)
        first = trains.emit(stimulus)
        baseline.append(np.bincount(first[0], minlength=n))
        head = np.tile(rate, (6, 1))
        head[2:] = 12.0
        trains.begin(stimulus, (trial, 1), head, rate)
        trains.emit(stimulus + 200_000)
        response.append(np.bincount(trains.emit(stimulus + 600_000)[0], minlength=n))
    response, baseline = np.array(response), np.array(baseline)
    assert response.mean() == pytest.approx(4.8, rel=0.03)
    assert baseline.mean() == pytest.approx(6.0, rel=0.03)
    assert low < response.var() / response.mean() < high
    assert low - 0.02 < baseline.var() / baseline.mean() < high + 0.02


def test_no_rate_no_spikes():
    trains = SpikeTrains(draws.key(1), 3, 1.0)
    trains.begin(0, (0, 0), np.zeros((0, 3)), np.array([0.0, 5.0, 0.0]))
    units, _ = trains.emit(20_000_000)
    assert set(units.tolist()) == {1}


def test_the_past_cannot_be_changed():
    trains = SpikeTrains(draws.key(1), 3, 1.0)
    trains.emit(1000)
    with pytest.raises(ValueError, match="are out"):
        trains.begin(900, (0, 0), np.zeros((0, 3)), np.ones(3))


def test_a_unit_fires_the_same_in_any_company():
    def spikes_of_unit_2(n):
        trains = SpikeTrains(draws.key(1), n, 1.0)
        trains.begin(0, (0, 0), np.zeros((0, n)), np.full(n, 6.0))
        units, times = trains.emit(5_000_000)
        return times[units == 2].tolist()

    assert spikes_of_unit_2(3) == spikes_of_unit_2(100)
