from protocols.lowet_distributions import LowetDistributions

CUES = tuple(f"odour_{letter}" for letter in "abcdef")


def test_a_block_has_exact_counts(rehearse):
    assert rehearse(LowetDistributions).kinds == {
        ("nothing", "odour_a", 0.0): 12,
        ("narrow", "odour_b", 2.0): 2,
        ("narrow", "odour_b", 4.0): 16,
        ("narrow", "odour_b", 6.0): 2,
        ("bimodal", "odour_c", 2.0): 9,
        ("bimodal", "odour_c", 6.0): 9,
        **{("uniform", "odour_d", float(size)): 3 for size in range(1, 8)},
        ("certain 2", "odour_e", 2.0): 6,
        ("certain 6", "odour_f", 6.0): 6,
    }


def test_the_three_shapes_have_one_mean(rehearse):
    block = rehearse(LowetDistributions).protocol.schedule.block
    for condition in ("narrow", "bimodal", "uniform"):
        sizes = [kind.reward_ul for kind in block if kind.condition == condition]
        assert sum(sizes) / len(sizes) == 4.0


def test_it_keeps_the_rules_and_tells_of_the_uniform_odour(rehearse, hold_to_the_rules):
    outcome, _ = hold_to_the_rules(rehearse(LowetDistributions), CUES)
    for unit in outcome.report.units:
        assert 1.0 < unit.truth.reversal_ul < 7.0


def test_the_outcome_comes_after_odour_and_trace(rehearse):
    rehearsed = rehearse(LowetDistributions)
    for spec in rehearsed.specs():
        states = rehearsed.states(spec)
        assert (states["trace"], states["reward" if spec.reward_ul else "drink"]) == (1.0, 3.0)


def test_unexpected_rewards_have_no_odour(rehearse, hold_to_the_rules):
    rehearsed = rehearse(LowetDistributions, unexpected=4)
    assert rehearsed.kinds["unexpected", None, 4.0] == 4
    hold_to_the_rules(rehearsed, CUES)
