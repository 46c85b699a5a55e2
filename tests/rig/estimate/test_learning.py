"""Learners settle where the closed forms say, and the classical one at the mean."""

import numpy as np
import pytest

from rig.estimate.fixed_points import bernoulli_expectiles, expectiles, quantiles
from rig.estimate.learning import ClassicalTD, DistributionalTD, settle
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ

TAU = np.array([0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95])
POOLED = np.array([0.06613, 0.09091, 0.14847, 0.15489, 0.31159, 0.15095, 0.07705])
TABLE_UL = (1.3886, 2.0047, 2.9421, 3.3353, 3.7220, 4.4769, 5.2078, 6.0441, 7.1129, 7.7671, 8.5270)
TABLE_UL += (10.8488, 13.8029)
UPDATES = 20_000


def drawn(values: tuple[float, ...], p: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).choice(np.array(values), UPDATES, p=p / p.sum())


def test_expectile_learners_reach_the_table_within_3_percent() -> None:
    found = settle(TAU, drawn(PUBLISHED_SIZES_UL, POOLED, 1))
    worst = np.abs(found / TABLE_UL - 1).max()
    print(f"expectile learners, 20,000 updates: worst error {worst:.1%}")
    np.testing.assert_allclose(found, TABLE_UL, rtol=0.03)


def test_on_the_utility_axis_too() -> None:
    # values near 0 Hz have no percentage: 3 % of the axis' SD (3.4 Hz) beside 3 % of the value
    found = settle(TAU, drawn(PUBLISHED_UTILITY_HZ, POOLED, 2))
    expected = expectiles(TAU, PUBLISHED_UTILITY_HZ, POOLED)
    np.testing.assert_allclose(found, expected, rtol=0.03, atol=0.1)


def test_quantile_learners_reach_the_quantiles() -> None:
    found = settle(TAU, drawn(PUBLISHED_SIZES_UL, POOLED, 3), update="quantile")
    expected = quantiles(TAU, PUBLISHED_SIZES_UL, POOLED)
    cumulative = np.cumsum(POOLED)
    clear = np.abs(TAU[:, None] - cumulative).min(axis=1) > 0.02
    assert clear.sum() >= 11
    np.testing.assert_allclose(found[clear], expected[clear], rtol=0.03, atol=0.05)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_bernoulli_closed_form(p: float) -> None:
    tau = np.linspace(0.1, 0.9, 9)
    closed = bernoulli_expectiles(tau, p, 3.75)
    np.testing.assert_allclose(closed, expectiles(tau, [0.0, 3.75], [1 - p, p]), rtol=1e-9)
    rewards = 3.75 * (np.random.default_rng(4).random(UPDATES) < p)
    np.testing.assert_allclose(settle(tau, rewards), closed, rtol=0.03, atol=0.03)
    if p == 0.5:
        np.testing.assert_allclose(closed, tau * 3.75)


def test_the_closed_form_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="probability"):
        bernoulli_expectiles([0.5], 1.2, 1.0)


def test_classical_learning_moves_the_error_to_the_cue_and_stops_at_the_mean() -> None:
    rng = np.random.default_rng(5)
    learner = ClassicalTD(15, rate=0.01, discount=0.98)
    cue, outcome = [], []
    for volume in rng.choice(PUBLISHED_SIZES_UL, 6000, p=POOLED / POOLED.sum()):
        errors = learner.trial(np.append(np.zeros(14), volume))
        cue.append(errors[0])
        outcome.append(volume - errors[-1])
    # after the delay line is filled, the cue is worth the discounted mean and the outcome is measured from it
    assert np.mean(outcome[3000:]) == pytest.approx(5.208, abs=0.25)
    assert np.mean(cue[3000:]) == pytest.approx(0.98**15 * 5.208, abs=0.25)
    with pytest.raises(ValueError, match="15 bins"):
        learner.trial([1.0])


def test_the_middle_expectile_is_the_classical_value() -> None:
    rewards = drawn(PUBLISHED_SIZES_UL, POOLED, 6)[:500]
    classical, middle = ClassicalTD(1, rate=0.05), DistributionalTD([0.05], [0.05])
    for reward in rewards:
        assert classical.trial([reward])[1] == pytest.approx(middle.step(0, float(reward))[0])


@pytest.mark.parametrize("update", ["expectile", "quantile"])
def test_a_chain_of_states_hands_the_distribution_back(update: str) -> None:
    # state 0 -> state 1 -> reward: with all pairs of units, state 0 holds what state 1 holds, discounted
    tau = (np.arange(21) + 0.5) / 21
    learner = DistributionalTD(0.4 * tau, 0.4 * (1 - tau), states=2, update=update, discount=0.9)
    rewards = np.random.default_rng(7).uniform(0, 10, 6000)
    for number, reward in enumerate(rewards):
        pace = 1.0 / (1.0 + number / 300)
        learner.step(0, 0.0, following=1, pace=pace)
        learner.step(1, float(reward), pace=pace)
    if update == "quantile":
        np.testing.assert_allclose(learner.values[1], 10 * tau, atol=0.6)
        np.testing.assert_allclose(learner.values[0], 9 * tau, atol=0.6)
    else:
        # values of an expectile code are not samples of the return: fed back, they have less spread
        assert np.ptp(learner.values[0]) < 0.8 * 0.9 * np.ptp(learner.values[1])
        assert learner.values[0, 10] == pytest.approx(0.9 * learner.values[1].mean(), abs=0.2)


def test_more_samples_are_quieter() -> None:
    rng = np.random.default_rng(8)
    tau = np.full(31, 0.5)
    spreads = []
    for j in (1, 16):
        learner = DistributionalTD(0.3 * tau, 0.3 * tau, states=2)
        learner.values[1] = rng.normal(5, 2, 31)
        kept = []
        for number in range(400):
            learner.step(0, 0.0, following=1, samples=rng.integers(0, 31, j))
            if number > 50:
                kept.append(learner.values[0, 0])
        spreads.append(np.std(kept))
    assert spreads[1] < 0.5 * spreads[0]


def test_rates_are_checked() -> None:
    with pytest.raises(ValueError, match="above 0"):
        DistributionalTD([0.1, 0.0], [0.1, 0.1])
    with pytest.raises(ValueError, match="two per unit"):
        DistributionalTD([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="one bin"):
        ClassicalTD(0, 0.1)
