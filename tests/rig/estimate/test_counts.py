from __future__ import annotations

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts


def test_counts_what_it_is_given() -> None:
    counts = SizeCounts(sizes=2, units=3)
    counts.add(1, [3.0, -2.0, np.nan])
    counts.add(1, [1.0, 0.0, np.nan])
    assert counts.n.tolist() == [[0, 2], [0, 2], [0, 0]]
    assert counts.total.tolist() == [[0.0, 4.0], [0.0, -2.0], [0.0, 0.0]]
    assert counts.squares.tolist() == [[0.0, 10.0], [0.0, 4.0], [0.0, 0.0]]
    assert counts.positives.tolist() == [[0, 2], [0, 0], [0, 0]]
    assert counts.negatives.tolist() == [[0, 0], [0, 1], [0, 0]]
    assert counts.rewarded.tolist() == [2, 2, 0]


def test_rounding_residue_is_zero_and_counts_on_neither_side() -> None:
    counts = SizeCounts(sizes=1, units=4)
    counts.add(0, [9e-10, -9e-10, 1.1e-9, -1.1e-9])
    assert counts.n[:, 0].tolist() == [1, 1, 1, 1]
    assert counts.positives[:, 0].tolist() == [0, 0, 1, 0]
    assert counts.negatives[:, 0].tolist() == [0, 0, 0, 1]


def test_units_that_come_later_begin_with_nothing() -> None:
    counts = SizeCounts(sizes=2, units=1)
    counts.add(0, [1.0])
    counts.add_units(2)
    counts.add(0, [1.0, 5.0, np.nan])
    assert counts.n.tolist() == [[2, 0], [1, 0], [0, 0]]
    assert counts.n.dtype == np.int64


def test_a_copy_is_independent() -> None:
    counts = SizeCounts(sizes=1, units=1)
    twin = counts.copy()
    counts.add(0, [1.0])
    assert twin.n.tolist() == [[0]]
    assert counts.n.tolist() == [[1]]


@pytest.mark.parametrize(
    ("size", "y", "words"),
    [
        (0, [1.0], "2 units, but responses of shape"),
        (2, [1.0, 2.0], "size index 2"),
        (-1, [1.0, 2.0], "size index -1"),
        (0, [1.0, np.inf], "infinite"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_counted(size: int, y: list[float], words: str) -> None:
    counts = SizeCounts(sizes=2, units=2)
    with pytest.raises(ValueError, match=words):
        counts.add(size, y)
    assert counts.n.sum() == 0
