"""Seven reward sizes, drawn from one fixed distribution (Dabney et al. 2020, Nature 577:671-675).

Two fifths of the trials: odour A for one second, and a reward 1.5 s after its onset. The odour says
that a reward is coming, not how big it will be. Two fifths: the reward comes unsignalled. One fifth:
odour B, then nothing.

Timing after the published recordings: at least two seconds from a reward to the next trial's first
event, then an exponential wait with a mean of five seconds.
"""

from __future__ import annotations

from rig import END, Draws, History, Pacing, Params, Protocol, StateMachine, TrialSpec, TrialType, param
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator


class VariableMagnitude(Protocol):
    """One odour, seven reward sizes, nothing else to know."""

    class Parameters(Params):
        """What can be set for this protocol."""

        sizes_ul: tuple[float, ...] = param(
            (0.1, 0.3, 1.2, 2.5, 5.0, 10.0, 20.0), unit="uL", minimum=0.01, doc="reward sizes"
        )
        block: tuple[int, ...] = param(
            (3, 4, 6, 6, 12, 6, 3), minimum=0, doc="how often each size comes in a block of 40 rewards"
        )
        odour_b: int = param(20, minimum=0, doc="odour B trials for each 40 signalled and 40 unsignalled")
        odour_s: float = param(1.0, unit="s", minimum=0.1, doc="length of an odour")
        cue_to_reward_s: float = param(1.5, unit="s", minimum=0.1, doc="odour onset to reward")
        drink_s: float = param(1.0, unit="s", minimum=0.7, doc="pause after the reward, within the trial")
        iti_min_s: float = param(1.0, unit="s", minimum=1.0, doc="shortest wait before the first event")
        iti_mean_s: float = param(5.0, unit="s", minimum=0, doc="mean of the exponential wait on top")
        iti_max_s: float = param(20.0, unit="s", minimum=1.0, doc="longest wait")
        stop_within_ul: float = param(
            0.0,
            unit="uL",
            minimum=0,
            doc="stop when every unit's interval is this narrow (half width); 0: never",
        )
        pause_s: float = param(
            0.0, unit="s", minimum=0, maximum=120, doc="pause while the mouse licks too much; 0: none"
        )
        pause_above_hz: float = param(
            2.0, unit="Hz", minimum=0, doc="licks a second, before the first event, that are too many"
        )
        pause_over: int = param(5, minimum=1, doc="over so many of the last trials")

    parameters: Parameters

    def block(self) -> list[tuple[TrialType, int]]:
        """Return 40 signalled, 40 unsignalled and 20 odour-B trials."""
        p = self.parameters
        if len(p.sizes_ul) != len(p.block):
            raise ConfigError(
                f"'block' has {len(p.block)} counts for {len(p.sizes_ul)} sizes; give one count a size"
            )
        if len(set(p.sizes_ul)) != len(p.sizes_ul):
            raise ConfigError("'sizes_ul' names a size twice; give each once")
        if p.odour_s > p.cue_to_reward_s:
            raise ConfigError(
                "'odour_s' is longer than 'cue_to_reward_s'; the odour must end before the reward"
            )
        signalled = [
            (TrialType(condition="signalled", reward_ul=size, signalled=True, cue="odour_a"), count)
            for size, count in zip(p.sizes_ul, p.block, strict=True)
        ]
        free = [
            (TrialType(condition="unsignalled", reward_ul=size), count)
            for size, count in zip(p.sizes_ul, p.block, strict=True)
        ]
        return [*signalled, *free, (TrialType(condition="odour_b", cue="odour_b"), p.odour_b)]

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Take the next trial of the declared blocks; stop when precise enough."""
        p = self.parameters
        if p.stop_within_ul and estimates and estimates.settled(within_ul=p.stop_within_ul, after_trials=40):
            return None
        return self.schedule[history.trials].trial(**self.timing(history, rng))

    def timing(self, history: History, rng: Draws) -> dict[str, float]:
        """Draw how long to wait; pause on top while the mouse licks too much for nothing."""
        p = self.parameters
        wait = {"iti": rng.wait(p.iti_min_s, p.iti_mean_s, p.iti_max_s)}
        if not p.pause_s:
            return wait
        pacing = Pacing(above_hz=p.pause_above_hz, over=p.pause_over, pause_s=p.pause_s)
        pause_s = pacing.pause_s_after(history.records)
        return wait | {"pause": pause_s} if pause_s else wait

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states: wait, odour, gap, reward, drink; before all of them a pause, if there is one."""
        p = self.parameters
        sm = StateMachine("variable magnitude")
        if "pause" in trial.timing_s:
            sm.state("pause", timer=trial.timing_s["pause"], then="iti")
        sm.state("iti", timer=trial.timing_s["iti"], then="cue" if trial.cue else "reward")
        if trial.cue:
            after = "reward" if trial.reward_ul else "drink"
            sm.state("cue", timer=p.odour_s, outputs=[trial.cue], then="delay")
            sm.state("delay", timer=p.cue_to_reward_s - p.odour_s, then=after)
        if trial.reward_ul:
            sm.state("reward", deliver_ul=trial.reward_ul, then="drink")
        sm.state("drink", timer=p.drink_s, then=END)
        return sm
