"""What the animal is can be found again from its spikes; and the odd worlds are odd enough to show it."""

import numpy as np
import pytest

from rig.design.draws import Draws
from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.sim.neurons import PopulationSettings
from rig.sim.units import SimulatedUnits

BLOCK = np.repeat(np.arange(7), (3, 4, 6, 6, 12, 6, 3))
S = 1_000_000


def estimate(blocks=6, **settings):
    """240 unsignalled rewards for 40 units; return the population and its posterior."""
    units = SimulatedUnits(PopulationSettings(**settings))
    n, t = len(units.names), 0
    counts = SizeCounts(7, n)
    for block in range(blocks):
        order = BLOCK.tolist()
        Draws(settings["seed"], block).shuffle(order)
        for number, size in enumerate(order):
            trial = 40 * block + number
            units.trial_began(t, (trial, 0), None)
            reward = t + 1_234_500
            units.emit(reward - S)
            units.rewarded(reward, (trial, 1), PUBLISHED_SIZES_UL[size], signalled=False)
            baseline = np.bincount(units.emit(reward)[0], minlength=n)
            units.emit(reward + S // 5)
            response = np.bincount(units.emit(reward + 3 * S // 5)[0], minlength=n) / 0.4
            counts.add(size, response - baseline)
            t = reward + S
    return units.population, KinkedBayes(PUBLISHED_UTILITY_HZ).posterior(counts)


def recovery(seeds, **settings):
    """Pooled coverage of the 95 % intervals, and mean correlation of estimate and truth."""
    covered, correlation = [], []
    for seed in seeds:
        population, posterior = estimate(seed=seed, **settings)
        truth = population.fixed_point_hz
        covered.append((posterior.ci95_hz[:, 0] <= truth) & (truth <= posterior.ci95_hz[:, 1]))
        correlation.append(np.corrcoef(posterior.mean_hz, truth)[0, 1])
    return np.mean(covered), np.mean(correlation)


def test_reversal_points_are_recovered():
    coverage, correlation = recovery(range(1, 11))
    assert 0.92 < coverage < 0.98
    assert 0.72 < correlation < 0.87


@pytest.mark.parametrize(
    ("world", "low", "high"),
    [
        ("fano_low", 0.84, 0.97),
        ("fano_high", 0.88, 0.98),
        ("rectified", 0.82, 0.96),
        ("sigmoid", 0.86, 0.98),
        ("offset", 0.45, 0.75),
        ("drift", 0.70, 0.90),
    ],
)
def test_odd_worlds_bend_the_intervals_as_far_as_they_do(world, low, high):
    assert low < recovery(range(1, 5), world=world)[0] < high


def test_classical_units_all_have_one_reversal():
    population, posterior = estimate(seed=2, model="classical")
    assert np.ptp(population.fixed_point_hz) == 0
    assert posterior.mean_hz.mean() == pytest.approx(population.fixed_point_hz[0], abs=0.4)


def test_tau_is_recovered_too():
    population, posterior = estimate(seed=1, units=60)
    assert np.corrcoef(posterior.tau, population.tau)[0, 1] > 0.5
