"""Same mean, other spread: six odours, two for each outcome (Lowet et al. 2025, Nature 639:717-726).

Odours A and B: nothing. Odours C and D: always 4 uL. Odours E and F: 2 or 6 uL with equal odds, so also
4 uL in the mean. What a neuron does alike for the two odours of a pair is about the outcome and not about
the smell; what it does differently for the two pairs of rewarded odours is about more than the mean.

After the task that the authors' released code calls SameRewDist (their two-photon and Neuropixels task).
From there: sizes, odds, how often each odour comes (40 : 40 : 70), odour 1 s, trace 2 s, a baseline of
1 s before the odour, at least 2 s between trials. Their rare reward without an odour (4 uL) is here, but
how often it came is not known. The distribution of the waits is ours.

The reversal point that is shown is that of the variable odours. Two sizes say little about where between
them it lies: expect wide intervals.

How to run: `dopaloop simulate lowet_diverse`. The rig needs the outputs `water` and `odour_a` to `odour_f`.
"""

from __future__ import annotations

from protocols.odour_trace import OdourTrace
from rig import TrialType, param
from rig.errors import ConfigError


class LowetDiverse(OdourTrace):
    """Nothing, a fixed or a variable reward; two odours for each."""

    class Parameters(OdourTrace.Parameters):
        """What can be set for this protocol."""

        fixed_ul: float = param(4.0, unit="uL", minimum=0.01, doc="reward after odours C and D")
        variable_ul: tuple[float, ...] = param(
            (2.0, 6.0), unit="uL", minimum=0.01, doc="rewards after odours E and F, equally often"
        )
        nothing: int = param(8, minimum=0, doc="trials in a block for each of odours A and B")
        fixed: int = param(8, minimum=0, doc="trials in a block for each of odours C and D")
        variable: int = param(7, minimum=0, doc="trials in a block for each size after odours E and F")
        unexpected: int = param(
            0, minimum=0, doc="'fixed_ul' in a block without an odour (they had some; how many is unknown)"
        )

    parameters: Parameters
    reversal_conditions = ("variable",)

    def block(self) -> list[tuple[TrialType, int]]:
        """Return the trials of a block: 60 as the parameters stand."""
        p = self.parameters
        if not p.variable_ul:
            raise ConfigError("'variable_ul' names no size; give one at least")
        if len(set(p.variable_ul)) != len(p.variable_ul):
            raise ConfigError("'variable_ul' names a size twice; give each once")
        kinds = [(TrialType(condition="nothing", cue=cue), p.nothing) for cue in ("odour_a", "odour_b")]
        for cue in ("odour_c", "odour_d"):
            fixed = TrialType(condition="fixed", reward_ul=p.fixed_ul, signalled=True, cue=cue)
            kinds.append((fixed, p.fixed))
        for cue in ("odour_e", "odour_f"):
            for size in p.variable_ul:
                variable = TrialType(condition="variable", reward_ul=size, signalled=True, cue=cue)
                kinds.append((variable, p.variable))
        return [*kinds, (TrialType(condition="unexpected", reward_ul=p.fixed_ul), p.unexpected)]
