"""The estimator of a session: online equals batch; missing data, flags, stopping."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.documents import UnitEstimate
from rig.errors import ConfigError
from rig.estimate import PUBLISHED_AXIS, ReversalEstimator, UtilityAxis
from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.summary import summarise
from rig.estimate.telling import unit_estimates
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ

U = np.array(PUBLISHED_UTILITY_HZ)
RESPONSES = st.sampled_from([0.0, 2.5, -2.5, 1.0, -1.0, 7.5, -4.0, 12.5, 0.3, -0.7, None])
TRIALS = st.lists(
    st.tuples(st.integers(0, 6), st.dictionaries(st.sampled_from("abcd"), RESPONSES, max_size=4)), max_size=80
)


def same(one: UnitEstimate, other: UnitEstimate) -> None:
    """Equal in every integer and word, and to 1e-9 in every number."""
    for name, a in msgspec.structs.asdict(one).items():
        b = getattr(other, name)
        if isinstance(a, float) or (isinstance(a, tuple) and a and isinstance(a[0], float)):
            assert b == pytest.approx(a, rel=1e-9, abs=1e-9), name
        else:
            assert b == a, name


@settings(max_examples=60, deadline=None)
@given(TRIALS, st.randoms(use_true_random=False))
def test_online_equals_batch_in_any_order(
    trials: list[tuple[int, dict[str, float | None]]], shuffler: object
) -> None:
    online = ReversalEstimator(PUBLISHED_SIZES_UL)
    for size, responses in trials:
        online.update(size, responses)
    names = sorted(online.units, reverse=True)
    rows = [
        (names.index(unit), size, math.nan if y is None else y)
        for size, responses in trials
        for unit, y in responses.items()
    ]
    shuffler.shuffle(rows)  # type: ignore[attr-defined]
    unit, size, y = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    counts = SizeCounts.from_trials(unit, size, y, units=len(names), sizes=7)
    summary = summarise(counts, KinkedBayes(U), PUBLISHED_UTILITY_HZ)
    batch = unit_estimates(names, counts, summary, online.placed)
    found = {estimate.unit: estimate for estimate in online.estimates()}
    assert set(found) == set(names)
    for estimate in batch:
        same(estimate, found[estimate.unit])


def session(
    units: int, trials: int, seed: int = 0, sd_hz: float = 3.0, gain: float = 1.0
) -> ReversalEstimator:
    """Units that all reverse at 1 Hz, in balanced order."""
    rng = np.random.default_rng(seed)
    estimator = ReversalEstimator(PUBLISHED_SIZES_UL)
    estimator.ensure_units(f"{i}:1" for i in range(units))
    for trial in range(trials):
        size = trial % 7
        estimator.update(size, gain * (U[size] - 1.0) + rng.normal(0, sd_hz, units))
    return estimator


def test_units_come_by_name_and_keep_their_order() -> None:
    estimator = ReversalEstimator(PUBLISHED_SIZES_UL)
    estimator.ensure_units(["9:1", "2:1"])
    estimator.update(3, {"2:1": 1.0, "5:1": -1.0})
    estimator.ensure_units(["5:1", "9:1", "5:2"])
    assert estimator.units == ("9:1", "2:1", "5:1", "5:2")
    assert estimator.rewarded == {"9:1": 0, "2:1": 1, "5:1": 1, "5:2": 0}


def test_missing_responses_leave_a_unit_as_it_was() -> None:
    estimator = session(2, 70)
    before = estimator.estimates()
    estimator.update(3, {"0:1": None, "1:1": math.nan})
    assert estimator.estimates() == before
    estimator.update(3, {"0:1": 1.0})
    assert estimator.estimates()[1] == before[1]
    assert sum(estimator.estimates()[0].n) == 71


def test_too_little_data_is_none_with_a_reason() -> None:
    estimator = ReversalEstimator(PUBLISHED_SIZES_UL)
    estimator.ensure_units(["a"])
    (a,) = estimator.estimates()
    assert a.reason == "0 responses to rewards of 0 sizes; an estimate needs 5 responses and 2 sizes"
    for _ in range(30):
        estimator.update(4, {"a": 1.0})
    (a,) = estimator.estimates()
    assert a.reason is not None
    assert a.reason.startswith("30 responses to rewards of 1 size;")
    assert a.paper_hz is a.isotonic_hz is a.bayes_hz is a.bayes_ci95_hz is a.asymmetry_paper is None
    assert a.flags == ("not settled",)
    estimator.update(5, {"a": 4.0})
    (a,) = estimator.estimates()
    assert a.reason is None or "slope" in a.reason
    assert a.bayes_hz is not None


def test_an_estimate_is_told_in_both_units() -> None:
    (estimate,) = session(1, 280).estimates()
    assert estimate.n == (40,) * 7
    assert estimate.bayes_hz is not None
    assert estimate.bayes_ci95_hz is not None
    assert estimate.bayes_hz == pytest.approx(1.0, abs=0.8)
    assert estimate.bayes_ul == pytest.approx(float(PUBLISHED_AXIS.to_ul(estimate.bayes_hz)))
    assert estimate.bayes_ci95_ul == pytest.approx(
        tuple(PUBLISHED_AXIS.to_ul(estimate.bayes_ci95_hz).tolist())
    )
    assert estimate.paper_ul == pytest.approx(float(PUBLISHED_AXIS.to_ul(estimate.paper_hz)))
    assert estimate.flags == ()


def test_not_settled_until_forty_trials_and_a_narrow_interval() -> None:
    few, many = session(1, 39, sd_hz=0.5, gain=3.0), session(1, 42, sd_hz=0.5, gain=3.0)
    noisy = session(1, 70, sd_hz=15.0)
    assert few.half_width_hz()[0] < 1.6
    assert few.estimates()[0].flags == ("not settled",)
    assert many.estimates()[0].flags == ()
    assert noisy.half_width_hz()[0] > 1.6
    assert "not settled" in noisy.estimates()[0].flags


def test_units_of_one_sign_are_flagged() -> None:
    estimator = ReversalEstimator(PUBLISHED_SIZES_UL)
    for trial in range(280):
        size = trial % 7
        estimator.update(size, {"up": float(U[size] - U[0] + 3.0), "down": float(U[size] - U[-1] - 3.0)})
    up, down = estimator.estimates()
    assert up.flags == ("at edge", "paper capped", "isotonic capped")
    assert down.flags == ("paper capped", "isotonic capped")


def test_a_size_off_the_axis_flags_the_units_that_met_it() -> None:
    estimator = ReversalEstimator((1.2, 3.6, 10.0))
    for trial in range(60):
        both = {"a": float(trial % 3) - 1.0}
        if trial % 3 != 1:
            both["b"] = float(trial % 3) - 1.0
        estimator.update(trial % 3, both)
    a, b = estimator.estimates()
    assert "off axis" in a.flags
    assert "off axis" not in b.flags


def test_settled_asks_every_unit_for_width_and_trials() -> None:
    estimator = session(3, 140)
    width_hz, width_ul = estimator.half_width_hz(), estimator.half_width_ul()
    assert estimator.settled(within_hz=float(width_hz.max()) + 1e-6)
    assert not estimator.settled(within_hz=float(width_hz.max()) - 1e-6)
    assert estimator.settled(within_ul=float(width_ul.max()) + 1e-6)
    assert not estimator.settled(within_ul=float(width_ul.max()) - 1e-6)
    assert not estimator.settled(within_hz=5.0, within_ul=0.01)
    assert estimator.settled(within_hz=5.0, after_trials=140)
    assert not estimator.settled(within_hz=5.0, after_trials=141)


def test_settled_asks_only_for_the_units_named() -> None:
    estimator = session(2, 140)
    estimator.ensure_units(["late"])
    assert not estimator.settled(within_hz=5.0)
    assert estimator.settled(within_hz=5.0, units=["0:1", "1:1"])
    assert not estimator.settled(within_hz=5.0, units=["0:1", "nobody"])
    assert not estimator.settled(within_hz=5.0, units=[])


def test_settled_needs_units_and_a_bound() -> None:
    assert not ReversalEstimator(PUBLISHED_SIZES_UL).settled(within_ul=100.0, after_trials=0)
    with pytest.raises(ValueError, match="needs a bound"):
        ReversalEstimator(PUBLISHED_SIZES_UL).settled()


def test_a_copy_goes_its_own_way() -> None:
    estimator = session(2, 70)
    twin = estimator.copy()
    assert twin.estimates() == estimator.estimates()
    estimator.update(0, {"0:1": -5.0, "new": 1.0})
    assert twin.units == ("0:1", "1:1")
    assert sum(twin.estimates()[0].n) == 70


def test_a_copy_keeps_what_is_off_axis() -> None:
    estimator = ReversalEstimator((1.2, 10.0, 30.0))
    estimator.update(2, {"a": 1.0})
    assert estimator.copy().placed == estimator.placed


def test_one_reward_size_has_no_reversal_point_but_does_not_fail() -> None:
    estimator = ReversalEstimator((5.0,))
    for _ in range(50):
        estimator.update(0, {"a": 1.0})
    (a,) = estimator.estimates()
    assert a.bayes_hz is None
    assert a.n == (50,)
    assert not estimator.settled(within_hz=100.0)


def test_an_own_axis_is_used() -> None:
    own = UtilityAxis((1.0, 3.0, 9.0), (-2.0, 0.0, 3.0))
    estimator = ReversalEstimator((1.0, 3.0, 9.0), own)
    for _ in range(20):
        for size, y in enumerate((-3.0, -1.0, 2.0)):
            estimator.update(size, {"a": y})
    (a,) = estimator.estimates()
    assert a.isotonic_hz == pytest.approx(1.0)
    assert a.isotonic_ul == pytest.approx(5.0)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ConfigError, match="must ascend"):
        ReversalEstimator((5.0, 2.5))
    estimator = session(2, 7)
    with pytest.raises(ValueError, match="2 units"):
        estimator.update(0, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="size index 7"):
        estimator.update(7, [1.0, 2.0])
    with pytest.raises(ValueError, match="infinite"):
        estimator.update(0, {"0:1": math.inf})
