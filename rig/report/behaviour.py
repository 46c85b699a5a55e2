"""Water and licks over the session."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from rig.report.facts import Facts
from rig.report.lick_panels import appearance, draw_raster, draw_rates
from rig.report.licks import Licks, anticipation_s
from rig.report.parts import Item, Missing, Number, Shown
from rig.report.style import (
    BLUE,
    FAINT,
    INK,
    WASH,
    finish,
    grid,
    panel,
    sheet,
)
from rig.report.words import short
from rig.units import US_PER_S

TITLE = "Water and licks"
SMOOTH = 15


def behaviour_figure(facts: Facts, key: str) -> Item:
    """Water over time, anticipatory licks over trials, all licks by condition, and their rates."""
    if not facts.records:
        return Missing(key, TITLE, "no trial was finished")
    licks = Licks(facts.records)
    heard, events = licks.at_s.size > 0, any(record.stimulus_us is not None for record in facts.records)
    licked, waits = heard and events, anticipation_s(facts.records)
    figure = sheet(5.2 if licked else 1.9)
    places = grid(figure, 2 if licked else 1, 2, wspace=0.24, hspace=0.36, top=0.3, left=0.78,
                  height_ratios=(1, 1.65) if licked else None)  # fmt: skip
    letters = iter("abcd" if licked else " ")
    beside = licked and bool(waits)
    _water(panel(figure, places[0, 0] if beside else places[0, :], f"{next(letters)}  water"), facts)
    looks = {name: k for k, name in enumerate(dict.fromkeys(r.spec.condition for r in facts.records))}
    numbers = [
        Number("water in trials", facts.delivered_ul, f"{facts.delivered_ul:.1f} µL"),
        Number("rewarded trials", facts.rewarded, str(facts.rewarded)),
        Number("licks", int(licks.at_s.size), str(licks.at_s.size)),
    ]
    words, missing = ["a: water given so far." if licked else "Water given so far."], []
    if beside:
        before = panel(figure, places[0, 1], f"{next(letters)}  licks before the outcome")
        numbers += _anticipation(before, facts, licks, waits, looks)
        words.append(
            "b: licks per second between cue and outcome of each cued trial, and their running mean."
        )
    elif licked:
        missing.append("No licks before the outcome: no cue of this session came before a reward.")
    if licked:
        every, rates = next(letters), next(letters)
        draw_raster(panel(figure, places[1, 0], f"{every}  every lick"), facts.records, licks, looks)
        draw_rates(panel(figure, places[1, 1], f"{rates}  lick rate"), facts.records, licks, looks)
        words.append(
            f"{every}: every lick around each trial's first event, trials grouped by condition; the reward "
            f"is a dot, the cue shaded. {rates}: mean rates."
        )
    elif heard:
        missing.append("No licks around an event: no trial of this session had a cue or a reward.")
    else:
        missing.append(
            "No licks: the animal made none, or no input line of the rig file has “lick” in its name."
        )
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Cumulative water, and licks by condition"),
        " ".join(words),
        "Licking tells what the animal expects, not what a neuron does." if licked else "",
        tuple(numbers),
        missing=tuple(missing),
    )


def _water(axes: Axes, facts: Facts) -> None:
    first = facts.records[0].start_us
    minutes, water = [0.0], [0.0]
    for record in facts.records:
        at = record.start_us + (record.reward_us if record.reward_us is not None else record.duration_us)
        minutes += [(at - first) / US_PER_S / 60] * 2
        water += [water[-1], water[-1] + record.delivered_ul]
    last = facts.records[-1]
    minutes.append((last.start_us + last.duration_us - first) / US_PER_S / 60)
    water.append(water[-1])
    axes.fill_between(minutes, np.array(water) / 1000, color=WASH, linewidth=0)
    axes.plot(minutes, np.array(water) / 1000, color=BLUE, linewidth=1.1)
    limit = facts.started.max_session_ul / 1000 if facts.started else 0.0
    if 0 < limit < 1.6 * water[-1] / 1000:
        axes.axhline(limit, color=INK, linewidth=0.7, dashes=(3, 2))
        axes.annotate(
            "most in a session", (0, limit), (2, -2), textcoords="offset points", va="top", fontsize=6.5
        )
    starts = {record.number: record.start_us for record in facts.records}
    for epoch in facts.epochs[1:]:
        if epoch.first_trial in starts:
            axes.axvline((starts[epoch.first_trial] - first) / US_PER_S / 60, color=FAINT, linewidth=0.7)
    axes.set_xlim(0, max(minutes[-1], 0.1))
    axes.set_ylim(0, max(water[-1] / 1000 * 1.08, 0.001))
    axes.set_xlabel("minutes")
    axes.set_ylabel("water (mL)")


def _anticipation(
    axes: Axes, facts: Facts, licks: Licks, waits: Mapping[str, float], looks: dict[str, int]
) -> list[Number]:
    told: list[Number] = []
    top = 0.5
    for condition, wait in waits.items():
        records = [r for r in facts.records if r.spec.condition == condition and r.cue_us is not None]
        cued = np.array([(r.start_us + (r.cue_us or 0)) / US_PER_S for r in records])
        rates = licks.between_hz(cued, cued + wait)
        known = np.isfinite(rates)
        x, y = np.array([r.number + 1 for r in records])[known], rates[known]
        if not y.size:
            continue
        colour, marker, dashes = appearance(looks[condition])
        axes.plot(x, y, marker, color=colour, markersize=2, alpha=0.35, markeredgewidth=0)
        kernel = np.ones(min(SMOOTH, len(y))) / min(SMOOTH, len(y))
        smooth = np.convolve(x, kernel, "valid"), np.convolve(y, kernel, "valid")
        axes.plot(*smooth, color=colour, linewidth=1.3, linestyle=dashes, label=short(condition, 18))
        top = max(top, float(np.quantile(y, 0.98)))
        mean = float(y.mean())
        told.append(Number(f"licks before the outcome, {short(condition)}", mean, f"{mean:.2f} per second"))
    for epoch in facts.epochs[1:]:
        axes.axvline(epoch.first_trial + 1, color=FAINT, linewidth=0.7)
    columns = 3 if len(told) <= 3 and max(len(condition) for condition in waits) < 12 else 2
    axes.set_ylim(0, top * (1.1 + 0.16 * -(-len(told) // columns)))
    axes.set_xlim(0, facts.records[-1].number + 2)
    axes.set_xlabel("trial")
    axes.set_ylabel("licks per second")
    axes.legend(loc="upper left", ncols=columns, columnspacing=1.2, handlelength=2.2)
    return told
