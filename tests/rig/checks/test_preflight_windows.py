"""A response whose windows would reach out of its trial is refused before the animal is in the rig."""

from __future__ import annotations

import pytest

from protocols.variable_probability import VariableProbability
from rig import END, Protocol, ResponseWindow, StateMachine, TrialSpec, TrialType, rising
from rig.checks.preflight import preflight
from rig.device import BoardLimits
from rig.errors import ConfigError


class Short(Protocol):
    """A protocol with a wait and a drink of chosen lengths."""

    wait_s, drink_s, cue, by_lick = 1.0, 0.7, None, False

    def block(self):
        return [(TrialType(condition="free", reward_ul=5.0, cue=self.cue), 1)]

    def decide(self, history, estimates, rng):
        return TrialSpec(condition="free", reward_ul=5.0, cue=self.cue)

    def table(self, trial):
        sm = StateMachine("short")
        sm.state("wait", timer=self.wait_s, then="cue")
        sm.state("cue", timer=0.5, outputs=[self.cue or "led"], then="reward")
        if self.by_lick:
            sm.state("gate", on={rising("lick"): "reward"})
        sm.state("reward", deliver_ul=5.0, timer=0.05, then="drink")
        sm.state("drink", timer=self.drink_s, then=END)
        return sm


def rehearse(sit, **traits):
    kind = type("Short", (Short,), traits)
    return preflight(sit(trials=3, protocol=kind).session.plan, BoardLimits())


def test_windows_that_fit_are_let_through(sit):
    assert rehearse(sit) == 3
    assert rehearse(sit, cue="odour_a") == 3


def test_a_baseline_that_reaches_out_of_the_trial_is_refused(sit):
    with pytest.raises(ConfigError, match=r"waits 900 ms before its first event.*1000 ms"):
        rehearse(sit, cue="odour_a", wait_s=0.9)
    # The led is no cue of the trial's: the reward comes first, at 1.4 s.
    assert rehearse(sit, wait_s=0.9) == 3


def test_a_response_that_reaches_out_of_the_trial_is_refused(sit):
    with pytest.raises(ConfigError, match=r"ends 550 ms after its reward.*600 ms"):
        rehearse(sit, drink_s=0.5)


def test_a_protocol_without_neurons_may_be_as_short_as_it_likes(sit):
    assert rehearse(sit, drink_s=0.1, wait_s=0.1, response=None) == 3


def test_its_own_window_counts(sit):
    assert rehearse(sit, drink_s=0.4, response=ResponseWindow(start_ms=0, stop_ms=400)) == 3


CUE = {"cue": "odour_a", "cue_response": ResponseWindow()}


def test_the_cues_window_must_lie_in_the_trial_too(sit):
    assert rehearse(sit, **CUE) == 3
    with pytest.raises(ConfigError, match=r"waits 900 ms before its cue.*1000 ms"):
        rehearse(sit, response=None, wait_s=0.9, **CUE)
    late = CUE | {"cue_response": ResponseWindow(stop_ms=1600)}
    with pytest.raises(ConfigError, match=r"ends 1250 ms after its cue.*1600 ms"):
        rehearse(sit, **late)
    # Without a cue there is nothing to hold.
    assert rehearse(sit, response=None, wait_s=0.1, cue_response=ResponseWindow()) == 3


def test_an_unrewarded_trial_must_hold_the_cues_window_as_well(sit):
    class Odour(Short):
        cue_response = ResponseWindow()

        def block(self):
            return [(TrialType(condition="odour", cue="odour_a"), 1)]

        def decide(self, history, estimates, rng):
            return TrialSpec(condition="odour", cue="odour_a")

        def table(self, trial):
            sm = StateMachine("odour")
            sm.state("wait", timer=1.0, then="cue")
            sm.state("cue", timer=0.5, outputs=["odour_a"], then=END)
            return sm

    with pytest.raises(ConfigError, match=r"'odour' trial ends 500 ms after its cue.*600 ms"):
        preflight(sit(trials=3, protocol=Odour).session.plan, BoardLimits())


def test_where_cues_are_compared_no_reward_may_come_in_their_window(sit):
    soon = {"cue_to_outcome_s": 0.5, "odour_s": 0.5}
    plan = sit(trials=80, protocol=VariableProbability, settings=soon).session.plan
    with pytest.raises(ConfigError, match=r"'50 %' trial gives its reward 500.1 ms after its cue.*600 ms"):
        preflight(plan, BoardLimits())
