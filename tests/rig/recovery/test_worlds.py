"""How far do the estimators stand where their model is wrong? Figures are printed (pytest -s)."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.timeout(240)


@pytest.mark.parametrize(
    ("world", "least_coverage", "least_correlation"),
    [
        ("fano_low", 0.88, 0.7),
        ("fano_high", 0.88, 0.45),
        ("rectified", 0.80, 0.7),
        ("sigmoid", 0.88, 0.6),
        # The model's assumptions are broken here, and the interval shows it: these are its limits.
        ("drift", 0.70, 0.5),
        ("offset", 0.50, 0.3),
    ],
)
def test_worlds_that_break_the_models_assumptions(recovery, world, least_coverage, least_correlation):
    told = recovery(range(1, 3), world=world)
    assert told["bayes"].coverage >= least_coverage
    assert told["bayes"].correlation >= least_correlation
