from __future__ import annotations

import numpy as np

from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.shrinkage import shrink
from rig.estimate.utility import PUBLISHED_UTILITY_HZ

U = np.array(PUBLISHED_UTILITY_HZ)


def population(seed: int, per_size: int) -> tuple[SizeCounts, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.normal(0.3, 1.2, 60)
    size = np.repeat(np.arange(7), per_size)
    y = U[size] - z[:, None] + rng.normal(0, 4, (60, size.size))
    counts = SizeCounts.from_trials(
        np.repeat(np.arange(60), size.size), np.tile(size, 60), y.ravel(), units=60, sizes=7
    )
    return counts, z


def test_the_shared_prior_is_found() -> None:
    counts, _ = population(0, 40)
    fitted = shrink(KinkedBayes(U), counts)
    assert fitted is not None
    assert abs(fitted.mean_hz - 0.3) < 0.5
    assert 0.9 < fitted.sd_hz < 1.6


def test_early_estimates_come_nearer_the_truth_and_nearer_each_other() -> None:
    counts, z = population(1, 5)
    bayes = KinkedBayes(U)
    flat, fitted = bayes.posterior(counts), shrink(bayes, counts)
    assert fitted is not None
    assert np.mean((fitted.posterior.mean_hz - z) ** 2) < np.mean((flat.mean_hz - z) ** 2)
    assert fitted.posterior.mean_hz.std() < flat.mean_hz.std()


def test_a_unit_without_data_gets_the_prior_and_does_not_bend_it() -> None:
    counts, _ = population(2, 20)
    bayes = KinkedBayes(U)
    alone = shrink(bayes, counts)
    counts.add_units(20)
    more = shrink(bayes, counts)
    assert alone is not None
    assert more is not None
    assert np.isclose(more.mean_hz, alone.mean_hz)
    assert np.isclose(more.sd_hz, alone.sd_hz)
    np.testing.assert_allclose(more.posterior.mean_hz[60:], more.mean_hz, atol=0.2)


def test_no_data_at_all_gives_nothing() -> None:
    assert shrink(KinkedBayes(U), SizeCounts(7, 3)) is None
