"""Declared schedules: blocks with exact counts, shuffled by the session's seed.

A reversal point is the fixed point of learning from the reward distribution. So the distribution is
declared before the session and drawn in shuffled blocks; it never depends on what a neuron does.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from rig.documents import DeclaredTrial
from rig.draws import Draws
from rig.errors import ConfigError
from rig.trial.spec import TrialSpec


class TrialType(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of trial in a declared block."""

    condition: str
    reward_ul: float = 0.0
    signalled: bool = False
    cue: str | None = None

    def trial(self, **timing_s: float) -> TrialSpec:
        """Return a trial of this type with the durations drawn for it, in seconds (to 0.1 ms)."""
        return TrialSpec(
            condition=self.condition,
            reward_ul=self.reward_ul,
            signalled=self.signalled,
            cue=self.cue,
            timing_s={name: round(seconds, 4) for name, seconds in timing_s.items()},
        )


class Schedule:
    """Trial types in shuffled blocks; trial `n` is a function of the seed and `n` alone.

    Parameters
    ----------
    block
        Pairs of (trial type, how often it comes in a block).
    seed
        The session's seed.

    Raises
    ------
    ConfigError
        If the block is empty or a count is negative.
    """

    def __init__(self, block: list[tuple[TrialType, int]], seed: int) -> None:
        if any(count < 0 for _, count in block):
            raise ConfigError("a block cannot hold a trial type a negative number of times")
        self.block = tuple(kind for kind, count in block for _ in range(count))
        if not self.block:
            raise ConfigError("the declared block holds no trial")
        self._seed = seed
        self._shuffled: dict[int, list[TrialType]] = {}

    def __getitem__(self, trial: int) -> TrialType:
        """Return the type of trial number `trial` (0-based)."""
        number, position = divmod(trial, len(self.block))
        if number not in self._shuffled:
            order = list(self.block)
            Draws(self._seed, 0xB10C, number).shuffle(order)  # type: ignore[arg-type]
            self._shuffled = {number: order}
        return self._shuffled[number][position]

    def declared(self) -> tuple[DeclaredTrial, ...]:
        """Return the declared block as a document tells it."""
        return tuple(
            DeclaredTrial(
                condition=kind.condition,
                reward_ul=kind.reward_ul,
                signalled=kind.signalled,
                count=count,
                cue=kind.cue,
            )
            for kind, count in Counter(self.block).items()
        )

    def distribution(self) -> dict[float, float]:
        """Declared probability of each reward size among rewarded trials, ascending by size (uL)."""
        sizes = Counter(kind.reward_ul for kind in self.block if kind.reward_ul > 0)
        total = sum(sizes.values())
        return {size: sizes[size] / total for size in sorted(sizes)}
