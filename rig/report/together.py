"""Every number on reliability in one table, ahead of the figures: none of them means much alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rig.population.shapes import PopulationView
from rig.report.halves import HEAD, halves_rows
from rig.report.parts import Grid, Number
from rig.report.words import probability, ratio, size

Row = tuple[str, tuple[Number | None, ...]]


def together(view: PopulationView) -> Grid | None:
    """Return R, its spread and both kinds of P of every check; None if no statistic is known."""
    rows = (*halves_rows(view.population), *_relations(view))
    return Grid(HEAD, rows) if rows else None


def _relations(view: PopulationView) -> Iterator[Row]:
    asymmetry, baseline = view.population.asymmetry_reversal, view.population.baseline_reversal
    if asymmetry is not None:
        spread = float(np.std(view.figures.r_asymmetry)) if len(view.figures.r_asymmetry) > 1 else None
        row = "asymmetry and reversal point, of different halves"
        sd = Number(f"SD, {row}", spread, ratio(spread)) if spread is not None else None
        yield (
            row,
            (
                Number(f"R, {row}", asymmetry.r, ratio(asymmetry.r)),
                sd,
                Number(f"mean P, {row}", asymmetry.p, probability(asymmetry.p)),
                None,
            ),
        )
    if baseline is not None:
        row = "baseline rate and reversal point"
        r, p = Number(f"R, {row}", baseline.r, ratio(baseline.r)), baseline.p
        yield row, (r, None, Number(f"P, {row}", p, probability(p)), None)


def divided(view: PopulationView) -> str:
    """Return at which size most units go the rarer way, in a sentence; empty if nothing is known."""
    counts = view.population.up_down
    if not counts:
        return ""
    at_ul, up, down = max(counts, key=lambda row: (min(row[1:]), max(row[1:])))
    if not min(up, down):
        return "At no size are some units significantly up and others down."
    return f"At {size(at_ul)} µL {up} units are significantly up, {down} down."
