"""The utility axis in figures: Hz below, the reward sizes where they stand above."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from rig.report.facts import Epoch, Floats
from rig.report.style import FAINT
from rig.report.words import size


def labelled(sizes_ul: Sequence[float], axis_hz: Sequence[float], apart_hz: float) -> list[str]:
    """Return the sizes as labels; those that would run into another are empty.

    The largest and the smallest come first, then each next one below that has room.
    """
    last = len(axis_hz) - 1
    kept: list[int] = []
    for k in dict.fromkeys((last, 0, *range(last - 1, 0, -1))):
        if all(abs(axis_hz[k] - axis_hz[j]) >= apart_hz for j in kept):
            kept.append(k)
    return [size(volume) if k in kept else "" for k, volume in enumerate(sizes_ul)]


def sizes_on_top(axes: Axes, epoch: Epoch, *, name: str = "reward size (µL)") -> None:
    """Add an axis above with the reward sizes; call it when the limits are final."""
    low, high = axes.get_xlim()
    width_in = axes.get_position().width * axes.figure.get_size_inches()[0]  # type: ignore[union-attr]
    top = axes.secondary_xaxis("top")
    top.set_xticks(
        epoch.axis_hz, labels=labelled(epoch.sizes_ul, epoch.axis_hz, (high - low) / width_in * 0.24)
    )
    top.tick_params(length=2.5, color=FAINT)
    top.spines["top"].set_visible(True)
    top.spines["top"].set_color(FAINT)
    if name:
        top.set_xlabel(name)


def span(epoch: Epoch, more: float = 0.04) -> tuple[float, float]:
    """Limits that hold the whole utility axis."""
    low, high = epoch.axis_hz[0], epoch.axis_hz[-1]
    if low == high:
        return low - 1.0, high + 1.0
    return low - more * (high - low), high + more * (high - low)


def mean_utility(epoch: Epoch) -> float | None:
    """Where every unit would reverse if all predicted the mean of the declared rewards; None if unknown."""
    place = dict(zip(epoch.sizes_ul, epoch.axis_hz, strict=False))
    weights = [
        (place[kind.reward_ul], kind.count)
        for kind in epoch.declared
        if kind.reward_ul in place and (epoch.conditions is None or kind.condition in epoch.conditions)
    ]
    total = sum(count for _, count in weights)
    return sum(hz * count for hz, count in weights) / total if total else None


def column_of(epoch: Epoch, hz: Floats) -> Floats:
    """Place on an axis on which the sizes stand one apart, from 0."""
    placed: Floats = np.interp(hz, epoch.axis_hz, np.arange(len(epoch.axis_hz), dtype=np.float64))
    return placed
