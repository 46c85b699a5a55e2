"""Cues that are followed by different things: a value for each, learned, told and answered."""

import msgspec
import numpy as np
import pytest

from rig.description import BoardConfig, CueTraining, Emulation, InputLine, OutputLine, RigDescription
from rig.errors import ConfigError
from rig.estimate.utility import PUBLISHED_AXIS
from rig.events import BoardSafe, EndReason, OutputChange, TrialEnded, TrialStarted
from rig.sim.compose import make_animal, population_settings
from rig.sim.delay_line import DISCOUNT_PER_S
from rig.sim.mouse import Mouse
from rig.sim.neurons import (
    NOTHING_HZ,
    OTHER_ODOUR_HZ,
    OWN_CUE_GAIN,
    Population,
    PopulationSettings,
)
from rig.sim.stimuli import Cue, Wiring

S = 1_000_000
ODDS = {"odour_a": 0.1, "odour_b": 0.5, "odour_c": 0.9}
CUES = {
    name: CueTraining(sizes_ul=(0.0, 3.75), probabilities=(1 - odds, odds), delay_s=2.0)
    for name, odds in ODDS.items()
}
SIZE_HZ = PUBLISHED_AXIS.place((3.75,)).utility_hz[0] - NOTHING_HZ
VALVE = OutputLine(line=1, kind="valve", max_open_ms=200, calibration=((8, 0.1), (29, 5), (92, 20)))
RIG = RigDescription(
    name="r",
    board=BoardConfig(
        port="none",
        inputs={"lick": InputLine(line=2)},
        outputs={
            "water": VALVE,
            **{f"odour_{letter}": OutputLine(line=line) for line, letter in enumerate("abcd", start=3)},
            "tone": OutputLine(line=8),
        },
    ),
    emulation=Emulation(
        units=60, seed=5, cues=CUES | {"tone": CueTraining(sizes_ul=(0,), probabilities=(1,))}
    ),
)


def population(**settings):
    return Population(PopulationSettings(**({"cues": CUES, "sizes_ul": (), "probabilities": ()} | settings)))


def bernoulli_expectile(p, tau):
    """Closed form of the expectile of a reward of 1 with probability p."""
    return p * tau / (p * tau + (1 - p) * (1 - tau))


# --- what it believes ----------------------------------------------------------------------------


@pytest.mark.parametrize("cue", ODDS)
def test_a_cue_is_worth_the_expectile_of_what_follows_it(cue):
    p = population(units=50)
    assert p.cue_value_hz[cue] == pytest.approx(SIZE_HZ * bernoulli_expectile(ODDS[cue], p.tau))


def test_classical_units_share_every_cues_mean():
    p = population(units=3, model="classical")
    for cue, odds in ODDS.items():
        assert p.cue_value_hz[cue] == pytest.approx(odds * SIZE_HZ)


def test_optimists_put_the_even_odds_near_the_good_ones():
    p = population(units=200)
    low, even, high = (p.cue_value_hz[cue] for cue in ODDS)
    c50 = (even - low) / (high - low)
    expected = [
        (bernoulli_expectile(0.5, tau) - bernoulli_expectile(0.1, tau))
        / (bernoulli_expectile(0.9, tau) - bernoulli_expectile(0.1, tau))
        for tau in p.tau
    ]
    assert c50 == pytest.approx(expected)
    assert np.corrcoef(c50, p.tau)[0, 1] > 0.98
    classical = population(units=3, model="classical").cue_value_hz
    low, even, high = (classical[cue] for cue in ODDS)
    assert (even - low) / (high - low) == pytest.approx(0.5)


def test_learning_from_rewards_and_from_their_lack_ends_at_the_expectile():
    p = population(units=30, start="naive", learning_rate=0.02)
    rng = np.random.default_rng(1)
    late = []
    for trial in range(6000):
        if rng.random() < 0.5:
            p.reward(trial, 3.75, "odour_b")
        else:
            p.omitted(0, "odour_b")
        if trial > 2000:
            late.append(p.cue_value_hz["odour_b"])
    assert np.mean(late, axis=0) == pytest.approx(SIZE_HZ * p.tau, abs=0.06)
    assert (p.cue_value_hz["odour_a"] == 0).all()
    assert (p.value_hz == 0).all()


def test_a_drop_without_a_cue_is_a_surprise_and_teaches_nothing_about_cues():
    p = population(units=20)
    before = {cue: value.copy() for cue, value in p.cue_value_hz.items()}
    surprising = p.reward(0, 3.75)[2]
    assert surprising - p.baseline_hz == pytest.approx(p.gain * p.tau * SIZE_HZ)
    assert all((p.cue_value_hz[cue] == value).all() for cue, value in before.items())
    assert (p.value_hz > 0).all()


# --- how it answers ------------------------------------------------------------------------------


def test_the_answer_to_a_cue_follows_its_discounted_value():
    p = population(units=40)
    for cue in ODDS:
        rates = p.cue_hz(0, rewarded=True, cue=cue)
        expected = OWN_CUE_GAIN * p.gain * DISCOUNT_PER_S**2 * p.cue_value_hz[cue]
        assert rates[0] - p.baseline_hz == pytest.approx(np.full(40, OTHER_ODOUR_HZ))
        assert (rates[1] == p.baseline_hz).all()
        assert rates[2:6] - p.baseline_hz == pytest.approx(np.tile(expected, (4, 1)))
    soon, late = (CueTraining(sizes_ul=(4.5,), probabilities=(1,), delay_s=s) for s in (1.5, 6.0))
    delays = population(units=10, cues={"soon": soon, "late": late})
    first, second = (
        delays.cue_hz(0, rewarded=True, cue=cue)[2] - delays.baseline_hz for cue in ("soon", "late")
    )
    assert second / first == pytest.approx(DISCOUNT_PER_S**4.5)


def test_the_lack_of_a_reward_is_felt_when_it_was_due():
    p = population(units=40)
    for cue in ODDS:
        rates = p.cue_hz(0, rewarded=True, cue=cue)
        assert rates.shape == (26, 40)
        assert (rates[6:22] == p.baseline_hz).all()
        dip = p.gain * (1 - p.tau) * p.cue_value_hz[cue]
        assert rates[22:26] == pytest.approx(np.tile(np.maximum(p.baseline_hz - dip, 0), (4, 1)))
    at_once = CueTraining(sizes_ul=(0.0, 4.5), probabilities=(1, 1))
    assert population(units=4, cues={"x": at_once}).cue_hz(0, rewarded=True, cue="x").shape == (6, 4)


def test_a_reward_is_measured_against_the_value_of_its_own_cue():
    p = population(units=30, learning_rate=0.0)
    for cue in ODDS:
        error = SIZE_HZ - p.cue_value_hz[cue]
        assert p.reward(0, 3.75, cue)[2] - p.baseline_hz == pytest.approx(p.gain * p.tau * error)


# --- what it reveals -----------------------------------------------------------------------------


def test_truth_is_told_for_each_cue_and_alone_for_the_one_asked_for():
    cues = CUES | {"odour_d": CueTraining(sizes_ul=(2.0, 6.0), probabilities=(1, 1), delay_s=3.0)}
    p = population(units=6, cues=cues, reversal_cue="odour_d")
    told = p.cue_truths()
    assert set(told) == set(cues)
    assert p.truth() == told["odour_d"]
    assert [unit.reversal_hz for unit in told["odour_a"]] == pytest.approx(
        (p.cue_value_hz["odour_a"] + NOTHING_HZ).tolist()
    )
    assert all(2.0 < unit.reversal_ul < 6.0 for unit in told["odour_d"])
    assert population(units=6).truth() is None
    assert population(units=6, start="naive").cue_truths() == {}


def test_the_animal_says_why_it_has_no_single_truth():
    revealed = make_animal(RIG, lambda slot: None).truth()
    assert revealed.units[0].truth is None
    assert "reversal point of its own" in revealed.units[0].reason
    assert set(revealed.units[0].cues) == set(ODDS)
    assert msgspec.json.decode(revealed.encode(), type=type(revealed)).units == revealed.units


# --- the whole animal ----------------------------------------------------------------------------


def test_wiring_tells_cues_that_promise_from_those_that_do_not():
    wiring = Wiring.of(RIG)
    assert [wiring.kind(line) for line in (3, 4, 5, 6, 8)] == ["promise"] * 3 + ["odour"] * 2
    assert wiring.cues == {
        line: Cue(name=f"odour_{letter}", delay_us=2 * S) for line, letter in ((3, "a"), (4, "b"), (5, "c"))
    }


def trial(animal, cue_line, reward=False, end=TrialEnded, after=3 * S, start=0):
    """One trial: a cue after 2 s, perhaps water 2 s later, and an end; return its edges and spikes."""
    animal.on_event(TrialStarted(t_us=start, slot=0))
    animal.on_event(OutputChange(t_us=start + 2 * S, output=cue_line, on=True))
    edges = list(animal.emit(start + 2 * S + min(after, 2 * S))[0])
    if reward:
        animal.on_event(OutputChange(t_us=start + 4 * S, output=1, on=True))
        animal.on_event(OutputChange(t_us=start + 4 * S + 24_000, output=1, on=False))
    edges += animal.emit(start + 2 * S + after)[0]
    animal.on_event(end(t_us=start + 2 * S + after, reason=EndReason.COMPLETE))
    return edges


def values(animal):
    return {cue: float(value.mean()) for cue, value in animal.units.population.cue_value_hz.items()}


def test_each_trial_teaches_about_its_own_cue():
    animal = make_animal(RIG, lambda slot: None)
    before = values(animal)
    trial(animal, 4)
    missed = values(animal)
    assert missed["odour_b"] < before["odour_b"]
    trial(animal, 4, reward=True, start=20 * S)
    fed = values(animal)
    assert fed["odour_b"] > missed["odour_b"]
    for cue in ("odour_a", "odour_c"):
        assert fed[cue] == missed[cue] == before[cue]


def test_a_trial_given_up_before_the_outcome_teaches_nothing():
    animal = make_animal(RIG, lambda slot: None)
    before = values(animal)
    trial(animal, 4, end=BoardSafe, after=1 * S)
    assert values(animal) == before


def test_a_cue_that_promises_nothing_is_learned_nothing_about():
    animal = make_animal(RIG, lambda slot: None)
    before = values(animal)
    trial(animal, 6)
    trial(animal, 8, start=20 * S)
    assert values(animal) == before


def test_anticipation_follows_each_cues_worth():
    licks = {}
    for line in (3, 4, 5, 6):
        animal = make_animal(RIG, lambda slot: None)
        edges = [e for n in range(40) for e in trial(animal, line, start=n * 20 * S)]
        licks[line] = sum(rising and 2 * S < t % (20 * S) < 4 * S for t, _, rising in edges)
    assert 2 * licks[6] < licks[3] < licks[4] < licks[5]


def test_a_mouse_waits_longer_for_a_later_reward():
    licks = {}
    for cue, due in (("soon", 1 * S), ("late", 6 * S)):
        mouse = Mouse(1, cue_worth_ul={"soon": 20.0, "late": 20.0})
        mouse.trial_began(0, (0, 0))
        mouse.promised(0, (0, 1), cue, due)
        licks[cue] = [t for t, rising in mouse.emit(10 * S) if rising and 3 * S < t < 6.5 * S]
    assert len(licks["soon"]) <= 1
    assert len(licks["late"]) > 12
    assert max(licks["late"]) > 6 * S


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("emulation", "says"),
    [
        ({"cues": {"odor_a": CUES["odour_a"]}}, r"\[emulation.cues.odor_a\]: the rig has no output 'odor_a'"),
        ({"cues": {"tone": CueTraining(sizes_ul=(1, 2), probabilities=(1,))}}, "1 probabilities for 2 sizes"),
        ({"cues": {"tone": CueTraining(sizes_ul=(2, 2), probabilities=(1, 1))}}, "each size once"),
        ({"cues": {"tone": CueTraining(sizes_ul=(2,), probabilities=(0,))}}, "a probability above 0"),
        ({"cues": CUES, "reversal_cue": "tone"}, "reversal_cue is 'tone', which is no cue with a reward"),
        ({"reversal_cue": "odour_a"}, "those are none"),
    ],
)
def test_cues_that_contradict_themselves_are_refused(emulation, says):
    with pytest.raises(ConfigError, match=says):
        population_settings(msgspec.structs.replace(RIG, emulation=Emulation(**emulation)))
