import pytest

from protocols.lowet_diverse import LowetDiverse
from rig.errors import ConfigError

CUES = tuple(f"odour_{letter}" for letter in "abcdef")


def test_a_block_has_two_odours_a_condition(rehearse):
    assert rehearse(LowetDiverse).kinds == {
        ("nothing", "odour_a", 0.0): 8,
        ("nothing", "odour_b", 0.0): 8,
        ("fixed", "odour_c", 4.0): 8,
        ("fixed", "odour_d", 4.0): 8,
        ("variable", "odour_e", 2.0): 7,
        ("variable", "odour_e", 6.0): 7,
        ("variable", "odour_f", 2.0): 7,
        ("variable", "odour_f", 6.0): 7,
    }


def test_fixed_and_variable_have_one_mean(rehearse):
    block = rehearse(LowetDiverse).protocol.schedule.block
    means = {}
    for condition in ("fixed", "variable"):
        sizes = [kind.reward_ul for kind in block if kind.condition == condition]
        means[condition] = sum(sizes) / len(sizes)
    assert means == {"fixed": 4.0, "variable": 4.0}


def test_it_keeps_the_rules_and_tells_of_the_variable_odours(rehearse, hold_to_the_rules):
    outcome, _ = hold_to_the_rules(rehearse(LowetDiverse), CUES)
    for unit in outcome.report.units:
        low, fixed, high = unit.n
        assert fixed == 0 < min(low, high)
        assert 2.0 < unit.truth.reversal_ul < 6.0


def test_the_outcome_comes_after_odour_and_trace(rehearse):
    rehearsed = rehearse(LowetDiverse)
    for spec in rehearsed.specs():
        states = rehearsed.states(spec)
        assert (states["trace"], states["reward" if spec.reward_ul else "drink"]) == (1.0, 3.0)
        assert states["iti"] <= -3.0
        assert spec.signalled == (spec.condition != "nothing")


def test_unexpected_rewards_have_no_odour(rehearse, hold_to_the_rules):
    rehearsed = rehearse(LowetDiverse, unexpected=5)
    assert rehearsed.kinds["unexpected", None, 4.0] == 5
    hold_to_the_rules(rehearsed, CUES)


def test_one_size_twice_is_refused(rehearse):
    with pytest.raises(ConfigError, match="names a size twice"):
        rehearse(LowetDiverse, variable_ul="4,4")
