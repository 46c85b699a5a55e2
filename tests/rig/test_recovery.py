"""Do the estimators recover what the simulated animal knows? Figures are printed (pytest -s)."""

from __future__ import annotations

import statistics

import pytest

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.truth import scores
from rig.description import Emulation

pytestmark = pytest.mark.timeout(240)


def pooled(seeds, world="poisson", model="distributional", trials=300):
    """Scores over several animals: estimator -> (correlation, bias, coverage, width), means over seeds."""
    told = {"paper": [], "isotonic": [], "bayes": []}
    for seed in seeds:
        rig = virtual_description(demo_rig(), Emulation(units=40, seed=seed, world=world, model=model))
        plan = make_plan("variable_magnitude", rig, subject="m1", seed=seed, trials=trials, settings={})
        outcome = run_virtual(plan)
        for score in scores(outcome.session.reckoning.estimates, outcome.truth):
            told[score.estimator].append(score)
    return {name: Pooled(name, world, list_) for name, list_ in told.items()}


class Pooled:
    def __init__(self, name, world, told):
        self.correlation = statistics.fmean(score.correlation for score in told)
        self.bias = statistics.fmean(score.bias_hz for score in told)
        self.rmse = statistics.fmean(score.rmse_hz for score in told)
        line = f"{world:10} {name:8} correlation {self.correlation:.2f} bias {self.bias:+.2f} "
        line += f"rmse {self.rmse:.2f}"
        if name == "bayes":
            self.coverage = statistics.fmean(score.coverage for score in told)
            self.width = statistics.median(score.width_hz for score in told)
            line += f" coverage {self.coverage:.3f} width {self.width:.2f}"
        print(line)


def test_ten_trained_animals_with_poisson_noise():
    told = pooled(range(1, 11))
    assert 0.90 <= told["bayes"].coverage <= 0.99
    assert told["bayes"].correlation >= 0.70
    assert 2.0 <= told["bayes"].width <= 4.0
    # Each estimator's place is as known: the published one is the noisiest, and biased upwards.
    assert told["bayes"].correlation > told["paper"].correlation
    assert told["paper"].bias > told["isotonic"].bias


def test_more_trials_make_better_estimates():
    few, many = pooled((1, 2), trials=150), pooled((1, 2), trials=450)
    assert many["bayes"].width < few["bayes"].width
    assert many["bayes"].rmse < few["bayes"].rmse
    assert many["bayes"].correlation > few["bayes"].correlation


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
def test_worlds_that_break_the_models_assumptions(world, least_coverage, least_correlation):
    told = pooled(range(1, 4), world=world)
    assert told["bayes"].coverage >= least_coverage
    assert told["bayes"].correlation >= least_correlation


def test_a_classical_animal_has_one_reversal_point():
    rig = virtual_description(demo_rig(), Emulation(units=40, seed=1, model="classical"))
    plan = make_plan("variable_magnitude", rig, subject="m1", seed=1, trials=300, settings={})
    outcome = run_virtual(plan)
    assert len({truth.reversal_hz for truth in outcome.truth.values()}) == 1
    (score,) = [
        s for s in scores(outcome.session.reckoning.estimates, outcome.truth) if s.coverage is not None
    ]
    assert score.coverage >= 0.85
