"""Evidence of one unit in closed form, against the integral done numerically."""

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import size_variances
from rig.population.unit_evidence import GAIN_MEAN, GAIN_SD, unit_evidence

U = np.array([-3.5, -3.0, -2.0, 0.0, 4.0])
TRIALS = 20


def expected(z: float, tau: float) -> np.ndarray:
    x = U - z
    return np.where(x > 0, tau, 1 - tau) * x


PLACES = np.stack([expected(z, tau) for z in (-1.0, 0.5, 2.0) for tau in (0.2, 0.5, 0.8)], axis=1)


def unit(gain: float, offset: float, floor: float, seed: int = 0) -> SizeCounts:
    """One unit at z = 0.5, tau = 0.5."""
    rng = np.random.default_rng(seed)
    mean = np.maximum(gain * expected(0.5, 0.5) + offset, floor)
    size = np.repeat(np.arange(U.size), TRIALS)
    y = mean[size] + 3.0 * rng.normal(size=size.size)
    return SizeCounts.from_trials(np.zeros(size.size, dtype=int), size, y, units=1, sizes=U.size)


def integrated(counts: SizeCounts, offset_sd: float, floor: float) -> np.ndarray:
    """The same by brute force: sum over a fine grid of gains and constants."""
    variance = size_variances(counts)[0]
    n, total = counts.n[0], counts.total[0]
    gains = np.linspace(0.0, 8.0, 321)
    constants = np.linspace(-6, 6, 361) * offset_sd if offset_sd else np.zeros(1)
    found = []
    for s in PLACES.T:
        mean = gains[:, None, None] * s + constants[:, None]
        mean = np.maximum(mean, floor)
        log = ((total * mean - 0.5 * n * mean**2) / variance).sum(axis=-1)
        log = log - 0.5 * ((gains[:, None] - GAIN_MEAN) / GAIN_SD) ** 2 - np.log(GAIN_SD * np.sqrt(2 * np.pi))
        cell = gains[1] - gains[0]
        if offset_sd:
            log = log - 0.5 * (constants / offset_sd) ** 2 - np.log(offset_sd * np.sqrt(2 * np.pi))
            cell *= constants[1] - constants[0]
        found.append(np.log(np.exp(log - log.max()).sum() * cell) + log.max())
    return np.array(found)


@pytest.mark.parametrize("offset_sd", [0.0, 0.6, 2.2])
@pytest.mark.parametrize(
    ("gain", "offset", "floor"),
    [
        (2.0, 0.0, -np.inf),  # no floor
        (2.0, 0.0, -9.0),  # a floor that is far below
        (2.0, 0.0, -3.0),  # the smallest sizes are at it
        (3.5, -1.0, -1.5),  # so are all but one
        (2.0, 1.0, -0.5),  # a unit that hardly fires
    ],
)
def test_closed_form_is_the_integral(gain: float, offset: float, floor: float, offset_sd: float) -> None:
    counts = unit(gain, offset, floor)
    known = np.array([floor if np.isfinite(floor) else np.nan])
    found = unit_evidence(counts, PLACES, offset_sd, known)[0]
    truth = integrated(counts, offset_sd, floor)
    likely = truth > truth.max() - 10
    assert likely.sum() > 1  # what is far less likely need not be as precise
    np.testing.assert_allclose(found[likely], truth[likely], atol=0.05)


def test_a_floor_far_below_changes_nothing() -> None:
    counts = unit(2.0, 0.0, -np.inf)
    for sd in (0.0, 1.0):
        without = unit_evidence(counts, PLACES, sd, np.array([np.nan]))
        np.testing.assert_array_equal(unit_evidence(counts, PLACES, sd, np.array([-40.0])), without)


def test_each_unit_has_its_own_floor() -> None:
    units = [unit(2.0, 0.0, -3.0, seed) for seed in range(3)]
    together = SizeCounts(U.size, 3)
    for name in ("n", "total", "squares", "positives", "negatives"):
        setattr(together, name, np.concatenate([getattr(one, name) for one in units]))
    floors = np.array([-3.0, np.nan, -9.0])
    whole = unit_evidence(together, PLACES, 1.0, floors)
    for k, one in enumerate(units):
        np.testing.assert_allclose(
            whole[k], unit_evidence(one, PLACES, 1.0, floors[k : k + 1])[0], rtol=1e-12
        )


def test_sizes_never_given_say_nothing() -> None:
    counts = unit(2.0, 0.0, -3.0)
    for name in ("n", "total", "squares", "positives", "negatives"):
        getattr(counts, name)[:, [0, 3]] = 0
    found = unit_evidence(counts, PLACES, 0.6, np.array([-3.0]))[0]
    truth = integrated(counts, 0.6, -3.0)
    likely = truth > truth.max() - 10
    np.testing.assert_allclose(found[likely], truth[likely], atol=0.05)
