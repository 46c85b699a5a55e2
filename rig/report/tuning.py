"""Each unit's own curve: mean response by utility, with its three reversal points."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes

from rig.documents import UnitEstimate
from rig.population.shapes import UnitFigures
from rig.report.facts import Epoch
from rig.report.parts import Item, Missing, Number, Shown
from rig.report.responses import in_order, table
from rig.report.scales import labelled, span
from rig.report.style import AMBER, BLUE, FAINT, INK, RED, finish, grid, note, panel, ramp, sheet, zero_line
from rig.report.words import count, short, ul

TITLE = "Each unit's curve"
MOST = 48
"""Small pictures on one page; of more units every so-manyth is shown."""


def tuning_figure(epoch: Epoch, key: str) -> Item:
    """Small pictures, one a unit, in the order of the reversal points."""
    rows = in_order(epoch)
    if not rows or not epoch.placed:
        return Missing(key, TITLE, epoch.why_no_units)
    known = {unit.unit: unit for unit in epoch.units}
    shown = [rows[k] for k in _picked(len(rows))]
    columns = _columns(len(shown))
    lines = math.ceil(len(shown) / columns)
    figure = sheet(0.75 + lines * (2.6 if columns <= 2 else 1.6 if columns <= 4 else 0.98))
    places = grid(figure, lines, columns, wspace=0.12, hspace=0.3 if columns > 4 else 0.22, top=0.22)
    means, sems = table(shown)
    low, high = float(np.nanmin(means - np.nan_to_num(sems))), float(np.nanmax(means + np.nan_to_num(sems)))
    for k, row in enumerate(shown):
        axes = panel(figure, places[k // columns, k % columns])
        _curve(axes, epoch, row, known[row.unit], small=columns > 4)
        axes.set_ylim(low - 0.06 * (high - low), high + 0.1 * (high - low))
        last = k + columns >= len(shown)
        _ticks(axes, epoch, first=k % columns == 0, last=last, small=columns > 4)
    figure.supylabel("response less baseline (Hz)", fontsize=7.5, x=0.015)
    figure.supxlabel("reward size (µL), on the utility axis", fontsize=7.5, y=0.04 / figure.get_figheight())
    missing = (
        (f"{len(shown)} of {len(rows)} units are shown, evenly picked.",) if len(shown) < len(rows) else ()
    )
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Mean response by reward size of each unit, with three reversal points"),
        "Mean response (dots, with standard errors) to each size. The marks on the zero line are three "
        "ways to read where it crosses: kinked Bayes with its 95 % interval (circle), the published sign "
        "count (triangle), the isotonic crossing (square).",
        "Where the three disagree, do not pick the one you like: each errs in its own way.",
        _numbers([known[row.unit] for row in shown]) if len(shown) <= 3 else (),
        missing=missing,
    )


def _picked(units: int) -> list[int]:
    if units <= MOST:
        return list(range(units))
    return [round(place) for place in np.linspace(0, units - 1, MOST)]


def _columns(pictures: int) -> int:
    return pictures if pictures <= 2 else 3 if pictures <= 6 else 4 if pictures <= 12 else 8


def _curve(axes: Axes, epoch: Epoch, row: UnitFigures, unit: UnitEstimate, *, small: bool) -> None:
    means, sems = (values[0] for values in table([row]))
    x = np.array(epoch.axis_hz)
    zero_line(axes)
    axes.plot(x, means, color=FAINT, linewidth=0.7)
    ends = np.column_stack([means - sems, means + sems, np.full(x.size, np.nan)]).ravel()
    axes.plot(np.repeat(x, 3), ends, color=FAINT, linewidth=0.7)
    dots = [ramp(k, len(x)) for k in range(len(x))]
    axes.scatter(x, means, s=5 if small else 16, c=dots, linewidths=0, zorder=3)
    mark = 2.6 if small else 5
    if unit.bayes_ci95_hz is not None:
        axes.plot(unit.bayes_ci95_hz, (0, 0), color=BLUE, linewidth=1.6, solid_capstyle="butt")
    for value, marker, colour in (
        (unit.paper_hz, "^", RED),
        (unit.isotonic_hz, "s", AMBER),
        (unit.bayes_hz, "o", BLUE),
    ):
        if value is not None:
            axes.plot(value, 0, marker, color="white", markeredgecolor=colour, markersize=mark,
                      markeredgewidth=0.8, zorder=4)  # fmt: skip
    note(axes, 0.0, 1.0, short(unit.unit, 14), fontsize=6 if small else 7.5, color=INK, va="bottom")
    if unit.bayes_ul is not None:
        words = f"{unit.bayes_ul:.1f} µL" if small else f"reverses at {unit.bayes_ul:.1f} µL"
        note(axes, 0.05 if small else 0.02, 0.97, words, fontsize=6 if small else 7)
    axes.set_xlim(*span(epoch, 0.06))


def _ticks(axes: Axes, epoch: Epoch, *, first: bool, last: bool, small: bool) -> None:
    if small:
        ends = (epoch.axis_hz[0], epoch.axis_hz[-1])
        axes.set_xticks(
            ends, labels=[f"{epoch.sizes_ul[0]:g}", f"{epoch.sizes_ul[-1]:g}"] if last else ["", ""]
        )
        axes.locator_params(axis="y", nbins=4)
    else:
        apart = (epoch.axis_hz[-1] - epoch.axis_hz[0]) / 9
        names = labelled(epoch.sizes_ul, epoch.axis_hz, apart)
        axes.set_xticks(epoch.axis_hz, labels=names if last else [""] * len(names))
    axes.tick_params(labelsize=6 if small else 7)
    if not first:
        axes.tick_params(axis="y", left=False, labelleft=False)
        axes.spines["left"].set_visible(False)


def _numbers(units: list[UnitEstimate]) -> tuple[Number, ...]:
    told = []
    for unit in units:
        name = short(unit.unit)
        told += [
            Number(f"{name}: responses", sum(unit.n), count(sum(unit.n), "trial")),
            Number(f"{name}: Bayes", unit.bayes_hz, _with_interval(unit)),
            Number(f"{name}: sign count", unit.paper_hz, ul(unit.paper_ul)),
            Number(f"{name}: isotonic", unit.isotonic_hz, ul(unit.isotonic_ul)),
        ]
    return tuple(told)


def _with_interval(unit: UnitEstimate) -> str:
    if unit.bayes_ci95_ul is None:
        return ul(unit.bayes_ul)
    low, high = unit.bayes_ci95_ul
    return f"{ul(unit.bayes_ul)} (95 %: {low:.1f} to {high:.1f})"
