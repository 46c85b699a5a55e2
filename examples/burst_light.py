"""Free rewards, and a light whenever a program beside says that a unit bursts (own_loop.py)."""

from __future__ import annotations

from protocols.habituation import Habituation
from rig import END, StateMachine, TrialSpec, soft


class BurstLight(Habituation):
    """A drop, then ten seconds in which soft event 1 switches the light on for a tenth of a second."""

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states: wait, drop, watch, lit."""
        sm = StateMachine("burst_light")
        sm.state("wait", timer=trial.timing_s["wait"], then="drop")
        sm.state("drop", deliver_ul=trial.reward_ul, then="watch")
        sm.state("watch", timer=10.0, on={soft(1): "lit"}, then=END)
        sm.state("lit", timer=0.1, outputs="led", then="watch")
        return sm
