"""Light on the reward while an optimistic unit is recorded, or sham: tossed trial by trial.

Two epochs of the same rewards (`variable_magnitude`). The first one measures, without light. In the second
one, a rewarded trial is eligible if at least one unit is an optimist beyond doubt: if, by the estimates as
they stood at the end of the first epoch, the probability that its reversal point is above the threshold is
more than 0.95. A toss then gives light or sham. With no such unit there is no light.

Why so: units that look optimistic after 100 trials often are not (docs/explanation/closed-loop.md), hence the
high bar. The estimates that decide are frozen, so what the light does cannot decide on more light. And the
effect is read from the second epoch alone: light against sham, which differ in nothing but the toss. The
reversal points of the second epoch are those of a mouse that is given light; they are new ones.

The rig needs an output `laser` of kind "laser", with its caps. The light begins with the valve and lasts
`light_s`, whatever the reward.
"""

from __future__ import annotations

from protocols.variable_magnitude import VariableMagnitude
from rig import END, Draws, Epoch, History, StateMachine, TrialSpec, Until, param
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator

LASER = "laser"


class LaserOptimists(VariableMagnitude):
    """Measure; then light or sham on rewards, if an optimist is recorded."""

    class Parameters(VariableMagnitude.Parameters):
        """What can be set for this protocol."""

        measure: int = param(150, minimum=40, doc="trials that measure, before there is any light")
        threshold_hz: float = param(1.5, unit="Hz", doc="an optimist reverses above this")
        sure: float = param(
            0.95, minimum=0.9, maximum=1.0, doc="an optimist's probability to be one must be more than this"
        )
        light_s: float = param(0.5, unit="s", minimum=0.001, doc="length of the light, from the reward on")
        light_share: float = param(0.5, minimum=0.1, maximum=0.9, doc="share of light; the others are sham")

    parameters: Parameters

    def epochs(self) -> list[Epoch]:
        """Declare both epochs; the rewards are the same, and light is declared for the second one."""
        if self.parameters.stop_within_ul:
            raise ConfigError("'stop_within_ul' has no meaning here; say how many trials with --trials")
        return [
            Epoch("measure", self.block(), until=Until(trials=self.parameters.measure)),
            Epoch("light", self.block(), stimulated=True),
        ]

    def optimists(self, history: History) -> list[str]:
        """Return the units that are optimists beyond doubt, by the frozen estimates."""
        frozen = history.frozen.get("measure")
        if frozen is None:
            return []
        p = frozen.p_above(self.parameters.threshold_hz)
        return [unit for unit, p_unit in zip(frozen.units, p, strict=True) if p_unit > self.parameters.sure]

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Take the next declared trial; toss for light if it is eligible."""
        kind = self.schedule[history.trials]
        timing = self.timing(history, rng)
        heads = rng.uniform() < self.parameters.light_share
        if kind.reward_ul and self.optimists(history):
            return kind.trial("light" if heads else "sham", **timing)
        return kind.trial(**timing)

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states of `variable_magnitude`; the light begins with the reward."""
        p = self.parameters
        light = {LASER: p.light_s} if trial.stimulation == "light" else {}
        sm = StateMachine("light on optimists")
        if "pause" in trial.timing_s:
            sm.state("pause", timer=trial.timing_s["pause"], then="iti")
        sm.state("iti", timer=trial.timing_s["iti"], then="cue" if trial.cue else "reward")
        if trial.cue:
            after = "reward" if trial.reward_ul else "drink"
            sm.state("cue", timer=p.odour_s, outputs=[trial.cue], then="delay")
            sm.state("delay", timer=p.cue_to_reward_s - p.odour_s, then=after)
        if trial.reward_ul:
            sm.state("reward", deliver_ul=trial.reward_ul, pulses=light, then="drink")
        sm.state("drink", timer=p.drink_s, then=END)
        return sm
