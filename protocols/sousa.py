"""How much, and when: five sizes, four delays (Sousa et al. 2025, Nature 642:691-699).

Odour A: one of five sizes, 3 s after its onset (p = 1/4, 1/6, 1/6, 1/6, 1/4; mean 4.5 uL). Odours B, C, D
and E: always 4.5 uL, 0, 1.5, 3 and 6 s after the odour's onset. So the sizes give a unit's reversal point
and asymmetry, and the delays how steeply it discounts what is to come.

From the authors' released code: sizes, odds, delays, about how often each odour comes (150 : 50 : 50 : 50 :
50), and the windows: response 200-650 ms after the reward, baseline 4 to 1 s before the odour. That
baseline must lie within the trial, so no wait is shorter than 4 s. The length of the odours and of the
waits is ours. Answers to the odours are counted in the same windows after their onset; that is ours, too.
Odour B's reward comes at once and is all that could be counted: its cue responses are missing.

At the end of their sessions one delay was removed, and five trials after that were left out. `remove_after`
does so: a second epoch, without the odour of the delay `removed_s` (which one they took is not known). Its
estimates begin from nothing.

The reversal point that is shown is that of odour A's trials.

How to run: `dopaloop simulate sousa`. The rig needs the outputs `water` and `odour_a` to `odour_e`.
"""

from __future__ import annotations

from rig import (
    END,
    Draws,
    Epoch,
    History,
    Params,
    Protocol,
    ResponseWindow,
    StateMachine,
    TrialSpec,
    TrialType,
    Until,
    param,
)
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator

DELAYED = ("odour_b", "odour_c", "odour_d", "odour_e")


class Sousa(Protocol):
    """A variable reward after a fixed delay, a fixed reward after four delays."""

    class Parameters(Params):
        """What can be set for this protocol."""

        sizes_ul: tuple[float, ...] = param(
            (1.0, 2.75, 4.5, 6.25, 8.0), unit="uL", minimum=0.01, doc="rewards after odour A"
        )
        variable: tuple[int, ...] = param(
            (6, 4, 4, 4, 6), minimum=0, doc="how often each size comes in a block"
        )
        variable_delay_s: float = param(3.0, unit="s", minimum=0, doc="odour A's onset to its reward")
        certain_ul: float = param(4.5, unit="uL", minimum=0.01, doc="reward after odours B to E")
        delays_s: tuple[float, ...] = param(
            (0.0, 1.5, 3.0, 6.0), unit="s", minimum=0, doc="odour's onset to reward, odours B to E"
        )
        certain: int = param(8, minimum=0, doc="trials in a block for each of odours B to E")
        remove_after: int = param(0, minimum=0, doc="trials after which one delay is removed; 0: never")
        removed_s: float = param(1.5, unit="s", minimum=0, doc="the delay that is removed then")
        left_out: int = param(5, minimum=0, doc="trials after that which are not estimated from")
        odour_s: float = param(1.0, unit="s", minimum=0.1, doc="length of an odour (not known; ours)")
        drink_s: float = param(2.0, unit="s", minimum=0.7, doc="pause after the reward, within the trial")
        iti_min_s: float = param(5.0, unit="s", minimum=4.0, doc="shortest wait before the odour")
        iti_mean_s: float = param(3.0, unit="s", minimum=0, doc="mean of the exponential wait on top (ours)")
        iti_max_s: float = param(20.0, unit="s", minimum=4.0, doc="longest wait")

    parameters: Parameters
    response = ResponseWindow(start_ms=200, stop_ms=650, baseline_start_ms=-4000, baseline_stop_ms=-1000)
    cue_response = response
    reversal_conditions = ("variable",)

    def epochs(self) -> list[Epoch]:
        """Declare one epoch; or two, the second without one of the delays."""
        p = self.parameters
        if not p.remove_after:
            return super().epochs()
        if p.removed_s not in p.delays_s:
            raise ConfigError(
                f"'removed_s' is {p.removed_s:g} s, which is no delay of odours B to E; those are "
                f"{', '.join(f'{delay:g}' for delay in p.delays_s)} s"
            )
        kept = [(kind, count) for kind, count in self.block() if kind.condition != _certain(p.removed_s)]
        return [
            Epoch("all delays", self.block(), until=Until(trials=p.remove_after)),
            Epoch(f"without {p.removed_s:g} s", kept, discard=p.left_out),
        ]

    def block(self) -> list[tuple[TrialType, int]]:
        """Return the trials of a block: 24 of odour A and 8 of each other one as the parameters stand."""
        p = self.parameters
        if len(p.sizes_ul) != len(p.variable):
            raise ConfigError(
                f"'variable' has {len(p.variable)} counts for {len(p.sizes_ul)} sizes; give one count a size"
            )
        if len(set(p.sizes_ul)) != len(p.sizes_ul):
            raise ConfigError("'sizes_ul' names a size twice; give each once")
        if len(p.delays_s) != len(DELAYED) or len(set(p.delays_s)) != len(DELAYED):
            raise ConfigError("'delays_s' needs four different delays, one for each of odours B to E")
        kinds = [
            (TrialType(condition="variable", reward_ul=size, signalled=True, cue="odour_a"), count)
            for size, count in zip(p.sizes_ul, p.variable, strict=True)
        ]
        for cue, delay in zip(DELAYED, p.delays_s, strict=True):
            sure = TrialType(condition=_certain(delay), reward_ul=p.certain_ul, signalled=True, cue=cue)
            kinds.append((sure, p.certain))
        return kinds

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Take the next trial of the declared blocks, with its odour's delay."""
        p = self.parameters
        kind = self.schedule[history.trials]
        delays = dict(zip(DELAYED, p.delays_s, strict=True))
        wait = rng.wait(p.iti_min_s, p.iti_mean_s, p.iti_max_s)
        return TrialSpec(
            condition=kind.condition,
            reward_ul=kind.reward_ul,
            signalled=kind.signalled,
            cue=kind.cue,
            timing_s={"iti": round(wait, 4), "delay": delays.get(kind.cue or "", p.variable_delay_s)},
        )

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states: wait, odour, gap, reward, drink; an early reward comes while the odour lasts."""
        p = self.parameters
        delay, odour = trial.timing_s["delay"], trial.cue or ()
        sm = StateMachine("sousa")
        sm.state("iti", timer=trial.timing_s["iti"], then="cue")
        if delay < p.odour_s:
            # A delay of zero is one cycle of the board: 0.1 ms.
            sm.state("cue", timer=delay, outputs=odour, then="reward")
            sm.state(
                "reward", timer=p.odour_s - delay, outputs=odour, deliver_ul=trial.reward_ul, then="drink"
            )
        else:
            sm.state("cue", timer=p.odour_s, outputs=odour, then="delay")
            sm.state("delay", timer=delay - p.odour_s, then="reward")
            sm.state("reward", deliver_ul=trial.reward_ul, then="drink")
        sm.state("drink", timer=p.drink_s, then=END)
        return sm


def _certain(delay_s: float) -> str:
    """Return the condition's name."""
    return f"certain in {delay_s:g} s"
