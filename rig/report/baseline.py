"""Two checks beside the correlations: baseline rates, and units that go up while others go down."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from rig.report.facts import Epoch
from rig.report.parts import Grid, Item, Missing, Number, Shown, why
from rig.report.scales import span
from rig.report.scatter import cloud, known
from rig.report.style import BLUE, INK, RED, finish, grid, note, nothing, panel, sheet, zero_line
from rig.report.words import probability, ratio, size

TITLE = "Baseline rates, and units up and down"


def baseline_figure(epoch: Epoch, key: str) -> Item:
    """Baseline rate against reversal point, and significant units at each size."""
    view = epoch.view
    if view is None:
        return Missing(key, TITLE, epoch.why_no_units)
    population = view.population
    reversal = {unit.unit: unit.paper_hz for unit in epoch.units}
    points = known([(reversal.get(unit.unit), unit.baseline_hz) for unit in view.figures.units])
    if population.units == 0:
        return Missing(key, TITLE, why(population, "baseline_reversal", "up_down"))
    figure = sheet(2.6)
    places = grid(figure, 1, 2, wspace=0.25, top=0.3)
    rates = panel(figure, places[0], "a  baseline against reversal point")
    top = float(points[:, 1].max(initial=1.0)) * 1.08
    if len(points):
        cloud(rates, points, span(epoch, 0.05), (0.0, top))
        rates.set_xlabel("reversal point, sign count (Hz)")
        rates.set_ylabel("baseline rate (Hz)")
    else:
        nothing(rates, "no unit has a baseline rate and a reversal point")
    relation = population.baseline_reversal
    if relation is not None:
        note(rates, 0.99, 1.0, f"R {ratio(relation.r)}", ha="right", color=INK)
    _up_down(panel(figure, places[1], "b  significantly above and below"), population.up_down)
    numbers = []
    missing = []
    if relation is not None:
        numbers += [
            Number("R, baseline and reversal point", relation.r, ratio(relation.r)),
            Number("P of that R", relation.p, probability(relation.p)),
        ]
    else:
        missing.append(f"No R of baseline and reversal: {why(population, 'baseline_reversal')}.")
    if population.up_down:
        most = max(min(up, down) for _, up, down in population.up_down)
        numbers.append(Number("most units that go the rarer way at one size", most, str(most)))
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Baseline rate against reversal point; units significantly up and down by size"),
        "a: mean baseline rate of each unit against its reversal point. b: at each size, how many units "
        "fire significantly more than at baseline (solid, up) and less (hatched, down); two-sided t test, "
        "P < 0.05.",
        "The two in a should be unrelated: if they are not, think of a floor, for a slow neuron cannot fall "
        "far. Units up and units down at one size are what noise alone seldom gives; a constant for each "
        "unit does give it.",
        tuple(numbers),
        _counts(population.up_down),
        tuple(missing),
    )


def _counts(counts: tuple[tuple[float, int, int], ...]) -> Grid | None:
    if not counts:
        return None
    return Grid(
        ("reward size (µL)", *(size(row[0]) for row in counts)),
        (
            ("units up", tuple(Number(f"up at {size(row[0])} µL", row[1], str(row[1])) for row in counts)),
            (
                "units down",
                tuple(Number(f"down at {size(row[0])} µL", row[2], str(row[2])) for row in counts),
            ),
        ),
    )


def _up_down(axes: Axes, counts: tuple[tuple[float, int, int], ...]) -> None:
    if not counts:
        nothing(axes, "no counts")
        return
    x = np.arange(len(counts))
    up = [row[1] for row in counts]
    down = [-row[2] for row in counts]
    for k in range(len(counts)):
        if up[k]:
            axes.bar(k, up[k], width=0.66, color=RED, edgecolor=RED, linewidth=0.6)
        if down[k]:
            axes.bar(k, down[k], width=0.66, color="white", edgecolor=BLUE, hatch="/////", linewidth=0.6)
    axes.set_xlim(-0.6, len(counts) - 0.4)
    zero_line(axes)
    most = max(*up, *(-n for n in down), 1)
    for k in range(len(counts)):
        if up[k]:
            axes.annotate(str(up[k]), (k, up[k]), (0, 2), textcoords="offset points", ha="center", fontsize=7)
        if down[k]:
            axes.annotate(str(-down[k]), (k, down[k]), (0, -2), textcoords="offset points", ha="center",
                          va="top", fontsize=7)  # fmt: skip
    axes.set_ylim(-1.22 * most, 1.22 * most)
    axes.set_xticks(x, labels=[size(row[0]) for row in counts])
    axes.set_xlabel("reward size (µL)")
    axes.set_ylabel("units")
    ticks = [tick for tick in axes.get_yticks() if abs(tick) <= 1.22 * most and tick == round(tick)]
    axes.set_yticks(ticks, labels=[f"{abs(tick):.0f}" for tick in ticks])
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", length=0)
