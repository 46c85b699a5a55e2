"""The worlds differ in what their names say, and in nothing else."""

import numpy as np
import pytest

from rig.estimate.fixed_points import expectiles
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.sim.response_worlds import COUNTS, WORLDS, Noise, World, simulate

U = np.array(PUBLISHED_UTILITY_HZ)
MANY = tuple(100 * n for n in COUNTS)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("noise", ["gaussian", "poisson"])
def test_a_session_holds_what_it_declares(world: World, noise: Noise) -> None:
    session = simulate(world, 1, units=5, noise=noise)
    np.testing.assert_array_equal(np.bincount(session.size_index), COUNTS)
    assert session.response_hz.shape == (sum(COUNTS), 5)
    again, other = simulate(world, 1, units=5, noise=noise), simulate(world, 2, units=5, noise=noise)
    np.testing.assert_array_equal(session.response_hz, again.response_hz)
    assert not np.array_equal(session.size_index, other.size_index)


def test_more_units_change_none() -> None:
    few, many = simulate("both", 3, units=4), simulate("both", 3, units=9)
    np.testing.assert_array_equal(few.response_hz, many.response_hz[:, :4])


@pytest.mark.parametrize("world", WORLDS)
def test_the_truth_is_where_mean_responses_cross_zero(world: World) -> None:
    session = simulate(world, 4, units=8, counts=MANY)
    means = np.stack([session.response_hz[session.size_index == j].mean(axis=0) for j in range(7)])
    crossing = [np.interp(0.0, unit, U) for unit in means.T]
    np.testing.assert_allclose(crossing, session.reversal_hz, atol=0.25)
    mean = np.dot(U, COUNTS) / np.sum(COUNTS)
    spread = np.abs(session.reversal_hz - mean).max()
    assert (spread < 0.3) == (world in {"classical", "slopes"})
    assert (np.ptp(session.tau) > 0) == (world in {"slopes", "distributional", "both"})


def test_distributional_units_reverse_near_their_expectile() -> None:
    session = simulate("distributional", 5, units=30)
    # exact where the line between two sizes does not cut the corner of the kink
    expected = expectiles(session.tau, U, COUNTS)
    assert np.corrcoef(session.reversal_hz, expected)[0, 1] > 0.9


def test_poisson_and_gaussian_agree_on_the_mean() -> None:
    gaussian, poisson = (
        simulate("classical", 6, units=8, counts=MANY, noise=noise) for noise in ("gaussian", "poisson")
    )
    large = 6
    means = [s.response_hz[s.size_index == large].mean(axis=0) for s in (gaussian, poisson)]
    np.testing.assert_allclose(*means, rtol=0.1)
