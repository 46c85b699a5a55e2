"""The same sizes with their odds turned round, once the first reversal points are known well enough.

Two epochs. In the first the mouse works as trained (`variable_magnitude`). When a declared number of units
is measured precisely enough, or after a declared number of trials, the odds are mirrored: the smallest size
comes as often as the largest did, and so on. The mean falls from 5.1 to 4.0 uL.

What it tests: that reversal points follow the rewards. As expectiles they fall by 0.60 Hz (tau = 0.2) to
0.85 Hz (tau = 0.65) on the published axis; a threshold that is a unit's own, and not learned, stays. Mirrored
odds cannot tell expectiles from one common value with a constant for each unit: then all fall by 0.84 Hz. For
that, give `later` odds with the same mean and less spread, as 1,1,4,8,20,5,1: then expectiles draw together
(+0.41 Hz at tau = 0.2, -0.73 Hz at tau = 0.8), and constants stay where they are.

The switch is one-way, declared here, and hangs on how precise the estimates are, never on what they say. The
estimates of the first epoch are frozen, those of the second begin from nothing, and its first trials are
left out, because the mouse is learning anew. How long that takes is not known: leave out many.
"""

from __future__ import annotations

from protocols.variable_magnitude import VariableMagnitude
from rig import Draws, Epoch, History, TrialSpec, TrialType, Until, param
from rig.errors import ConfigError
from rig.estimate import ReversalEstimator


class Mirrored(VariableMagnitude):
    """As trained, then with mirrored odds."""

    class Parameters(VariableMagnitude.Parameters):
        """What can be set for this protocol."""

        units: int = param(5, minimum=1, doc="so many units must be precise before the odds are mirrored")
        within_hz: float = param(
            1.2, unit="Hz", minimum=0.1, doc="precise: the 95 % interval reaches no further to each side"
        )
        at_least: int = param(100, minimum=1, doc="trials before the odds are mirrored, at least")
        at_most: int = param(300, minimum=1, doc="trials before the odds are mirrored, at most")
        discard: int = param(100, minimum=0, doc="trials after that which are not estimated from, at first")
        later: tuple[int, ...] = param(
            (), minimum=0, doc="how often each size comes in a later block of 40 rewards; nothing: mirrored"
        )

    parameters: Parameters

    def epochs(self) -> list[Epoch]:
        """Declare both epochs, and what ends the first."""
        p = self.parameters
        precise = Until(trials=p.at_least, units=p.units, within_hz=p.within_hz, at_most=p.at_most)
        return [
            Epoch("as trained", self.block(), until=precise),
            Epoch("mirrored" if not p.later else "other odds", self.later_block(), discard=p.discard),
        ]

    def later_block(self) -> list[tuple[TrialType, int]]:
        """Return the same trials with other odds for the sizes; odour B comes as often as before."""
        p = self.parameters
        if p.later and len(p.later) != len(p.sizes_ul):
            raise ConfigError(
                f"'later' has {len(p.later)} counts for {len(p.sizes_ul)} sizes; give one a size"
            )
        counts = dict(zip(p.sizes_ul, p.later or reversed(p.block), strict=True))
        return [(kind, counts.get(kind.reward_ul, count)) for kind, count in self.block()]

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        """Take the next declared trial; `stop_within_ul` is about the second epoch."""
        return super().decide(history, estimates if history.epoch else None, rng)
