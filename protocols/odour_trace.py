"""What the odour tasks of Lowet et al. (2025) share: a wait, an odour, a trace, an outcome, time to drink.

Not a protocol by itself: `lowet_diverse`, `lowet_bernoulli` and `lowet_distributions` say what is declared.
Answers to the odours are counted 200-600 ms after their onset, as those to rewards are; that window is ours.
"""

from __future__ import annotations

from rig import END, Draws, History, Params, Protocol, ResponseWindow, StateMachine, TrialSpec, param
from rig.estimate import ReversalEstimator


class OdourTrace(Protocol):
    """An odour, a pause, an outcome."""

    class Parameters(Params):
        """The times of a trial."""

        odour_s: float = param(1.0, unit="s", minimum=0.1, doc="length of an odour")
        trace_s: float = param(2.0, unit="s", minimum=0.0, doc="odour's end to outcome")
        drink_s: float = param(2.0, unit="s", minimum=0.7, doc="pause after the outcome, within the trial")
        iti_min_s: float = param(
            3.0, unit="s", minimum=1.0, doc="shortest wait before the odour: 2 s, and 1 s of baseline"
        )
        iti_mean_s: float = param(3.0, unit="s", minimum=0, doc="mean of the exponential wait on top (ours)")
        iti_max_s: float = param(20.0, unit="s", minimum=1.0, doc="longest wait")

    parameters: Parameters
    cue_response = ResponseWindow(start_ms=200, stop_ms=600)

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Take the next trial of the declared blocks."""
        p = self.parameters
        wait = rng.wait(p.iti_min_s, p.iti_mean_s, p.iti_max_s)
        return self.schedule[history.trials].trial(iti=wait)

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states: wait, odour, trace, reward, drink."""
        p = self.parameters
        outcome = "reward" if trial.reward_ul else "drink"
        sm = StateMachine("odour, trace, outcome")
        sm.state("iti", timer=trial.timing_s["iti"], then="cue" if trial.cue else outcome)
        if trial.cue:
            sm.state("cue", timer=p.odour_s, outputs=trial.cue, then="trace")
            sm.state("trace", timer=p.trace_s, then=outcome)
        if trial.reward_ul:
            sm.state("reward", deliver_ul=trial.reward_ul, then="drink")
        sm.state("drink", timer=p.drink_s, then=END)
        return sm
