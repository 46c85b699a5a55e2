"""What a page consists of: figures with their words and numbers, and reasons where a figure cannot be."""

from __future__ import annotations

from dataclasses import dataclass

from rig.population.shapes import Population


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a figure.

    Attributes
    ----------
    name
        What it is.
    value
        As exact as it is known; None where it has no one value.
    text
        As people read it.
    """

    name: str
    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers that are compared: a row each, a column for what they are of.

    Attributes
    ----------
    head
        Names of the columns; the first is that of the rows' names.
    rows
        Name of each row, and its numbers; None where there is none.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Number | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure.

    Attributes
    ----------
    key
        Names it in links and in the drawing's own references; letters and ``-``.
    drawing
        SVG.
    caption
        What is seen, in a sentence or two.
    careful
        What must not be concluded from it; empty if there is nothing to warn of.
    numbers, grid
        What the figure says, as text.
    missing
        Sentences about parts of it that could not be drawn.
    """

    key: str
    title: str
    drawing: str
    caption: str
    careful: str = ""
    numbers: tuple[Number, ...] = ()
    grid: Grid | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that cannot be drawn, and why."""

    key: str
    title: str
    why: str


Item = Shown | Missing


def why(population: Population, *paths: str) -> str:
    """Return the reason of a null, by the first of the paths that has one, or that leads to one."""
    for path in paths:
        if path in population.reasons:
            return population.reasons[path]
    for path in paths:
        for known, reason in population.reasons.items():
            if known.startswith(f"{path}.") or path.startswith(f"{known}."):
                return reason
    return "it was not worked out"
