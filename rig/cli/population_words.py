"""The population in a few lines for a terminal; the numbers that belong together always stand together."""

from __future__ import annotations

import enum
from collections import Counter
from statistics import median

from rig.population.shapes import (
    AsymmetryTest,
    Cues,
    Decodings,
    Evidence,
    Population,
    Relation,
    Repeat,
    Repeats,
)

WARNING = (
    "That reversal points repeat does not prove a distributional code: a constant of its own for each unit "
    "repeats as well. Read these numbers together (docs/explanation/population.md)."
)
MOST_NAMED = 12
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
        return [f"population{_counted(told)}: {why}", *cues, *_silent(told)]
    return [
        f"population of {told.units} units{_counted(told)}, R over units, SD over halvings (mean P, "
        "geometric mean P):",
        f"  random halves         {_repeats(told.split_half)}",
        f"  first and second half {_repeats(told.time_split)}",
        f"  asymmetry-reversal    {_relation(told.asymmetry_reversal)} in independent halves; "
        f"baseline-reversal {_relation(told.baseline_reversal)}",
        *_up_down(told),
        *_asymmetry(told.asymmetry),
        f"  evidence              {_evidence(told.evidence)}",
        *_signs(told.evidence),
        *_decoding(told.decoding),
        *cues,
        *_silent(told),
        WARNING,
    ]


def _silent(told: Population) -> list[str]:
    lost = [unit.unit for unit in told.drift if unit.lost]
    named = ", ".join(lost[:MOST_NAMED]) + (
        f" and {len(lost) - MOST_NAMED} more" if lost[MOST_NAMED:] else ""
    )
    return [f"  fell silent           {named}, before the end or always: look at them"] if lost else []


def _counted(told: Population) -> str:
    if told.counted == "all":
        return ""
    return f" (tagged ones only; {told.left_out} not tagged left out, count them with --units all)"


def _repeats(found: Repeats) -> str:
    parts = [
        f"{one.r:+.2f}{_spread(one)} {name}"
        for name, one in (("published", found.paper), ("isotonic", found.isotonic))
        if one is not None
    ]
    return ", ".join(parts) or "not known yet"


def _spread(one: Repeat) -> str:
    """Its SD and both kinds of P; of one pairing there is one P."""
    if one.r_sd is None:
        return f" ({one.p_mean:.2g})"
    return f" ± {one.r_sd:.2f} ({one.p_mean:.2g}, {one.p_geometric:.2g})"


def _up_down(told: Population) -> list[str]:
    if not told.up_down:
        return []
    size, up, down = max(told.up_down, key=lambda row: (min(row[1:]), max(row[1:])))
    both = f"at {size:g} uL {up} units up, {down} down" if min(up, down) else "no size has both"
    return [f"  up and down           {both} (t test against the baseline, P < 0.05)"]


def _asymmetry(found: AsymmetryTest | None) -> list[str]:
    if found is None:
        return []
    words = f"mean {found.mean:.2f}"
    if found.f_anew is not None and found.p_anew is not None:
        words += f"; do units differ? F {found.f_anew:.2f}, P {found.p_anew:.2g}"
    if found.f is not None and found.p is not None:
        published = f"F {found.f:.2f}, P {found.p:.2g}"
        words += f" (as published {published}: finds differences where there are none)"
    return [f"  asymmetry             {words}"]


def _signs(found: Evidence | None) -> list[str]:
    if found is None or found.held_out is None:
        return []
    own, common = 100 * found.held_out.own, 100 * found.held_out.common
    gain = f"{own - common:+.1f} points, standard error {100 * found.held_out.gain_se:.1f}"
    return [
        f"  unseen signs          {own:.1f} % by own reversal points, {common:.1f} % by one for all: {gain}"
    ]


def _decoding(found: Decodings) -> list[str]:
    lines = []
    for name, one in (("convex", found.convex), ("published", found.published)):
        if one is None or not one.shuffled_hz:
            continue
        beaten = sum(one.wasserstein_hz < shuffled for shuffled in one.shuffled_hz)
        lines.append(
            f"  decoding, {name:<12}{one.wasserstein_hz:.2f} Hz from what was delivered; beats {beaten} of "
            f"{len(one.shuffled_hz)} shuffles ({median(one.shuffled_hz):.2f} Hz)"
        )
    return lines


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
