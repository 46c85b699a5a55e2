"""The population in a few lines for a terminal; the numbers that belong together always stand together."""

from __future__ import annotations

import enum
from collections import Counter

from rig.estimate.population_report import Cues, Evidence, Population, Relation, Repeats

WARNING = (
    "That reversal points repeat does not prove a distributional code: a constant of its own for each unit "
    "repeats as well. Read these numbers together (docs/explanation/population.md)."
)
VERDICTS = {
    "common": "one reversal point for all units explains the responses best",
    "offset": "one reversal point for all, and a constant of its own for each unit, explains them best",
    "distributional": "a distributional code explains the responses best",
    "both": "a distributional code, and a constant of its own for each unit, explains them best",
    "undecided": "undecided between the explanations",
}


class Counted(enum.StrEnum):
    """Which units count in the population."""

    tagged = "tagged"
    all = "all"


def population_lines(population: Population) -> list[str]:
    """Return the paragraph; one line where nothing can be told of reversal points."""
    told = population
    cues = [_cues(told.cue_coding)] if told.cue_coding is not None else []
    if told.split_half.paper is None and told.split_half.isotonic is None:
        why = told.reasons.get("split_half.paper", "nothing can be told")
        return [f"population{_counted(told)}: {why}", *cues]
    return [
        f"population of {told.units} units{_counted(told)}, R over units (mean P):",
        f"  random halves         {_repeats(told.split_half)}",
        f"  first and second half {_repeats(told.time_split)}",
        f"  asymmetry-reversal    {_relation(told.asymmetry_reversal)} in independent halves; "
        f"baseline-reversal {_relation(told.baseline_reversal)}",
        f"  evidence              {_evidence(told.evidence)}",
        *cues,
        WARNING,
    ]


def _counted(told: Population) -> str:
    if told.counted == "all":
        return ""
    return f" (tagged ones only; {told.left_out} not tagged left out, count them with --units all)"


def _repeats(found: Repeats) -> str:
    parts = [
        f"{one.r:+.2f} ({one.p_mean:.2g}) {name}"
        for name, one in (("published", found.paper), ("isotonic", found.isotonic))
        if one is not None
    ]
    return ", ".join(parts) or "not known yet"


def _relation(found: Relation | None) -> str:
    return "not known" if found is None else f"{found.r:+.2f} ({found.p:.2g})"


def _cues(found: Cues) -> str:
    labels = Counter(unit.label for unit in found.units if unit.label is not None)
    named = ", ".join(f"{count} {label}" for label, count in sorted(labels.items())) or "no unit labelled yet"
    spread = "not known yet"
    if found.spread is not None and found.spread_p is not None:
        spread = f"{found.spread:.2f} (P {found.spread_p:.2g}; 1 if all stand at the midpoint)"
    return f"  {found.conditions[1]} cue: spread of the midpoint contrast {spread}; {named}"


def _evidence(found: Evidence | None) -> str:
    if found is None:
        return "not known"
    probabilities = ", ".join(
        f"{name} {getattr(found, name):.2f}" for name in ("common", "offset", "distributional", "both")
    )
    return f"{VERDICTS[found.verdict]} ({probabilities})"
