"""A simulated animal's true values against what was estimated of them."""

from __future__ import annotations

import math
import statistics

import numpy as np
from matplotlib.axes import Axes

from rig.report.facts import Epoch, Floats, Paper
from rig.report.parts import Grid, Item, Missing, Number, Shown
from rig.report.scatter import alike, around
from rig.report.style import BLUE, INK, PALE, PURPLE, RED, finish, grid, note, panel, sheet
from rig.report.words import count, hz, percent, ratio

TITLE = "Truth and estimate"
LEARNING = "In a later epoch the animal may still be on its way to these values."
NAMES = (("paper", "sign count"), ("isotonic", "isotonic"), ("bayes", "Bayes"))


def truth_figure(epoch: Epoch, paper: Paper, key: str) -> Item:
    """Reversal points and asymmetries against the truth that the simulated animal revealed."""
    truth = paper.truth
    if not truth:
        return Missing(key, TITLE, paper.no_truth or "nobody knows the true values")
    units = [unit for unit in epoch.estimated if unit.unit in truth]
    if not units:
        return Missing(key, TITLE, "no unit has a reversal point to compare")
    true = np.array([truth[unit.unit].reversal_hz for unit in units])
    told = np.array([unit.bayes_hz for unit in units], dtype=np.float64)
    ends = np.array([unit.bayes_ci95_hz or (np.nan, np.nan) for unit in units], dtype=np.float64)
    figure = sheet(3.4)
    places = grid(figure, 1, 2, wspace=0.25, top=0.3)
    held = _reversal(panel(figure, places[0], "a  reversal points"), true, told, ends)
    tau = np.array([truth[unit.unit].asymmetry for unit in units])
    guess = np.array([np.nan if u.asymmetry_bayes is None else u.asymmetry_bayes for u in units])
    _asymmetry(panel(figure, places[1], "b  asymmetries"), tau, guess)
    rows = []
    for name, words in NAMES:
        pairs = [(v, truth[u.unit].reversal_hz) for u in units if (v := getattr(u, f"{name}_hz")) is not None]
        if len(pairs) < 3:
            continue
        errors = [estimate - right for estimate, right in pairs]
        rmse = math.sqrt(statistics.fmean(error * error for error in errors))
        bias = statistics.fmean(errors)
        told_so = (
            Number(f"R, {words}", _r(pairs), ratio(_r(pairs))),
            Number(f"bias, {words}", bias, hz(bias)),
            Number(f"error, {words}", rmse, f"{rmse:.2f} Hz"),
        )
        rows.append((words, told_so))
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Estimated against true reversal points and asymmetries"),
        "This animal was simulated and revealed its true values at the end; nothing in the session read "
        "them. On the diagonal an estimate is right. Hollow red points: the 95 % interval misses the truth, "
        "as about one in twenty should.",
        LEARNING if epoch.number else "",
        numbers=(Number("intervals that hold the truth", held / len(units), percent(held / len(units))),),
        grid=Grid(("", "R with the truth", "bias", "error (root mean square)"), tuple(rows))
        if rows
        else None,
    )


def _r(pairs: list[tuple[float, float]]) -> float | None:
    try:
        return statistics.correlation([a for a, _ in pairs], [b for _, b in pairs])
    except statistics.StatisticsError:
        return None


def _reversal(axes: Axes, true: Floats, told: Floats, ends: Floats) -> int:
    """Draw; return how many intervals hold the truth."""
    limits = around(np.concatenate([true, ends[np.isfinite(ends)]]))
    inside = (ends[:, 0] <= true) & (true <= ends[:, 1])
    axes.plot(limits, limits, color=PALE, linewidth=0.8, zorder=0)
    gaps = np.full(len(true), np.nan)
    size = float(np.clip(60 / len(true) ** 0.75, 1.8, 4.0))
    for mask, fill, edge in ((inside, BLUE, BLUE), (~inside, "white", RED)):
        between = np.column_stack([ends[mask], gaps[mask]]).ravel()
        axes.plot(np.repeat(true[mask], 3), between, color=edge, linewidth=0.5, alpha=0.7)
        axes.plot(
            true[mask],
            told[mask],
            "o",
            color=fill,
            markeredgecolor=edge,
            markersize=size,
            markeredgewidth=0.8,
        )
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    alike(axes)
    axes.set_xlabel("true reversal point (Hz)")
    axes.set_ylabel("estimate, with 95 % interval (Hz)")
    note(axes, 0.03, 1.0, count(len(true), "unit"), color=INK)
    return int(inside.sum())


def _asymmetry(axes: Axes, true: Floats, told: Floats) -> None:
    axes.plot((0, 1), (0, 1), color=PALE, linewidth=0.8, zorder=0)
    axes.plot(true, told, "o", color=PURPLE, markersize=float(np.clip(60 / len(true) ** 0.75, 1.8, 4.0)))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "", "0.5", "", "1"])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "", "0.5", "", "1"])
    axes.set_aspect("equal", "box")
    axes.set_xlabel("true asymmetry")
    axes.set_ylabel("estimate (Bayes)")
