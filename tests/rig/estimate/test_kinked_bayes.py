"""The posterior against the model written out, and against units whose truth is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import multivariate_normal

from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes, Posterior, size_variances
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.population.redraw import posterior_draws

U = np.array(PUBLISHED_UTILITY_HZ)
PER_SIZE = np.array([15, 20, 33, 33, 67, 31, 17])
"""Rewards of each size in a typical session of 216."""


def kinked_units(
    seed: int, units: int, per_size: npt.NDArray[np.int64], sd_hz: float = 4.0
) -> tuple[SizeCounts, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Counts of units with two slopes and Gaussian noise, their reversal points and asymmetries."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(-2.5, 4.0, units)
    down, up = rng.uniform(0.4, 1.8, units), rng.uniform(0.4, 1.8, units)
    size = np.repeat(np.arange(U.size), per_size)
    x = U[size] - z[:, None]
    y = np.where(x > 0, up[:, None], down[:, None]) * x + rng.normal(0, sd_hz, x.shape)
    counts = SizeCounts.from_trials(
        np.repeat(np.arange(units), size.size), np.tile(size, units), y.ravel(), units=units, sizes=U.size
    )
    return counts, z, up / (up + down)


def test_evidence_is_the_marginal_likelihood_of_the_model() -> None:
    rng = np.random.default_rng(3)
    u = np.array([-2.0, 0.0, 1.0, 4.0])
    size = rng.integers(0, 4, 30)
    y = rng.normal(u[size], 3.0)
    counts = SizeCounts.from_trials(np.zeros(30, int), size, y, units=1, sizes=4)
    bayes = KinkedBayes(u, points=25)
    evidence = bayes.evidence(counts)
    variance = size_variances(counts)[0]
    expected = []
    for z in bayes.grid_hz:
        design = np.stack([np.minimum(u[size] - z, 0), np.maximum(u[size] - z, 0)], axis=1)
        model = multivariate_normal(design @ [1.0, 1.0], np.diag(variance[size]) + design @ design.T)
        expected.append(model.logpdf(y))
    found = evidence.log_likelihood[0]
    np.testing.assert_allclose(found - found[0], np.array(expected) - expected[0], atol=1e-9)


def test_variances_follow_the_unit_once_it_has_five_degrees_of_freedom() -> None:
    counts = SizeCounts(2, 1)
    for y in (0.0, 6.0, 3.0):
        counts.add(0, [y])
        counts.add(1, [y + 1.0])
    # 4 degrees of freedom: the pooled variance is still 22; each size has a sum of squares of 18 with n 3
    np.testing.assert_allclose(size_variances(counts), (18 + 10 * 22) / 12)
    counts.add(1, [4.0])
    assert counts.n.tolist() == [[3, 4]]
    pooled = 36 / 5
    np.testing.assert_allclose(size_variances(counts), [[(18 + 10 * pooled) / 12, (18 + 10 * pooled) / 13]])


def test_variance_has_a_floor() -> None:
    counts = SizeCounts(2, 1)
    for _ in range(10):
        counts.add(0, [1.0])
    assert size_variances(counts).min() == 4.0


def test_without_data_the_posterior_is_the_prior() -> None:
    bayes = KinkedBayes(U)
    assert bayes.grid_hz.shape == (240,)
    posterior = bayes.posterior(SizeCounts(7, 2))
    np.testing.assert_allclose(posterior.mass, 1 / 240)
    np.testing.assert_allclose(posterior.mean_hz, (U[0] + U[-1]) / 2)
    width = U[-1] - U[0]
    np.testing.assert_allclose(posterior.half_width_hz, 0.95 * width / 2, rtol=0.01)
    np.testing.assert_allclose(posterior.tau, 0.5)


def test_intervals_cover_the_truth() -> None:
    covered = 0
    units = 400
    for seed in range(3):
        counts, z, _ = kinked_units(seed, units, PER_SIZE)
        ends = KinkedBayes(U).posterior(counts).ci95_hz
        covered += int(((ends[:, 0] <= z) & (z <= ends[:, 1])).sum())
    assert 0.90 <= covered / (3 * units) <= 0.99


def test_truth_is_recovered_better_with_more_trials() -> None:
    errors, widths, asymmetry = [], [], []
    for times in (1, 4, 16):
        counts, z, tau = kinked_units(11, 300, PER_SIZE * times)
        posterior = KinkedBayes(U).posterior(counts)
        errors.append(float(np.sqrt(np.mean((posterior.mean_hz - z) ** 2))))
        widths.append(float(np.median(posterior.half_width_hz)))
        asymmetry.append(float(np.sqrt(np.mean((posterior.tau - tau) ** 2))))
    assert errors[0] < 0.9
    assert errors == sorted(errors, reverse=True)
    assert widths == sorted(widths, reverse=True)
    assert asymmetry == sorted(asymmetry, reverse=True)
    assert errors[-1] < 0.3
    assert asymmetry[-1] < 0.06


def test_interval_is_ordered_inside_the_axis_and_holds_the_stated_mass() -> None:
    counts, _, _ = kinked_units(5, 200, np.array([3, 4, 6, 6, 12, 6, 3]))
    bayes = KinkedBayes(U)
    posterior = bayes.posterior(counts)
    low, high = posterior.ci95_hz.T
    assert (low < posterior.mean_hz).all()
    assert (posterior.mean_hz < high).all()
    assert low.min() >= U[0]
    assert high.max() <= U[-1]
    inside = (bayes.grid_hz > low[:, None]) & (bayes.grid_hz < high[:, None])
    largest_cell = posterior.mass.max(axis=1)
    assert (np.abs((posterior.mass * inside).sum(axis=1) - 0.95) <= 2 * largest_cell).all()


@pytest.mark.parametrize("times", [0.5, 1, 4])
def test_the_asymmetrys_sd_is_calibrated(times: float) -> None:
    inside = []
    for seed in range(3):
        counts, _, tau = kinked_units(seed, 400, (PER_SIZE * times).astype(np.int64))
        bayes = KinkedBayes(U)
        inside.append(np.abs(bayes.posterior(counts).tau - tau) <= 1.96 * bayes.tau_sd(counts))
    coverage = float(np.mean(inside))
    print(f"asymmetry, {times:g} x 216 rewards: mean +- 1.96 SD covers {coverage:.3f}")
    assert 0.90 <= coverage <= 0.98


def test_the_asymmetrys_sd_is_that_of_draws_from_the_posterior() -> None:
    counts, _, _ = kinked_units(4, 30, PER_SIZE)
    bayes = KinkedBayes(U)
    evidence = bayes.evidence(counts)
    posterior = bayes.weigh(evidence)
    rng = np.random.default_rng(9)
    shape = (4000, 30)
    _, drawn = posterior_draws(
        *(bayes.grid_hz, posterior.mass, evidence.tau, rng.random(shape)),
        spread=bayes.tau_spread(counts),
        normal=rng.standard_normal(shape),
    )
    np.testing.assert_allclose(drawn.mean(axis=0), posterior.tau, atol=0.01)
    np.testing.assert_allclose(drawn.std(axis=0), bayes.tau_sd(counts), rtol=0.05)


def test_the_asymmetry_is_vague_without_data_and_shares_no_block() -> None:
    bayes = KinkedBayes(U)
    assert bayes.tau_sd(SizeCounts(U.size, 1))[0] > 0.3
    assert bayes.tau_sd(SizeCounts(U.size, 0)).shape == (0,)
    counts, _, _ = kinked_units(2, 60, PER_SIZE)
    np.testing.assert_allclose(bayes.tau_sd(counts)[50:], bayes.tau_sd(counts.rows(np.arange(50, 60))))


def test_a_finer_grid_changes_nothing_that_matters() -> None:
    counts, _, _ = kinked_units(6, 50, PER_SIZE)
    coarse, fine = KinkedBayes(U).posterior(counts), KinkedBayes(U, points=2400).posterior(counts)
    np.testing.assert_allclose(coarse.mean_hz, fine.mean_hz, atol=0.03)
    np.testing.assert_allclose(coarse.ci95_hz, fine.ci95_hz, atol=0.06)


def test_at_edge_is_mass_in_the_first_or_last_cell() -> None:
    counts = SizeCounts.from_trials(
        np.repeat([0, 1, 2], 7 * 40),
        np.tile(np.repeat(np.arange(7), 40), 3),
        np.concatenate([np.repeat(1.5 * (U - U[0]), 40), np.repeat(U, 40), np.repeat(1.5 * (U - U[-1]), 40)]),
        units=3,
        sizes=7,
    )
    posterior = KinkedBayes(U).posterior(counts)
    assert posterior.at_edge.tolist() == [True, False, True]
    edge_mass = np.maximum(posterior.mass[:, 0], posterior.mass[:, -1])
    assert ((edge_mass > 0.025) == posterior.at_edge).all()


def test_a_size_without_trials_says_nothing() -> None:
    rng = np.random.default_rng(1)
    size = np.repeat([0, 2, 4, 6], 20)
    y = rng.normal(U[size], 3.0)
    counts = SizeCounts.from_trials(np.zeros(size.size, int), size, y, units=1, sizes=7)
    posterior = KinkedBayes(U).posterior(counts)
    fewer = SizeCounts.from_trials(np.zeros(size.size, int), size // 2, y, units=1, sizes=4)
    same = KinkedBayes(U[[0, 2, 4, 6]]).posterior(fewer)
    np.testing.assert_allclose(posterior.mean_hz, same.mean_hz)
    np.testing.assert_allclose(posterior.ci95_hz, same.ci95_hz)


def test_many_units_are_worked_on_in_blocks_without_a_trace() -> None:
    counts, _, _ = kinked_units(9, 101, PER_SIZE)
    bayes = KinkedBayes(U)
    whole: Posterior = bayes.weigh(bayes.evidence(counts))
    blocks = bayes.posterior(counts)
    np.testing.assert_allclose(blocks.mean_hz, whole.mean_hz, rtol=1e-9)
    np.testing.assert_allclose(blocks.ci95_hz, whole.ci95_hz, rtol=1e-9)
    assert blocks.mass.shape == (101, 240)
    assert blocks.at_edge.dtype == np.bool_


@pytest.mark.parametrize("units", [0, 1])
def test_no_unit_and_one_unit(units: int) -> None:
    assert KinkedBayes(U).posterior(SizeCounts(7, units)).ci95_hz.shape == (units, 2)


def test_the_interval_leaves_a_fortieth_on_either_side() -> None:
    rng = np.random.default_rng(12)
    counts = SizeCounts(7, 30)
    for trial in range(60):
        counts.add(trial % 7, U[trial % 7] + rng.normal(0, 5, 30) + np.linspace(-4, 4, 30))
    bayes = KinkedBayes(U)
    posterior, z = bayes.posterior(counts), bayes.grid_hz
    cell = z[1] - z[0]
    # a grid point's mass is spread evenly over its cell
    edges = np.append(z - cell / 2, z[-1] + cell / 2)
    for mass, ends in zip(posterior.mass, posterior.ci95_hz, strict=True):
        below = np.concatenate([[0.0], np.cumsum(mass)])
        np.testing.assert_allclose(
            ends, np.clip(np.interp([0.025, 0.975], below, edges), z[0], z[-1]), atol=1e-9
        )
    at_end = np.maximum(posterior.mass[:, 0], posterior.mass[:, -1])
    assert (posterior.at_edge == (at_end > 0.025)).all()
    assert 0 < posterior.at_edge.sum() < 30
