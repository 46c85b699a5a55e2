"""Decoding gives back what was encoded, and tells a code from shuffled asymmetries."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import check_grad, nnls

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import SizeCounts
from rig.estimate.fixed_points import expectiles
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.population import imputation
from rig.population.decoding import convex, shuffled, wasserstein
from rig.population.imputation import imputed
from rig.population.redraw import posterior_draws, redrawn
from rig.sim.response_worlds import simulate

UL = np.array(PUBLISHED_SIZES_UL)
U = np.array(PUBLISHED_UTILITY_HZ)
P = np.array([0.06613, 0.09091, 0.14847, 0.15489, 0.31159, 0.15095, 0.07705])


def test_wasserstein_agrees_with_scipy() -> None:
    rng = np.random.default_rng(1)
    x, y, p, q = rng.normal(0, 1, 9), rng.normal(1, 2, 7), rng.random(9), rng.random(7)
    assert wasserstein(x, p, y, q) == pytest.approx(stats.wasserstein_distance(x, y, p, q))
    assert wasserstein(x, p, x, p) == pytest.approx(0.0)


def test_exact_expectiles_give_the_distribution_back() -> None:
    tau = np.linspace(0.03, 0.97, 40)
    exact = expectiles(tau, UL, P)
    found = convex(exact, tau, UL[0], UL[-1], smoothness=0.0)
    assert wasserstein(found.x, found.p, UL, P) < 0.3
    assert found.mean == pytest.approx(5.21, abs=0.05)
    assert found.loss < 1e-4
    moved = imputed(exact, tau, UL[0], UL[-1], np.random.default_rng(2).random((200, 100)))
    assert wasserstein(moved.x, moved.p, UL, P) < 0.7
    assert moved.loss < 1e-3


def test_smoothness_spreads_and_weights_choose() -> None:
    tau = np.linspace(0.1, 0.9, 20)
    exact = expectiles(tau, UL, P)
    rough, smooth = (convex(exact, tau, 0.1, 20.0, smoothness=s) for s in (0.0, 10.0))
    assert np.abs(np.diff(smooth.p)).sum() < 0.5 * np.abs(np.diff(rough.p)).sum()
    # half of the units are wrong: with little weight they do little harm
    wrong = np.where(np.arange(20) % 2, exact, exact + 4.0)
    trusted = convex(wrong, tau, 0.1, 20.0, weight=np.where(np.arange(20) % 2, 1.0, 1e-3))
    blind = convex(wrong, tau, 0.1, 20.0)
    assert abs(trusted.mean - 5.21) < 0.3 < abs(blind.mean - 5.21)


def test_the_gradient_is_the_gradient() -> None:
    rng = np.random.default_rng(3)
    e, tau = rng.uniform(1, 9, 15), rng.uniform(0.1, 0.9, 15)
    for _ in range(5):
        x = rng.uniform(0.1, 20, 30)
        error = check_grad(
            lambda at: imputation._loss(at, e, tau)[0], lambda at: imputation._loss(at, e, tau)[1], x
        )
        assert error < 1e-5


def test_uncertain_units_make_a_wide_band() -> None:
    session = simulate("distributional", 4)
    unit = np.tile(np.arange(40), session.size_index.size)
    size = np.repeat(session.size_index, 40)
    counts = SizeCounts.from_trials(unit, size, session.response_hz.ravel(), units=40, sizes=7)
    bayes = KinkedBayes(U)
    evidence = bayes.evidence(counts)
    posterior = bayes.weigh(evidence)
    uniform = np.random.default_rng(5).random((100, 40))
    z, tau = posterior_draws(bayes.grid_hz, posterior.mass, evidence.tau, uniform)
    assert z.shape == tau.shape == (100, 40)
    cell = bayes.grid_hz[1] - bayes.grid_hz[0]
    np.testing.assert_allclose(z.mean(axis=0), posterior.mean_hz, atol=0.6)
    np.testing.assert_allclose(z.std(axis=0), posterior.sd_hz, rtol=0.5, atol=cell)
    band = redrawn(z, tau, U[0], U[-1])
    assert band.mean.sum() == pytest.approx(1.0)
    assert (band.low <= band.mean + 1e-12).all() and (band.mean <= band.high + 1e-12).all()
    same = redrawn(np.tile(z[0], (3, 1)), np.tile(tau[0], (3, 1)), U[0], U[-1])
    assert np.abs(same.high - same.low).max() < 1e-12 < (band.high - band.low).max()


def beats_shuffles(*, same: bool, runs: int = 20) -> float:
    """Share of classical sessions whose decoding is better than 95 % of shuffles."""
    better = []
    for seed in range(runs):
        session = simulate("classical", seed)
        size, y = session.size_index, session.response_hz
        unit = np.arange(40)
        halves = []
        for part in (slice(1, None, 2), slice(0, None, 2)):
            sizes = np.repeat(size[part], 40)
            units = np.tile(unit, size[part].size)
            halves.append(SizeCounts.from_trials(units, sizes, y[part].ravel(), units=40, sizes=7))
        e = sign_count(halves[0], U)[0]
        other = halves[0] if same else halves[1]
        tau = published_slopes(other, U, sign_count(other, U)[0]).asymmetry
        kept = np.isfinite(tau)
        e, tau = e[kept], tau[kept]
        rng = np.random.default_rng(seed)
        orders = np.array([rng.permutation(e.size) for _ in range(40)])
        own = convex(e, tau, U[0], U[-1])
        distance = wasserstein(own.x, own.p, U, P)
        mixed = [wasserstein(one.x, one.p, U, P) for one in shuffled(e, tau, U[0], U[-1], orders)]
        better.append(np.mean(np.array(mixed) > distance) >= 0.95)
    return float(np.mean(better))


def test_the_same_trials_prove_nothing_and_other_trials_do_not_mislead() -> None:
    # the reason for the warning: nothing to decode, yet the same trials always "beat" their shuffles
    same, apart = beats_shuffles(same=True), beats_shuffles(same=False)
    print(f"classical sessions that beat 95 % of shuffles: same trials {same:.0%}, other trials {apart:.0%}")
    assert same > 0.8
    assert apart <= 0.2


@pytest.mark.parametrize(
    ("e", "tau", "message"),
    [([1.0, 2.0], [0.5], "for each unit"), ([], [], "for each unit"), ([np.nan], [0.5], "not finite")],
)
def test_refusals(e: list[float], tau: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convex(e, tau, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"is empty"):
        convex([1.0], [0.5], 2.0, 2.0)
    with pytest.raises(ValueError, match="starts"):
        imputed([1.0], [0.5], 0.0, 2.0, [0.5])


def test_published_pairs(recording: Callable[[str], Path]) -> None:
    path = recording("published_reversal_asymmetry_pairs.csv")
    e, tau = np.loadtxt(path, delimiter=",", skiprows=1).T
    rng = np.random.default_rng(6)
    found = [imputed(e, tau, 0.1, 20.0, rng.random((1000, 100))) for _ in range(5)]
    losses = sorted(one.loss for one in found)
    print("published imputation, 5 decodings: loss", np.round(losses, 3))
    assert losses[0] == pytest.approx(0.18, rel=0.05)
    assert losses[2] == pytest.approx(0.18, rel=0.15)
    distance = [wasserstein(one.x, one.p, UL, P) for one in found]
    mixed = [imputed(e, rng.permutation(tau), 0.1, 20.0, rng.random((200, 100))) for _ in range(10)]
    assert np.mean([one.loss for one in mixed]) > 5 * losses[-1]
    assert np.mean([wasserstein(one.x, one.p, UL, P) for one in mixed]) > 1.5 * max(distance)


@pytest.mark.parametrize("name", ["reversal_utility", "reversal_isotonic_utility"])
@pytest.mark.parametrize("smoothness", [0.0, 1.0])
def test_recorded_units_beat_shuffles(recording: Callable[[str], Path], name: str, smoothness: float) -> None:
    golden = json.loads(recording("golden_dev.json").read_text(encoding="utf-8"))
    e, tau = np.array(golden[name]), np.array(golden["asymmetry"])
    rng = np.random.default_rng(7)
    orders = np.array([rng.permutation(e.size) for _ in range(100)])
    own = convex(e, tau, U[0], U[-1], smoothness=smoothness)
    distance = wasserstein(own.x, own.p, U, P)
    control = [
        wasserstein(one.x, one.p, U, P)
        for one in shuffled(e, tau, U[0], U[-1], orders, smoothness=smoothness)
    ]
    better = np.mean(np.array(control) > distance)
    print(
        f"{name}, smoothness {smoothness}: {distance:.2f} Hz, shuffled {np.mean(control):.2f}, {better:.0%}"
    )
    assert better >= 0.95


def test_the_least_squares_are_the_documented_ones() -> None:
    rng = np.random.default_rng(11)
    e, tau, weight = rng.uniform(-3.5, 8.3, 12), rng.beta(3, 3, 12) * 1.6 - 0.3, rng.uniform(0.5, 2, 12)
    assert tau.min() < 0.01 and tau.max() > 0.99
    for own in (np.ones(12), weight):
        x = np.linspace(-3.5, 8.3, 60)
        held = np.clip(tau, 0.01, 0.99)
        rows = np.array([[abs(t - (g <= z)) * (g - z) for g in x] for z, t in zip(e, held, strict=True)])
        size = np.mean([np.sqrt(np.sum(row**2)) for row in rows])
        rows *= (own / np.sqrt(np.mean(own**2)) / (size * np.sqrt(12)))[:, None]
        bends = np.zeros((58, 60))
        for k in range(58):
            bends[k, k : k + 3] = 1.0, -2.0, 1.0
        target = np.zeros(12 + 1 + 58)
        target[12] = 100.0
        p = nnls(np.concatenate([rows, np.full((1, 60), 100.0), 6.0 * bends]), target)[0]
        found = convex(e, tau, -3.5, 8.3, weight=own)
        np.testing.assert_allclose(found.p, p / p.sum(), atol=1e-9)
        left = [
            0.5 * sum(q * abs(t - (g <= z)) * (g - z) for g, q in zip(x, found.p, strict=True))
            for z, t in zip(e, tau, strict=True)
        ]
        assert found.loss == pytest.approx(np.mean(np.square(left)))


def test_the_band_is_the_middle_95_percent() -> None:
    rng = np.random.default_rng(12)
    e, tau = rng.uniform(-3, 8, (40, 6)), rng.uniform(0.2, 0.8, (40, 6))
    band = redrawn(e, tau, -3.5, 8.3)
    p = np.array([convex(own, t, -3.5, 8.3).p for own, t in zip(e, tau, strict=True)])
    np.testing.assert_allclose(band.low, np.percentile(p, 2.5, axis=0))
    np.testing.assert_allclose(band.high, np.percentile(p, 97.5, axis=0))
