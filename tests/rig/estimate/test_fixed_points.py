"""Learning ends where the tables and the closed form say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.estimate.fixed_points import expectiles, quantiles
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ

TAU = (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95)
POOLED = (0.06613, 0.09091, 0.14847, 0.15489, 0.31159, 0.15095, 0.07705)
"""How often each size was given in the published recordings."""
UL = (
    1.3886,
    2.0047,
    2.9421,
    3.3353,
    3.7220,
    4.4769,
    5.2078,
    6.0441,
    7.1129,
    7.7671,
    8.5270,
    10.8488,
    13.8029,
)
HZ = (
    -2.5943,
    -2.1489,
    -1.4649,
    -1.1817,
    -0.9032,
    -0.3595,
    0.1669,
    0.7378,
    1.4674,
    1.9139,
    2.4326,
    3.7698,
    4.9068,
)


def test_expectiles_of_the_published_distribution():
    assert expectiles(TAU, PUBLISHED_SIZES_UL, POOLED) == pytest.approx(UL, abs=2e-4)
    assert expectiles(TAU, PUBLISHED_UTILITY_HZ, POOLED) == pytest.approx(HZ, abs=2e-4)


def test_expectiles_of_the_design():
    design = (7.5, 10, 15, 15, 30, 15, 7.5)
    assert expectiles((0.25, 0.5, 0.75), PUBLISHED_SIZES_UL, design) == pytest.approx(
        (3.219, 5.0925, 7.650), abs=1e-3
    )


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99), st.floats(0.1, 20))
def test_a_cue_with_probability_p(tau, p, reward):
    expected = reward * p * tau / (p * tau + (1 - p) * (1 - tau))
    assert expectiles(tau, [0, reward], [1 - p, p])[0] == pytest.approx(expected, rel=1e-9)
    if abs(tau - (1 - p)) > 1e-9:
        assert quantiles(tau, [0, reward], [1 - p, p])[0] == (reward if tau > 1 - p else 0)


@given(
    st.lists(st.tuples(st.floats(-20, 20), st.floats(0.01, 1)), min_size=1, max_size=9), st.floats(0.02, 0.98)
)
def test_the_stationarity_condition(points, tau):
    x, p = (np.array(column) for column in zip(*points, strict=True))
    e = expectiles(tau, x, p)[0]
    assert x.min() - 1e-12 <= e <= x.max() + 1e-12
    assert (np.abs(tau - (x <= e)) * p * (x - e)).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("power", [0, 1])
def test_learners_go_there(power):
    """20,000 updates with a falling rate: f(d) = sign(d) finds quantiles, f(d) = d expectiles."""
    # ends between the steps of the distribution, where a quantile is defined by more than rounding
    taus = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    rng = np.random.Generator(np.random.PCG64(3))
    rewards = np.array(PUBLISHED_SIZES_UL)[
        np.searchsorted(np.cumsum(POOLED) / np.sum(POOLED), rng.random(20_000), side="right")
    ]
    value = np.full(taus.shape, 5.0)
    for n, reward in enumerate(rewards):
        error = reward - value
        step = 2.0 / (n + 20) ** 0.7
        value += step * np.where(error > 0, taus, 1 - taus) * np.sign(error) * np.abs(error) ** power
    target = (quantiles if power == 0 else expectiles)(taus, PUBLISHED_SIZES_UL, POOLED)
    assert value == pytest.approx(target, rel=0.05, abs=0.15)


@pytest.mark.parametrize(
    ("tau", "x", "p"),
    [(0.0, [1], [1]), (0.5, [], []), (0.5, [1, 2], [1]), (0.5, [1], [0]), (0.5, [1, 2], [1, -1])],
)
def test_nonsense_is_refused(tau, x, p):
    with pytest.raises(ValueError, match=r"tau|probabilit"):
        expectiles(tau, x, p)
