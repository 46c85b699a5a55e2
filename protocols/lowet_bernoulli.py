"""Five odours, five odds of one reward (Lowet et al. 2025, Nature 639:717-726; their Bernoulli task).

Odours A to E bring 6 uL in 0, 20, 50, 80 and 100 % of their trials. Mean and variance of the reward come
apart here: the mean grows from odour to odour, the variance is largest at 50 % and zero at both ends.

From the authors' released code: sizes, odds, how often each odour comes (50 : 100 : 100 : 100 : 50), odour
1 s, trace 2 s, a baseline of 1 s before the odour, at least 2 s between trials. Their rare reward without
an odour (6 uL) is here, but how often it came is not known. The distribution of the waits is ours.

With one size of reward there is no size at which a unit's response turns over: this protocol measures cue
responses and errors, and no reversal point is shown.

How to run: `dopaloop simulate lowet_bernoulli`. The rig needs the outputs `water` and `odour_a` to `odour_e`.
"""

from __future__ import annotations

from protocols.odour_trace import OdourTrace
from rig import CueRoles, TrialType, param
from rig.errors import ConfigError

ODOURS = ("odour_a", "odour_b", "odour_c", "odour_d", "odour_e")
HALF_WAY = 1e-9
"""Rounding, in per cent."""


class LowetBernoulli(OdourTrace):
    """0, 20, 50, 80 or 100 % of 6 uL; the odour says which."""

    class Parameters(OdourTrace.Parameters):
        """What can be set for this protocol."""

        reward_ul: float = param(6.0, unit="uL", minimum=0.01, doc="size of every reward")
        rewarded: tuple[int, ...] = param(
            (0, 4, 10, 16, 10), minimum=0, doc="rewarded trials in a block for each of odours A to E"
        )
        omitted: tuple[int, ...] = param(
            (10, 16, 10, 4, 0), minimum=0, doc="unrewarded trials in a block for each of odours A to E"
        )
        unexpected: int = param(
            0, minimum=0, doc="rewards in a block without an odour (they had some; how many is unknown)"
        )

    parameters: Parameters
    reversal_conditions = ()

    @property
    def cue_roles(self) -> CueRoles | None:
        """Return the odours of the second to fourth odds, if the third lie half-way between the others.

        With the parameters as they stand those are B, C and D; they may differ from mouse to mouse.
        """
        p = self.parameters
        told = sorted(zip(p.rewarded, p.omitted, strict=True), key=_percent)[1:4]
        low, middle, high = (_percent(counts) for counts in told)
        if not (low < middle < high and abs(low + high - 2 * middle) < HALF_WAY):
            return None
        return CueRoles(low=odds(*told[0]), middle=odds(*told[1]), high=odds(*told[2]))

    def block(self) -> list[tuple[TrialType, int]]:
        """Return the trials of a block, 80 as the parameters stand; a condition is named by its odds."""
        p = self.parameters
        if len(p.rewarded) != len(ODOURS) or len(p.omitted) != len(ODOURS):
            raise ConfigError("'rewarded' and 'omitted' need five counts each, one for each of odours A to E")
        kinds = []
        for odour, given, left_out in zip(ODOURS, p.rewarded, p.omitted, strict=True):
            name = odds(given, left_out)
            told = given > 0
            drop = TrialType(condition=name, reward_ul=p.reward_ul, signalled=told, cue=odour)
            kinds.append((drop, given))
            kinds.append((TrialType(condition=name, signalled=told, cue=odour), left_out))
        return [*kinds, (TrialType(condition="unexpected", reward_ul=p.reward_ul), p.unexpected)]


def odds(given: int, left_out: int) -> str:
    """Return a condition's name: the percentage of its trials that bring a reward."""
    return f"{_percent((given, left_out)):g} %"


def _percent(counts: tuple[int, int]) -> float:
    given, left_out = counts
    return 100 * given / max(given + left_out, 1)
