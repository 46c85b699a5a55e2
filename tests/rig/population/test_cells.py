"""The sweep over millions of cells gives what the estimators give cell by cell."""

import numpy as np
import pytest

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.population.cells import Cells, isotonic_cells, sign_count_cells, slopes_cells

U = np.array(PUBLISHED_UTILITY_HZ)
CELLS = 6000


def some_counts(*, per_size: float, whole_numbers: bool, sizes: int = 7) -> SizeCounts:
    """Counts of units with spread offsets; whole numbers give plenty of exact ties."""
    rng = np.random.default_rng(int(per_size * 10) + whole_numbers)
    u = U[:sizes]
    n = rng.poisson(per_size, (CELLS, sizes))
    unit, size = (np.repeat(index.ravel(), n.ravel()) for index in np.indices(n.shape))
    y = rng.normal(u[size] + rng.normal(0, 2, CELLS)[unit], 3.5)
    y = np.round(y) if whole_numbers else y.astype(np.float32).astype(np.float64)
    return SizeCounts.from_trials(unit, size, y, units=CELLS, sizes=sizes)


def as_cells(counts: SizeCounts) -> Cells:
    return Cells(
        counts.n.T.astype(np.float32),
        counts.total.T.astype(np.float32),
        (counts.negatives - counts.positives).T.astype(np.int32),
    )


@pytest.mark.parametrize("per_size", [0.5, 2.0, 12.0])
@pytest.mark.parametrize("whole_numbers", [False, True])
@pytest.mark.parametrize("sizes", [2, 5, 7])
def test_equal_to_the_estimators(per_size: float, whole_numbers: bool, sizes: int) -> None:
    counts = some_counts(per_size=per_size, whole_numbers=whole_numbers, sizes=sizes)
    cells, u = as_cells(counts), U[:sizes]
    following = cells.next_met()
    paper, crossing = sign_count_cells(cells, u, following), isotonic_cells(cells, u, following)
    np.testing.assert_allclose(paper, sign_count(counts, u)[0], rtol=0, atol=2e-6)
    np.testing.assert_allclose(crossing, isotonic(counts, u)[0], rtol=0, atol=2e-4)
    if whole_numbers:
        # ties are exact in both, so nearly every sum agrees to the last bit of a float32
        assert np.nanmax(np.abs(crossing - isotonic(counts, u)[0])) < 5e-6


def test_slopes() -> None:
    counts = some_counts(per_size=12.0, whole_numbers=False)
    cells = as_cells(counts)
    reversal = sign_count_cells(cells, U, cells.next_met())
    # a reversal point a hair's breadth from the last size on a side has no slope there to speak of
    clear = np.abs(reversal[:, None] - U).min(axis=1) > 1e-3
    assert clear.mean() > 0.8
    below, above, asymmetry = (slope[clear] for slope in slopes_cells(cells, U, reversal))
    expected = published_slopes(counts, U, reversal.astype(np.float64))
    np.testing.assert_allclose(below, expected.negative[clear], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(above, expected.positive[clear], rtol=1e-3, atol=1e-4)
    apart = np.abs(below + above) > 0.05
    np.testing.assert_allclose(asymmetry[apart], expected.asymmetry[clear][apart], rtol=5e-3, atol=1e-3)


def test_no_slope_without_responses_on_a_side() -> None:
    cells = as_cells(SizeCounts.from_trials([0, 0], [3, 3], [1.0, 2.0], units=1, sizes=7))
    reversal = sign_count_cells(cells, U, cells.next_met())
    below, above, asymmetry = slopes_cells(cells, U, reversal)
    assert np.isnan(above[0]) and np.isnan(asymmetry[0]) and np.isfinite(below[0])


def test_partitions_and_units_keep_their_places() -> None:
    counts = some_counts(per_size=6.0, whole_numbers=False)
    flat = as_cells(counts)
    square = Cells(*(a.reshape(7, 60, 100) for a in (flat.n, flat.total, flat.lean)))
    for estimator in (sign_count_cells, isotonic_cells):
        one = estimator(flat, U, flat.next_met())
        other = estimator(square, U, square.next_met())
        np.testing.assert_array_equal(one, other.ravel())
