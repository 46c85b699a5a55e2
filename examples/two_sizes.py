"""Two odours, two reward sizes: odour A brings a small or a large drop, odour B brings nothing."""

from rig import END, Params, Protocol, StateMachine, TrialSpec, TrialType, param


class TwoSizes(Protocol):
    """Odour A, then 2.5 or 10 uL with equal odds; odour B, then nothing."""

    class Parameters(Params):
        """What can be set with --set."""

        small_ul: float = param(2.5, unit="uL", minimum=0.1, doc="the small drop")
        large_ul: float = param(10.0, unit="uL", minimum=0.1, doc="the large drop")
        odour_s: float = param(1.0, unit="s", minimum=0.1, doc="length of an odour")
        delay_s: float = param(0.5, unit="s", minimum=0, doc="odour off to reward")
        iti_mean_s: float = param(3.0, unit="s", minimum=0, doc="mean wait on top of 1.5 s")

    def block(self):
        """Ten trials: what comes, and how often."""
        p = self.parameters
        return [
            (TrialType(condition="small", reward_ul=p.small_ul, signalled=True, cue="odour_a"), 4),
            (TrialType(condition="large", reward_ul=p.large_ul, signalled=True, cue="odour_a"), 4),
            (TrialType(condition="nothing", cue="odour_b"), 2),
        ]

    def decide(self, history, estimates, rng):
        """Take the next trial of the block, after a random wait."""
        kind = self.schedule[history.trials]
        wait = min(1.5 + rng.exponential(self.parameters.iti_mean_s), 20.0)
        return TrialSpec(
            condition=kind.condition,
            reward_ul=kind.reward_ul,
            signalled=kind.signalled,
            cue=kind.cue,
            timing_s={"iti": round(wait, 4)},
        )

    def table(self, trial):
        """Wait, odour, gap, reward if there is one, drink."""
        p = self.parameters
        sm = StateMachine("two sizes")
        sm.state("iti", timer=trial.timing_s["iti"], then="odour")
        sm.state("odour", timer=p.odour_s, outputs=trial.cue, then="delay")
        sm.state("delay", timer=p.delay_s, then="reward" if trial.reward_ul else "drink")
        if trial.reward_ul:
            sm.state("reward", deliver_ul=trial.reward_ul, then="drink")
        sm.state("drink", timer=1.0, then=END)
        return sm
