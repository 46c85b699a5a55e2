"""Before the animal: nothing that comes before a reward may tell its size.

A wait that is longer before large rewards, or another light, is a cue: the animal learns it, and the sizes
are not drawn from one distribution any more. So of the rehearsed trials that promise the same, what comes
before the reward is held against its size, by any difference (Kruskal & Wallis 1952, *J. Am. Stat. Assoc.*
47:583) and by rank (Spearman).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, TypeAlias

import numpy as np
from scipy import stats

from rig.description import RigDescription
from rig.design.told import PAGE
from rig.errors import ConfigError
from rig.machine.rehearse import Rehearsal
from rig.machine.table import ActionKind, StateTable
from rig.trial.spec import TrialSpec
from rig.units import US_PER_S

ALARM_P: Final = 1e-7
"""Waits are drawn at random; in one of so many cases one may seem to tell a size."""
FEWEST: Final = 20
"""Of fewer trials nothing is said: three random waits lie in the order of their sizes in one of three cases,
and the P of perfect order, which comes from Student's t, is then zero."""

Group: TypeAlias = tuple[str, str, bool, str | None]
"""Epoch, condition, promise, cue: trials that differ in nothing that is declared but the size."""


class Foretelling:
    """What came before the rewards of rehearsed trials.

    Parameters
    ----------
    rig
        For the lines; lasers are left out, because light is tossed.
    """

    def __init__(self, rig: RigDescription) -> None:
        outputs = rig.board.outputs
        self._valves = {out.line for out in outputs.values() if out.kind == "valve"}
        self._seen = {out.line: name for name, out in outputs.items() if out.kind == "line"}
        self._before: dict[Group, list[tuple[float, dict[str, float]]]] = defaultdict(list)

    def take(self, epoch: str, spec: TrialSpec, table: StateTable) -> None:
        """Take a trial with its table; nothing is told where no reward comes of itself."""
        told = self._told(table) if spec.reward_ul > 0 else None
        if told is not None:
            self._before[epoch, spec.condition, spec.signalled, spec.cue].append((spec.reward_ul, told))

    def _told(self, table: StateTable) -> dict[str, float] | None:
        """Return what comes before the reward, in seconds: the wait, each line's onset, how long it is on."""
        rehearsal = Rehearsal(table)
        valves = [at_us for line, at_us in rehearsal.onsets_us.items() if line in self._valves]
        if not valves:
            return None
        reward_us = min(valves)
        told: dict[str, float] = defaultdict(float)
        told["the wait before the reward"] = reward_us / US_PER_S
        ends = [at_us for _, at_us in rehearsal.visits[1:]] + [reward_us]
        for (number, at_us), end_us in zip(rehearsal.visits, ends, strict=True):
            state = table.states[number]
            lasts_us = max(0, min(end_us, reward_us) - at_us)
            pulses = {a.index: a.value for a in state.actions if a.kind is ActionKind.PULSE}
            for line, name in self._seen.items():
                on_us = lasts_us if state.outputs >> line & 1 else 0
                on_us += pulses.get(line, 0) if at_us < reward_us else 0
                if on_us:
                    onset = f"the time from the onset of '{name}' to the reward"
                    told.setdefault(onset, (reward_us - at_us) / US_PER_S)
                    told[f"how long '{name}' is on before the reward"] += on_us / US_PER_S
        return told

    def check(self, where: str = "") -> None:
        """Refuse a protocol of which something tells the size.

        Parameters
        ----------
        where
            The protocol's file.

        Raises
        ------
        ConfigError
            Naming the trials, what tells, two examples, and where to read about it.
        """
        for (_, condition, _, cue), trials in self._before.items():
            for what in sorted({name for _, told in trials for name in told}):
                problem = _tells([(size, told.get(what, 0.0)) for size, told in trials])
                if problem is not None:
                    after = f" after {cue}" if cue else ""
                    raise ConfigError(
                        f"the size of a reward can be foretold in '{condition}' trials{after}: {what} goes "
                        f"with it ({problem}); what comes before a reward must not hang on its size, or it "
                        f"is a cue ({PAGE}#refused)",
                        where,
                    )


def _tells(pairs: list[tuple[float, float]]) -> str | None:
    by_size: dict[float, list[float]] = defaultdict(list)
    for size, seconds in pairs:
        by_size[size].append(seconds)
    if len(pairs) < FEWEST or len(by_size) < 2 or len({seconds for _, seconds in pairs}) < 2:
        return None
    p = min(stats.kruskal(*by_size.values()).pvalue, stats.spearmanr(pairs).pvalue)
    if not p < ALARM_P:
        return None
    means = sorted((float(np.mean(seconds)), size) for size, seconds in by_size.items())
    (short_s, one), (long_s, other) = means[0], means[-1]
    return f"{short_s:.3g} s before {one:g} uL, {long_s:.3g} s before {other:g} uL in the mean"
