"""Reversal points with their intervals, beside each unit's responses to the sizes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from rig.documents import UnitEstimate
from rig.estimate.telling import NOT_SETTLED
from rig.report.facts import Epoch, Floats
from rig.report.parts import Item, Missing, Number, Shown
from rig.report.responses import in_order, table
from rig.report.scales import column_of, mean_utility, sizes_on_top, span
from rig.report.style import BLUE, FAINT, INK, PALE, RED, finish, grid, note, panel, sheet
from rig.report.words import count, hz, short, size, ul

TITLE = "Reversal points"
NAMED = 60
"""With more units there is no room for their names."""
DIVERGING = LinearSegmentedColormap.from_list("cold to warm", ["#053f66", BLUE, "#ffffff", RED, "#7a2e00"])


def reversal_figure(epoch: Epoch, key: str) -> Item:
    """Heat map of the mean responses and forest of the reversal points, one row a unit."""
    units = epoch.estimated
    if not units or not epoch.placed:
        return Missing(key, TITLE, epoch.why_no_units)
    height = float(np.clip(0.105 * len(units), 0.5, 6.3)) + 1.35
    figure = sheet(height)
    places = grid(figure, 1, 2, width_ratios=(1, 1.75), wspace=0.06, left=0.85, top=0.45, bottom=0.8)
    heat = panel(figure, places[0])
    forest = panel(figure, places[1])
    pictured = _heat_map(figure, heat, epoch, units)
    _forest(forest, epoch, units)
    _rows(heat, units)
    settled = sum(NOT_SETTLED not in unit.flags for unit in units)
    lowest, highest = units[0], units[-1]
    few = len(epoch.units) - len(units)
    numbers = [
        Number("units with a reversal point", len(units), str(len(units))),
        Number("settled", settled, str(settled)),
        Number("lowest", lowest.bayes_hz, f"{ul(lowest.bayes_ul)} ({hz(lowest.bayes_hz)})"),
        Number("median", *_median(units)),
        Number("highest", highest.bayes_hz, f"{ul(highest.bayes_ul)} ({hz(highest.bayes_hz)})"),
    ]
    if (mean := mean_utility(epoch)) is not None:
        numbers.append(Number("mean of the rewards", mean, hz(mean)))
    heat_words = (
        "Left: mean response to each size, colour by sign and strength, the reversal point as a dot. Right: "
        if pictured
        else ""
    )
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Reversal points with 95 % intervals, sorted"),
        f"{heat_words}each unit's reversal point with its 95 % interval (kinked Bayes; filled: settled, "
        "hollow: not settled), the published sign count (triangle) and the isotonic crossing (square). The "
        "dashed line is the mean of the rewards: there every unit would reverse if all predicted the same.",
        "Points that differ may still be one point seen through noise: compare the spread with the widths of "
        "the intervals.",
        tuple(numbers),
        missing=(f"{count(few, 'unit')} without a reversal point: {_why_few(epoch)}",) if few else (),
    )


def _why_few(epoch: Epoch) -> str:
    return next((u.reason for u in epoch.units if u.bayes_hz is None and u.reason), "too few responses")


def _median(units: list[UnitEstimate]) -> tuple[float, str]:
    middle = float(np.median([unit.bayes_hz for unit in units if unit.bayes_hz is not None]))
    in_ul = float(np.median([unit.bayes_ul for unit in units if unit.bayes_ul is not None]))
    return middle, f"{ul(in_ul)} ({hz(middle)})"


def _rows(axes: Axes, units: list[UnitEstimate]) -> None:
    if len(units) <= NAMED:
        axes.set_yticks(range(len(units)), labels=[short(unit.unit, 16) for unit in units])
        axes.tick_params(axis="y", length=0, labelsize=min(6.5, 380 / max(len(units), 1)))
    else:
        axes.set_yticks([0, len(units) - 1], labels=["lowest", "highest"])
        axes.set_ylabel(f"{len(units)} units")


def _heat_map(figure: Figure, axes: Axes, epoch: Epoch, units: list[UnitEstimate]) -> bool:
    rows = {row.unit: row for row in in_order(epoch)}
    axes.set_ylim(-0.5, len(units) - 0.5)
    axes.set_xlim(-0.5, len(epoch.sizes_ul) - 0.5)
    axes.set_xticks(range(len(epoch.sizes_ul)), labels=[size(volume) for volume in epoch.sizes_ul])
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("reward size (µL)")
    for spine in axes.spines.values():
        spine.set_visible(False)
    if not rows:
        note(axes, 0.02, 0.5, "no mean responses", va="center")
        return False
    means, _ = table([rows[unit.unit] for unit in units if unit.unit in rows])
    where = [k for k, unit in enumerate(units) if unit.unit in rows]
    most = max(float(np.nanmax(np.abs(means), initial=0.0)), 0.1)
    norm = TwoSlopeNorm(0.0, -most, most)
    cells, shades = [], []
    for y, mean in zip(where, means, strict=True):
        for x, value in enumerate(mean):
            if np.isfinite(value):
                cells.append(Rectangle((x - 0.5, y - 0.5), 1, 1))
                shades.append(DIVERGING(norm(value)))
    # a hair of edge in the same colour closes the seams that viewers draw between neighbours
    axes.add_collection(PatchCollection(cells, facecolors=shades, edgecolors=shades, linewidths=0.3))
    points = np.array([unit.bayes_hz for unit in units], dtype=np.float64)
    axes.plot(
        column_of(epoch, points), range(len(units)), "o", color=INK, markersize=_dot(len(units)),
        markeredgecolor="white", markeredgewidth=0.4,
    )  # fmt: skip
    _key(figure, axes, most)
    return True


def _key(figure: Figure, axes: Axes, most: float) -> None:
    """The colours' scale, below, drawn as patches."""
    box = axes.get_position()
    scale = figure.add_axes((box.x0 + 0.15 * box.width, 0.2 / figure.get_figheight(), 0.7 * box.width,
                             0.07 / figure.get_figheight()))  # fmt: skip
    steps = np.linspace(-1, 1, 41)
    shades = [DIVERGING((step + 1) / 2) for step in steps]
    bars = [Rectangle((step * most - most / 40, 0), most / 20, 1) for step in steps]
    scale.add_collection(PatchCollection(bars, facecolors=shades, edgecolors=shades, linewidths=0.3))
    scale.set_xlim(-most, most)
    scale.set_ylim(0, 1)
    scale.set_yticks([])
    scale.set_xticks([-most, 0, most], labels=[f"−{most:.0f}", "0", f"+{most:.0f} Hz"])
    scale.tick_params(length=0, labelsize=6.5, pad=2)
    for spine in scale.spines.values():
        spine.set_visible(False)


def _dot(units: int) -> float:
    return float(np.clip(200 / units, 1.6, 4.0))


def _forest(axes: Axes, epoch: Epoch, units: list[UnitEstimate]) -> None:
    dot = _dot(len(units))
    axes.set_ylim(-0.5, len(units) - 0.5)
    axes.set_xlim(*span(epoch))
    for hz_at in epoch.axis_hz:
        axes.axvline(hz_at, color=PALE, linewidth=0.3, zorder=0)
    if (mean := mean_utility(epoch)) is not None:
        axes.axvline(mean, color=INK, linewidth=0.8, dashes=(3, 2), zorder=1)
    y = np.arange(len(units), dtype=np.float64)
    low, high = np.array([unit.bayes_ci95_hz or (np.nan, np.nan) for unit in units]).T
    between = np.column_stack([low, high, np.full(len(units), np.nan)]).ravel()
    axes.plot(between, np.repeat(y, 3), color=BLUE, linewidth=min(1.2, dot / 3), solid_capstyle="butt")
    for marker, name in (("^", "paper_hz"), ("s", "isotonic_hz")):
        x: Floats = np.array([getattr(unit, name) for unit in units], dtype=np.float64)
        axes.plot(
            x, y, marker, color="none", markeredgecolor=FAINT, markersize=dot * 0.75, markeredgewidth=0.5
        )
    points = np.array([unit.bayes_hz for unit in units], dtype=np.float64)
    settled = np.array([NOT_SETTLED not in unit.flags for unit in units])
    for mask, fill in ((settled, BLUE), (~settled, "white")):
        axes.plot(
            points[mask], y[mask], "o", color=fill, markeredgecolor=BLUE, markersize=dot, markeredgewidth=0.7
        )
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("reversal point on the utility axis (Hz)")
    sizes_on_top(axes, epoch)
