"""Every learner of the paper is an animal too: quantile units, and values along a delay line."""

import msgspec
import numpy as np
import pytest

from protocols.variable_magnitude import VariableMagnitude
from protocols.variable_probability import VariableProbability
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.description import CueTraining, Emulation
from rig.design.plan import SessionPlan
from rig.estimate.fixed_points import quantiles
from rig.estimate.learning import ClassicalTD
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.sim.delay_line import BIN_S, DISCOUNT_PER_S, QUANTILE_STEP_HZ, DelayLine
from rig.sim.neurons import DESIGN_PROBABILITIES, NOTHING_HZ, Population, PopulationSettings
from rig.sim.training import trained_on

TAU = (np.arange(20) + 0.5) / 20
CUE = {"odour_a": CueTraining(sizes_ul=(0.0, 5.0), probabilities=(0.5, 0.5), delay_s=2.0)}


def population(**settings):
    return Population(PopulationSettings(**settings))


# --- quantile units --------------------------------------------------------------------------------


def test_quantile_units_stand_at_quantiles_and_learn_their_way_there():
    trained = population(units=50, model="quantile")
    expected = quantiles(trained.tau, PUBLISHED_UTILITY_HZ, DESIGN_PROBABILITIES)
    assert [unit.reversal_hz for unit in trained.truth()] == expected.tolist()
    assert [unit.asymmetry for unit in trained.truth()] == trained.tau.tolist()
    naive = population(units=50, model="quantile", start="naive", learning_rate=0.02)
    rng = np.random.default_rng(1)
    for trial, size in enumerate(rng.choice(PUBLISHED_SIZES_UL, 4000, p=DESIGN_PROBABILITIES)):
        naive.reward(trial, float(size))
    # a unit whose asymmetry is near a step of the distribution wanders between two sizes
    cumulative = np.cumsum(DESIGN_PROBABILITIES)
    clear = np.abs(naive.tau[:, None] - cumulative).min(axis=1) > 0.03
    assert clear.sum() > 25
    np.testing.assert_allclose((naive.value_hz + NOTHING_HZ)[clear], expected[clear], atol=0.5)


def test_a_quantile_unit_answers_by_the_error_and_learns_by_its_sign():
    p = population(units=30, model="quantile")
    before = p.value_hz.copy()
    rates = p.reward(0, 20.0)
    error = PUBLISHED_UTILITY_HZ[-1] - NOTHING_HZ - before
    above = error > 0
    assert above.sum() > 20
    np.testing.assert_allclose(rates[2] - p.baseline_hz, p.gain * p.tau * error)
    np.testing.assert_allclose((p.value_hz - before)[above], 0.02 * QUANTILE_STEP_HZ * p.tau[above])


def test_a_quantile_session_finds_quantiles():
    plan = SessionPlan(
        subject="m1",
        protocol=VariableMagnitude(seed=2),
        protocol_name="under test",
        rig=virtual_description(demo_rig(), Emulation(units=40, seed=2, model="quantile")),
        seed=2,
        max_trials=200,
    )
    outcome = run_virtual(plan)
    pairs = [
        (one.bayes_hz, outcome.truth[one.unit].reversal_hz) for one in outcome.session.reckoning.estimates
    ]
    assert all(np.abs(np.subtract(PUBLISHED_UTILITY_HZ, truth)).min() < 1e-6 for _, truth in pairs)
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.6


# --- a delay line ----------------------------------------------------------------------------------


def test_classical_units_on_a_line_are_the_librarys_learner():
    line = DelayLine(np.full(3, 0.5), 2.0, line=True)
    library = ClassicalTD(4, rate=0.15, discount=DISCOUNT_PER_S**BIN_S)
    for trial in range(50):
        outcome = 4.0 * (trial % 3 == 0)
        ahead = line.on_the_way(trial)
        line.learn(outcome, trial, 0.3)
        errors = library.trial([0.0, 0.0, 0.0, outcome])
        # a classical unit weighs good and bad news by one half
        np.testing.assert_allclose(ahead, np.tile(errors[1:4, None] / 2, 3))
        np.testing.assert_allclose(line.values_hz, np.tile(library.weights[:, None], 3))


def test_the_error_moves_from_the_outcome_to_the_cue():
    settings = {"units": 4, "model": "classical", "start": "naive", "learning_rate": 0.6, "sizes_ul": ()}
    sure = {"odour_a": CueTraining(sizes_ul=(5.0,), probabilities=(1.0,), delay_s=2.0)}
    p = population(cues=sure, probabilities=(), delay_line=True, world="fano_low", **settings)
    answers = []
    for trial in range(300):
        head = p.cue_hz(trial, rewarded=True, cue="odour_a") - p.baseline_hz
        answers.append([*head[[2, 7, 12, 17], 0], (p.reward(trial, 5.0, "odour_a")[2] - p.baseline_hz)[0]])
    cue, first, second, third, outcome = np.array(answers).T
    # the wave passes from the bin before the outcome to the cue, and leaves the outcome unanswered
    assert cue[0] == first[0] == second[0] == third[0] == 0.0
    assert third.argmax() < second.argmax() < first.argmax() < cue.argmax()
    assert outcome[-1] == pytest.approx(0.0, abs=1e-6)
    assert third[-1] == pytest.approx(0.0, abs=1e-3)
    assert cue[-1] == pytest.approx(
        2.0 * p.gain[0] * DISCOUNT_PER_S**2 * p.cue_value_hz["odour_a"][0], rel=1e-3
    )


@pytest.mark.parametrize("update", ["expectile", "quantile"])
def test_a_settled_line_stays_where_it_is(update):
    settled = DelayLine(TAU, 1.5, line=True, update=update)
    settled.settle(10.0 * TAU)
    before = settled.values_hz.copy()
    learned = DelayLine(TAU, 1.5, line=True, update=update)
    learned.values_hz[-1] = before[-1]
    for trial in range(4000):
        # the outcome's values are held: what stands before them is learned
        learned.learn(0.0, trial, 0.05 if trial < 3000 else 0.002)
        learned.values_hz[-1] = before[-1]
    np.testing.assert_allclose(learned.values_hz, before, atol=0.3 if update == "quantile" else 0.05)
    if update == "expectile":
        np.testing.assert_allclose(settled.on_the_way(0), 0.0, atol=1e-9)


def test_more_samples_are_quieter_and_the_draws_are_keyed():
    spread = {}
    for samples in (1, 16):
        line = DelayLine(TAU, 1.0, line=True, samples=samples)
        line.settle(10.0 * TAU)
        errors = np.array([line.on_the_way(key)[0] for key in range(300)])
        np.testing.assert_array_equal(line.on_the_way(7), line.on_the_way(7))
        spread[samples] = errors.std(axis=0).mean()
    assert spread[16] < 0.35 * spread[1]
    assert DelayLine(np.zeros(0), 1.0, line=True, samples=4).on_the_way(0).shape == (0, 0)


def test_a_trained_line_answers_its_cue_as_one_value_does():
    told = {"units": 6, "model": "classical", "cues": CUE, "sizes_ul": (), "probabilities": ()}
    one, line = population(**told), population(**told, delay_line=True)
    assert line.lines["odour_a"].values_hz.shape == (4, 6)
    np.testing.assert_allclose(
        line.cue_hz(0, rewarded=True, cue="odour_a"), one.cue_hz(0, rewarded=True, cue="odour_a")
    )
    one.omitted(0, "odour_a")
    line.omitted(0, "odour_a")
    np.testing.assert_allclose(line.cue_value_hz["odour_a"], one.cue_value_hz["odour_a"])


def test_on_a_line_odour_a_has_a_value_of_its_own_and_one_truth_remains():
    rig = demo_rig()
    rig = msgspec.structs.replace(rig, emulation=Emulation(delay_line=True, samples=8))
    trained = trained_on(rig, VariableMagnitude()).emulation
    assert trained.cues["odour_a"].delay_s == pytest.approx(1.5)
    assert trained.cues["odour_a"].sizes_ul == trained.sizes_ul == PUBLISHED_SIZES_UL
    assert trained.reversal_cue == "odour_a"
    assert trained_on(rig, VariableProbability()).emulation.reversal_cue == ""


def test_a_session_on_a_delay_line():
    plan = SessionPlan(
        subject="m1",
        protocol=VariableMagnitude(seed=1),
        protocol_name="under test",
        rig=virtual_description(demo_rig(), Emulation(units=30, seed=1, delay_line=True, samples=4)),
        seed=1,
        max_trials=200,
    )
    outcome = run_virtual(plan)
    estimates = outcome.session.reckoning.estimates
    assert len(outcome.truth) == 30
    pairs = np.array([(one.bayes_hz, outcome.truth[one.unit].reversal_hz) for one in estimates])
    assert np.corrcoef(pairs.T)[0, 1] > 0.5
