"""The same units in two epochs: where they moved when the reward distribution changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rig.report.facts import Epoch, Facts, Floats
from rig.report.parts import Item, Missing, Number, Shown
from rig.report.scales import mean_utility
from rig.report.scatter import alike, around, cloud
from rig.report.style import BLUE, INK, PALE, finish, grid, note, panel, sheet, zero_line
from rig.report.words import count, hz, ratio, short

TITLE = "From epoch to epoch"
MOST = 3
"""Pairs of epochs on one page; of more the last ones are shown."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two epochs, one after the other, and the units that have a reversal point in both.

    Attributes
    ----------
    points
        float64, shape (units, 2), in Hz.
    sd
        float64, shape (units,): standard deviation of each unit's move, in Hz.
    meant
        How far the mean of the declared rewards moved; None if it is not known.
    """

    before: Epoch
    after: Epoch
    points: Floats
    sd: Floats
    meant: float | None

    @property
    def moves(self) -> Floats:
        """How far each unit moved, in Hz."""
        return np.asarray(self.points[:, 1] - self.points[:, 0], dtype=np.float64)


def epochs_figure(facts: Facts, key: str) -> Item:
    """Reversal points of each epoch against those of the one before, and each unit's move."""
    pairs = [_pair(before, after) for before, after in zip(facts.epochs, facts.epochs[1:], strict=False)]
    pairs = [pair for pair in pairs if len(pair.points)][-MOST:]
    if not pairs:
        return Missing(key, TITLE, "no unit has a reversal point in two epochs that follow each other")
    figure = sheet(0.4 + 2.4 * len(pairs))
    places = grid(figure, len(pairs), 2, wspace=0.2, hspace=0.5, top=0.3, width_ratios=(1, 1.5))
    letters = iter("abcdef")
    numbers: list[Number] = []
    for row, pair in enumerate(pairs):
        where = f"epoch {pair.before.number} to {pair.after.number}"
        _scatter(panel(figure, places[row, 0], f"{next(letters)}  {where}"), pair)
        _moves(panel(figure, places[row, 1], f"{next(letters)}  moves"), pair)
        numbers += _numbers(pair, where)
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Reversal points of each epoch against the epoch before, and each unit's move"),
        "Left: each unit's reversal point in one epoch against that in the next, whose reward "
        "distribution differs as declared beforehand; the cross is the mean of the rewards in both. "
        "Right: how far each unit moved, with the 95 % interval. If all learned one mean, all would move "
        "as it did (dashed line); in an expectile code each unit moves as its own expectile does.",
        "What looks like little movement may be slow learning: the animal may still be on its way.",
        tuple(numbers),
    )


def _pair(before: Epoch, after: Epoch) -> Pair:
    earlier = {unit.unit: unit for unit in before.estimated}
    both = [(earlier[unit.unit], unit) for unit in after.estimated if unit.unit in earlier]
    points = np.array([(one.bayes_hz, other.bayes_hz) for one, other in both], dtype=np.float64).reshape(
        -1, 2
    )
    sds = np.array([(one.bayes_sd_hz, other.bayes_sd_hz) for one, other in both], dtype=np.float64)
    means = mean_utility(before), mean_utility(after)
    meant = None if means[0] is None or means[1] is None else means[1] - means[0]
    return Pair(before, after, points, np.hypot(*sds.reshape(-1, 2).T), meant)


def _name(epoch: Epoch) -> str:
    return short(epoch.name, 22) or f"epoch {epoch.number}"


def _scatter(axes: Axes, pair: Pair) -> None:
    limits = around(pair.points)
    axes.plot(limits, limits, color=PALE, linewidth=0.8, zorder=0)
    cloud(axes, pair.points, limits, limits)
    means = mean_utility(pair.before), mean_utility(pair.after)
    if means[0] is not None and means[1] is not None:
        axes.plot(means[0], means[1], "+", color=INK, markersize=9, markeredgewidth=1.2)
    alike(axes)
    axes.set_anchor("W")
    axes.set_xlabel(f"{_name(pair.before)} (Hz)")
    axes.set_ylabel(f"{_name(pair.after)} (Hz)")
    note(axes, 0.03, 1.0, count(len(pair.points), "unit"), color=INK)


def _moves(axes: Axes, pair: Pair) -> None:
    order = np.argsort(pair.moves)
    moves, reach = pair.moves[order], 1.96 * pair.sd[order]
    x = np.arange(len(moves), dtype=np.float64)
    zero_line(axes)
    if pair.meant is not None:
        axes.axhline(pair.meant, color=INK, linewidth=0.8, dashes=(3, 2))
        beside: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        away, side = (-3, "top") if pair.meant < 0 else (3, "bottom")
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        words: Any = {"ha": "right", "va": side, "fontsize": 6.5, "bbox": ground}
        axes.annotate("mean of the rewards", (1, pair.meant), (-2, away), **beside, **words)
    between = np.column_stack([moves - reach, moves + reach, np.full(x.size, np.nan)]).ravel()
    axes.plot(np.repeat(x, 3), between, color=BLUE, linewidth=0.8)
    axes.plot(x, moves, "o", color=BLUE, markersize=float(np.clip(120 / len(x), 1.6, 3.6)))
    axes.set_xlim(-0.8, len(x) - 0.2)
    axes.set_xticks([0, len(x) - 1] if len(x) > 1 else [0], labels=["1", str(len(x))][: min(len(x), 2)])
    axes.set_xlabel("units, sorted by move")
    axes.set_ylabel("move (Hz)")


def _numbers(pair: Pair, where: str) -> list[Number]:
    moved = float(pair.moves.mean())
    told = [Number(f"mean move, {where}", moved, hz(moved))]
    if pair.meant is not None:
        told.append(Number(f"move of the rewards' mean, {where}", pair.meant, hz(pair.meant)))
    if len(pair.points) >= 4 and (pair.points.max(axis=0) > pair.points.min(axis=0)).all():
        r = float(np.atleast_2d(np.corrcoef(pair.points.T))[0, 1])
        told.append(Number(f"R over units, {where}", r, ratio(r)))
    return told
