import pytest

from protocols.sousa import Sousa
from rig.documents import EpochStarted, SessionEnded, TrialDone
from rig.errors import ConfigError

CUES = tuple(f"odour_{letter}" for letter in "abcde")
DELAYS = {"odour_a": 3.0, "odour_b": 0.0, "odour_c": 1.5, "odour_d": 3.0, "odour_e": 6.0}


def test_a_block_has_exact_counts(rehearse):
    assert rehearse(Sousa).kinds == {
        ("variable", "odour_a", 1.0): 6,
        ("variable", "odour_a", 2.75): 4,
        ("variable", "odour_a", 4.5): 4,
        ("variable", "odour_a", 6.25): 4,
        ("variable", "odour_a", 8.0): 6,
        ("certain in 0 s", "odour_b", 4.5): 8,
        ("certain in 1.5 s", "odour_c", 4.5): 8,
        ("certain in 3 s", "odour_d", 4.5): 8,
        ("certain in 6 s", "odour_e", 4.5): 8,
    }


def test_it_keeps_the_rules_and_the_delays(rehearse, hold_to_the_rules):
    outcome, told = hold_to_the_rules(rehearse(Sousa), CUES)
    for document in told.of(TrialDone):
        record = document.record
        waited = (record.reward_us - record.cue_us) / 1e6
        assert waited == pytest.approx(DELAYS[record.spec.cue], abs=1e-4)
        assert record.cue_us >= 4_000_000
    for unit in outcome.report.units:
        assert 1.0 < unit.truth.reversal_ul < 8.0


def test_an_odour_lasts_its_second_whenever_the_reward_comes(rehearse):
    _, told = rehearse(Sousa, delays_s="0,0.4,3,6").run(units=0, trials=30)
    for document in told.of(TrialDone):
        on, off = (c.at_us for c in document.record.outputs if c.name == document.record.spec.cue)
        assert off - on == pytest.approx(1_000_000, abs=100)


def test_one_delay_is_removed_if_so_declared(rehearse):
    _, told = rehearse(Sousa, remove_after=30).run(trials=70)
    specs = [document.record.spec for document in told.of(TrialDone)]
    assert "odour_c" in {spec.cue for spec in specs[:30]}
    assert {spec.cue for spec in specs[30:]} == set(CUES) - {"odour_c"}
    (begun,) = told.of(EpochStarted)
    assert (begun.name, begun.trial, begun.discard) == ("without 1.5 s", 30, 5)
    assert begun.reversal_conditions == ("variable",)
    assert told.of(SessionEnded)[0].ok


def test_its_windows_are_those_of_the_paper():
    window = Sousa.response
    assert (window.start_ms, window.stop_ms) == (200, 650)
    assert (window.baseline_start_ms, window.baseline_stop_ms) == (-4000, -1000)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"iti_min_s": 3.0}, "the least is 4"),
        ({"variable": "1,1"}, "'variable' has 2 counts for 5 sizes"),
        ({"delays_s": "0,1,2"}, "needs four different delays"),
        ({"delays_s": "0,1,2,2"}, "needs four different delays"),
        ({"sizes_ul": "1,1,2,3,4"}, "'sizes_ul' names a size twice"),
        (
            {"remove_after": 50, "removed_s": 2},
            "'removed_s' is 2 s, which is no delay of odours B to E; those",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(rehearse, settings, says):
    with pytest.raises(ConfigError, match=says):
        rehearse(Sousa, **settings)
