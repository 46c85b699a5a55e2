"""Every fibre's reversal point, from the responses to rewards of one epoch. A fibre is a population."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rig.design.plan import SessionPlan
from rig.documents import FibreResponseTaken
from rig.errors import ConfigError
from rig.photometry.told import FibreTold
from rig.trial.spec import TrialRecord

if TYPE_CHECKING:
    from rig.photometry.reversal import FibreReversal


class FibreReversals:
    """The estimators of all fibres.

    Parameters
    ----------
    fibres
        (source, fibre) in the order of the rig file.

    Attributes
    ----------
    epoch
        Number of the epoch that is estimated from.
    """

    def __init__(self, plan: SessionPlan, fibres: tuple[tuple[str, str], ...]) -> None:
        self._plan = plan
        self._fibres = fibres
        self.begin_epoch(0, 0)

    def begin_epoch(self, number: int, trial: int) -> None:
        """Estimate from nothing, for epoch `number`, which begins with trial `trial`."""
        epoch = self._plan.protocol.declared_epochs[number]
        self.epoch = number
        self._counts_from = trial + (epoch.discard or 0)
        self._conditions = epoch.conditions
        self._withheld: dict[tuple[str, str], Counter[str]] = {key: Counter() for key in self._fibres}
        self._of: dict[tuple[str, str], FibreReversal] = {}
        sizes = tuple(self._plan.protocol.schedule.distribution(number))
        if self._fibres and sizes and self._conditions != ():
            self._of = self._made(sizes)

    def _made(self, sizes: tuple[float, ...]) -> dict[tuple[str, str], FibreReversal]:
        from rig.photometry.reversal import FibreReversal

        try:
            placed = self._plan.axis().place(sizes)
        except ConfigError:  # sizes without an order on the axis have no reversal point on it
            return {}
        return {key: FibreReversal(placed, self._plan.seed) for key in self._fibres}

    def before(self, record: TrialRecord, epoch: int) -> None:
        """Take note of the epoch that a finished trial belongs to."""
        if epoch != self.epoch:
            self.begin_epoch(epoch, record.number)

    def add(self, told: FibreResponseTaken) -> bool:
        """Count a response; return whether it is one to estimate from."""
        key = told.source, told.fibre
        if told.aligned_to != "reward" or told.trial < self._counts_from or key not in self._of:
            return False
        if self._conditions is not None and told.condition not in self._conditions:
            return False
        reversal = self._of[key]
        try:
            reversal.add(told.reward_ul, told.dff)
        except ConfigError:  # not of the declared distribution: a drop of another size
            return False
        if told.reason is not None:
            self._withheld[key][told.reason] += 1
        return True

    def told(self) -> tuple[FibreTold, ...]:
        """Estimate from all responses so far."""
        return tuple(
            FibreTold(
                source=key[0],
                fibre=key[1],
                estimate=reversal.estimate(),
                withheld=dict(self._withheld[key]),
            )
            for key, reversal in self._of.items()
        )
