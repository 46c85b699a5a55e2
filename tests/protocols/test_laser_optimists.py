from __future__ import annotations

import numpy as np
import pytest

from protocols.laser_optimists import LaserOptimists
from protocols.variable_magnitude import VariableMagnitude
from rig import History
from rig.checks.independence import as_intended
from rig.checks.preflight import preflight
from rig.design.draws import Draws
from rig.device import BoardLimits
from rig.documents import EpochStarted, EstimatesUpdated, TrialDone
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator

SIZES = VariableMagnitude.Parameters().sizes_ul


def estimates(turns, n=150):
    """Units that reverse at these utilities, well known."""
    made, rng = ReversalEstimator(SIZES), np.random.default_rng(1)
    for trial in range(n):
        u = made.placed.utility_hz[trial % 7]
        made.update(trial % 7, {f"1:{k}": 2 * (u - z) + 3 * rng.normal() for k, z in enumerate(turns)})
    return made


def second_epoch(frozen, **settings):
    """A protocol and a history at the beginning of the second epoch."""
    protocol = LaserOptimists(LaserOptimists.Parameters(measure=40, **settings), 1)
    history = History()
    for number in range(40):
        history.add(as_intended(number, protocol.decide(history, None, Draws(1, number))))
    history.begin_epoch("measure", frozen)
    protocol.schedule.begin_epoch(40)
    return protocol, history


def specs(protocol, history, trials=400):
    for number in range(40, 40 + trials):
        spec = protocol.decide(history, None, Draws(1, number))
        history.add(as_intended(number, spec))
        yield spec


def test_without_an_optimist_beyond_doubt_there_is_no_light():
    for frozen in (None, estimates([-2.0, 0.0, 1.2]), ReversalEstimator(SIZES)):
        protocol, history = second_epoch(frozen)
        assert protocol.optimists(history) == []
        assert all(not spec.stimulation for spec in specs(protocol, history, 100))


def test_with_one_every_rewarded_trial_is_tossed():
    protocol, history = second_epoch(estimates([-2.0, 4.0]))
    assert protocol.optimists(history) == ["1:1"]
    told = list(specs(protocol, history))
    assert all(bool(spec.stimulation) == (spec.reward_ul > 0) for spec in told)
    tossed = [spec for spec in told if spec.stimulation]
    light = sum(spec.stimulation == "light" for spec in tossed)
    assert len(tossed) == 320
    assert abs(light - 160) < 3 * np.sqrt(80)
    # Light and sham are alike in size, cue and wait: each toss is a draw of its own.
    mean_ul = {
        kind: np.mean([spec.reward_ul for spec in tossed if spec.stimulation == kind])
        for kind in ("light", "sham")
    }
    assert mean_ul["light"] == pytest.approx(mean_ul["sham"], abs=1.5)


def test_the_bar_is_on_the_posterior_not_on_its_mean():
    frozen = estimates([1.7], n=14)
    (mean_hz,), (p,) = frozen.summary.posterior.mean_hz, frozen.p_above(1.5)
    assert mean_hz > 1.5 and 0.5 < p < 0.95
    protocol, history = second_epoch(frozen)
    assert protocol.optimists(history) == []


def test_the_same_trials_with_and_without_an_optimist():
    with_one, without = (second_epoch(frozen) for frozen in (estimates([4.0]), None))
    for lit, dark in zip(specs(*with_one, 100), specs(*without, 100), strict=True):
        assert (lit.condition, lit.reward_ul, lit.cue, lit.timing_s) == (
            dark.condition, dark.reward_ul, dark.cue, dark.timing_s,
        )  # fmt: skip


def test_it_fits_the_rig_with_light_in_every_second_trial(rehearse):
    assert preflight(rehearse(LaserOptimists).plan(400, 4), BoardLimits()) == 350


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"stop_within_ul": 1.0}, "'stop_within_ul' has no meaning here"),
        ({"sure": 0.5}, "the least is 0.9"),
        ({"measure": 5}, "the least is 40"),
    ],
)
def test_what_makes_no_sense_is_refused(rehearse, settings, says):
    with pytest.raises(ConfigError, match=says):
        rehearse(LaserOptimists, **settings)


def test_a_session_measures_and_then_tosses(rehearse):
    outcome, told = rehearse(LaserOptimists, measure=110, threshold_hz=-1.0).run(trials=140, units=4)
    (begun,) = told.of(EpochStarted)
    assert (begun.trial, begun.stimulated, begun.discard) == (110, True, 10)
    known = [d for d in told.of(EstimatesUpdated) if d.epoch == 0][-1].units
    frozen = outcome.session.history.frozen["measure"]
    assert frozen.estimates() == known
    assert (frozen.p_above(-1.0) > 0.95).any()
    later = [d.record for d in told.of(TrialDone) if d.record.number >= 110]
    tossed = [record for record in later if record.spec.stimulation]
    assert [r.number for r in tossed] == [r.number for r in later if r.spec.reward_ul]
    for record in later:
        lit = any(change.name == "laser" and change.on for change in record.outputs)
        assert lit == (record.spec.stimulation == "light")
    assert outcome.session.history.epoch_trials == 30
