"""One mean, three shapes (Lowet et al. 2025, Nature 639:717-726; their Diverse Distributions task).

Three odours promise 4 uL in the mean: odour B nearly always 4 (narrow: 2, 4, 6 as 1 : 8 : 1), odour C 2 or 6
(bimodal), odour D any of 1 to 7 (uniform). Odour A brings nothing; E and F always 2 and always 6 uL, so
that the extremes have a cue of their own.

From the authors' released code: the six distributions, about how often each odour comes (50 : 80 : 70 : 77 :
25 : 25; a block here has whole numbers near those), odour 1 s, trace 2 s, a baseline of 1 s before the
odour, at least 2 s between trials. Their rare reward without an odour (4 uL) is here, but how often it came
is not known. The distribution of the waits is ours.

The reversal point that is shown is that of the uniform odour, which has the most sizes. A unit has one of
its own for each odour.

How to run: `dopaloop simulate lowet_distributions`. The rig needs the outputs `water` and `odour_a` to
`odour_f`.
"""

from __future__ import annotations

from protocols.odour_trace import OdourTrace
from rig import TrialType, param


class LowetDistributions(OdourTrace):
    """Narrow, bimodal or uniform around 4 uL; the odour says which."""

    class Parameters(OdourTrace.Parameters):
        """What can be set for this protocol."""

        narrow: int = param(
            2, minimum=0, doc="odour B: trials in a block with 2 and with 6 uL; 4 uL comes 8 times as often"
        )
        bimodal: int = param(9, minimum=0, doc="odour C: trials in a block with 2 and with 6 uL")
        uniform: int = param(3, minimum=0, doc="odour D: trials in a block with each of 1, 2, ... 7 uL")
        nothing: int = param(12, minimum=0, doc="odour A: trials in a block, without a reward")
        certain: int = param(6, minimum=0, doc="trials in a block of odour E (2 uL) and of odour F (6 uL)")
        unexpected: int = param(
            0, minimum=0, doc="4 uL in a block without an odour (they had some; how many is unknown)"
        )

    parameters: Parameters
    reversal_conditions = ("uniform",)

    def block(self) -> list[tuple[TrialType, int]]:
        """Return the trials of a block: 83 as the parameters stand."""
        p = self.parameters
        declared = [
            ("narrow", "odour_b", {2.0: p.narrow, 4.0: 8 * p.narrow, 6.0: p.narrow}),
            ("bimodal", "odour_c", {2.0: p.bimodal, 6.0: p.bimodal}),
            ("uniform", "odour_d", {float(size): p.uniform for size in range(1, 8)}),
            ("certain 2", "odour_e", {2.0: p.certain}),
            ("certain 6", "odour_f", {6.0: p.certain}),
        ]
        kinds = [
            (TrialType(condition=name, reward_ul=size, signalled=True, cue=cue), count)
            for name, cue, sizes in declared
            for size, count in sizes.items()
        ]
        kinds.append((TrialType(condition="nothing", cue="odour_a"), p.nothing))
        return [*kinds, (TrialType(condition="unexpected", reward_ul=4.0), p.unexpected)]
