"""Coding of the 50 % cue: honest intervals, calibrated tests, and no label before its time."""

import numpy as np
import pytest
from scipy import stats

from rig.estimate.cue_coding import (
    CUES,
    NO_VARIATION,
    TOO_ALIKE,
    TOO_FEW,
    CueCoding,
    CueResponses,
    cue_coding,
)
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


def kept_of(*cues: list[float]) -> CueResponses:
    kept = CueResponses(1)
    for cue, values in enumerate(cues):
        for value in values:
            kept.add(cue, [value])
    return kept


def test_the_interval_is_fiellers() -> None:
    rng = np.random.default_rng(3)
    y = [rng.normal(m, s, n) for m, s, n in ((1, 1, 12), (4, 2, 20), (6, 3, 15))]
    found = cue_coding(kept_of(*(values.tolist() for values in y)))
    ratio = np.linspace(-5, 5, 200_001)
    error = [values.var(ddof=1) / values.size for values in y]
    # (m50 - m10) - r (m90 - m10) is not significantly off zero
    off = (y[1].mean() - y[0].mean()) - ratio * (y[2].mean() - y[0].mean())
    spread = np.sqrt(error[1] + ratio**2 * error[2] + (1 - ratio) ** 2 * error[0])
    held = ratio[np.abs(off) <= stats.t.ppf(0.975, found.dof[0]) * spread]
    assert found.c50_ci95[0] == pytest.approx((held.min(), held.max()), abs=1e-4)


def test_the_reason_is_the_true_one() -> None:
    noise = [(-1) ** k * 1.0 for k in range(70)]
    alike = cue_coding(kept_of(*([y + 5.0 for y in noise[:20]] for _ in range(CUES))))
    # 20 trials are enough for c50, if only the cues differed
    assert (np.isnan(alike.c50[0]), alike.reasons) == (True, (TOO_ALIKE,))
    assert cue_coding(kept_of(*([k + y for y in noise[:20]] for k in (0, 5, 9)))).reasons == (TOO_FEW,)
    for constant in ([0.1] * 70, [7.3] * 70):
        still = cue_coding(kept_of(constant, constant, constant))
        assert (np.isnan(still.t[0]), still.reasons, still.spread) == (True, (NO_VARIATION,), None)


def test_one_very_clear_unit_leaves_the_spread_finite() -> None:
    noise = [(-1) ** k * 1e-6 for k in range(400)]
    found = cue_coding(kept_of(noise, [y + 100.0 for y in noise], noise))
    assert found.t[0] > 1e6
    assert found.spread is not None and np.isfinite(found.spread)


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


def test_labels_and_spread_are_the_textbooks() -> None:
    rng = np.random.default_rng(8)
    y = [rng.normal(mean, 5.0, (70, 60)) for mean in (0.0, 3.0, 6.0)]
    kept = CueResponses(60)
    for cue in range(CUES):
        for row in y[cue]:
            kept.add(cue, row)
    found = cue_coding(kept)
    words = {(True, False): "optimistic", (False, True): "pessimistic"}
    told, near = 0, 0
    for unit in np.flatnonzero(np.isfinite(found.c50)):
        p = [stats.mannwhitneyu(y[1][:, unit], y[k][:, unit], method="asymptotic").pvalue for k in (0, 2)]
        assert found.labels[unit] == words.get((p[0] < 0.05, p[1] < 0.05), "interpolating")
        told, near = told + 1, near + any(0.01 < one < 0.05 for one in p)
    assert told > 50 and near > 5
    score = stats.norm.ppf(stats.t.cdf(found.t, found.dof))
    assert found.spread == pytest.approx(np.sqrt(np.mean(score**2)))
    assert found.spread_p == pytest.approx(stats.chi2.sf((score**2).sum(), 60))


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
