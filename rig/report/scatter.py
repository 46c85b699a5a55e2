"""Two panels that several figures share: a square scatter, and a histogram with its mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rig.report.facts import Floats
from rig.report.style import BLUE, INK, PALE, note, nothing, zero_line
from rig.report.words import ratio

NARROWEST = 3.0
"""Shortest stretch of an axis in Hz: a finer one would make noise look like news."""
Pair = tuple[float | None, float | None]


def known(pairs: Sequence[Pair]) -> Floats:
    """The pairs that are complete, shape (pairs, 2)."""
    told = [pair for pair in pairs if pair[0] is not None and pair[1] is not None]
    return np.array(told, dtype=np.float64).reshape(-1, 2)


def square(axes: Axes, pairs: Sequence[Pair], limits: tuple[float, float], *, colour: str = BLUE) -> int:
    """Draw pairs of the same quantity about the diagonal; return how many there were.

    Points outside the limits are drawn at the edge, hollow.
    """
    points = known(pairs)
    if not len(points):
        nothing(axes, "no unit has both")
        return 0
    axes.plot(limits, limits, color=PALE, linewidth=0.8, zorder=0)
    cloud(axes, points, limits, limits, colour=colour)
    alike(axes)
    return len(points)


def alike(axes: Axes) -> None:
    """Make both axes of one quantity look alike: same length, same ticks."""
    axes.set_aspect("equal", "box")
    low, high = axes.get_ylim()
    ticks = [float(tick) for tick in axes.get_yticks() if low <= tick <= high]
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)


def around(points: Floats, room: float = 0.08) -> tuple[float, float]:
    """Limits that hold all coordinates of some points, with room about them."""
    if not points.size:
        return -1.0, 1.0
    low, high = float(points.min()), float(points.max())
    half = max(high - low, NARROWEST) * (0.5 + room)
    return (low + high) / 2 - half, (low + high) / 2 + half


def cloud(
    axes: Axes, points: Floats, x: tuple[float, float], y: tuple[float, float], *, colour: str = BLUE
) -> None:
    """Draw points; those outside the limits at the edge, hollow."""
    size = float(np.clip(60 / max(len(points), 1) ** 0.75, 1.8, 4.0))
    at = np.column_stack([np.clip(points[:, 0], *x), np.clip(points[:, 1], *y)]) if len(points) else points
    inside = (at == points).all(axis=1)
    look: dict[str, Any] = {
        "markeredgecolor": colour,
        "markersize": size,
        "markeredgewidth": 0.6,
        "clip_on": False,
    }
    axes.plot(at[inside, 0], at[inside, 1], "o", color=colour, alpha=0.75, **look)
    axes.plot(at[~inside, 0], at[~inside, 1], "o", color="white", **look)
    axes.set_xlim(*x)
    axes.set_ylim(*y)


def correlations(axes: Axes, values: Sequence[float], mean: float | None, *, colour: str = BLUE) -> None:
    """Histogram of R over the partitions, its mean as a line with the number beside it."""
    if not values:
        nothing(axes, "no halving gives an R")
        return
    edges = np.linspace(-1, 1, 41)
    counts, _ = np.histogram(values, edges)
    axes.stairs(counts, edges, fill=True, color=colour, alpha=0.35)
    axes.stairs(counts, edges, color=colour, linewidth=0.6)
    zero_line(axes, vertical=True)
    axes.set_xlim(-1, 1)
    axes.set_ylim(0, max(float(counts.max(initial=1)) * 1.2, 1.0))
    axes.set_xticks([-1, -0.5, 0, 0.5, 1], labels=["−1", "−0.5", "0", "0.5", "1"])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("R over units")
    if mean is not None:
        axes.axvline(mean, color=INK, linewidth=1.0)
        left = mean > 0.1
        at = (mean + 1) / 2
        side = "right" if left else "left"
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        note(
            axes, at + (-0.03 if left else 0.03), 0.98, f"mean {ratio(mean)}", ha=side, color=INK, bbox=ground
        )
