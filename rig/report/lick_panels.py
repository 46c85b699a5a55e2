"""Licks around the trials' first events: every one of them, and their rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from rig.report.facts import Floats
from rig.report.licks import Licks, stimulus_s
from rig.report.style import DASHES, FAINT, INK, MARKERS, PALE, SERIES
from rig.report.words import count, short
from rig.trial.spec import TrialRecord
from rig.units import US_PER_S

BIN_S = 0.1
LONGEST_S = 12.0


def appearance(number: int) -> tuple[str, str, Any]:
    """Colour, marker and line style of a condition; no two of the first seven share any."""
    return SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)], DASHES[number % len(DASHES)]


def _window(records: Sequence[TrialRecord]) -> tuple[float, float]:
    waits = [
        (record.reward_us - record.stimulus_us) / US_PER_S
        for record in records
        if record.reward_us is not None and record.stimulus_us is not None
    ]
    return -1.0, float(np.ceil(min(max(waits, default=0.0) + 2.5, LONGEST_S)))


def draw_raster(
    axes: Axes, everything: Sequence[TrialRecord], licks: Licks, looks: Mapping[str, int]
) -> None:
    """Draw every lick, trials grouped by condition; `looks` numbers the conditions."""
    window = _window(everything)
    row, labels = 0, []
    for condition, look in looks.items():
        records = [r for r in everything if r.spec.condition == condition and r.stimulus_us is not None]
        if not records:
            continue
        colour, _, _ = appearance(look)
        if (shade := _cue_length_s(records)) is not None:
            axes.fill_between(
                (0, min(shade, window[1])), row, row + len(records), color=PALE, alpha=0.45, linewidth=0
            )
        x: list[Floats] = []
        y: list[Floats] = []
        drops = []
        for k, record in enumerate(records):
            event = stimulus_s(record) or 0.0
            at = licks.around(event, window)
            x.append(np.column_stack([at, at, np.full(at.size, np.nan)]).ravel())
            y.append(np.tile([row + k + 0.1, row + k + 0.9, np.nan], at.size))
            if record.reward_us is not None:
                drops.append(((record.reward_us - (record.stimulus_us or 0)) / US_PER_S, row + k + 0.5))
        axes.plot(np.concatenate(x), np.concatenate(y), color=INK, linewidth=0.35)
        if drops:
            axes.plot(*np.array(drops).T, "o", color=colour, markersize=1.6, markeredgewidth=0)
        labels.append((row + len(records) / 2, short(condition, 16)))
        row += len(records)
        axes.axhline(row, color=FAINT, linewidth=0.4)
    axes.set_xlim(*window)
    axes.set_ylim(max(row, 1), 0)
    axes.set_yticks([at for at, _ in labels], labels=[words for _, words in labels], fontsize=6.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds from the first event")


def _cue_length_s(records: Sequence[TrialRecord]) -> float | None:
    """Median length of the trials' own cue; None if they have none."""
    lengths = []
    for record in records:
        on = off = None
        for change in record.outputs:
            if change.name == record.spec.cue and change.on and on is None:
                on = change.at_us
            elif change.name == record.spec.cue and not change.on and on is not None and off is None:
                off = change.at_us
        if on is not None and off is not None:
            lengths.append((off - on) / US_PER_S)
    return float(np.median(lengths)) if lengths else None


def draw_rates(axes: Axes, everything: Sequence[TrialRecord], licks: Licks, looks: Mapping[str, int]) -> None:
    """Draw the mean lick rate of each condition; `looks` numbers the conditions."""
    low, high = _window(everything)
    edges = np.linspace(low, high, round((high - low) / BIN_S) + 1)
    for condition, look in looks.items():
        events = [
            at for r in everything if r.spec.condition == condition and (at := stimulus_s(r)) is not None
        ]
        if not events:
            continue
        rates = licks.rates_hz(np.array(events), edges)
        seen = np.isfinite(rates)
        enough = seen.sum(axis=0) >= max(2, len(events) / 4)
        mean = np.where(
            enough, np.where(seen, rates, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1), np.nan
        )
        colour, _, dashes = appearance(look)
        axes.plot((edges[:-1] + edges[1:]) / 2, mean, color=colour, linewidth=1.1, linestyle=dashes,
                  label=f"{short(condition, 18)} ({count(len(events), 'trial')})")  # fmt: skip
    axes.axvline(0, color=FAINT, linewidth=0.5)
    axes.set_xlim(low, high)
    axes.set_ylim(0, axes.get_ylim()[1] * (1.05 + 0.085 * len(looks)))
    axes.set_xlabel("seconds from the first event")
    axes.set_ylabel("licks per second")
    axes.legend(loc="upper left", handlelength=2.2)
