"""Words for what is declared, as refusals use them."""

from __future__ import annotations

from typing import Final

from rig.design.schedule import TrialType
from rig.trial.spec import TrialSpec

PAGE: Final = "docs/explanation/closed-loop.md"


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
