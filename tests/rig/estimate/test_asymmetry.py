from __future__ import annotations

import numpy as np
import pytest

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import SizeCounts

U = np.array([-3.0, -1.0, 0.5, 2.0, 6.0])


def test_slopes_are_least_squares_through_the_reversal_point() -> None:
    rng = np.random.default_rng(2)
    size = rng.integers(0, 5, 200)
    z = 0.3
    x = U[size] - z
    y = np.where(x > 0, 1.4, 0.6) * x + rng.normal(0, 2, 200)
    counts = SizeCounts.from_trials(np.zeros(200, int), size, y, units=1, sizes=5)
    slopes = published_slopes(counts, U, [z])
    below = np.linalg.lstsq(x[x <= 0, None], y[x <= 0], rcond=None)[0][0]
    above = np.linalg.lstsq(x[x >= 0, None], y[x >= 0], rcond=None)[0][0]
    assert slopes.negative[0] == pytest.approx(below)
    assert slopes.positive[0] == pytest.approx(above)
    assert slopes.asymmetry[0] == pytest.approx(above / (above + below))


def test_noiseless_slopes_are_exact() -> None:
    counts = SizeCounts(5, 1)
    for j, u in enumerate(U):
        counts.add(j, [3.0 * (u - 1.0) if u > 1.0 else 1.0 * (u - 1.0)])
    slopes = published_slopes(counts, U, [1.0])
    assert (slopes.negative[0], slopes.positive[0], slopes.asymmetry[0]) == pytest.approx((1.0, 3.0, 0.75))


def test_one_sided_units_have_no_asymmetry() -> None:
    counts = SizeCounts(5, 2)
    counts.add(4, [5.0, 5.0])
    slopes = published_slopes(counts, U, [0.0, np.nan])
    assert np.isnan(slopes.negative).all()
    assert slopes.positive[0] == pytest.approx(5 / 6)
    assert np.isnan(slopes.asymmetry).all()


def test_asymmetry_is_not_clipped() -> None:
    counts = SizeCounts(5, 1)
    for j, y in enumerate([0.5, 0.2, 2.0, 4.0, 9.0]):
        counts.add(j, [y])
    assert published_slopes(counts, U, [0.0]).asymmetry[0] > 1.0
