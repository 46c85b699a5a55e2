import numpy as np
import pytest

from protocols.variable_probability import VariableProbability
from rig.checks.preflight import preflight
from rig.device import BoardLimits
from rig.documents import CueResponseTaken, SessionStarted, TrialDone
from rig.errors import ConfigError, UnsafeTableError
from rig.estimate.cue_coding import CueResponses, cue_coding
from rig.machine.rehearse import Rehearsal
from rig.sim.neurons import Population, PopulationSettings

CUES = ("odour_a", "odour_b", "odour_c")


def test_a_block_has_exact_odds(rehearse):
    assert rehearse(VariableProbability).kinds == {
        ("10 %", "odour_a", 3.75): 2,
        ("10 %", "odour_a", 0.0): 18,
        ("50 %", "odour_b", 3.75): 10,
        ("50 %", "odour_b", 0.0): 10,
        ("90 %", "odour_c", 3.75): 18,
        ("90 %", "odour_c", 0.0): 2,
    }


def test_it_keeps_the_rules_and_shows_no_reversal_point(rehearse, hold_to_the_rules):
    outcome, _ = hold_to_the_rules(rehearse(VariableProbability), CUES)
    for unit in outcome.report.units:
        assert unit.reversal.paper is unit.reversal.isotonic is unit.reversal.bayes is None
        assert unit.truth is None
        assert "no one reward distribution" in unit.reasons["reversal.bayes"]
        assert "every cue has a reversal point of its own" in unit.reasons["truth"]


def test_the_outcome_comes_two_seconds_after_the_odour(rehearse):
    rehearsed = rehearse(VariableProbability)
    for spec in rehearsed.specs():
        states = rehearsed.states(spec)
        assert states["delay"] == 1.0
        assert states["reward" if spec.reward_ul else "drink"] == 2.0
        assert spec.signalled


def test_an_air_puff_is_a_pulse_after_its_own_odour(rehearse, hold_to_the_rules):
    rehearsed = rehearse(VariableProbability, puff_trials=20, puff_percent=80)
    assert rehearsed.kinds["puff", "odour_d", 0.0] == 16
    assert rehearsed.kinds["puff left out", "odour_d", 0.0] == 4
    assert sum(rehearsed.kinds.values()) == 80
    puff_line = rehearsed.rig.board.outputs["air_puff"].line
    for spec in rehearsed.specs():
        table = rehearsed.protocol.table(spec).build(rehearsed.rig)
        assert (puff_line in Rehearsal(table).onsets_us) == (spec.condition == "puff")
    hold_to_the_rules(rehearsed, (*CUES, "odour_d"))


def test_which_odour_has_which_odds_may_differ_from_mouse_to_mouse(rehearse):
    usual, other = (rehearse(VariableProbability, percent=odds).protocol for odds in ("10,50,90", "50,90,10"))
    assert usual.cue_roles == other.cue_roles
    assert other.cue_roles.middle == "50 %"
    assert rehearse(VariableProbability, percent="10,60,90").protocol.cue_roles is None


def test_a_puff_longer_than_the_rig_allows_is_refused(rehearse):
    with pytest.raises(UnsafeTableError, match="air_puff"):
        preflight(rehearse(VariableProbability, puff_trials=10, puff_s=0.5).plan(80, 0), BoardLimits())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"per_cue": 5}, "10 % of 5 trials is no whole number; choose another 'per_cue'"),
        ({"percent": "10,90"}, "'percent' has 2 numbers; give one for each of three odours"),
        ({"odour_s": 2.5}, "'odour_s' is longer than 'cue_to_outcome_s'"),
        ({"percent": "10,50,110"}, "the most is 100 %"),
        ({"puff_trials": 4}, "90 % of 4 trials is no whole number; choose another 'puff_trials'"),
    ],
)
def test_what_contradicts_itself_is_refused(rehearse, settings, says):
    with pytest.raises(ConfigError, match=says):
        rehearse(VariableProbability, **settings)


# --- the coding of the even odds -----------------------------------------------------------------


def coding(rehearse, model):
    """What two sessions of 240 trials tell of c50, from their documents alone; and the animals' own."""
    found, true = [], []
    for seed in (2, 3):
        _, told = rehearse(VariableProbability).run(trials=240, units=24, seed=seed, model=model)
        (started,) = told.of(SessionStarted)
        roles = (started.cue_roles.low, started.cue_roles.middle, started.cue_roles.high)
        conditions = {d.record.number: d.record.spec.condition for d in told.of(TrialDone)}
        responses = CueResponses(24)
        for response in (d.response for d in told.of(CueResponseTaken)):
            responses.add(
                roles.index(conditions[response.trial]), np.array(response.response_hz, dtype=float)
            )
        found.append(cue_coding(responses))
        animal = Population(PopulationSettings(units=24, seed=seed, model=model))
        true.append(true_c50(animal.tau))
    assert all((coded.trials == 80).all() for coded in found)
    return found, np.concatenate(true)


def true_c50(tau):
    """Where the expectile of even odds lies between those of 10 and of 90 %."""
    low, even, high = (p * tau / (p * tau + (1 - p) * (1 - tau)) for p in (0.1, 0.5, 0.9))
    return (even - low) / (high - low)


def test_an_expectile_code_answers_even_odds_in_many_ways(rehearse):
    found, true = coding(rehearse, "distributional")
    c50, t = (np.concatenate([getattr(f, name) for f in found]) for name in ("c50", "t"))
    ends = np.concatenate([f.c50_ci95 for f in found])
    told = np.isfinite(c50)
    r = float(np.corrcoef(c50[told], true[told])[0, 1])
    held = float(np.mean((ends[told, 0] < true[told]) & (true[told] < ends[told, 1])))
    print(f"c50 of {told.sum()} units: SD {c50[told].std():.2f}, R with the truth {r:.2f}, held {held:.2f}")
    assert told.mean() > 0.9
    assert r > 0.5 and np.corrcoef(t, true)[0, 1] > 0.5
    assert held > 0.85
    assert all(f.spread > 1.2 and f.spread_p < 0.01 for f in found)


def test_a_classical_code_answers_even_odds_half_way(rehearse):
    found, true = coding(rehearse, "classical")
    assert true == pytest.approx(0.5)
    c50 = np.concatenate([f.c50 for f in found])
    print(f"classical: median c50 {np.nanmedian(c50):.2f}, spread {[round(f.spread, 2) for f in found]}")
    assert np.nanmedian(c50) == pytest.approx(0.5, abs=0.07)
    assert all(f.spread < 1.4 and f.spread_p > 0.01 for f in found)
    assert np.mean(np.concatenate([f.p for f in found]) < 0.05) < 0.15
