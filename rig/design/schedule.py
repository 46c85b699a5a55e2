"""Declared schedules: blocks with exact counts, shuffled by the session's seed.

A reversal point is the fixed point of learning from the reward distribution. So the distribution is
declared before the session and drawn in shuffled blocks; it never depends on what a neuron does. Where a
session has several epochs (`rig.design.epochs`), each has a block of its own, and the schedule knows where
it began.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections import Counter
from typing import Self, TypeAlias

import msgspec

from rig.design.draws import Draws
from rig.documents import DeclaredTrial
from rig.errors import ConfigError
from rig.trial.spec import Stimulation, TrialSpec


class TrialType(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of trial in a declared block."""

    condition: str
    reward_ul: float = 0.0
    signalled: bool = False
    cue: str | None = None

    def trial(self, stimulation: Stimulation | None = None, /, **timing_s: float) -> TrialSpec:
        """Return a trial of this type with the durations drawn for it, in seconds (to 0.1 ms).

        Parameters
        ----------
        stimulation
            ``"light"`` or ``"sham"`` if it is eligible for light.
        """
        return TrialSpec(
            condition=self.condition,
            reward_ul=self.reward_ul,
            signalled=self.signalled,
            cue=self.cue,
            timing_s={name: round(seconds, 4) for name, seconds in timing_s.items()},
            stimulation=msgspec.UNSET if stimulation is None else stimulation,
        )

    def matches(self, trial: TrialSpec) -> bool:
        """Whether a trial is of this type, whatever its durations."""
        return (trial.condition, trial.reward_ul, trial.signalled, trial.cue) == (
            self.condition, self.reward_ul, self.signalled, self.cue,
        )  # fmt: skip


Block: TypeAlias = list[tuple[TrialType, int]]
"""Pairs of (trial type, how often it comes in a block)."""


class Schedule:
    """Trial types in shuffled blocks.

    Trial `n` is a function of the seed, of `n`, and of where the epochs before it ended; of nothing else.

    Parameters
    ----------
    block
        Pairs of (trial type, how often it comes in a block); the first epoch's.
    seed
        The session's seed.
    *later
        The same for every later epoch.

    Attributes
    ----------
    blocks
        The trial types of each epoch's block, every one as often as it comes.

    Raises
    ------
    ConfigError
        If a block is empty or a count is negative.

    Examples
    --------
    >>> small, large = TrialType(condition="small"), TrialType(condition="large")
    >>> schedule = Schedule([(small, 1)], 7, [(large, 1)])
    >>> schedule.begin_epoch(2)
    >>> [schedule[trial].condition for trial in range(4)]
    ['small', 'small', 'large', 'large']
    """

    def __init__(self, block: Block, seed: int, *later: Block) -> None:
        self.blocks = tuple(_spread(one) for one in (block, *later))
        self.seed = seed
        self._begins = [0]
        self._shuffled: dict[tuple[int, int], list[TrialType]] = {}

    def fresh(self) -> Self:
        """Return the same schedule at its beginning."""
        twin = copy.copy(self)
        twin.restart()
        return twin

    def restart(self) -> None:
        """Go back to the beginning (the session does this before its first trial)."""
        self._begins = [0]
        self._shuffled = {}

    @property
    def epoch(self) -> int:
        """Number of the epoch that runs."""
        return len(self._begins) - 1

    @property
    def switches(self) -> tuple[int, ...]:
        """First trials of the later epochs, so far."""
        return tuple(self._begins[1:])

    def begin_epoch(self, trial: int) -> None:
        """Begin the next epoch with trial number `trial`, and with it a new block (the session does this).

        Raises
        ------
        ValueError
            If there is no next epoch, or the one that runs would be left without a trial.
        """
        if len(self._begins) == len(self.blocks):
            raise ValueError("the last epoch is running")
        if trial <= self._begins[-1]:
            raise ValueError(f"an epoch cannot end at trial {trial}; it began with {self._begins[-1]}")
        self._begins.append(trial)

    @property
    def block(self) -> tuple[TrialType, ...]:
        """The block of the epoch that runs."""
        return self.blocks[self.epoch]

    def __getitem__(self, trial: int) -> TrialType:
        """Return the type of trial number `trial` (0-based)."""
        epoch = max(bisect_right(self._begins, trial) - 1, 0)
        block = self.blocks[epoch]
        number, position = divmod(trial - self._begins[epoch], len(block))
        if (epoch, number) not in self._shuffled:
            order = list(block)
            keys = (0xB10C, number, epoch) if epoch else (0xB10C, number)
            Draws(self.seed, *keys).shuffle(order)  # type: ignore[arg-type]
            self._shuffled = {(epoch, number): order}
        return self._shuffled[epoch, number][position]

    def declared(self, epoch: int = 0) -> tuple[DeclaredTrial, ...]:
        """Return the declared block of an epoch as a document tells it."""
        return tuple(
            DeclaredTrial(
                condition=kind.condition,
                reward_ul=kind.reward_ul,
                signalled=kind.signalled,
                count=count,
                cue=kind.cue,
            )
            for kind, count in Counter(self.blocks[epoch]).items()
        )

    def distribution(self, epoch: int = 0) -> dict[float, float]:
        """Declared probability of each size among an epoch's rewarded trials, ascending by size (uL)."""
        sizes = Counter(kind.reward_ul for kind in self.blocks[epoch] if kind.reward_ul > 0)
        total = sum(sizes.values())
        return {size: sizes[size] / total for size in sorted(sizes)}


def _spread(block: Block) -> tuple[TrialType, ...]:
    if any(count < 0 for _, count in block):
        raise ConfigError("a block cannot hold a trial type a negative number of times")
    kinds = tuple(kind for kind, count in block for _ in range(count))
    if not kinds:
        raise ConfigError("the declared block holds no trial")
    return kinds
