"""Responses by reward size, units sorted by reversal point: as in the paper's second figure."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rig.population.shapes import UnitFigures
from rig.report.facts import Epoch, Floats
from rig.report.parts import Item, Missing, Number, Shown
from rig.report.style import FAINT, INK, finish, grid, panel, ramp, sheet, spread, zero_line
from rig.report.words import count, hz, short, size

TITLE = "Responses by reward size"
FEW = 4
"""With fewer units there is no order to show: each unit's own curve says it all."""


def responses_figure(epoch: Epoch, key: str) -> Item:
    """Mean response of every unit to every size, units in the order of their reversal points."""
    rows = in_order(epoch)
    if len(rows) < FEW:
        verb = "has" if len(rows) == 1 else "have"
        few = f"{count(len(rows), 'unit')} {verb} a reversal point; an order needs {FEW} or more"
        return Missing(key, TITLE, few if rows else epoch.why_no_units)
    means, sems = table(rows)
    figure = sheet(3.1)
    axes = panel(figure, grid(figure, 1, 1, right=0.7, top=0.1)[0])
    _series(axes, epoch, means, sems, [row.unit for row in rows])
    low, high = float(np.nanmin(means)), float(np.nanmax(means))
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Mean response of each unit to each reward size, units sorted by reversal point"),
        "Each column is one unit, from the lowest reversal point (left) to the highest. Dots are its mean "
        "responses less baseline, one for each reward size; bars are standard errors. Above the line the "
        "unit fired more than before the reward, below it less. Where the dots of a size pass the line, "
        "that size turns from better than expected to worse than expected.",
        "The order comes from the same responses, so even noise looks sorted. Whether the order "
        "repeats is shown with the split halves.",
        (
            Number("units", len(rows), str(len(rows))),
            Number("lowest mean response", low, hz(low)),
            Number("highest mean response", high, hz(high)),
        ),
    )


def in_order(epoch: Epoch) -> list[UnitFigures]:
    """The population's units that have a reversal point, lowest first."""
    if epoch.view is None:
        return []
    known = {unit.unit: unit for unit in epoch.view.figures.units}
    return [known[unit.unit] for unit in epoch.estimated if unit.unit in known]


def table(rows: list[UnitFigures]) -> tuple[Floats, Floats]:
    """Mean responses and their standard errors, shape (units, sizes), in Hz; NaN where missing."""
    as_array: Any = [[np.nan if value is None else value for value in row.mean_hz] for row in rows]
    errors: Any = [[np.nan if value is None else value for value in row.sem_hz] for row in rows]
    return np.array(as_array, dtype=np.float64), np.array(errors, dtype=np.float64)


def _series(axes: Axes, epoch: Epoch, means: Floats, sems: Floats, names: list[str]) -> None:
    units, sizes = means.shape
    x = np.arange(units, dtype=np.float64)
    zero_line(axes)
    crowded = units > 80
    for k in range(sizes):
        colour = ramp(k, sizes)
        if not crowded:
            axes.errorbar(x, means[:, k], sems[:, k], fmt="none", ecolor=colour, elinewidth=0.5, alpha=0.6)
        axes.plot(x, means[:, k], "o", color=colour, markersize=1.8 if crowded else 3, markeredgewidth=0)
    axes.set_xlim(-0.8, units - 0.2)
    axes.set_xlabel("units, sorted by reversal point")
    axes.set_ylabel("response less baseline (Hz)")
    low, high = axes.get_ylim()
    known = [k for k in range(sizes) if np.isfinite(means[:, k]).any()]
    levels = [float(np.nanmean(means[:, k])) for k in known]
    for k, y in zip(known, spread(levels, (high - low) * 0.055), strict=True):
        beside: Any = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
        axes.annotate("●", (1.02, y), color=ramp(k, sizes), fontsize=5, **beside)
        axes.annotate(f"{size(epoch.sizes_ul[k])} µL", (1.04, y), color=INK, fontsize=7, **beside)
    if len(names) <= 10:
        axes.set_xticks(x, labels=[short(name, 14) for name in names])
    else:
        axes.set_xticks([0, units - 1], labels=["1", str(units)])
    axes.tick_params(axis="x", color=FAINT)
