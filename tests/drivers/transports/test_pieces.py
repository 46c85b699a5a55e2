"""Whole frames and messages that go wrong."""

from __future__ import annotations

import pytest

from drivers.transports import FaultyPieces, PieceFaults

PIECES = list(range(5000))


def negated(piece, draws):
    return -piece - 1


def test_no_faults_change_nothing():
    pieces = FaultyPieces(PieceFaults(), 1, negated)
    assert pieces.apply(PIECES) == PIECES
    assert (pieces.passed, pieces.spoilt) == (5000, 0)


def test_each_fate_comes_as_often_as_asked_for():
    pieces = FaultyPieces(PieceFaults(drop=0.02, double=0.03, garble=0.04, swap=0.05), 2, negated)
    out = pieces.apply(PIECES)
    for count, rate in (
        (pieces.dropped, 0.02), (pieces.doubled, 0.03), (pieces.garbled, 0.04), (pieces.swapped, 0.05),
    ):  # fmt: skip
        assert count / 5000 == pytest.approx(rate, abs=0.01)
    assert len(out) + len(pieces._held) == 5000 - pieces.dropped + pieces.doubled
    assert sum(piece < 0 for piece in out) == pieces.garbled


def test_a_swapped_piece_comes_after_the_next():
    out = FaultyPieces(PieceFaults(swap=0.5), 3, negated).apply(PIECES)
    late = [k for k in range(1, len(out)) if out[k] == out[k - 1] - 1]
    assert len(late) > 1000
    assert sorted(out) == PIECES[: len(out)]


def test_fates_depend_on_seed_and_place_alone():
    faults = PieceFaults(drop=0.1, double=0.1, garble=0.1, swap=0.1)
    whole = FaultyPieces(faults, 4, negated).apply(PIECES)
    one_by_one = FaultyPieces(faults, 4, negated)
    assert [each for piece in PIECES for each in one_by_one.apply([piece])] == whole
    assert FaultyPieces(faults, 5, negated).apply(PIECES) != whole
