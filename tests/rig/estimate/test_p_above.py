"""The posterior probability that a reversal point is above a threshold."""

from __future__ import annotations

import numpy as np
import pytest

from rig.estimate import ReversalEstimator

SIZES = (0.1, 0.3, 1.2, 2.5, 5.0, 10.0, 20.0)


def fed(turns, n=60, sd=4.0, seed=1):
    """Units that reverse at these utilities."""
    made, rng = ReversalEstimator(SIZES), np.random.default_rng(seed)
    for trial in range(n):
        u = made.placed.utility_hz[trial % 7]
        made.update(trial % 7, {f"1:{k}": 2 * (u - z) + sd * rng.normal() for k, z in enumerate(turns)})
    return made


def test_it_agrees_with_the_interval():
    made = fed([-2.0, 0.0, 3.0])
    for unit, (low, high) in enumerate(made.summary.posterior.ci95_hz):
        assert made.p_above(low)[unit] == pytest.approx(0.975, abs=1e-9)
        assert made.p_above(high)[unit] == pytest.approx(0.025, abs=1e-9)


def test_it_falls_from_one_to_nothing():
    made = fed([0.0, 4.0])
    at = np.linspace(made.placed.utility_hz[0] - 1, made.placed.utility_hz[-1] + 1, 300)
    p = np.array([made.p_above(threshold) for threshold in at])
    assert (np.diff(p, axis=0) <= 1e-12).all()
    assert p[0] == pytest.approx(1) and p[-1] == pytest.approx(0)
    assert p.shape == (300, 2)


def test_it_is_calibrated_under_the_prior():
    # Draw units from the prior (flat reversal point, slopes around one) and look how often p tells the truth.
    rng = np.random.default_rng(7)
    u = np.array(ReversalEstimator(SIZES).placed.utility_hz)
    z, threshold = rng.uniform(u[0], u[-1], 1500), 1.5
    low, high = rng.normal(1, 1, (2, z.size))
    made = ReversalEstimator(SIZES)
    made.ensure_units([f"1:{k}" for k in range(z.size)])
    for trial in range(56):
        e = u[trial % 7] - z
        made.update(trial % 7, np.where(e > 0, high, low) * e + 4.0 * rng.normal(size=z.size))
    p = made.p_above(threshold)
    for bottom, top in ((0.0, 0.1), (0.1, 0.5), (0.5, 0.9), (0.9, 1.0)):
        here = (p >= bottom) & (p <= top)
        share, spread = (z[here] > threshold).mean(), np.sqrt(0.25 / here.sum())
        assert here.sum() > 50
        assert abs(share - p[here].mean()) < 3 * spread


def test_a_unit_with_too_few_responses_is_above_no_bar():
    made = ReversalEstimator(SIZES)
    made.ensure_units(["1:1"])
    made.update(6, {"1:2": 3.0})
    assert np.isnan(made.p_above(1.5)).all()
    assert not (made.p_above(-9.0) > 0.95).any()
    one_size = ReversalEstimator((5.0,))
    one_size.ensure_units(["1:1"])
    assert np.isnan(one_size.p_above(0.0)).tolist() == [True]


def test_precise_says_for_each_unit_what_settled_says_for_all():
    made = fed([-2.0, 3.0])
    widths = made.half_width_hz()
    bound = float(widths.mean())
    assert made.precise(within_hz=bound).tolist() == (widths <= bound).tolist() != [True, True]
    assert not made.precise(within_hz=bound, after_trials=61).any()
    assert made.settled(within_hz=bound) is False
    assert made.settled(within_hz=float(widths.max()))
    with pytest.raises(ValueError, match="needs a bound"):
        made.precise()
