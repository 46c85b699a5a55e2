"""Free rewards, no cue, no neural stream: the first days of a mouse on the rig."""

from __future__ import annotations

from rig import END, Draws, History, Params, Protocol, StateMachine, TrialSpec, TrialType, param, rising
from rig.estimate import ReversalEstimator


class Habituation(Protocol):
    """A drop of water now and then; the next one only after the mouse has licked."""

    class Parameters(Params):
        """What can be set for this protocol."""

        reward_ul: float = param(5.0, unit="uL", minimum=0.01, doc="size of every reward")
        wait_min_s: float = param(3.0, unit="s", minimum=0.5, doc="shortest wait before a reward")
        wait_mean_s: float = param(5.0, unit="s", minimum=0, doc="mean of the exponential wait on top")
        lick_within_s: float = param(10.0, unit="s", minimum=0.5, doc="longest wait for the first lick")

    parameters: Parameters
    response = None

    def block(self) -> list[tuple[TrialType, int]]:
        """Return the only trial type there is."""
        return [(TrialType(condition="free", reward_ul=self.parameters.reward_ul), 1)]

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Give the next drop after a random wait."""
        p = self.parameters
        wait = min(p.wait_min_s + rng.exponential(p.wait_mean_s), 60.0)
        kind = self.schedule[history.trials]
        return TrialSpec(
            condition=kind.condition, reward_ul=kind.reward_ul, timing_s={"wait": round(wait, 4)}
        )

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states: wait, reward, lick, drink."""
        p = self.parameters
        sm = StateMachine("habituation")
        sm.state("wait", timer=trial.timing_s["wait"], then="reward")
        sm.state("reward", deliver_ul=trial.reward_ul, then="lick")
        sm.state("lick", timer=p.lick_within_s, on={rising("lick"): "drink"}, then="drink")
        sm.state("drink", timer=1.0, then=END)
        return sm
