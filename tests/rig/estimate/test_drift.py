"""The alarm of a windowed posterior: quiet while nothing moves, loud where a unit does."""

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts
from rig.estimate.drift import Drift, DriftWatch
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.sim.response_worlds import COUNTS, Session, simulate

U = np.array(PUBLISHED_UTILITY_HZ)


def watched(session: Session, shift_hz: float, units: slice) -> tuple[Drift, np.ndarray]:
    """Move `units` by `shift_hz` halfway; return the last check, and whose alarm ever went off."""
    trials = session.size_index.size
    y = session.response_hz.copy()
    y[trials // 2 :, units] += shift_hz
    watch = DriftWatch(U, y.shape[1])
    ever = np.zeros(y.shape[1], dtype=bool)
    for trial in range(trials):
        watch.add(int(session.size_index[trial]), y[trial])
        if trial % 10 == 0 or trial == trials - 1:
            found = watch.check()
            ever |= found.parted
    return found, ever


def test_false_alarms_are_rare() -> None:
    rates = {}
    for times in (1, 3):
        counts = tuple(times * n for n in COUNTS)
        alarms = [
            watched(simulate("distributional", run, counts=counts), 0.0, slice(0))[1] for run in (1, 2, 3)
        ]
        rates[sum(counts)] = np.mean(alarms)
    print("units whose alarm ever goes off by chance:", {n: f"{rate:.1%}" for n, rate in rates.items()})
    assert all(rate < 0.05 for rate in rates.values())


def test_a_unit_that_moves_is_found_and_no_other() -> None:
    session = simulate("distributional", 4, counts=tuple(3 * n for n in COUNTS))
    found, ever = watched(session, -6.0, slice(0, 10))
    assert ever[:10].mean() > 0.6
    assert ever[10:].mean() < 0.1
    assert (found.recent_hz > found.full_hz)[:10].mean() > 0.9


def test_all_units_together_show_first() -> None:
    session = simulate("distributional", 5)
    still, _ = watched(session, 0.0, slice(0))
    moved, ever = watched(session, -1.5, slice(0, 40))
    assert still.common_sds is not None and moved.common_sds is not None
    assert abs(still.common_sds) < 4 < -moved.common_sds
    assert moved.common_hz == pytest.approx(-0.3, abs=0.2)
    # while hardly any single unit could tell
    assert ever.mean() < 0.1


def test_the_full_posterior_is_the_ordinary_one() -> None:
    session = simulate("distributional", 6, units=8)
    found, _ = watched(session, 0.0, slice(0))
    trials = session.size_index.size
    counts = SizeCounts.from_trials(
        np.tile(np.arange(8), trials),
        np.repeat(session.size_index, 8),
        session.response_hz.ravel(),
        units=8,
        sizes=7,
    )
    np.testing.assert_allclose(found.full_hz, KinkedBayes(U).posterior(counts).mean_hz)


def test_silence_ages_nothing_and_few_responses_say_nothing() -> None:
    watch = DriftWatch(U, 1)
    rng = np.random.default_rng(7)
    for trial in range(59):
        watch.add(trial % 7, U[trial % 7] + rng.normal(0, 1, 1))
    before = watch.check()
    assert before.sds[0] == 0.0 and not before.parted[0] and before.common_hz is None
    for trial in range(300):
        watch.add(trial % 7, [np.nan])
    assert watch.check().recent_hz[0] == before.recent_hz[0]
    watch.add_units(2)
    watch.add(3, [np.nan, 1.0, np.nan])
    assert watch.check().recent_hz.shape == (3,)


def test_the_recent_posterior_is_that_of_weighted_responses() -> None:
    # a size that came once, long ago, weighs less than one response, and has no spread of its own
    rng = np.random.default_rng(9)
    sizes = np.concatenate([[0, 6], rng.integers(1, 6, 150)])
    y = U[sizes] + rng.normal(0, 4, sizes.size)
    watch = DriftWatch(U, 1)
    for size, value in zip(sizes.tolist(), y.tolist(), strict=True):
        watch.add(size, [value])
    weight = 0.5 ** (np.arange(sizes.size)[::-1] / 100)
    n, total = (np.bincount(sizes, values, minlength=7) for values in (weight, weight * y))
    within = np.bincount(sizes, weight * (y - (total / n)[sizes]) ** 2, minlength=7)
    assert n[0] < 0.5 and within[0] == pytest.approx(0.0, abs=1e-9)
    pooled = within.sum() / np.maximum(n - 1, 0).sum()
    variance = np.maximum((within + 10 * pooled) / (n + 9), 4.0)
    z = np.linspace(U[0], U[-1], 240)
    log_p = np.zeros(z.size)
    for x in (np.minimum(U[:, None] - z, 0), np.maximum(U[:, None] - z, 0)):
        a, h = (n / variance) @ x**2 + 1, (total / variance) @ x + 1
        log_p += (h**2 / a - np.log(a)) / 2
    p = np.exp(log_p - log_p.max())
    assert watch.check().recent_hz[0] == pytest.approx(p @ z / p.sum(), abs=1e-9)


def test_the_standard_errors_are_the_documented_ones() -> None:
    session = simulate("distributional", 10, units=5)
    trials, units = session.response_hz.shape
    found, _ = watched(session, -2.0, slice(0, 3))
    y = session.response_hz.copy()
    y[trials // 2 :, :3] -= 2.0
    sizes = session.size_index
    w = 0.5 ** (np.arange(trials)[::-1] / 100)
    n, weight = np.bincount(sizes, minlength=7), np.bincount(sizes, w, minlength=7)
    moved = (w - (weight / n)[sizes]) @ y / w.sum()
    means = np.stack([np.bincount(sizes, y[:, i], minlength=7) / n for i in range(units)])
    variance = ((y - means[:, sizes].T) ** 2).sum(axis=0) / (n - 1).sum()
    error = np.sqrt(variance * ((w**2).sum() - (weight**2 / n).sum())) / w.sum()
    np.testing.assert_allclose(found.moved_sds, moved / error)
    assert found.common_hz == pytest.approx(moved.mean())
    assert found.common_sds == pytest.approx(moved.mean() / moved.std(ddof=1) * np.sqrt(units))
    # forgetting costs n W2 / W^2 - 1 times the variance of the full posterior
    counts = SizeCounts(7, units)
    for size, row in zip(sizes.tolist(), y, strict=True):
        counts.add(size, row)
    own = KinkedBayes(U).posterior(counts).sd_hz * np.sqrt(trials * (w**2).sum() / w.sum() ** 2 - 1)
    np.testing.assert_allclose(found.sds, (found.recent_hz - found.full_hz) / own)
