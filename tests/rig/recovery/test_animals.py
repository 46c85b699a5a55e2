"""Do the estimators recover what the simulated animal knows? Figures are printed (pytest -s)."""

from __future__ import annotations

import pytest

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.truth import scores
from rig.description import Emulation

pytestmark = pytest.mark.timeout(240)


def test_four_trained_animals_with_poisson_noise(recovery):
    told = recovery(range(1, 5))
    assert 0.90 <= told["bayes"].coverage <= 0.99
    assert told["bayes"].correlation >= 0.70
    assert 2.0 <= told["bayes"].width <= 4.0
    # Each estimator's place is as known: the published one is the noisiest, and biased upwards.
    assert told["bayes"].correlation > told["paper"].correlation
    assert told["paper"].bias > told["isotonic"].bias


def test_more_trials_make_better_estimates(recovery):
    few, many = recovery((1, 2), trials=150), recovery((1, 2), trials=450)
    assert many["bayes"].width < few["bayes"].width
    assert many["bayes"].rmse < few["bayes"].rmse
    assert many["bayes"].correlation > few["bayes"].correlation


def test_a_classical_animal_has_one_reversal_point():
    rig = virtual_description(demo_rig(), Emulation(units=40, seed=1, model="classical"))
    plan = make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=300, settings={})
    outcome = run_virtual(plan)
    assert len({truth.reversal_hz for truth in outcome.truth.values()}) == 1
    (score,) = [
        s for s in scores(outcome.session.reckoning.estimates, outcome.truth) if s.coverage is not None
    ]
    assert score.coverage >= 0.85
