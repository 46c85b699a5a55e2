import pytest

from protocols.variable_probability import VariableProbability
from rig.device import BoardLimits
from rig.errors import ConfigError, UnsafeTableError
from rig.machine.rehearse import Rehearsal
from rig.preflight import preflight

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
