"""The distribution auditor: what is run, and what was delivered, is what was declared.

A reversal point is the fixed point of learning from one reward distribution, so the distribution is the one
thing that a closed loop must not touch. Two guards, both deaf to what any neuron does:

- the **lock**: a trial that is not, in condition, size, cue and promise, the declared schedule's trial at
  that place does not reach the board, nor does a table that does not do what its trial says
  (`rig.design.table_lock`). Whatever `Protocol.decide` makes of the estimates, it cannot choose a size;
- the **ledger**: what the board says took place is counted against what was declared, block by block, and
  over the whole epoch by a G-test (Sokal & Rohlf, *Biometry*), from when the expected counts allow it
  (Cochran 1954, *Biometrics* 10:417: none below 1, no more than a fifth of them below 5).

Counts in shuffled blocks vary less than the G-test reckons with, so its p is far too large while all is well,
and a small one means a lot.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from scipy import special

from rig.description import RigDescription
from rig.design.schedule import Schedule
from rig.design.table_lock import TableLock, tolerance_ul
from rig.design.told import PAGE, words
from rig.documents import Audit, DeclaredTrial
from rig.errors import ConfigError
from rig.machine.table import StateTable
from rig.trial.spec import TrialRecord, TrialSpec

BECAUSE: Final = (
    "take each trial from self.schedule[history.trials]: sizes, cues and their order are fixed before the "
    f"session, because a reversal point belongs to one reward distribution ({PAGE}#refused)"
)
ALARM_P: Final = 1e-4


class Auditor:
    """Holds a session to its schedule.

    Parameters
    ----------
    schedule
        What was declared. The auditor keeps a copy of its own, which no protocol can reach.
    rig
        For the volumes of valve openings.

    Attributes
    ----------
    astray
        Finished trials of this epoch that did not take place as declared.
    between
        Manual rewards of this epoch that were given between trials.
    """

    def __init__(self, schedule: Schedule, rig: RigDescription) -> None:
        self._schedule = schedule.fresh()
        self._tables = TableLock(schedule, rig)
        self._begin()

    def begin_epoch(self, trial: int) -> None:
        """Count anew from trial number `trial` on, against the next epoch's block."""
        self._schedule.begin_epoch(trial)
        self._begin()

    def _begin(self) -> None:
        self._declared = self._schedule.declared(self._schedule.epoch)
        self._kinds = [_kind(declared) for declared in self._declared]
        self._delivered = np.zeros(len(self._kinds), dtype=np.int64)
        self._block: Counter[tuple[object, ...]] = Counter()
        self._finished = 0
        self._exact = True
        self._between_in_block = 0
        self.astray = 0
        self.between = 0

    # --- before a trial -----------------------------------------------------------------------------

    def lock(self, number: int, trial: TrialSpec) -> None:
        """Refuse a trial that is not the one that was declared for this place.

        Raises
        ------
        ConfigError
            What was chosen, what is declared, why, and where to read about it.
        """
        declared = self._schedule[number]
        if not declared.matches(trial):
            raise ConfigError(
                f"trial {number + 1}: the protocol chose {words(trial)}, but {words(declared)} is declared "
                f"there; {BECAUSE}"
            )

    def lock_table(self, number: int, trial: TrialSpec, table: StateTable) -> None:
        """Refuse a table that does not do what its trial says (`TableLock.lock`)."""
        self._tables.lock(number, trial, table)

    # --- after a trial ------------------------------------------------------------------------------

    def reward_between(self, rewards: int) -> None:
        """Count manual rewards between two trials; those in a trial make its own volume another one."""
        self.between += rewards
        self._between_in_block += rewards

    def take(self, record: TrialRecord) -> Audit:
        """Count a finished trial; return how things stand."""
        as_meant = abs(record.delivered_ul - record.spec.reward_ul) <= tolerance_ul(record.spec.reward_ul)
        kind = _kind(record.spec)
        if record.outcome == "complete" and as_meant and kind in self._kinds:
            self._delivered[self._kinds.index(kind)] += 1
            self._block[kind] += 1
        else:
            self.astray += 1
        self._finished += 1
        if self._finished % len(self._schedule.block) == 0:
            self._exact &= all(self._block[_kind(told)] == told.count for told in self._declared)
            self._exact &= not self._between_in_block
            self._block.clear()
            self._between_in_block = 0
        g, dof, p = self._g_test()
        return Audit(
            epoch=self._schedule.epoch,
            trial=record.number,
            declared=self._declared,
            delivered=tuple(self._delivered.tolist()),
            astray=self.astray,
            g=g,
            dof=dof,
            p=p,
            exact=self._exact,
            problem=self._problem(p),
        )

    def _g_test(self) -> tuple[float | None, int, float | None]:
        """G, its degrees of freedom and its p; None while there are too few trials."""
        shares = np.array([told.count for told in self._declared], dtype=np.float64)
        expected = shares * (self._delivered.sum() / shares.sum())
        dof = expected.size - 1
        if dof == 0 or expected.min() < 1 or (expected < 5).mean() > 0.2:
            return None, dof, None
        g = max(2.0 * float(special.xlogy(self._delivered, self._delivered / expected).sum()), 0.0)
        return g, dof, float(special.chdtrc(dof, g))

    def _problem(self, p: float | None) -> str | None:
        astray = f"{self.astray} trial{'s' * (self.astray != 1)} went astray" if self.astray else ""
        by_hand = f"{self.between} manual reward{'s' * (self.between != 1)} came between trials"
        why = " and ".join(filter(None, (astray, by_hand if self.between else "")))
        if p is not None and p < ALARM_P:
            return f"the delivered rewards are not the declared distribution any more (G-test, p = {p:.1g})"
        if not self._exact:
            return f"a finished block does not hold what was declared, because {why}"
        return None


def _kind(trial: TrialSpec | DeclaredTrial) -> tuple[object, ...]:
    return trial.condition, trial.reward_ul, trial.signalled, trial.cue
