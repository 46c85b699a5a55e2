"""Fibres: a population's signal around the reward, and where it turns from below baseline to above."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from rig.documents import FibreResponseTaken
from rig.photometry.told import FibreTold
from rig.report.facts import Epoch, Floats
from rig.report.parts import Item, Missing, Number, Shown
from rig.report.scales import labelled, span
from rig.report.style import BLUE, FAINT, finish, grid, note, nothing, panel, ramp, sheet, zero_line
from rig.report.words import short, size

TITLE: Final = "What the fibres say of rewards"
MOST: Final = 4
"""Fibres that are drawn; the numbers are there of all."""
PER_CENT: Final = 100.0


def fibres_figure(epoch: Epoch, key: str) -> Item:
    """Mean dF/F around the reward and mean response by size, a row for each fibre."""
    fibres = epoch.fibres
    if not fibres:
        return Missing(key, TITLE, "no fibre answered a reward")
    drawn = fibres[:MOST]
    figure = sheet(0.7 + 1.75 * len(drawn))
    places = grid(figure, len(drawn), 2, wspace=0.3, hspace=0.6, top=0.3)
    letters = iter("abcdefgh")
    for row, told in enumerate(drawn):
        name = short(f"{told.source} {told.fibre}", 30)
        around = panel(figure, places[row, 0], f"{next(letters)}  {name}: around the reward")
        _around(around, epoch, told)
        by_size = panel(figure, places[row, 1], f"{next(letters)}  by size")
        _by_size(by_size, epoch, told)
    left_out = len(fibres) - len(drawn)
    return Shown(
        key,
        TITLE,
        finish(figure, key, "dF/F of each fibre around the reward, and its mean response by reward size"),
        "Left: mean dF/F around the reward (time zero), less that before the trial, a line for each reward "
        "size, the same colours as at the right. Right: mean response with its standard error; circle and "
        "bar on the zero line are the reversal point of the kinked model and its 95 % interval, the square "
        "is the isotonic crossing.",
        "A fibre sums over many neurons: it has one reversal point, and cannot tell whether neurons "
        "differ. No split halves, evidence or decoding are made of fibres.",
        tuple(number for told in fibres for number in _numbers(told)),
        missing=(f"{left_out} more fibre{'s are' if left_out > 1 else ' is'} not drawn.",)
        if left_out
        else (),
    )


def _around(axes: Axes, epoch: Epoch, told: FibreTold) -> None:
    mine = [r for r in epoch.fibre_responses if (r.source, r.fibre) == (told.source, told.fibre)]
    drawn = False
    for k, volume in enumerate(epoch.sizes_ul):
        found = [r for r in mine if r.reward_ul == volume and r.trace]
        if not found:
            continue
        seconds, mean = _mean(found)
        axes.plot(seconds, PER_CENT * mean, color=ramp(k, len(epoch.sizes_ul)), linewidth=1.0)
        drawn = True
    if not drawn:
        nothing(axes, "no trace was kept")
        return
    zero_line(axes)
    zero_line(axes, vertical=True)
    axes.set_xlabel("seconds from the reward")
    axes.set_ylabel("dF/F (%)")


def _mean(found: Sequence[FibreResponseTaken]) -> tuple[Floats, Floats]:
    """Mean trace less each trial's baseline; NaN where no trial has a sample."""
    first = found[0]
    long = [r for r in found if (r.start_ms, r.step_ms, len(r.trace)) == _grid_of(first)]
    table = np.array([[np.nan if x is None else x for x in r.trace] for r in long], dtype=np.float64)
    table -= np.array([[r.baseline_dff or 0.0] for r in long])
    seconds = (first.start_ms + first.step_ms * np.arange(table.shape[1])) / 1000.0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice")
        return seconds, np.nanmean(table, axis=0)


def _grid_of(response: FibreResponseTaken) -> tuple[int, int, int]:
    return response.start_ms, response.step_ms, len(response.trace)


def _by_size(axes: Axes, epoch: Epoch, told: FibreTold) -> None:
    estimate, axis = told.estimate, np.asarray(epoch.axis_hz)
    known = [k for k, mean in enumerate(estimate.mean_dff) if mean is not None and k < len(axis)]
    if not known:
        nothing(axes, estimate.reason or "no response was measured")
        return
    mean = np.array([estimate.mean_dff[k] for k in known], dtype=np.float64) * PER_CENT
    error = np.array([estimate.sem_dff[k] or 0.0 for k in known]) * PER_CENT
    axes.plot(axis[known], mean, color=FAINT, linewidth=0.8)
    for k, y, sem in zip(known, mean, error, strict=True):
        colour = ramp(k, len(axis))
        axes.errorbar(axis[k], y, sem, fmt="o", color=colour, markersize=3.5, elinewidth=0.8)
    zero_line(axes)
    _reversal(axes, epoch, told)
    low, high = span(epoch)
    axes.set_xlim(low, high)
    width_in = axes.get_position().width * axes.figure.get_size_inches()[0]  # type: ignore[union-attr]
    names = labelled(epoch.sizes_ul, epoch.axis_hz, (high - low) / width_in * 0.24)
    axes.set_xticks(epoch.axis_hz, labels=names)
    axes.set_xlabel("reward size (µL), on the utility axis")
    axes.set_ylabel("response, dF/F (%)")
    if estimate.reason:
        note(axes, 0.03, 0.97, estimate.reason)


def _reversal(axes: Axes, epoch: Epoch, told: FibreTold) -> None:
    estimate = told.estimate

    def place(ul: float) -> float:
        return float(np.interp(ul, epoch.sizes_ul, epoch.axis_hz))

    if estimate.bayes_ci95_ul is not None:
        axes.plot([place(ul) for ul in estimate.bayes_ci95_ul], [0, 0], color=BLUE, linewidth=2)
    for ul, shape in ((estimate.isotonic_ul, "s"), (estimate.bayes_ul, "o")):
        if ul is not None:
            axes.plot(place(ul), 0, shape, color="white", markeredgecolor=BLUE, markersize=4.5, zorder=5)


def _numbers(told: FibreTold) -> Iterator[Number]:
    estimate, name = told.estimate, short(f"{told.source} {told.fibre}")
    responses = sum(estimate.n)
    yield Number(f"{name}: responses", responses, str(responses))
    if estimate.bayes_ul is not None and estimate.bayes_ci95_ul is not None:
        low, high = estimate.bayes_ci95_ul
        words = f"{estimate.bayes_ul:.2f} µL (95 %: {low:.1f} to {high:.1f})"
        yield Number(f"{name}: reverses at", estimate.bayes_ul, words)
    if estimate.isotonic_ul is not None:
        yield Number(f"{name}: isotonic crossing", estimate.isotonic_ul, f"{estimate.isotonic_ul:.2f} µL")
    if estimate.between_ul is not None:
        between = " and ".join(size(ul) for ul in estimate.between_ul)
        yield Number(f"{name}: sign changes at 95 % between", None, f"{between} µL")
    if estimate.reason:
        yield Number(f"{name}: no reversal point", None, estimate.reason)
    if estimate.flags:
        yield Number(f"{name}: flags", None, ", ".join(estimate.flags))
    for reason, n in told.withheld.items():
        yield Number(f"{name}: withheld, {reason}", n, str(n))
