"""Sessions of several simulated animals, scored against what each animal knows."""

from __future__ import annotations

import statistics

import pytest

from rig.cli.plans import make_plan
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.truth import scores
from rig.description import Emulation


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


@pytest.fixture
def recovery():
    """Score several animals: ``recovery(seeds, world=..., trials=...)``."""
    return pooled
