"""Many reversal points help where units differ, and harm where they do not."""

import dataclasses

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.population.half_counts import HalfCounts, membership
from rig.population.held_out import HeldOut, held_out_signs
from rig.sim.response_worlds import Session, World, simulate

U = np.array(PUBLISHED_UTILITY_HZ)


def told(session: Session, partitions: int = 100) -> HeldOut:
    halves = HalfCounts(7, session.response_hz.shape[1], partitions)
    for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
        halves.add(trial, size, y)
    found = held_out_signs(halves)
    assert found is not None
    return found


def reversal(unit: np.ndarray, sizes: np.ndarray, values: np.ndarray, units: int) -> np.ndarray:
    counts = SizeCounts.from_trials(unit, sizes, values, units=units, sizes=7)
    return sign_count(counts, U)[0]


def test_by_hand() -> None:
    session = simulate("offset", 1, units=6)
    size, y = session.size_index, session.response_hz
    own, common = [], []
    for partition in range(20):
        first = np.array([membership(trial, 20)[partition] for trial in range(size.size)])

        def reversal(unit: np.ndarray, sizes: np.ndarray, values: np.ndarray, units: int) -> np.ndarray:
            counts = SizeCounts.from_trials(unit, sizes, values, units=units, sizes=7)
            return sign_count(counts, U)[0]

        sizes, values = np.repeat(size[first], 6), y[first].ravel()
        one_each = reversal(np.tile(np.arange(6), first.sum()), sizes, values, 6)
        one = reversal(np.zeros(sizes.size, dtype=int), sizes, values, 1)
        positive = y[~first] > 0
        own.append(((U[size[~first]][:, None] > one_each) == positive).mean())
        common.append(((U[size[~first]][:, None] > one) == positive).mean())
    found = told(session, partitions=20)
    assert found.own == pytest.approx(np.mean(own))
    assert found.common == pytest.approx(np.mean(common))
    assert found.gain == pytest.approx(np.mean(own) - np.mean(common))


@pytest.mark.parametrize(("world", "sign"), [("classical", -1), ("slopes", -1), ("offset", 1), ("both", 1)])
def test_worlds(world: World, sign: int) -> None:
    gains = [told(simulate(world, run)).gain for run in range(20)]
    print(world, f"{100 * np.mean(gains):+.2f} points, positive in {np.mean(np.array(gains) > 0):.0%}")
    assert sign * np.mean(gains) > 0.002


def test_nothing_to_foretell() -> None:
    assert held_out_signs(HalfCounts(7, 3, 10)) is None
    assert held_out_signs(HalfCounts(7, 0, 10)) is None


def test_the_standard_error_is_how_far_the_gain_moves_with_the_units() -> None:
    """Redrawing whole units, with the reversal points read anew, moves the gain as far as it says."""
    session = simulate("offset", 3, units=30)
    rng = np.random.default_rng(1)
    redrawn = []
    for _ in range(60):
        units = rng.integers(0, 30, 30)
        drawn = dataclasses.replace(session, response_hz=session.response_hz[:, units])
        redrawn.append(told(drawn, partitions=20).gain)
    se = told(session).gain_se
    print(f"standard error {100 * se:.2f}, bootstrap {100 * np.std(redrawn):.2f} points")
    assert se == pytest.approx(np.std(redrawn), rel=0.35)


def test_one_unit_has_no_standard_error() -> None:
    assert np.isnan(told(simulate("classical", 1, units=1)).gain_se)
