"""The published estimator, against a published unit and against its formula written plainly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rig.estimate.counts import SizeCounts
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_UTILITY_HZ

U = np.array(PUBLISHED_UTILITY_HZ)


def counted(positives: npt.ArrayLike, negatives: npt.ArrayLike, n: npt.ArrayLike | None = None) -> SizeCounts:
    positives, negatives = np.atleast_2d(np.asarray(positives)), np.atleast_2d(np.asarray(negatives))
    counts = SizeCounts(positives.shape[1])
    counts.positives, counts.negatives = positives.astype(np.int64), negatives.astype(np.int64)
    counts.n = (
        counts.positives + counts.negatives if n is None else np.atleast_2d(np.asarray(n)).astype(np.int64)
    )
    counts.total = np.zeros(counts.n.shape)
    counts.squares = np.zeros(counts.n.shape)
    return counts


def plainly(positives: list[int], negatives: list[int], u: list[float]) -> float:
    """The formula as in the published analysis, with loops."""
    sizes = len(u)
    agree = [sum(positives[j:]) + sum(negatives[:j]) for j in range(sizes + 1)]
    m = agree.index(max(agree))
    if m == 0:
        return u[0] + 0.01
    if m == sizes:
        return u[-1] - 0.1
    w1 = 1 / max(abs(agree[m] - agree[m - 1]), 1e-9)
    w2 = 1 / max(abs(agree[m + 1] - agree[m]), 1e-9)
    return (w1 * u[m - 1] + w2 * u[m]) / (w1 + w2)


def test_the_first_published_unit() -> None:
    counts = counted([1, 0, 4, 4, 19, 20, 10], [9, 16, 20, 19, 26, 2, 0], [10, 16, 24, 23, 45, 22, 10])
    reversal, capped = sign_count(counts, U)
    assert reversal[0] == pytest.approx(1.414293, abs=1e-6)
    assert float(PUBLISHED_AXIS.to_ul(reversal[0])) == pytest.approx(6.4, abs=1e-5)
    assert not capped[0]


def test_units_of_one_sign_are_capped() -> None:
    counts = counted([[5] * 7, [0] * 7], [[0] * 7, [5] * 7])
    reversal, capped = sign_count(counts, U)
    assert reversal.tolist() == [U[0] + 0.01, U[-1] - 0.1]
    assert capped.all()


def test_an_exact_tie_goes_wholly_to_the_shared_size() -> None:
    # the third size has as many positive as negative responses: moving across it changes nothing
    reversal, _ = sign_count(counted([0, 0, 3, 6, 6, 6, 6], [6, 6, 3, 0, 0, 0, 0]), U)
    assert reversal[0] == pytest.approx(U[2], abs=1e-6)


def test_sizes_not_met_are_left_out_unit_by_unit() -> None:
    positives = [[0, 0, 9, 9, 9, 9, 9], [0, 0, 0, 0, 0, 9, 9], [0, 0, 0, 0, 0, 0, 0]]
    negatives = [[9, 9, 0, 0, 0, 0, 0], [0, 0, 9, 0, 9, 0, 0], [0, 0, 0, 0, 0, 0, 0]]
    reversal, _ = sign_count(counted(positives, negatives), U)
    assert reversal[0] == pytest.approx((U[1] + U[2]) / 2)
    assert reversal[1] == pytest.approx((U[4] + U[5]) / 2)
    assert np.isnan(reversal[2])


tables = hnp.arrays(np.int64, (5, 7), elements=st.integers(0, 4))


@given(tables, tables)
def test_all_units_at_once_equal_the_formula_one_by_one(
    positives: npt.NDArray[np.int64], negatives: npt.NDArray[np.int64]
) -> None:
    reversal, _ = sign_count(counted(positives, negatives), U)
    for p, q, z in zip(positives, negatives, reversal, strict=True):
        met = (p + q) > 0
        if not met.any():
            assert np.isnan(z)
        else:
            assert z == pytest.approx(plainly(p[met].tolist(), q[met].tolist(), U[met].tolist()), abs=1e-8)
