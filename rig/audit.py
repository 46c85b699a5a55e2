"""The distribution auditor: what is run, and what was delivered, is what was declared.

A reversal point is the fixed point of learning from one reward distribution, so the distribution is the one
thing that a closed loop must not touch. Two guards, both deaf to what any neuron does:

- the **lock**: a trial that is not, in condition, size, cue and promise, the declared schedule's trial at
  that place does not reach the board. Whatever `Protocol.decide` makes of the estimates, it cannot choose a
  size;
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
from rig.documents import Audit, DeclaredTrial
from rig.errors import ConfigError
from rig.machine.calibration import volume_ul
from rig.machine.table import ActionKind, StateTable
from rig.schedule import Schedule, TrialType
from rig.trial.spec import TrialRecord, TrialSpec

PAGE: Final = "docs/explanation/closed-loop.md"
BECAUSE: Final = (
    "sizes, cues and their order are fixed before the session, because a reversal point belongs to one "
    f"reward distribution ({PAGE})"
)
ALARM_P: Final = 1e-4
WITHIN_UL: Final = 0.06
WITHIN_SHARE: Final = 0.05
"""A drop within 0.06 uL or 5 % of what was meant is what was meant: openings are whole cycles. Where nothing
was meant, nothing is what is meant."""


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
    """

    def __init__(self, schedule: Schedule, rig: RigDescription) -> None:
        self._schedule = schedule.fresh()
        self._valves = {out.line: out for out in rig.board.outputs.values() if out.kind == "valve"}
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
        self.astray = 0

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
        """Refuse a table that opens a valve for more than its trial's declared reward.

        Raises
        ------
        ConfigError
            Naming the trial and the state.
        """
        for state in table.states:
            for action in state.actions:
                if action.kind is not ActionKind.PULSE or action.index not in self._valves:
                    continue
                volume = volume_ul(self._valves[action.index], action.value)
                if volume > trial.reward_ul + _tolerance_ul(trial.reward_ul):
                    raise ConfigError(
                        f"trial {number + 1}: state '{state.name}' gives {volume:.3g} uL, but {words(trial)} "
                        f"is declared there; {BECAUSE}"
                    )

    # --- after a trial ------------------------------------------------------------------------------

    def take(self, record: TrialRecord) -> Audit:
        """Count a finished trial; return how things stand."""
        as_meant = abs(record.delivered_ul - record.spec.reward_ul) <= _tolerance_ul(record.spec.reward_ul)
        kind = _kind(record.spec)
        if record.outcome == "complete" and as_meant and kind in self._kinds:
            self._delivered[self._kinds.index(kind)] += 1
            self._block[kind] += 1
        else:
            self.astray += 1
        self._finished += 1
        if self._finished % len(self._schedule.block) == 0:
            self._exact &= all(self._block[_kind(told)] == told.count for told in self._declared)
            self._block.clear()
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
        astray = f"{self.astray} trial{'s' * (self.astray != 1)} went astray"
        if p is not None and p < ALARM_P:
            return f"the delivered rewards are not the declared distribution any more (G-test, p = {p:.1g})"
        if not self._exact:
            return f"a finished block does not hold what was declared, because {astray}"
        return None


def words(trial: TrialSpec | TrialType) -> str:
    """Name a trial as far as it is declared.

    Examples
    --------
    >>> words(TrialType(condition="signalled", reward_ul=5.0, signalled=True, cue="odour_a"))
    "'signalled' with 5 uL after odour_a"
    """
    reward = f"{trial.reward_ul:g} uL" if trial.reward_ul else "no reward"
    after = f" after {trial.cue}" if trial.cue else ""
    return f"'{trial.condition}' with {reward}{after}" + _unlike(trial)


def _unlike(trial: TrialSpec | TrialType) -> str:
    """Say what is promised, where the cue does not tell it."""
    if trial.signalled == (trial.cue is not None and trial.reward_ul > 0):
        return ""
    return " (signalled)" if trial.signalled else " (not signalled)"


def _kind(trial: TrialSpec | DeclaredTrial) -> tuple[object, ...]:
    return trial.condition, trial.reward_ul, trial.signalled, trial.cue


def _tolerance_ul(meant_ul: float) -> float:
    return max(WITHIN_UL, WITHIN_SHARE * meant_ul) if meant_ul else 0.0
