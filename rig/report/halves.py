"""Do reversal points repeat? Random halves, and the two halves of the session."""

from __future__ import annotations

from collections.abc import Iterator

from rig.population.shapes import Population, Repeat, UnitFigures
from rig.report.facts import Epoch
from rig.report.parts import Grid, Item, Missing, Number, Shown, why
from rig.report.scales import span
from rig.report.scatter import Pair, correlations, square
from rig.report.style import AMBER, BLUE, INK, finish, grid, note, panel, sheet
from rig.report.words import probability, ratio

TITLE = "Do the reversal points repeat?"
HEAD = ("", "R", "SD over halvings", "mean P", "geometric mean P")
METHODS = (("paper", "published sign count"), ("isotonic", "isotonic crossing"))


def halves_figure(epoch: Epoch, key: str) -> Item:
    """Scatter of one halving, R over all halvings, and the halves in time; a row for each estimator."""
    view = epoch.view
    if view is None:
        return Missing(key, TITLE, epoch.why_no_units)
    population, units = view.population, view.figures.units
    repeats = [getattr(part, name) for part in _parts(population) for name, _ in METHODS]
    if all(repeat is None for repeat in repeats):
        return Missing(key, TITLE, why(population, "split_half.paper", "split_half", "time_split"))
    limits = span(epoch, 0.05)
    figure = sheet(4.75)
    places = grid(figure, 2, 3, wspace=0.42, hspace=0.5, top=0.3)
    for row, (name, words) in enumerate(METHODS):
        colour = (BLUE, AMBER)[row]
        random = panel(figure, places[row, 0], f"{'ad'[row]}  {words}")
        square(random, _pairs(units, f"halves_{name}"), limits, colour=colour)
        random.set_xlabel("one random half (Hz)")
        random.set_ylabel("the other half (Hz)")
        values: tuple[float, ...] = getattr(view.figures, f"r_{name}")
        spreads = panel(figure, places[row, 1], f"{'be'[row]}  R over {len(values)} halvings")
        split: Repeat | None = getattr(population.split_half, name)
        correlations(spreads, values, split.r if split else None, colour=colour)
        timed = panel(figure, places[row, 2], f"{'cf'[row]}  halves in time")
        square(timed, _pairs(units, f"times_{name}"), limits, colour=colour)
        timed.set_xlabel("first half of the session (Hz)")
        timed.set_ylabel("second half (Hz)")
        apart: Repeat | None = getattr(population.time_split, name)
        if apart is not None:
            note(timed, 0.05, 0.97, f"R {ratio(apart.r)}", color=INK)
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Reversal points of one half of the trials against those of the other half"),
        "Each dot is a unit, its reversal point from one half of the trials against that from the other; on "
        "the diagonal it repeats exactly. The middle column holds R for every way of halving; the first "
        "column shows one of them.",
        "That reversal points repeat does not prove a distributional code: a constant added to each unit's "
        "responses repeats just as well. A time-split R well below the random-split R means that something "
        "drifts.",
        grid=Grid(HEAD, halves_rows(population)),
        missing=tuple(_missing(population)),
    )


def _parts(population: Population) -> tuple[object, object]:
    return population.split_half, population.time_split


def _pairs(units: tuple[UnitFigures, ...], name: str) -> list[Pair]:
    return [getattr(unit, name) for unit in units]


def halves_rows(population: Population) -> tuple[tuple[str, tuple[Number | None, ...]], ...]:
    """Return R, its spread and both kinds of P of each way to halve, for the columns of `HEAD`."""
    return tuple(_rows(population))


def _rows(population: Population) -> Iterator[tuple[str, tuple[Number | None, ...]]]:
    for part, where in (("split_half", "random halves"), ("time_split", "halves in time")):
        for name, words in METHODS:
            repeat: Repeat | None = getattr(getattr(population, part), name)
            if repeat is None:
                continue
            row = f"{where}, {words}"
            many = repeat.r_sd is not None
            yield (
                row,
                (
                    Number(f"R, {row}", repeat.r, ratio(repeat.r)),
                    Number(f"SD, {row}", repeat.r_sd, ratio(repeat.r_sd)) if many else None,
                    Number(f"{'mean ' * many}P, {row}", repeat.p_mean, probability(repeat.p_mean)),
                    Number(f"geometric mean P, {row}", repeat.p_geometric, probability(repeat.p_geometric))
                    if many
                    else None,
                ),
            )


def _missing(population: Population) -> list[str]:
    told = []
    for part, where in (("split_half", "random halves"), ("time_split", "halves in time")):
        for name, words in METHODS:
            if getattr(getattr(population, part), name) is None:
                told.append(f"No R for {where}, {words}: {why(population, f'{part}.{name}', part)}.")
    return told
