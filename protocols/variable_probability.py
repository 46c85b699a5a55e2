"""Three odours, three odds of one reward (Dabney et al. 2020, Nature 577:671-675, Extended Data Fig. 9).

Odour A brings a reward in 10 % of its trials, odour B in 50 %, odour C in 90 %; the reward is always of
the same size. A fourth odour may announce an air puff. The published figure gives the odds, and the
outcome two seconds after the cue's onset. What else is not certain is said at each parameter.

A unit's answer to a cue follows that cue's value, which for a distributional unit is its own expectile of
(nothing, reward). With one size of reward there is no size at which a unit's response turns over: this
protocol measures cue responses (200-600 ms after the odour's onset), and no reversal point is shown. That
window is a choice: the one of the paper is not known, and 0-400 ms is used for cues, too.

How to run: `dopaloop simulate variable_probability`. The rig needs the outputs `water` and `odour_a` to
`odour_c`; with puffs also `odour_d`, and `air_puff` with a `max_open_ms` of at least `puff_s`.
"""

from __future__ import annotations

from rig import (
    END,
    CueRoles,
    Draws,
    History,
    Params,
    Protocol,
    ResponseWindow,
    StateMachine,
    TrialSpec,
    TrialType,
    param,
)
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator

ODOURS = ("odour_a", "odour_b", "odour_c")


class VariableProbability(Protocol):
    """10, 50 or 90 % of 3.75 uL; the odour says which."""

    class Parameters(Params):
        """What can be set for this protocol."""

        percent: tuple[int, ...] = param(
            (10, 50, 90), unit="%", minimum=0, maximum=100, doc="odds of a reward after odours A, B and C"
        )
        per_cue: int = param(20, minimum=1, doc="trials of each odour in a block; their rewards are exact")
        reward_ul: float = param(
            3.75, unit="uL", minimum=0.01, doc="size of every reward (from memory of the methods)"
        )
        odour_s: float = param(
            1.0, unit="s", minimum=0.1, doc="length of an odour (from memory; half of the way to the outcome)"
        )
        cue_to_outcome_s: float = param(2.0, unit="s", minimum=0.1, doc="odour onset to outcome (published)")
        drink_s: float = param(2.0, unit="s", minimum=0.7, doc="pause after the outcome, within the trial")
        iti_min_s: float = param(1.0, unit="s", minimum=1.0, doc="shortest wait before the odour")
        iti_mean_s: float = param(
            5.0, unit="s", minimum=0, doc="mean of the exponential wait on top (the mean is ours)"
        )
        iti_max_s: float = param(20.0, unit="s", minimum=1.0, doc="longest wait")
        puff_trials: int = param(0, minimum=0, doc="odour D trials in a block; 0 leaves odour and puff out")
        puff_percent: int = param(
            90, unit="%", minimum=0, maximum=100, doc="odds of a puff after odour D (80 or 90: not certain)"
        )
        puff_s: float = param(0.1, unit="s", minimum=0.01, maximum=1.0, doc="length of a puff (ours)")

    parameters: Parameters
    cue_response = ResponseWindow(start_ms=200, stop_ms=600)
    reversal_conditions = ()

    @property
    def cue_roles(self) -> CueRoles | None:
        """Return the odours by their odds, if those of the middle one lie half-way between the others.

        Which odour has which odds may differ from mouse to mouse: ``--set percent=50,90,10``.
        """
        low, middle, high = sorted(self.parameters.percent)
        if not (low < middle < high and low + high == 2 * middle):
            return None
        return CueRoles(low=f"{low} %", middle=f"{middle} %", high=f"{high} %")

    def block(self) -> list[tuple[TrialType, int]]:
        """Return equally many trials of each odour, with an exact number of rewards among them."""
        p = self.parameters
        if len(p.percent) != len(ODOURS):
            raise ConfigError(f"'percent' has {len(p.percent)} numbers; give one for each of three odours")
        if p.odour_s > p.cue_to_outcome_s:
            raise ConfigError(
                "'odour_s' is longer than 'cue_to_outcome_s'; the odour must end before the outcome"
            )
        kinds = []
        for odour, percent in zip(ODOURS, p.percent, strict=True):
            name, rewarded = f"{percent} %", exact(percent, p.per_cue, "per_cue")
            told = percent > 0
            drop = TrialType(condition=name, reward_ul=p.reward_ul, signalled=told, cue=odour)
            kinds.append((drop, rewarded))
            kinds.append((TrialType(condition=name, signalled=told, cue=odour), p.per_cue - rewarded))
        puffs = exact(p.puff_percent, p.puff_trials, "puff_trials")
        kinds.append((TrialType(condition="puff", cue="odour_d"), puffs))
        kinds.append((TrialType(condition="puff left out", cue="odour_d"), p.puff_trials - puffs))
        return kinds

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Take the next trial of the declared blocks."""
        p = self.parameters
        wait = rng.wait(p.iti_min_s, p.iti_mean_s, p.iti_max_s)
        return self.schedule[history.trials].trial(iti=wait)

    def table(self, trial: TrialSpec) -> StateMachine:
        """Return the states: wait, odour, gap, outcome, drink."""
        p = self.parameters
        outcome = "reward" if trial.reward_ul else "puff" if trial.condition == "puff" else "drink"
        sm = StateMachine("variable probability")
        sm.state("iti", timer=trial.timing_s["iti"], then="cue")
        sm.state("cue", timer=p.odour_s, outputs=trial.cue or (), then="delay")
        sm.state("delay", timer=p.cue_to_outcome_s - p.odour_s, then=outcome)
        if outcome == "reward":
            sm.state("reward", deliver_ul=trial.reward_ul, then="drink")
        if outcome == "puff":
            sm.state("puff", timer=p.puff_s, pulses={"air_puff": p.puff_s}, then="drink")
        sm.state("drink", timer=p.drink_s, then=END)
        return sm


def exact(percent: int, trials: int, name: str) -> int:
    """Return how many of so many trials are meant; a part of a trial is an error."""
    count, rest = divmod(percent * trials, 100)
    if rest:
        raise ConfigError(f"{percent} % of {trials} trials is no whole number; choose another '{name}'")
    return count
