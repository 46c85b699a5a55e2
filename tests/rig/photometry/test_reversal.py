"""Where a fibre's response changes its sign: the truth is found, and what cannot be said is not."""

from __future__ import annotations

import numpy as np
import pytest

from rig.errors import ConfigError
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SIZES_UL
from rig.photometry.reversal import ABOVE, BELOW, NO_KINK, NO_SLOPE, FibreReversal

SIZES = PUBLISHED_AXIS.place(PUBLISHED_SIZES_UL)
U = np.array(SIZES.utility_hz)
SHARES = np.array((0.075, 0.10, 0.15, 0.15, 0.30, 0.15, 0.075))


def fibre(rng, trials, *, reversal_hz, gain=0.002, noise=0.01, dips=1.0, tau=0.5):
    """Responses in dF/F; `dips` is how well the sensor shows what goes below zero."""
    found = FibreReversal(SIZES)
    for size in rng.choice(7, trials, p=SHARES):
        error = U[size] - reversal_hz
        shown = gain * error * (tau if error > 0 else (1 - tau) * dips)
        found.add(PUBLISHED_SIZES_UL[size], float(shown + noise * rng.normal()))
    return found.estimate()


def to_hz(size_ul):
    return float(PUBLISHED_AXIS.to_hz(size_ul))


@pytest.mark.parametrize("dips", [1.0, 0.4])
def test_the_truth_lies_in_the_intervals(dips):
    rng = np.random.default_rng(3)
    bayes, between, wrong = [], [], []
    for _ in range(60):
        z = rng.uniform(-2.5, 4.0)
        found = fibre(rng, 200, reversal_hz=z, tau=rng.uniform(0.3, 0.7), dips=dips)
        true_ul = float(PUBLISHED_AXIS.to_ul(z))
        if found.bayes_ul is None:
            continue
        bayes.append(found.bayes_ci95_ul[0] <= true_ul <= found.bayes_ci95_ul[1])
        between.append(found.between_ul[0] <= true_ul <= found.between_ul[1])
        wrong.append(to_hz(found.bayes_ul) - z)
    assert len(bayes) >= 50
    assert np.mean(bayes) >= 0.88
    assert np.mean(between) >= 0.93
    assert np.sqrt(np.mean(np.square(wrong))) < 1.5
    assert abs(np.mean(wrong)) < 0.6


@pytest.mark.parametrize("scale", [1e-4, 1.0, 300.0])
def test_the_unit_of_dff_does_not_matter(scale):
    one, other = (
        fibre(np.random.default_rng(1), 150, reversal_hz=0.5, gain=0.002 * s, noise=0.01 * s)
        for s in (1.0, scale)
    )
    assert other.bayes_ul == pytest.approx(one.bayes_ul, rel=1e-6)
    assert other.bayes_ci95_ul == pytest.approx(one.bayes_ci95_ul, rel=1e-6)
    assert other.isotonic_ul == pytest.approx(one.isotonic_ul, rel=1e-6)
    assert other.between_ul == one.between_ul
    assert other.rise == pytest.approx(one.rise, rel=1e-6)


def test_more_trials_make_it_narrower():
    few, many = (fibre(np.random.default_rng(2), n, reversal_hz=0.5) for n in (40, 640))
    width = [np.diff(PUBLISHED_AXIS.to_hz(found.bayes_ci95_ul))[0] for found in (few, many)]
    assert width[1] < 0.5 * width[0]
    assert many.rise > 2 * few.rise


def test_a_fibre_that_never_changes_its_sign_is_not_given_one():
    rng = np.random.default_rng(4)
    above = fibre(rng, 300, reversal_hz=-9.0, noise=0.003)
    assert above.isotonic_ul is None
    assert above.flags == (ABOVE,)
    assert above.bayes_ul is above.bayes_ci95_ul is None
    assert above.between_ul is None
    below = fibre(rng, 300, reversal_hz=15.0, noise=0.003)
    assert below.isotonic_ul is below.bayes_ul is None
    assert BELOW in below.flags


def test_noise_alone_has_no_slope():
    flagged = 0
    for seed in range(30):
        found = fibre(np.random.default_rng(seed), 120, reversal_hz=0.0, gain=0.0)
        flagged += NO_SLOPE in found.flags
    assert flagged >= 26


def test_falling_responses_are_flagged():
    assert NO_SLOPE in fibre(np.random.default_rng(1), 300, reversal_hz=0.0, gain=-0.004).flags


def test_a_model_that_contradicts_the_means_is_not_told():
    rng = np.random.default_rng(2)
    found = FibreReversal(SIZES)
    # nearly the same for all sizes but the largest: a kink could only be there, where no sign changes
    levels = (-0.0005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.02)
    for size, level in zip(PUBLISHED_SIZES_UL, levels, strict=True):
        for _ in range(60):
            found.add(size, float(level + 0.001 * rng.normal()))
    told = found.estimate()
    assert told.between_ul == (0.1, 0.3)
    assert told.isotonic_ul is not None
    assert told.flags == (NO_KINK,)
    assert told.bayes_ul is told.bayes_ci95_ul is None


def test_few_responses_give_none():
    found = FibreReversal(SIZES)
    assert found.estimate().reason is not None
    for dff in (0.01, 0.02, None, 0.01, 0.03, 0.01, 0.02, 0.05):
        found.add(5.0, dff)
    told = found.estimate()
    assert told.reason == "too few responses, or all of one size"
    assert told.n == (0, 0, 0, 0, 7, 0, 0)
    assert told.mean_dff[4] == pytest.approx(np.mean([0.01, 0.02, 0.01, 0.03, 0.01, 0.02, 0.05]))
    assert told.mean_dff[0] is None
    assert told.bayes_ul is None
    with pytest.raises(ConfigError, match="not a declared reward size"):
        found.add(6.0, 0.1)


def test_sizes_not_met_are_left_out():
    rng = np.random.default_rng(6)
    found = FibreReversal(SIZES)
    for size in rng.choice([1, 4, 6], 200):
        found.add(PUBLISHED_SIZES_UL[size], float(0.002 * (U[size] - 0.0) + 0.005 * rng.normal()))
    told = found.estimate()
    assert told.between_ul in {(0.3, 5.0), (0.3, 20.0)}
    assert told.n[0] == 0
    assert told.bayes_ci95_ul[0] < told.bayes_ul < told.bayes_ci95_ul[1]


def test_the_same_responses_give_the_same_estimate():
    assert fibre(np.random.default_rng(8), 90, reversal_hz=1.0) == fibre(
        np.random.default_rng(8), 90, reversal_hz=1.0
    )
