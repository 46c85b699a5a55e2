"""The kinked line is the estimator's own."""

import math

import numpy as np
import pytest

from gui.kink import kink, size_means
from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.utility import PUBLISHED_UTILITY_HZ

U = np.array(PUBLISHED_UTILITY_HZ)


def responses(seed=3, n=150, z=0.4):
    rng = np.random.default_rng(seed)
    size = rng.integers(0, len(U), n)
    error = U[size] - z
    return size, np.where(error > 0, 2.0, 0.7) * error + rng.normal(0, 2, n)


def test_its_asymmetry_is_that_of_the_posterior_at_the_same_point():
    size, y = responses()
    bayes = KinkedBayes(U)
    counts = SizeCounts.from_trials(np.zeros(len(y)), size, y, units=1, sizes=len(U))
    evidence = bayes.evidence(counts)
    for point in (40, 120, 200):
        found = kink(size, y, U, bayes.grid_hz[point])
        assert found.above / (found.above + found.below) == pytest.approx(evidence.tau[0, point])


def test_it_finds_the_slopes_that_made_the_responses():
    size, y = responses(n=4000)
    found = kink(size, y, U, 0.4)
    assert (found.below, found.above) == pytest.approx((0.7, 2.0), abs=0.06)


def test_a_side_without_responses_is_not_made_up():
    found = kink([5, 6, 6], [3.0, 8.0, 7.0], U, 0.0)
    assert math.isnan(found.below) and found.above > 0
    x, y = found.line(U[0], U[-1])
    assert x.tolist() == [0.0, U[-1]] and y[0] == 0.0


def test_means_and_errors_by_size():
    means = size_means([0, 0, 0, 2], [1.0, 2.0, 6.0, 5.0], 4)
    assert means.n.tolist() == [3, 0, 1, 0]
    assert means.mean_hz == pytest.approx([3.0, np.nan, 5.0, np.nan], nan_ok=True)
    assert means.sem_hz[0] == pytest.approx(np.std([1, 2, 6], ddof=1) / np.sqrt(3))
    assert np.isnan(means.sem_hz[1:]).all()
