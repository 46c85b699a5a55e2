"""Coding of the 50 % cue: honest intervals, calibrated tests, and no label before its time."""

import numpy as np
import pytest
from scipy import stats

from rig.estimate.cue_coding import CUES, TOO_ALIKE, TOO_FEW, CueCoding, CueResponses, cue_coding
from rig.estimate.fixed_points import bernoulli_expectiles

UNITS = 400


def simulated(trials: int, seed: int, *, classical: bool = False) -> tuple[CueCoding, np.ndarray, np.ndarray]:
    """Poisson counts (400 ms less 1 s of baseline), 10 Hz between values 0 and 1: coding, tau, true c50."""
    rng = np.random.default_rng(seed)
    tau = np.full(UNITS, 0.5) if classical else rng.beta(3, 3, UNITS)
    baseline = np.exp(rng.normal(np.log(6.0), 0.4, UNITS))
    values = [bernoulli_expectiles(tau, p, 1.0) for p in (0.1, 0.5, 0.9)]
    kept = CueResponses(UNITS)
    for cue in range(CUES):
        for _ in range(trials):
            count = rng.poisson(0.4 * (baseline + 10.0 * values[cue]))
            kept.add(cue, count / 0.4 - rng.poisson(baseline))
    return cue_coding(kept), tau, (values[1] - values[0]) / (values[2] - values[0])


def test_the_contrast_is_welchs() -> None:
    rng = np.random.default_rng(1)
    y = [rng.normal(m, s, n) for m, s, n in ((1, 1, 12), (4, 2, 20), (5, 3, 9))]
    kept = CueResponses(1)
    for cue, values in enumerate(y):
        for value in values:
            kept.add(cue, [value])
    found = cue_coding(kept)
    # Welch's test of the 50 % responses against one "cue" of the midpoint's mean and variance
    variance = [values.var(ddof=1) / values.size for values in y]
    contrast = y[1].mean() - (y[0].mean() + y[2].mean()) / 2
    total = variance[1] + (variance[0] + variance[2]) / 4
    parts = variance[1] ** 2 / 19 + (variance[0] / 4) ** 2 / 11 + (variance[2] / 4) ** 2 / 8
    assert found.contrast_hz[0] == pytest.approx(contrast)
    assert found.dof[0] == pytest.approx(total**2 / parts)
    assert found.p[0] == pytest.approx(2 * stats.t.sf(abs(contrast) / np.sqrt(total), found.dof[0]))
    assert found.c50[0] == pytest.approx((y[1].mean() - y[0].mean()) / (y[2].mean() - y[0].mean()))
    assert found.c50_ci95[0, 0] < found.c50[0] < found.c50_ci95[0, 1]


@pytest.mark.parametrize(("trials", "power"), [(20, 0.12), (60, 0.26), (200, 0.52)])
def test_power_and_coverage(trials: int, power: float) -> None:
    found, tau, truth = simulated(trials, seed=trials)
    significant, told = found.p < 0.05, np.isfinite(found.c50)
    low, high = found.c50_ci95[told].T
    coverage = ((low <= truth[told]) & (truth[told] <= high)).mean()
    right = (np.sign(found.t) == np.sign(tau - 0.5))[significant].mean()
    print(f"{trials} a cue: P<.05 {significant.mean():.0%}, sign right {right:.0%}, coverage {coverage:.3f}")
    assert significant.mean() == pytest.approx(power, abs=0.09)
    assert right > (0.8 if trials == 20 else 0.95)
    assert 0.92 <= coverage <= 0.98


def test_a_classical_population() -> None:
    found, _, _ = simulated(60, seed=2, classical=True)
    assert (found.p < 0.05).mean() == pytest.approx(0.05, abs=0.035)
    assert found.spread == pytest.approx(1.0, abs=0.1)
    assert found.spread_p is not None and found.spread_p > 0.01
    spread, _, _ = simulated(60, seed=2)
    assert spread.spread is not None and spread.spread > 1.3
    assert spread.spread_p is not None and spread.spread_p < 1e-6


def test_no_label_before_its_power_allows() -> None:
    early, _, _ = simulated(59, seed=3)
    assert set(early.labels) == {None} and set(early.reasons) == {TOO_FEW}
    assert np.isfinite(early.c50).mean() > 0.95
    found, tau, _ = simulated(60, seed=3)
    for label, sign in (("optimistic", 1), ("pessimistic", -1)):
        named = np.array([one == label for one in found.labels])
        assert named.sum() > 20
        assert sign * (tau[named].mean() - 0.5) > 0.05


def test_the_published_tests_decide_the_label() -> None:
    rng = np.random.default_rng(4)
    kept = CueResponses(4)
    means = np.array([[0.0, 5.0, 5.0], [0.0, 0.0, 5.0], [0.0, 2.5, 5.0], [1.0, 1.0, 1.0]])
    for cue in range(CUES):
        for _ in range(80):
            kept.add(cue, rng.normal(means[:, cue], 1.0))
    found = cue_coding(kept)
    assert found.labels == ("optimistic", "pessimistic", "interpolating", None)
    assert found.reasons[3] == TOO_ALIKE
    assert np.isnan(found.c50[3]) and np.isnan(found.c50_ci95[3]).all()


def test_missing_and_late_responses() -> None:
    kept = CueResponses(1)
    assert cue_coding(kept).labels == (None,)
    rng = np.random.default_rng(5)
    for _ in range(70):
        for cue in range(CUES):
            kept.add(cue, [cue + rng.normal(0, 0.5)])
    kept.add_units(1)
    for _ in range(10):
        for cue in range(CUES):
            kept.add(cue, [np.nan, cue + rng.normal(0, 0.5)])
    found = cue_coding(kept)
    np.testing.assert_array_equal(found.trials, [[70] * 3, [10] * 3])
    assert found.labels[0] == "interpolating" and found.reasons[1] == TOO_FEW
    assert found.c50[1] == pytest.approx(0.5, abs=0.3)
    assert cue_coding(CueResponses(0)).spread is None
    with pytest.raises(ValueError, match="cue index"):
        kept.add(3, [0.0, 0.0])
    with pytest.raises(ValueError, match="2 units"):
        kept.add(0, [0.0])
