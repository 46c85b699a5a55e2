"""How figures look: one width, one type, few colours; no colour says anything alone.

Figures are made with matplotlib's objects, without pyplot. Its settings apply inside `drawing` only.
"""

from __future__ import annotations

import contextlib
import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from rig.report.svg import inline

WIDTH_IN: Final = 7.1
"""The text of an A4 page with margins of 15 mm: figures are printed at their own size."""
TALLEST_IN: Final = 8.4
"""What leaves room for the caption on a page."""

INK: Final = "#1c1c1a"
FAINT: Final = "#6b6b66"
PALE: Final = "#c9c9c4"
BLUE: Final = "#0072b2"
RED: Final = "#d55e00"
GREEN: Final = "#00795a"
PURPLE: Final = "#a0487c"
AMBER: Final = "#b87700"
SKY: Final = "#56b4e9"
WASH: Final = "#dbe9f3"
SERIES: Final = (BLUE, RED, GREEN, PURPLE, AMBER, SKY, INK)
MARKERS: Final = "osD^vPX"
DASHES: Final[tuple[Any, ...]] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 3)))
RAMP: Final = ("#440154", "#443983", "#31688e", "#21918c", "#35b779", "#7ac943", "#c9a800")
"""From the smallest reward to the largest (viridis, trimmed so that both ends show on white)."""

SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dopaloop",
    "font.family": ["DejaVu Sans"],
    "font.size": 7.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelsize": 7.5,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.xmargin": 0.02,
    "axes.ymargin": 0.05,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.pad": 2,
    "ytick.major.pad": 2,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.0,
    "path.simplify": True,
    "path.simplify_threshold": 0.11,
}


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Draw with our settings; matplotlib's own are as before afterwards."""
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        # A name in a script that DejaVu lacks is measured as boxes; the reader's own fonts show it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def sheet(height_in: float) -> Figure:
    """Return an empty figure of the page's width."""
    figure = Figure(figsize=(WIDTH_IN, min(height_in, TALLEST_IN)))
    figure.patch.set_visible(False)
    FigureCanvasSVG(figure)
    return figure


def grid(figure: Figure, rows: int, columns: int, **how: Any) -> GridSpec:
    """Divide a figure; `top`, `bottom`, `left`, `right` are margins in inches."""
    width, height = figure.get_size_inches()
    margins = {
        "left": how.pop("left", 0.55) / width,
        "right": 1 - how.pop("right", 0.15) / width,
        "bottom": how.pop("bottom", 0.45) / height,
        "top": 1 - how.pop("top", 0.35) / height,
    }
    return figure.add_gridspec(rows, columns, **margins, **how)


def panel(figure: Figure, place: Any, title: str = "", **how: Any) -> Axes:
    """Add axes; the title stands at the left, above."""
    axes: Axes = figure.add_subplot(place, **how)
    axes.patch.set_visible(False)
    if title:
        axes.set_title(title.replace("  ", "\N{EN SPACE}"))
    return axes


def finish(figure: Figure, key: str, label: str) -> str:
    """Return the figure as SVG for a page (see `rig.report.svg.inline`)."""
    text = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.canvas.print_figure(text, format="svg", metadata=nothing)
    return inline(text.getvalue(), key, label)


def ramp(number: int, of: int) -> str:
    """Colour of size `number` of `of`."""
    return RAMP[round(number / max(of - 1, 1) * (len(RAMP) - 1))]


def zero_line(axes: Axes, *, vertical: bool = False) -> None:
    """Mark zero."""
    draw = axes.axvline if vertical else axes.axhline
    draw(0, color=FAINT, linewidth=0.5, zorder=0.5)


def note(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    """Write into the axes; `x`, `y` are shares of their size."""
    given: dict[str, Any] = {"fontsize": 7, "color": FAINT, "ha": "left", "va": "top"} | how
    axes.text(x, y, text, transform=axes.transAxes, **given)


def nothing(axes: Axes, text: str) -> None:
    """Say in place of a panel why it is not there."""
    axes.set_axis_off()
    note(axes, 0.0, 0.97, "\n".join(textwrap.wrap(text, 34)))


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Move labels that stand closer than `apart` out of each other's way; order and centre stay.

    Examples
    --------
    >>> spread([0.0, 0.1, 5.0], 1.0)
    [-0.45, 0.55, 5.0]
    """
    order = sorted(range(len(places)), key=lambda k: places[k])
    groups: list[list[int]] = []
    centres: list[float] = []
    for k in order:
        groups.append([k])
        centres.append(places[k])
        while len(groups) > 1 and _top(centres[-2], groups[-2], apart) + apart > _low(
            centres[-1], groups[-1], apart
        ):
            last = groups.pop()
            centres.pop()
            groups[-1] += last
            centres[-1] = float(np.mean([places[j] for j in groups[-1]]))
    moved = list(places)
    for centre, group in zip(centres, groups, strict=True):
        for number, k in enumerate(group):
            moved[k] = round(_low(centre, group, apart) + number * apart, 9)
    return moved


def _low(centre: float, group: list[int], apart: float) -> float:
    return centre - (len(group) - 1) * apart / 2


def _top(centre: float, group: list[int], apart: float) -> float:
    return centre + (len(group) - 1) * apart / 2
