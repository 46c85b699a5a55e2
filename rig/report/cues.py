"""The cue that promises a reward half of the time, between a rare and a nearly sure one."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes

from rig.population.shapes import Cues, CueUnit
from rig.report.facts import Epoch
from rig.report.parts import Item, Missing, Number, Shown, why
from rig.report.style import BLUE, FAINT, INK, PALE, finish, grid, note, nothing, panel, sheet, zero_line
from rig.report.words import count, plain, probability, ratio, short

TITLE = "Coding of the 50 % cue"
LIMITS: Final = (-0.5, 1.5)
SHAPES: Final = {"optimistic": "^", "pessimistic": "v", "interpolating": "D", None: "o"}
NAMED: Final = 60


def cues_figure(epoch: Epoch, key: str) -> Item:
    """Histogram and forest of c50, and the t values against what noise alone gives."""
    view = epoch.view
    if view is None or view.population.cue_coding is None:
        reason = why(view.population, "cue_coding") if view else "no unit answered a cue"
        return Missing(key, TITLE, reason)
    cues = view.population.cue_coding
    units = sorted((u for u in cues.units if u.c50 is not None), key=lambda u: (u.c50 or 0.0, u.unit))
    if not units:
        reason = next((unit.reason for unit in cues.units if unit.reason), why(view.population, "cue_coding"))
        return Missing(key, TITLE, reason)
    height = float(np.clip(0.098 * len(units), 0.8, 5.2)) + 2.5
    figure = sheet(height)
    places = grid(figure, 2, 2, hspace=0.42 * 4 / height, wspace=0.25, top=0.3, left=0.85,
                  height_ratios=(1.2, height - 2.5))  # fmt: skip
    _histogram(panel(figure, places[0, 0], "a  units by c50"), units)
    _scores(panel(figure, places[0, 1], "b  distance from the midpoint"), cues)
    _forest(panel(figure, places[1, :], "c  each unit with its 95 % interval"), units)
    values = np.array([unit.c50 for unit in units], dtype=np.float64)
    labels = [unit.label for unit in units if unit.label]
    numbers = [
        Number("units with c50", len(units), str(len(units))),
        Number("median c50", float(np.median(values)), ratio(float(np.median(values)))),
    ]
    missing = []
    if cues.spread is not None:
        numbers += [
            Number("spread of the t values (1: all at the midpoint)", cues.spread, ratio(cues.spread)),
            Number("P of that spread", cues.spread_p, probability(cues.spread_p)),
        ]
    else:
        missing.append(f"No spread: {why(view.population, 'cue_coding.spread')}.")
    numbers += [Number(name, labels.count(name), str(labels.count(name))) for name in SHAPES if name]
    unlabelled = next((unit.reason for unit in units if unit.label is None and unit.reason), None)
    if unlabelled:
        none = sum(unit.label is None for unit in units)
        missing.append(f"{count(none, 'unit')} without a label: {plain(unlabelled)}.")
    if len(units) < len(cues.units):
        missing.append(f"{count(len(cues.units) - len(units), 'unit')} without c50.")
    low, middle, high = (plain(name) for name in cues.conditions)
    return Shown(
        key,
        TITLE,
        finish(
            figure, key, "Normalised response to the 50 % cue: histogram, t values, each unit with interval"
        ),
        f"c50 is where the response to “{middle}” stands between those to “{low}” (0) and “{high}” (1). If "
        "all units learn the mean, it is one half for all; expectile units stand above it (optimistic) or "
        "below. b compares the t values of that difference with what noise alone gives (line).",
        "Labels depend on the number of trials: with few, “does not differ” means little. Trust c50 with its "
        "interval, and the spread.",
        tuple(numbers),
        missing=tuple(missing),
    )


def _histogram(axes: Axes, units: list[CueUnit]) -> None:
    values = np.clip([unit.c50 for unit in units if unit.c50 is not None], *LIMITS)
    edges = np.linspace(*LIMITS, 21)
    counts, _ = np.histogram(values, edges)
    axes.stairs(counts, edges, fill=True, color=BLUE, alpha=0.35)
    axes.stairs(counts, edges, color=BLUE, linewidth=0.6)
    axes.axvline(0.5, color=INK, linewidth=0.8, dashes=(3, 2))
    axes.set_xlim(*LIMITS)
    axes.set_xticks([-0.5, 0, 0.5, 1, 1.5])
    axes.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    axes.set_xlabel("c50")
    axes.set_ylabel("units")


def _scores(axes: Axes, cues: Cues) -> None:
    values = np.array([unit.t for unit in cues.units if unit.t is not None], dtype=np.float64)
    if not values.size:
        nothing(axes, "no t values yet")
        return
    most = max(4.0, float(np.ceil(np.abs(values).max())))
    most = min(most, 8.0)
    edges = np.linspace(-most, most, round(2 * most) + 1)
    counts, _ = np.histogram(np.clip(values, -most, most), edges)
    axes.stairs(counts, edges, fill=True, color=BLUE, alpha=0.35)
    axes.stairs(counts, edges, color=BLUE, linewidth=0.6)
    x = np.linspace(-most, most, 121)
    density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(x, density * values.size * (edges[1] - edges[0]), color=INK, linewidth=0.9)
    axes.yaxis.get_major_locator().set_params(integer=True)  # type: ignore[call-arg]
    zero_line(axes, vertical=True)
    axes.set_xlim(-most, most)
    axes.set_xlabel("t of the response less the midpoint")
    axes.set_ylabel("units")


def _forest(axes: Axes, units: list[CueUnit]) -> None:
    axes.axvline(0.5, color=INK, linewidth=0.8, dashes=(3, 2), zorder=0)
    for at in (0.0, 1.0):
        axes.axvline(at, color=PALE, linewidth=0.6, zorder=0)
    size = float(np.clip(170 / len(units), 1.8, 4.0))
    for y, unit in enumerate(units):
        if unit.c50_ci95 is not None:
            low, high = np.clip(unit.c50_ci95, *LIMITS)
            axes.plot((low, high), (y, y), color=BLUE, linewidth=min(1.1, size / 3), solid_capstyle="butt")
        axes.plot(float(np.clip(unit.c50 or 0.0, *LIMITS)), y, SHAPES.get(unit.label, "o"), markersize=size,
                  color=BLUE if unit.label else "white", markeredgecolor=BLUE,
                  markeredgewidth=0.6)  # fmt: skip
    axes.set_xlim(*LIMITS)
    axes.set_ylim(-0.7, len(units) - 0.3)
    if len(units) <= NAMED:
        axes.set_yticks(range(len(units)), labels=[short(unit.unit, 16) for unit in units])
        axes.tick_params(axis="y", length=0, labelsize=min(6.5, 250 / len(units)))
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(units)} units")
    axes.set_xlabel("c50  (0: as the rare cue, 1: as the sure one)")
    named = [f"{shape} {name}" for name, shape in zip(("optimistic", "pessimistic", "interpolating"),
                                                       ("▲", "▼", "◆"), strict=True)]  # fmt: skip
    note(axes, 1.0, 0.02, "   ".join([*named, "○ no label"]), ha="right", va="bottom", color=FAINT)
