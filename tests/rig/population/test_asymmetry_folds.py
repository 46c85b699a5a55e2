"""Folds: balanced, disjoint, the same online as at once; and the analysis of variance over them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.population.asymmetry_folds import FOLDS, FoldCounts, anova
from rig.sim.response_worlds import Session, simulate

U = np.array(PUBLISHED_UTILITY_HZ)


def folded(session: Session) -> FoldCounts:
    folds = FoldCounts(U.size, session.response_hz.shape[1])
    for size, y in zip(session.size_index, session.response_hz, strict=True):
        folds.add(int(size), y)
    return folds


def whole(session: Session) -> SizeCounts:
    units = session.response_hz.shape[1]
    return SizeCounts.from_trials(
        np.tile(np.arange(units), session.size_index.size),
        np.repeat(session.size_index, units),
        session.response_hz.ravel(),
        units=units,
        sizes=U.size,
    )


def test_every_response_is_in_one_fold_and_sizes_are_balanced() -> None:
    session = simulate("slopes", 1, units=9)
    folds = folded(session)
    counts = whole(session)
    np.testing.assert_array_equal(folds.n.sum(axis=1), counts.n)
    np.testing.assert_allclose(folds.total.sum(axis=1), counts.total)
    assert (folds.n.max(axis=1) - folds.n.min(axis=1)).max() <= 1
    # whole rounds: exactly as many in each
    assert (folds.n.min(axis=1) == counts.n // FOLDS).all()


def test_units_are_folded_each_by_itself() -> None:
    y = np.arange(70.0)
    folds = FoldCounts(1, 30)
    for value in y:
        folds.add(0, np.full(30, value))
    assert (folds.n == 10).all()
    totals = folds.total[:, :, 0]
    assert len({tuple(row) for row in totals.tolist()}) == 30
    # no fold is favoured: over units every fold has about the mean of the responses
    assert np.abs(totals.mean(axis=0) / 10 - y.mean()).max() < 1.5


def test_a_missing_response_leaves_its_unit_where_it_was() -> None:
    alone, among = FoldCounts(2, 2), FoldCounts(2, 2)
    for k in range(12):
        alone.add(k % 2, [float(k), np.nan])
    for k in range(12):
        among.add(k % 2, [float(k), 1.0])
    np.testing.assert_array_equal(alone.total[0], among.total[0])
    assert alone.n[1].sum() == 0


def test_sizes_may_differ_from_unit_to_unit_and_units_may_come_later() -> None:
    folds, expected = FoldCounts(3), FoldCounts(3, 2)
    folds.add_units(2)
    folds.add([0, 2], [1.0, 2.0])
    expected.add(0, [1.0, np.nan])
    expected.add(2, [np.nan, 2.0])
    np.testing.assert_array_equal(folds.total, expected.total)


def test_asymmetries_are_the_published_ones_of_each_fold() -> None:
    session = simulate("slopes", 2, units=5)
    folds, reversal = folded(session), sign_count(whole(session), U)[0]
    found = folds.asymmetries(U, reversal)
    for fold in range(FOLDS):
        counts = SizeCounts(U.size)
        counts.n, counts.total = folds.n[:, fold], folds.total[:, fold]
        np.testing.assert_allclose(found[:, fold], published_slopes(counts, U, reversal).asymmetry)
    assert np.isnan(folds.asymmetries(U, np.full(5, np.nan))).all()


def test_the_anova_is_scipys() -> None:
    values = np.random.default_rng(1).normal(np.arange(6)[:, None] / 4, 0.5, (6, FOLDS))
    found, expected = anova(values), stats.f_oneway(*values)
    assert found is not None
    assert found.f == pytest.approx(expected.statistic)
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.between, found.within) == (5, 36)
    values[2, 3] = np.nan
    again = anova(values)
    assert again is not None and again.between == 4


def test_no_anova_without_two_units() -> None:
    assert anova(np.ones((1, FOLDS))) is None
    assert anova(np.full((3, FOLDS), np.nan)) is None
    assert anova(np.ones((3, FOLDS))) is None


def test_only_folds_that_share_nothing_can_be_trusted() -> None:
    found = {}
    for world in ("slopes", "classical"):
        fixed: list[bool] = []
        anew: list[bool] = []
        for seed in range(40):
            session = simulate(world, seed)
            folds = folded(session)
            tests = (
                anova(folds.asymmetries(U, sign_count(whole(session), U)[0])),
                anova(folds.asymmetries_anew(U)),
            )
            for told, test in zip((fixed, anew), tests, strict=True):
                assert test is not None
                told.append(bool(test.p < 0.05))
        found[world] = float(np.mean(fixed)), float(np.mean(anew))
    print("ANOVA over folds, P < 0.05, reversal point (fixed, anew):", found)
    assert found["slopes"][1] > 0.9
    assert found["classical"][1] < 0.15
    # why both are told: as published, units that are all alike are nearly always called different
    assert found["classical"][0] > 0.5


def test_a_fold_anew_is_the_posterior_of_its_trials() -> None:
    session = simulate("slopes", 3, units=2)
    folds = folded(session)
    found = folds.asymmetries_anew(U)
    one = SizeCounts(U.size, 1)
    one.n, one.total, one.squares = folds.n[1:, 4], folds.total[1:, 4], folds.squares[1:, 4]
    assert found[1, 4] == pytest.approx(KinkedBayes(U).posterior(one).tau[0], abs=0.01)
    assert np.isnan(FoldCounts(U.size, 1).asymmetries_anew(U)).all()
