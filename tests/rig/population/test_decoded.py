"""Decoding from different halves: finds a code that is there, and is seldom misled where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import FloatArray
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.population import decoded
from rig.population.counts import PopulationCounts
from rig.population.decoded import SHUFFLES, decode_convex, decode_published
from rig.population.decoding import Decoded
from rig.sim.response_worlds import COUNTS, World, simulate

U = np.array(PUBLISHED_UTILITY_HZ)
DELIVERED = np.array(COUNTS) / np.sum(COUNTS)
RUNS = 15


def counted(world: World, seed: int, units: int = 40) -> PopulationCounts:
    session = simulate(world, seed, units=units)
    made = PopulationCounts(U, PUBLISHED_SIZES_UL, partitions=1)
    made.add_units(units)
    for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
        made.add(trial, int(size), y)
    return made


def beats_shuffles(world: World) -> float:
    """Share of sessions whose decoding is nearer to the rewards than 95 % of its shuffles."""
    beaten = []
    for seed in range(RUNS):
        found = decode_convex(counted(world, seed), np.ones(40, dtype=bool), DELIVERED)
        assert found is not None
        beaten.append(np.mean(np.array(found.shuffled_hz) > found.wasserstein_hz) >= 0.95)
    return float(np.mean(beaten))


def test_it_beats_its_shuffles_where_there_is_a_code_and_only_there() -> None:
    found = {world: beats_shuffles(world) for world in ("distributional", "classical", "slopes")}
    print("sessions whose decoding beats 95 % of its shuffles:", found)
    assert found["distributional"] >= 0.8
    assert found["classical"] <= 0.2
    assert found["slopes"] <= 0.1


def test_the_same_counts_give_the_same_answer_with_a_band_about_it() -> None:
    counts, enough = counted("distributional", 1), np.ones(40, dtype=bool)
    one, other = (decode_convex(counts, enough, DELIVERED) for _ in range(2))
    assert one is not None and one == other
    assert sum(one.p) == pytest.approx(1.0)
    assert len(one.shuffled_hz) == SHUFFLES == len(set(one.shuffled_hz))
    assert (one.x_hz[0], one.x_hz[-1]) == (U[0], U[-1])
    low, p, high = np.array(one.p_low), np.array(one.p), np.array(one.p_high)
    assert (low <= high).all() and ((low <= p) & (p <= high)).mean() > 0.5


def test_the_published_imputation_agrees_on_where_the_rewards_are() -> None:
    counts, enough = counted("distributional", 2), np.ones(40, dtype=bool)
    convex, published = decode_convex(counts, enough, DELIVERED), decode_published(counts, enough, DELIVERED)
    assert convex is not None and published is not None
    means = [np.dot(one.x_hz, one.p) for one in (convex, published)]
    assert means[0] == pytest.approx(means[1], abs=1.0)
    assert published.p_low == ()


def test_asymmetry_and_reversal_come_from_different_halves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts, taken = counted("distributional", 3, units=8), []

    def noted(reversal: FloatArray, tau: FloatArray, low: float, high: float, starts: FloatArray) -> Decoded:
        taken.append((reversal, tau))
        return Decoded(np.array([low, high]), np.array([0.5, 0.5]), 0.0)

    monkeypatch.setattr(decoded, "imputed", noted)
    decode_published(counts, np.ones(8, dtype=bool), DELIVERED)
    own = sign_count(counts.first, U)[0]
    np.testing.assert_array_equal(taken[0][0], sign_count(counts.second, U)[0])
    np.testing.assert_array_equal(taken[0][1], published_slopes(counts.first, U, own).asymmetry)


def test_too_few_units_give_none() -> None:
    counts, enough = counted("classical", 1, units=5), np.array([True, True, True, False, False])
    assert decode_convex(counts, enough, DELIVERED) is None
    assert decode_published(counts, enough, DELIVERED) is None
