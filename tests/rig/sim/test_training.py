"""An animal trained on a protocol knows its declared distribution, cue by cue."""

import msgspec
import pytest

from protocols.habituation import Habituation
from protocols.lowet_distributions import LowetDistributions
from protocols.lowet_diverse import LowetDiverse
from protocols.sousa import Sousa
from protocols.variable_magnitude import VariableMagnitude
from protocols.variable_probability import VariableProbability
from rig import END, Epoch, Protocol, StateMachine, TrialSpec, TrialType, Until, rising
from rig.cli.rigs import demo_rig
from rig.cli.simulate import run_virtual, virtual_description
from rig.cli.truth import truth_from
from rig.description import CueTraining, Emulation
from rig.design.plan import SessionPlan
from rig.documents import ResponseTaken, TrialDone
from rig.errors import ConfigError
from rig.runtime.config import dump_rig, parse_rig
from rig.sim.compose import make_virtual_rig
from rig.sim.training import trained_on


@pytest.fixture(scope="module")
def rig():
    return demo_rig()


class ByCue(Protocol):
    """Declares what it is told to."""

    kinds = ()
    waits_for_lick = False

    def block(self):
        return list(self.kinds)

    def decide(self, history, estimates, rng):
        kind = self.schedule[history.trials]
        return TrialSpec(condition=kind.condition, reward_ul=kind.reward_ul, cue=kind.cue)

    def table(self, trial):
        sm = StateMachine("by cue")
        after = (
            {"on": {rising("lick"): "reward"}} if self.waits_for_lick else {"timer": 1.5, "then": "reward"}
        )
        sm.state("cue", outputs=trial.cue or (), **after)
        sm.state("reward", deliver_ul=trial.reward_ul, then=END)
        return sm


def declaring(*kinds, **attributes):
    made = [(TrialType(condition=c, cue=cue, reward_ul=ul), n) for c, cue, ul, n in kinds]
    return type("Declaring", (ByCue,), {"kinds": made, **attributes})()


def test_one_distribution_is_one_value(rig):
    trained = trained_on(rig, VariableMagnitude()).emulation
    assert trained.sizes_ul == VariableMagnitude.Parameters().sizes_ul
    assert trained.probabilities == (0.075, 0.1, 0.15, 0.15, 0.3, 0.15, 0.075)
    assert not trained.cues
    assert trained == msgspec.structs.replace(
        rig.emulation, sizes_ul=trained.sizes_ul, probabilities=trained.probabilities
    )
    assert trained_on(rig, Habituation()).emulation.sizes_ul == (5.0,)


def test_odds_and_delays_are_the_protocols(rig):
    trained = trained_on(rig, VariableProbability()).emulation
    assert trained.sizes_ul == ()
    assert trained.cues == {
        cue: CueTraining(sizes_ul=(0.0, 3.75), probabilities=odds, delay_s=2.0)
        for cue, odds in (("odour_a", (0.9, 0.1)), ("odour_b", (0.5, 0.5)), ("odour_c", (0.1, 0.9)))
    }
    delays = {cue: told.delay_s for cue, told in trained_on(rig, Sousa()).emulation.cues.items()}
    assert delays == pytest.approx(
        {"odour_a": 3.0, "odour_b": 0.0001, "odour_c": 1.5, "odour_d": 3.0, "odour_e": 6.0}
    )


@pytest.mark.parametrize(
    ("protocol", "cue"),
    [
        (LowetDiverse, "odour_e"),
        (LowetDistributions, "odour_d"),
        (Sousa, "odour_a"),
        (VariableProbability, ""),
    ],
)
def test_the_truth_is_about_the_trials_that_count(rig, protocol, cue):
    assert trained_on(rig, protocol()).emulation.reversal_cue == cue


def test_the_rig_file_carries_it(rig):
    trained = trained_on(rig, LowetDistributions())
    assert parse_rig(dump_rig(trained)) == trained


def test_uncued_rewards_keep_a_value_of_their_own(rig):
    protocol = declaring(("cued", "odour_a", 6.0, 1), ("free", None, 2.0, 3), ("free", None, 4.0, 1))
    trained = trained_on(rig, protocol).emulation
    assert (trained.sizes_ul, trained.probabilities) == ((2.0, 4.0), (0.75, 0.25))
    assert trained.cues == {"odour_a": CueTraining(sizes_ul=(6.0,), probabilities=(1.0,), delay_s=1.5)}
    assert trained.reversal_cue == ""


def test_odour_a_alone_with_misses_is_a_cue_too(rig):
    trained = trained_on(rig, declaring(("a", "odour_a", 6.0, 1), ("a", "odour_a", 0.0, 1))).emulation
    assert trained.cues["odour_a"].sizes_ul == (0.0, 6.0)
    assert trained.reversal_cue == "odour_a"


def test_a_reward_that_waits_for_the_animal_has_no_delay(rig):
    kinds = (("a", "odour_a", 6.0, 1), ("b", "odour_b", 2.0, 1))
    trained = trained_on(rig, declaring(*kinds, waits_for_lick=True)).emulation
    assert [cue.delay_s for cue in trained.cues.values()] == [0.0, 0.0]


def test_without_rewards_there_is_nothing_to_learn(rig):
    assert trained_on(rig, declaring(("a", "odour_a", 0.0, 1))) == rig


def test_conditions_that_are_not_declared_are_refused():
    with pytest.raises(ConfigError, match="'reversal_conditions' names 'z', which is no condition"):
        declaring(("a", "odour_a", 6.0, 1), reversal_conditions=("a", "z"))


# --- in a session --------------------------------------------------------------------------------


class Told(list):
    def show(self, document):
        self.append(document)


def test_in_a_session_rewards_surprise_by_their_odds_and_licks_follow_value(rig):
    protocol = VariableProbability(seed=3)
    plan = SessionPlan(
        subject="m1",
        protocol=protocol,
        protocol_name="under test",
        rig=virtual_description(rig, Emulation(units=60, seed=3)),
        seed=3,
        max_trials=120,
    )
    told = Told()
    run_virtual(plan, told)
    records = {d.record.number: d.record for d in told if isinstance(d, TrialDone)}
    answers, licks = {}, {}
    for document in told:
        if isinstance(document, ResponseTaken):
            spec = records[document.response.trial].spec
            answers.setdefault(spec.condition, []).extend(document.response.response_hz)
    for record in records.values():
        early = [c for c in record.inputs if c.on and 0 < c.at_us - record.cue_us < 2_000_000]
        licks.setdefault(record.spec.condition, []).append(len(early))
    surprise = [sum(answers[c]) / len(answers[c]) for c in ("10 %", "50 %", "90 %")]
    eager = [sum(licks[c]) / len(licks[c]) for c in ("10 %", "50 %", "90 %")]
    assert surprise[0] > surprise[1] + 0.4 > surprise[2] + 0.8
    assert surprise[2] == pytest.approx(0.0, abs=0.8)
    assert eager[0] < eager[1] < eager[2]


# --- later epochs -----------------------------------------------------------------------------------


class TwoEpochs(VariableMagnitude):
    """Half of the sizes later; or what the test says."""

    def epochs(self):
        block = self.block()
        return [Epoch("a", block, until=Until(trials=5)), Epoch("b", self.later(block))]

    def later(self, block):
        return [(kind, count) for kind, count in block if kind.reward_ul != 20.0]


class CuedLater(TwoEpochs):
    def later(self, block):
        odd = TrialType(condition="odd", reward_ul=5.0, signalled=True, cue="odour_c")
        return [*block, (odd, 5)]


def test_the_truth_of_later_epochs_is_about_what_they_declare(rig):
    trained = trained_on(rig, TwoEpochs()).emulation
    (later,) = trained.later
    assert later.sizes_ul == TwoEpochs().parameters.sizes_ul[:-1]
    assert sum(later.probabilities) == pytest.approx(1)
    assert trained.sizes_ul == TwoEpochs().parameters.sizes_ul
    units = make_virtual_rig(trained_on(rig, TwoEpochs())).animal.truth().units
    plain = make_virtual_rig(trained_on(rig, VariableMagnitude())).animal.truth().units
    assert [unit.truth for unit in units] == [unit.truth for unit in plain]
    # Without the largest size all expectiles are lower.
    assert all(unit.later[0].reversal_hz < unit.truth.reversal_hz for unit in units)
    assert all(unit.later[0].asymmetry == unit.truth.asymmetry for unit in units)


def test_where_one_value_is_not_enough_later_truth_is_not_known(rig):
    described = trained_on(rig, CuedLater())
    assert described.emulation.later == ()
    told = make_virtual_rig(described).animal.truth().encode()
    assert truth_from(told)[0]
    assert truth_from(told, 1) == ({}, "the fixed points of this epoch's rewards are not known")
