import pytest

from protocols.lowet_bernoulli import LowetBernoulli
from rig.errors import ConfigError

CUES = tuple(f"odour_{letter}" for letter in "abcde")


def test_a_block_has_exact_odds(rehearse):
    assert rehearse(LowetBernoulli).kinds == {
        ("0 %", "odour_a", 0.0): 10,
        ("20 %", "odour_b", 6.0): 4,
        ("20 %", "odour_b", 0.0): 16,
        ("50 %", "odour_c", 6.0): 10,
        ("50 %", "odour_c", 0.0): 10,
        ("80 %", "odour_d", 6.0): 16,
        ("80 %", "odour_d", 0.0): 4,
        ("100 %", "odour_e", 6.0): 10,
    }


def test_it_keeps_the_rules_and_shows_no_reversal_point(rehearse, hold_to_the_rules):
    outcome, _ = hold_to_the_rules(rehearse(LowetBernoulli), CUES)
    assert all(unit.reversal.bayes is None and unit.truth is None for unit in outcome.report.units)


def test_the_outcome_comes_after_odour_and_trace(rehearse):
    rehearsed = rehearse(LowetBernoulli)
    for spec in rehearsed.specs():
        states = rehearsed.states(spec)
        assert (states["trace"], states["reward" if spec.reward_ul else "drink"]) == (1.0, 3.0)
        assert spec.signalled == (spec.cue != "odour_a")


def test_too_few_counts_are_refused(rehearse):
    with pytest.raises(ConfigError, match="need five counts each"):
        rehearse(LowetBernoulli, rewarded="1,2,3")


def test_the_odours_may_be_dealt_out_otherwise(rehearse):
    usual = rehearse(LowetBernoulli).protocol
    other = rehearse(LowetBernoulli, rewarded="10,16,10,4,0", omitted="0,4,10,16,10").protocol
    assert usual.cue_roles == other.cue_roles
    assert usual.cue_roles is not None
