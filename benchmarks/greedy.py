"""A protocol that declares one drop and gives several, as fast as it is let; for `benchmarks.interlock`."""

from __future__ import annotations

from typing import Any

from rig import END, Params, Protocol, StateMachine, TrialSpec, TrialType, counter, param, rising, soft


class Greedy(Protocol):
    """Says one drop, and gives as many as `drops` says, or more if the animal licks."""

    class Parameters(Params):
        """How greedy."""

        drops: int = param(3, minimum=1, maximum=20, doc="drops that are given where one is declared")
        gap_s: float = param(0.2, unit="s", minimum=0.02, maximum=60.0, doc="from drop to drop")
        wait_s: float = param(1.0, unit="s", minimum=0.1, maximum=60.0, doc="before the first drop")
        reward_ul: float = param(5.0, unit="uL", minimum=1.0, maximum=20.0, doc="what is declared")

    parameters: Any
    response = None

    def block(self) -> Any:
        return [(TrialType(condition="one drop", reward_ul=self.parameters.reward_ul), 1)]

    def decide(self, history: Any, estimates: Any, rng: Any) -> TrialSpec:
        return self.schedule[history.trials].trial()

    def table(self, trial: TrialSpec) -> StateMachine:
        told = self.parameters
        sm = StateMachine("greedy")
        sm.counter("licks", edge=rising("lick"), threshold=3)
        sm.state("wait", timer=told.wait_s, then="drop 0", reset_counters=["licks"])
        for n in range(told.drops):
            last = n == told.drops - 1
            sm.state(
                f"drop {n}",
                deliver_ul=trial.reward_ul,
                timer=max(told.gap_s, 0.15),
                on={counter("licks"): "wait"} if last else {},
                then="end" if last else f"drop {n + 1}",
            )
        sm.state("end", timer=0.1, then=END, on={soft(1): "wait"})
        return sm
