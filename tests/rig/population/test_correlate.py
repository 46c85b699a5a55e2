"""Correlations of many rows agree with scipy's, row by row."""

import numpy as np
import pytest
from scipy import stats

from rig.population.correlate import correlate, pearson, two_sided_p


def test_rows_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, (5, 12)), rng.normal(0, 1, (5, 12))
    r, n = pearson(a, b)
    for k in range(5):
        expected = stats.pearsonr(a[k], b[k])
        assert r[k] == pytest.approx(expected.statistic)
        assert two_sided_p(r[k], n[k]) == pytest.approx(expected.pvalue)


def test_missing_values_are_left_out_in_pairs() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(0, 1, 10), rng.normal(0, 1, 10)
    a[3], b[7] = np.nan, np.inf
    r, n = pearson(a, b)
    kept = [k for k in range(10) if k not in {3, 7}]
    assert n == 8
    assert float(r) == pytest.approx(stats.pearsonr(a[kept], b[kept]).statistic)


def test_both_means_of_p() -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(0, 1, (200, 20))
    found = correlate(a, 0.6 * a + 0.8 * rng.normal(0, 1, a.shape))
    assert found is not None
    assert 0.5 < found.r < 0.7
    assert 0.05 < found.r_sd < 0.25
    # an arithmetic mean of P is ruled by the worst partitions
    assert found.p_geometric < 0.3 * found.p_mean
    assert (found.units, found.partitions) == (20, 200)


def test_the_averages_are_what_they_are_called() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, (3, 12)), rng.normal(0, 1, (3, 12))
    found = correlate(a, b)
    each = [stats.pearsonr(x, y) for x, y in zip(a, b, strict=True)]
    r, p = [one.statistic for one in each], [one.pvalue for one in each]
    assert found is not None
    assert (found.r, found.r_sd) == pytest.approx((np.mean(r), np.std(r, ddof=1)))
    assert (found.p_mean, found.p_geometric) == pytest.approx((np.mean(p), stats.gmean(p)))


@pytest.mark.parametrize("rows", [[[1.0, 2.0, 3.0]], [[1.0, 1.0, 1.0, 1.0]]])
def test_too_few_units_or_no_spread_is_no_correlation(rows: list[list[float]]) -> None:
    assert correlate(rows, rows) is None


def test_a_perfect_correlation_of_many_units_has_a_p_and_no_warning() -> None:
    assert two_sided_p([1.0, -1.0], [4, 1000])[1] == 0.0
    assert 0.0 <= two_sided_p(1.0, 4) < 1e-9
