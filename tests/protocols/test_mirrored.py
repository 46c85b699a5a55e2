from __future__ import annotations

import collections

import numpy as np
import pytest

from protocols.mirrored import Mirrored
from protocols.variable_magnitude import VariableMagnitude
from rig.checks.preflight import preflight
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.truth import truth_from
from rig.description import Emulation
from rig.design.plan import SessionPlan
from rig.device import BoardLimits
from rig.documents import EpochStarted, EstimatesUpdated, SessionEnded, SessionStarted
from rig.errors import ConfigError
from rig.estimate.fixed_points import expectiles
from rig.estimate.utility import PUBLISHED_UTILITY_HZ


def test_the_odds_are_mirrored_and_nothing_else():
    protocol = Mirrored()
    first, later = (epoch.block for epoch in protocol.declared_epochs)
    assert [kind for kind, _ in first] == [kind for kind, _ in later]
    counts = {
        name: [count for kind, count in block if kind.condition == name]
        for block in (later,)
        for name in ("signalled", "unsignalled", "odour_b")
    }
    assert counts == {
        "signalled": [3, 6, 12, 6, 6, 4, 3],
        "unsignalled": [3, 6, 12, 6, 6, 4, 3],
        "odour_b": [20],
    }
    assert protocol.schedule.distribution() == VariableMagnitude().schedule.distribution()


def test_it_begins_as_variable_magnitude(rehearse):
    specs, plain = list(rehearse(Mirrored).specs()), list(rehearse(VariableMagnitude).specs())
    assert specs == plain


def test_it_fits_the_rig_in_both_epochs(rehearse):
    assert preflight(rehearse(Mirrored).plan(600, 4), BoardLimits()) == 400


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"at_least": 200, "at_most": 100}, "'at_most' is less"),
        ({"block": "1,2,3"}, "'block' has 3 counts for 7 sizes"),
        ({"later": "1,2,3"}, "'later' has 3 counts for 7 sizes"),
    ],
)
def test_what_contradicts_itself_is_refused(rehearse, settings, says):
    with pytest.raises(ConfigError, match=says):
        rehearse(Mirrored, **settings)


def test_what_its_page_says_of_fixed_points():
    tau = np.array([0.2, 0.5, 0.65, 0.8])

    def settles(epoch, **settings):
        shares = Mirrored(Mirrored.Parameters(**settings)).schedule.distribution(epoch)
        return expectiles(tau, PUBLISHED_UTILITY_HZ, list(shares.values()))

    assert (settles(1) - settles(0)).round(2).tolist() == [-0.60, -0.84, -0.85, -0.75]
    drawn = settles(1, later=(1, 1, 4, 8, 20, 5, 1)) - settles(0)
    assert drawn.round(2).tolist() == [0.41, 0.0, -0.35, -0.73]


class Documents(list):
    show = list.append

    def of(self, kind):
        return [document for document in self if isinstance(document, kind)]


def session(seed, world="poisson", model="distributional", trials=420):
    protocol = Mirrored(Mirrored.Parameters(at_least=160, at_most=160, discard=60), seed)
    plan = SessionPlan(
        subject="m1", protocol=protocol, protocol_name="mirrored", seed=seed, max_trials=trials,
        rig=virtual_description(demo_rig(), Emulation(units=40, seed=seed, world=world, model=model)),
    )  # fmt: skip
    told = Documents()
    return run_virtual(plan, told), told


def moved_hz(told):
    """Mean reversal point over units, after the mirroring less before it."""
    last = {document.epoch: document.units for document in told.of(EstimatesUpdated)}
    means = [np.mean([unit.bayes_hz for unit in last[epoch]]) for epoch in (0, 1)]
    return means[1] - means[0]


def test_reversal_points_of_a_distributional_mouse_move_and_its_truth_is_told_by_epoch():
    outcome, told = session(seed=1)
    (begun,) = told.of(EpochStarted)
    assert begun.trial == 160 and begun.name == "mirrored"
    assert [epoch.until for epoch in told.of(SessionStarted)[0].epochs] == [
        "160 trials and 5 units within 1.2 Hz, or 160 trials", "",
    ]  # fmt: skip
    assert told.of(SessionEnded)[0].ok
    # On their way: the fixed points fall by 0.8 Hz, and the units learn at a total rate of 0.02.
    assert -1.0 < moved_hz(told) < -0.25
    truth = np.mean([truth.reversal_hz for truth in outcome.truth.values()])
    at_first = truth_from(outcome_truth(seed=1))[0]
    assert truth - np.mean([truth.reversal_hz for truth in at_first.values()]) == pytest.approx(-0.8, abs=0.1)


def outcome_truth(seed):
    """What the same mouse reveals of itself as trained."""
    from rig.sim.compose import make_virtual_rig
    from rig.sim.training import trained_on

    rig = virtual_description(demo_rig(), Emulation(units=40, seed=seed))
    return make_virtual_rig(trained_on(rig, Mirrored())).animal.truth().encode()


def test_the_number_of_trials_is_the_same_with_and_without_neurons(rehearse):
    # With no neural stream nothing is precise: the most that was declared ends the first epoch.
    rehearsed = rehearse(Mirrored, at_least=20, at_most=20, discard=5)
    _, without = rehearsed.run(trials=40, units=0)
    _, told = rehearsed.run(trials=40, units=4)
    assert [d.trial for d in without.of(EpochStarted)] == [d.trial for d in told.of(EpochStarted)] == [20]
    assert collections.Counter(told.of(SessionEnded)[0].reason) == collections.Counter("40 trials done")
