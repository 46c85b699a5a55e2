from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rig.estimate.counts import SizeCounts
from rig.estimate.isotonic import isotonic, pooled_means

U = np.array([-3.0, -2.0, -1.0, 0.0, 2.0, 5.0])


def unit(means: list[float], n: list[int] | None = None) -> SizeCounts:
    counts = SizeCounts(len(means), 1)
    counts.n[0] = n or [4] * len(means)
    counts.total[0] = np.array(means) * counts.n[0]
    return counts


def pooled_by_hand(mean: list[float], weight: list[float]) -> list[float]:
    """Pool adjacent violators with a stack."""
    blocks: list[list[float]] = []
    for m, w in zip(mean, weight, strict=True):
        blocks.append([m, w, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            m2, w2, k2 = blocks.pop()
            m1, w1, k1 = blocks.pop()
            blocks.append([(m1 * w1 + m2 * w2) / (w1 + w2), w1 + w2, k1 + k2])
    return [m for m, _, k in blocks for _ in range(int(k))]


means = hnp.arrays(np.float64, (3, 6), elements=st.floats(-20, 20, allow_subnormal=False))
trials = hnp.arrays(np.int64, (3, 6), elements=st.integers(0, 30))


@given(means, trials)
def test_pooling_equals_the_textbook_stack(mean: npt.NDArray[np.float64], n: npt.NDArray[np.int64]) -> None:
    pooled = pooled_means(n, mean * n)
    for row, m, w in zip(pooled, mean, n, strict=True):
        met = w > 0
        assert np.isnan(row[~met]).all()
        if met.any():
            np.testing.assert_allclose(row[met], pooled_by_hand(m[met].tolist(), w[met].tolist()), atol=1e-9)


def test_the_crossing_is_on_the_line_between_two_sizes() -> None:
    reversal, capped = isotonic(unit([-4.0, -3.0, -2.0, -1.0, 3.0, 9.0]), U)
    assert reversal[0] == pytest.approx(0.5)
    assert not capped[0]


def test_violators_are_pooled_by_their_trials() -> None:
    # sizes 3 and 4 pool to (-1 * 3 + -5 * 1) / 4 = -2; the crossing lies a third of the way to size 5
    reversal, _ = isotonic(unit([-9.0, -8.0, -1.0, -5.0, 4.0, 9.0], [4, 4, 3, 1, 4, 4]), U)
    assert reversal[0] == pytest.approx(0.0 + 2.0 / 3)


def test_units_of_one_sign_are_capped() -> None:
    up, up_capped = isotonic(unit([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), U)
    down, down_capped = isotonic(unit([-6.0, -5.0, -4.0, -3.0, -2.0, -1.0]), U)
    assert (up[0], down[0]) == (U[0] + 0.01, U[-1] - 0.1)
    assert up_capped[0]
    assert down_capped[0]


def test_a_stretch_of_zeros_gives_its_middle() -> None:
    reversal, _ = isotonic(unit([-4.0, -3.0, 0.0, 0.0, 0.0, 9.0]), U)
    assert reversal[0] == pytest.approx((U[2] + U[4]) / 2)
    flat, capped = isotonic(unit([0.0] * 6), U)
    assert flat[0] == pytest.approx((U[0] + U[-1]) / 2)
    assert not capped[0]


def test_sizes_not_met_are_left_out() -> None:
    reversal, _ = isotonic(unit([0.0, -2.0, 0.0, 0.0, 2.0, 0.0], [0, 5, 0, 0, 5, 0]), U)
    assert reversal[0] == pytest.approx(0.0)
    capped, is_capped = isotonic(unit([0.0, 2.0, 0.0, 0.0, 3.0, 0.0], [0, 5, 0, 0, 5, 0]), U)
    assert capped[0] == pytest.approx(U[1] + 0.01)
    assert is_capped[0]


def test_a_unit_without_trials_has_no_value() -> None:
    reversal, capped = isotonic(SizeCounts(6, 2), U)
    assert np.isnan(reversal).all()
    assert not capped.any()
    assert isotonic(SizeCounts(6, 0), U)[0].shape == (0,)


@given(means, trials)
def test_values_lie_between_the_sizes_met(mean: npt.NDArray[np.float64], n: npt.NDArray[np.int64]) -> None:
    counts = SizeCounts(6, 3)
    counts.n, counts.total = n, mean * n
    for z, w in zip(isotonic(counts, U)[0], n, strict=True):
        met = U[w > 0]
        assert np.isnan(z) if not met.size else met[0] - 0.1 - 1e-9 <= z <= met[-1] + 0.01 + 1e-9
