"""The reward distribution that the units stand for, the one that was delivered, and the shuffled control."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rig.population.shapes import Decoding, PopulationView
from rig.report.facts import Epoch, Floats
from rig.report.parts import Grid, Item, Missing, Number, Shown, why
from rig.report.scales import labelled
from rig.report.style import BLUE, FAINT, INK, PALE, WASH, finish, grid, note, panel, sheet
from rig.report.words import hz

TITLE = "The distribution that the units decode to"
METHODS = (("convex", "convex least squares"), ("published", "published imputation"))
BINS = 60


def decoded_figure(epoch: Epoch, key: str) -> Item:
    """One row a method: decoded against delivered, their cumulative curves, and the shuffles."""
    view = epoch.view
    if view is None:
        return Missing(key, TITLE, epoch.why_no_units)
    decodings = view.population.decoding
    rows = [(words, told) for name, words in METHODS if (told := getattr(decodings, name)) is not None]
    if not rows:
        return Missing(key, TITLE, why(view.population, "decoding.convex", "decoding"))
    figure = sheet(0.55 + 2.05 * len(rows))
    places = grid(figure, len(rows), 3, wspace=0.24, hspace=0.62, top=0.3, width_ratios=(1.35, 1.15, 1))
    letters = iter("abcdef")
    for row, (words, told) in enumerate(rows):
        top = row == 0
        mirror = places[row, 0].subgridspec(2, 1, hspace=0.0, height_ratios=(1.5, 1))
        up, down = panel(figure, mirror[0], f"{next(letters)}  {words}"), panel(figure, mirror[1])
        _mirrored(up, down, epoch, view, told)
        _cumulative(panel(figure, places[row, 1], f"{next(letters)}  cumulative"), epoch, view, told, top=top)
        _shuffles(panel(figure, places[row, 2], f"{next(letters)}  against shuffles"), told)
    missing = [
        f"Not by the {words}: {why(view.population, f'decoding.{name}', 'decoding')}."
        for name, words in METHODS
        if getattr(decodings, name) is None
    ]
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Decoded against delivered reward distribution, with the shuffled control"),
        "If each unit stands at the expectile that its asymmetry names, all together decode to one "
        "distribution: up in a, with the 95 % band where it was drawn; down is what was delivered. The "
        "shaded area in b is the distance between the two. c shows that distance (line) beside the same "
        "with asymmetries shuffled.",
        "A smooth answer with the right mean is already close: what counts is the gap to the shuffles. "
        "Reversal points and asymmetries are from different halves of the trials, for from the same ones "
        "even a classical animal beats its shuffles.",
        grid=Grid(
            ("", "distance", "mean of its shuffles", "shuffles it beats", "decoded mean", "loss left"),
            tuple((words, _row(words, told)) for words, told in rows),
        ),
        missing=tuple(missing),
    )


def _row(words: str, told: Decoding) -> tuple[Number, ...]:
    beaten = sum(shuffled > told.wasserstein_hz for shuffled in told.shuffled_hz)
    control = float(np.mean(told.shuffled_hz)) if told.shuffled_hz else None
    mean = float(np.dot(told.x_hz, told.p))
    return (
        Number(f"distance, {words}", told.wasserstein_hz, f"{told.wasserstein_hz:.2f} Hz"),
        Number(f"mean of its shuffles, {words}", control, "none" if control is None else f"{control:.2f} Hz"),
        Number(f"shuffles it beats, {words}", beaten, f"{beaten} of {len(told.shuffled_hz)}"),
        Number(f"decoded mean, {words}", mean, hz(mean)),
        Number(f"loss left, {words}", told.loss, f"{told.loss:.2g}"),
    )


def _binned(x: Floats, p: Floats, edges: Floats) -> Floats:
    told, _ = np.histogram(x, edges, weights=p)
    return np.asarray(told, dtype=np.float64)


def _mirrored(up: Axes, down: Axes, epoch: Epoch, view: PopulationView, told: Decoding) -> None:
    x, p = np.array(told.x_hz), np.array(told.p)
    step = (epoch.axis_hz[-1] - epoch.axis_hz[0]) / (BINS - 1)
    edges: Floats = epoch.axis_hz[0] - step / 2 + step * np.arange(BINS + 1, dtype=np.float64)
    shares = _binned(x, p, edges)
    up.stairs(shares, edges, fill=True, color=BLUE, alpha=0.3)
    up.stairs(shares, edges, color=BLUE, linewidth=0.8)
    most = float(shares.max())
    if told.p_low and told.p_high:
        low, high = (_binned(x, np.array(band), edges) for band in (told.p_low, told.p_high))
        up.stairs(low, edges, color=BLUE, linewidth=0.5, linestyle=(0, (2, 1.5)))
        up.stairs(high, edges, color=BLUE, linewidth=0.5, linestyle=(0, (2, 1.5)))
        most = max(most, float(np.quantile(high, 0.98)))
    up.set_ylim(0, most * 1.12)
    delivered = view.figures.delivered
    down.vlines(epoch.axis_hz[: len(delivered)], 0, delivered, color=INK, linewidth=1.6)
    down.plot(epoch.axis_hz[: len(delivered)], delivered, "o", color=INK, markersize=2.5)
    down.set_ylim(max(delivered, default=1.0) * 1.45, 0)
    for axes, words, at in ((up, "decoded", 0.97), (down, "delivered (µL)", 0.04)):
        axes.set_xlim(edges[0], edges[-1])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        note(axes, 1.0, at, words, ha="right", va="top" if at > 0.5 else "bottom", color=INK)
    up.set_xticks([])
    down.set_xlabel("utility (Hz)")
    _hz_ticks(down)
    names = labelled(epoch.sizes_ul, epoch.axis_hz, (edges[-1] - edges[0]) * 0.07)
    for at_hz, share, name in zip(epoch.axis_hz, delivered, names, strict=False):
        # the smallest sizes stand close together: the first label goes to the outer side
        first = at_hz == epoch.axis_hz[0]
        down.annotate(
            name,
            (at_hz, share),
            (2 if first else 0, -3),
            textcoords="offset points",
            ha="right" if first else "center",
            va="top",
            fontsize=6,
        )


def _hz_ticks(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def _cumulative(axes: Axes, epoch: Epoch, view: PopulationView, told: Decoding, *, top: bool) -> None:
    low, high = epoch.axis_hz[0], epoch.axis_hz[-1]
    room = 0.03 * (high - low)
    order = np.argsort(told.x_hz)
    x, p = np.array(told.x_hz)[order], np.array(told.p)[order]
    sizes = np.array(epoch.axis_hz[: len(view.figures.delivered)])
    at = np.concatenate([[low - room], np.unique(np.concatenate([x, sizes])), [high + room]])
    mine = np.concatenate([[0.0], np.cumsum(p)])[np.searchsorted(x, at, side="right")]
    given = np.concatenate([[0.0], np.cumsum(view.figures.delivered)])[
        np.searchsorted(sizes, at, side="right")
    ]
    axes.fill_between(at, mine, given, step="post", color=WASH, linewidth=0)
    axes.step(at, given, where="post", color=INK, linewidth=1.0)
    axes.step(at, mine, where="post", color=BLUE, linewidth=1.0, linestyle=(0, (5, 1.2)))
    axes.set_xlim(at[0], at[-1])
    axes.set_ylim(0, 1.04)
    axes.set_yticks([0, 0.5, 1], labels=["0", "", "1"])
    axes.set_xlabel("utility (Hz)")
    _hz_ticks(axes)
    if top:
        note(axes, 0.03, 0.98, "— delivered", color=INK)
        note(axes, 0.03, 0.87, "- - decoded", color=BLUE)


def _shuffles(axes: Axes, told: Decoding) -> None:
    values = (*told.shuffled_hz, told.wasserstein_hz)
    low, high = min(values), max(values)
    room = max(0.12 * (high - low), 0.05)
    edges = np.linspace(low - room, high + room, 25)
    counts, _ = np.histogram(told.shuffled_hz, edges)
    axes.stairs(counts, edges, fill=True, color=PALE)
    axes.stairs(counts, edges, color=FAINT, linewidth=0.5)
    axes.axvline(told.wasserstein_hz, color=BLUE, linewidth=1.6)
    most = float(counts.max(initial=1))
    axes.set_ylim(0, most * 1.35)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("distance (Hz)")
    axes.locator_params(axis="x", nbins=4)
    right = told.wasserstein_hz < (edges[0] + edges[-1]) / 2
    share = (told.wasserstein_hz - edges[0]) / (edges[-1] - edges[0])
    note(
        axes,
        share + (0.03 if right else -0.03),
        1.0,
        "these units",
        color=BLUE,
        ha="left" if right else "right",
    )
    note(axes, 0.99 if right else 0.01, 0.86, "shuffled", ha="right" if right else "left")
