"""The number at a place depends on its key alone, and has the distribution it should have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rig.sim import draws

N = np.arange(20_000)


def splitmix64(seed, n):
    """The published generator, as printed (Steele, Lea and Flood 2014)."""
    mask, out = (1 << 64) - 1, []
    for _ in range(n):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out.append(z ^ (z >> 31))
    return out


def test_one_counter_is_the_splitmix64_stream():
    assert draws.bits(1234567, np.arange(5)).tolist() == splitmix64(1234567, 5)
    # The first outputs for seed 1234567, as listed on Rosetta Code.
    assert splitmix64(1234567, 2) == [6457827717110365317, 3203168211198807973]


def test_golden_values_never_change():
    assert draws.key(1, 2, 3) == draws.key(1, 2, 3)
    assert f"{draws.key(1, 2, 3):016x}" == "27d1dade99ddf6a4"
    assert draws.uniform(draws.key(1), [0, 1], 7).tolist() == [0.4153791381418154, 0.9783031871717863]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-5, 2**63), min_size=1, max_size=4),
    st.integers(1, 40),
    st.integers(0, 60),
)
def test_a_draw_does_not_know_its_neighbours(parts, units, at):
    base = draws.key(*parts)
    whole = draws.uniform(base, np.arange(100), np.arange(3)[:, None])
    few = draws.uniform(base, np.arange(units), np.arange(3)[:, None])
    assert (whole[:, :units] == few).all()
    assert draws.uniform(base, at, 2)[0] == whole[2, at]


@given(st.integers(), st.integers())
def test_keys_differ(a, b):
    assert (draws.key(a, b) == draws.key(b, a)) == ((a - b) % 2**64 == 0)
    assert draws.key(a) != draws.key(a, b)


def test_uniforms_are_uniform_and_independent():
    u = draws.uniform(draws.key(1), N[:2000, None], np.arange(10))
    assert stats.kstest(u.ravel(), "uniform").pvalue > 0.001
    assert np.abs(np.corrcoef(u.T) - np.eye(10)).max() < 0.1
    assert u.min() > 0
    assert u.max() < 1


def test_normals_and_betas():
    assert stats.kstest(draws.normal(3, N), "norm").pvalue > 0.001
    assert stats.kstest(draws.beta33(draws.key(5), N), stats.beta(3, 3).cdf).pvalue > 0.001


def test_integers_below_a_limit():
    drawn = draws.below(7, draws.key(2), N)
    assert stats.chisquare(np.bincount(drawn, minlength=7)).pvalue > 0.001


@pytest.mark.parametrize("mean", [0.0, 0.05, 0.6, 3.0, 40.0])
def test_poisson_inverts_its_cdf(mean):
    u = np.linspace(0.00051234, 0.99951234, 1000)
    counts = draws.poisson_count(u, np.full(u.shape, mean))
    assert (counts == stats.poisson.ppf(u, mean)).all()


@pytest.mark.parametrize(("n", "p"), [(0, 0.4), (1, 0.4), (5, 0.4), (12, 0.1)])
def test_binomial_inverts_its_cdf(n, p):
    u = np.linspace(0.00051234, 0.99951234, 1000)
    counts = draws.binomial_count(u, np.full(u.shape, float(n)), p)
    assert (counts == stats.binom.ppf(u, n, p)).all()


@pytest.mark.parametrize(("mean", "fano"), [(0.3, 1.8), (2.5, 1.8), (6.0, 4.0)])
def test_negative_binomial_inverts_its_cdf(mean, fano):
    u = np.linspace(0.00051234, 0.99951234, 1000)
    counts = draws.negative_binomial_count(u, np.full(u.shape, mean), fano)
    assert (counts == stats.nbinom.ppf(u, mean / (fano - 1), 1 / fano)).all()


def test_the_far_tail_ends():
    counts = draws.poisson_count(np.array([1 - 2.0**-53]), np.array([2.0]))
    assert 10 < counts[0] < 40
