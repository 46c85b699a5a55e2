"""The population has the statistics of the recordings, and learns what theory says it learns."""

import numpy as np
import pytest

from rig.errors import ConfigError
from rig.estimate.fixed_points import expectiles
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.sim.neurons import DESIGN_PROBABILITIES, NOTHING_HZ, Population, PopulationSettings, unit_names
from rig.sim.worlds import WORLDS


def population(**settings):
    return Population(PopulationSettings(**settings))


def test_units_are_as_diverse_as_the_recorded_ones():
    many = population(units=4000)
    assert many.baseline_hz.mean() == pytest.approx(6.25, abs=0.15)
    assert many.baseline_hz.std() == pytest.approx(3.1, abs=0.2)
    assert many.baseline_hz.min() >= 1.0
    assert many.baseline_hz.max() <= 16.8
    assert many.tau.mean() == pytest.approx(0.5, abs=0.01)
    assert many.tau.var() == pytest.approx(1 / 28, rel=0.1)
    assert np.log(many.gain / 2).std() == pytest.approx(0.35, abs=0.02)


def test_truth_is_the_expectile_of_the_declared_distribution():
    distributional = population(units=5)
    expected = expectiles(distributional.tau, PUBLISHED_UTILITY_HZ, DESIGN_PROBABILITIES)
    truth = distributional.truth()
    assert [unit.reversal_hz for unit in truth] == pytest.approx(expected.tolist())
    assert [unit.asymmetry for unit in truth] == distributional.tau.tolist()
    assert [unit.reversal_ul for unit in truth] == pytest.approx(
        np.interp(expected, PUBLISHED_UTILITY_HZ, PUBLISHED_SIZES_UL).tolist()
    )


def test_classical_units_share_the_mean():
    mean = float(np.dot(PUBLISHED_UTILITY_HZ, DESIGN_PROBABILITIES))
    for unit in population(model="classical", units=3).truth():
        assert unit.reversal_hz == pytest.approx(mean)
        assert unit.asymmetry == 0.5


def test_another_distribution_another_truth():
    only = population(units=3, sizes_ul=(1.2, 5.0), probabilities=(0.5, 0.5))
    for unit in only.truth():
        assert -2.77 < unit.reversal_hz < 0.243


def test_a_naive_start_has_no_truth_and_learns_its_way_up():
    naive = population(units=20, start="naive", learning_rate=0.1)
    assert naive.truth() is None
    for trial in range(2000):
        naive.reward(trial, PUBLISHED_SIZES_UL[(trial * 7 + trial // 7) % 7])
    target = expectiles(naive.tau, PUBLISHED_UTILITY_HZ, [1] * 7)
    assert np.corrcoef(naive.value_hz + NOTHING_HZ, target)[0, 1] > 0.95


def test_the_response_turns_over_at_the_value():
    p = population(units=30, learning_rate=0.0, world="poisson")
    low, high = p.reward(0, 0.1)[2:6], p.reward(0, 20.0)[2:6]
    assert (low <= p.baseline_hz).all()
    assert (high > p.baseline_hz).all()
    slope_up = (high[0] - p.baseline_hz) / (PUBLISHED_UTILITY_HZ[-1] - p.fixed_point_hz)
    assert slope_up == pytest.approx(p.gain * p.tau)
    # A reward that is worth exactly what was expected is not answered after the first 200 ms.
    p.value_hz = np.full(30, PUBLISHED_UTILITY_HZ[4] - NOTHING_HZ)
    assert p.reward(0, 5.0)[2:6] == pytest.approx(np.tile(p.baseline_hz, (4, 1)))


def test_the_first_200_ms_are_the_same_for_every_size():
    p = population(units=40)
    small, big = p.reward(0, 0.1), p.reward(0, 20.0)
    assert (small[:2] == big[:2]).all()
    assert small[0].mean() == pytest.approx(30, abs=2)


def test_learning_moves_by_the_two_rates():
    p = population(units=10, learning_rate=0.02)
    before = p.value_hz.copy()
    p.reward(0, 20.0)
    error = PUBLISHED_UTILITY_HZ[-1] - NOTHING_HZ - before
    assert p.value_hz - before == pytest.approx(0.02 * p.tau * error)


def test_cues_follow_value():
    p = population(units=40)
    promise, other = p.cue_hz(0, rewarded=True), p.cue_hz(0, rewarded=False)
    assert promise.shape == other.shape == (2, 40)
    assert promise[0] - p.baseline_hz == pytest.approx(0.4 * p.gain * p.value_hz)
    assert (promise[0] > other[0]).mean() > 0.3


def test_a_drop_near_a_declared_size_is_that_size():
    p = population(units=1)
    assert p.utility_hz(4.99) == PUBLISHED_UTILITY_HZ[4]
    assert p.utility_hz(7.5) == pytest.approx((PUBLISHED_UTILITY_HZ[4] + PUBLISHED_UTILITY_HZ[5]) / 2)
    assert p.utility_hz(0.0) == NOTHING_HZ == pytest.approx(-3.418)


@pytest.mark.parametrize("name", WORLDS)
def test_each_world_bends_what_it_says(name):
    p, plain = population(world=name, units=400, learning_rate=0.0), population(units=400, learning_rate=0.0)
    early, late = p.reward(0, 20.0), p.reward(300, 20.0)
    reference = plain.reward(0, 20.0)
    assert (early >= 0).all()
    if name == "rectified":
        assert p.baseline_hz.mean() == pytest.approx(2.0, abs=0.15)
        assert (p.reward(0, 0.1)[2] == 0).mean() > 0.3
    elif name == "sigmoid":
        assert (early[2] - p.baseline_hz).max() <= 8.0 < (reference[2] - plain.baseline_hz).max()
    elif name == "offset":
        moved = (early - reference)[2]
        assert moved.std() == pytest.approx(1.0, abs=0.1)
        assert (early[:2] == reference[:2]).all()
    elif name == "drift":
        assert (early == reference).all()
        assert (late[2] - late[0] - (early[2] - early[0])).std() > 0.5
        assert (p.background_hz(300) / p.baseline_hz).std() == pytest.approx(0.3, abs=0.05)
    else:
        assert (early == reference).all()
        assert (late == reference).all()


def test_nonsense_is_refused():
    with pytest.raises(ConfigError, match="no world 'gauss'; there are poisson"):
        population(world="gauss")
    with pytest.raises(ConfigError, match="2 probabilities for 7 sizes"):
        population(probabilities=(0.5, 0.5))


def test_names_are_a_sorters():
    assert unit_names(6) == (
        "Tetrode 1:1", "Tetrode 1:2", "Tetrode 1:3", "Tetrode 1:4", "Tetrode 2:1", "Tetrode 2:2",
    )  # fmt: skip
