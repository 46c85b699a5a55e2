"""Asymmetry of positive and negative scaling: against reversal points of other trials, and by unit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from rig.population.correlate import MIN_UNITS
from rig.population.shapes import Population, PopulationView, UnitFigures
from rig.report.facts import Epoch
from rig.report.parts import Grid, Item, Missing, Number, Shown, why
from rig.report.scales import span
from rig.report.scatter import cloud, correlations, known
from rig.report.style import FAINT, PALE, PURPLE, finish, grid, nothing, panel, sheet
from rig.report.words import probability, ratio, short

TITLE = "Asymmetry of positive and negative responses"
LIMITS = (0.0, 1.0)


def asymmetry_figure(epoch: Epoch, key: str) -> Item:
    """Asymmetry of one half against reversal of the other, R over halvings, and each unit's asymmetry."""
    view = epoch.view
    if view is None:
        return Missing(key, TITLE, epoch.why_no_units)
    told = [unit for unit in view.figures.units if unit.asymmetry is not None]
    if not told:
        return Missing(key, TITLE, why(view.population, "asymmetry", "asymmetry_reversal"))
    population = view.population
    many = len(told) >= MIN_UNITS
    figure = sheet(4.6 if many else 2.1)
    places = grid(figure, 2 if many else 1, 2, hspace=0.55, wspace=0.28, top=0.3)
    if many:
        _against(panel(figure, places[0, 0], "a  from different halves"), epoch, view)
        relation = population.asymmetry_reversal
        over = panel(figure, places[0, 1], f"b  R over {len(view.figures.r_asymmetry)} halvings")
        correlations(over, view.figures.r_asymmetry, relation.r if relation else None, colour=PURPLE)
    by_unit = panel(figure, places[1, :] if many else places[0, :], "c  by unit" if many else "")
    outside = _by_unit(by_unit, told)
    relation_words = (
        " In an expectile code it goes with the reversal point (a, hollow: outside; R of every halving in b)."
        if many
        else ""
    )
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Asymmetry against reversal point from different halves, and asymmetry by unit"),
        "Asymmetry is the slope for better than expected as a share of both slopes: above one half a unit "
        f"is optimistic.{relation_words} {'In c each' if many else 'Each'} unit's asymmetry with one SD, "
        "and the published value in each of seven disjoint folds (dashes).",
        "From the same trials asymmetry and reversal point go together by construction: compare them from "
        "different halves only. A constant for each unit makes reversal points repeat, but hardly gives "
        "such a relation. The published test finds differences where there are none, for its folds share "
        "one reversal point.",
        tuple(_numbers(population)),
        _tests(population),
        missing=tuple(_missing(population, outside)),
    )


def _numbers(population: Population) -> Iterator[Number]:
    relation, test = population.asymmetry_reversal, population.asymmetry
    if relation is not None:
        yield Number("R, asymmetry and reversal point", relation.r, ratio(relation.r))
        yield Number("mean P of that R", relation.p, probability(relation.p))
    if test is not None:
        yield Number("mean asymmetry", test.mean, ratio(test.mean))


def _tests(population: Population) -> Grid | None:
    """Do units differ? F and P of the test to trust, and of the published one."""
    test, rows = population.asymmetry, []
    if test is None:
        return None
    for row, f, p in (
        ("all anew in every fold: the one to trust", test.f_anew, test.p_anew),
        ("as published: folds share the reversal point", test.f, test.p),
    ):
        if f is not None and p is not None:
            rows.append((row, (Number(f"F, {row}", f, f"{f:.2f}"), Number(f"P, {row}", p, probability(p)))))
    return Grid(("Do units differ? ANOVA over folds", "F", "P"), tuple(rows)) if rows else None


def _missing(population: Population, outside: int) -> Iterator[str]:
    if population.asymmetry_reversal is None:
        yield f"No R of asymmetry and reversal: {why(population, 'asymmetry_reversal')}."
    if population.asymmetry is None or population.asymmetry.f is None:
        yield f"No test of the differences: {why(population, 'asymmetry.f', 'asymmetry')}."
    if outside:
        yield f"{outside} values of single folds lie outside 0 to 1 and stand at the edge."


def _against(axes: Axes, epoch: Epoch, view: PopulationView) -> None:
    points = known([(unit.halves_paper[1], unit.asymmetry_half) for unit in view.figures.units])
    if not len(points):
        nothing(axes, "no unit has both")
        return
    cloud(axes, points, span(epoch, 0.05), (-0.02, 1.02), colour=PURPLE)
    axes.axhline(0.5, color=PALE, linewidth=0.8, zorder=0)
    axes.set_xlabel("reversal point in one half (Hz)")
    axes.set_ylabel("asymmetry in the other half")
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "", "0.5", "", "1"])


def _by_unit(axes: Axes, units: list[UnitFigures]) -> int:
    """Draw every unit; return how many values stand at the edge because they lie outside."""
    units = sorted(units, key=lambda unit: (unit.asymmetry or 0.0, unit.unit))
    x = np.arange(len(units), dtype=np.float64)
    middle = np.array([unit.asymmetry for unit in units], dtype=np.float64)
    sd = np.array([unit.asymmetry_sd or np.nan for unit in units], dtype=np.float64)
    folds = [(k, value) for k, unit in enumerate(units) for value in unit.folds if value is not None]
    axes.axhline(0.5, color=PALE, linewidth=0.8, zorder=0)
    if folds:
        at, values = np.array(folds, dtype=np.float64).T
        # short dashes as one line with gaps: one path instead of thousands of marks
        reach = min(0.3, 0.3 * len(units) / 12)
        dashes = np.column_stack([at - reach, at + reach, np.full(at.size, np.nan)]).ravel()
        axes.plot(dashes, np.repeat(np.clip(values, *LIMITS), 3), color=FAINT, linewidth=0.4, clip_on=False)
        outside = int(((values < LIMITS[0]) | (values > LIMITS[1])).sum())
    else:
        outside = 0
    between = np.column_stack([middle - sd, middle + sd, np.full(x.size, np.nan)]).ravel()
    axes.plot(np.repeat(x, 3), between, color=PURPLE, linewidth=1.0)
    axes.plot(x, middle, "o", color=PURPLE, markersize=float(np.clip(160 / len(units), 1.6, 3.6)))
    axes.set_ylim(*LIMITS)
    axes.set_xlim(-0.8, max(len(units) - 0.2, 0.8))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "", "0.5", "", "1"])
    if len(units) < MIN_UNITS:
        axes.set_xticks(x, labels=[short(unit.unit) for unit in units])
    else:
        axes.set_xticks([0, len(units) - 1], labels=["1", str(len(units))])
        axes.set_xlabel("units, sorted by asymmetry")
    axes.set_ylabel("asymmetry (1: optimistic)")
    return outside
