"""How the estimates settled, and whether anything moved while they did."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from rig.estimate.telling import SETTLED_HALF_WIDTH_HZ
from rig.population.shapes import DriftUnit
from rig.report.facts import Courses, Epoch, Facts, Floats
from rig.report.parts import Item, Missing, Number, Shown, why
from rig.report.scales import span
from rig.report.scatter import alike, around, cloud, known
from rig.report.style import (
    AMBER,
    BLUE,
    FAINT,
    INK,
    PALE,
    RED,
    finish,
    grid,
    note,
    nothing,
    panel,
    sheet,
    zero_line,
)
from rig.report.words import count, hz, ratio, short, ul

TITLE = "Settling and drift"
MOST_POINTS = 100
SMOOTH = 20


def settling_figure(facts: Facts, epoch: Epoch, key: str) -> Item:
    """Estimates over rewarded trials, their widths, the responses' drift, and recent against all."""
    courses = epoch.courses()
    if not courses.units:
        return Missing(key, TITLE, epoch.why_no_units)
    figure = sheet(4.7)
    places = grid(figure, 2, 2, wspace=0.25, hspace=0.48, top=0.3, right=0.2)
    _courses(panel(figure, places[0, 0], "a  reversal points"), epoch, courses)
    _widths(panel(figure, places[0, 1], "b  half widths of the 95 % intervals"), courses)
    trials, drift = residuals(facts, epoch)
    _drift(panel(figure, places[1, 0], "c  all units together"), trials, drift)
    view = epoch.view
    units = view.population.drift if view else ()
    _recent(panel(figure, places[1, 1], "d  recent against all"), units)
    parted, lost = [u.unit for u in units if u.parted], [u.unit for u in units if u.lost]
    widths = courses.half_width_hz[-1]
    middle = float(np.nanmedian(widths))
    numbers = [
        Number("rewarded trials that count", int(courses.rewarded[-1]), str(courses.rewarded[-1])),
        Number("median half width at the end", middle, f"{middle:.2f} Hz"),
        Number("units that parted from their past", len(parted), _named(parted)),
    ]
    missing = []
    if any(unit.lost is not None for unit in units):
        numbers.append(Number("units that fell silent", len(lost), _named(lost)))
    together = view.population.drift_together if view else None
    if together is not None:
        value = f"{hz(together.hz)} ({ratio(together.standard_errors)} standard errors)"
        numbers.append(Number("recent less all responses", together.hz, value))
    elif view is not None:
        missing.append(f"Nothing on all units together: {why(view.population, 'drift_together')}.")
    return Shown(
        key,
        TITLE,
        finish(figure, key, "Reversal points over rewarded trials, interval widths, and drift"),
        "a and b: every unit's estimate after each rewarded trial, and how wide its interval still is; "
        "the three units drawn darker end lowest, in the middle and highest. c: response less the unit's "
        f"own mean to that size, mean over units (dots), smoothed over {SMOOTH} trials (line). d: "
        "estimates in which a trial counts half after 100 later ones, against those of all trials.",
        "One unit's drift is hard to see within a session: a quiet alarm is no proof of stability. A line "
        "in c that leaves zero means that all moved together: thirst, or a valve that clogs.",
        tuple(numbers),
        missing=tuple(missing),
    )


def residuals(facts: Facts, epoch: Epoch) -> tuple[Floats, Floats]:
    """Rewarded trials of an epoch, and how far the units answered above their own means, in Hz.

    A unit's mean is taken over trials of one condition and size; the mean over units is returned.
    """
    later = [e.first_trial for e in facts.epochs if e.first_trial > epoch.first_trial]
    until = min(later, default=len(facts.records) + epoch.first_trial + 1)
    kinds: dict[tuple[float, str], list[int]] = {}
    rows: list[tuple[int, dict[str, float]]] = []
    for record in facts.records:
        response = facts.responses.get(record.number)
        if response is None or not epoch.first_trial <= record.number < until:
            continue
        values = {
            unit: value
            for unit, value in zip(response.units, response.response_hz, strict=True)
            if value is not None
        }
        if values:
            kinds.setdefault((record.spec.reward_ul, record.spec.condition), []).append(len(rows))
            rows.append((record.number, values))
    names = list(dict.fromkeys(unit for _, values in rows for unit in values))
    table = np.array([[values.get(name, np.nan) for name in names] for _, values in rows]).reshape(
        len(rows), -1
    )
    left = np.full(len(rows), np.nan)
    for places in kinds.values():
        of_kind = table[places]
        seen = np.isfinite(of_kind)
        means = np.where(seen, of_kind, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        moved = np.where(seen, of_kind - means, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        left[places] = moved
    return np.array([number for number, _ in rows], dtype=np.float64), left


def _named(units: list[str]) -> str:
    if not units:
        return "none"
    told = ", ".join(short(unit, 16) for unit in units[:6])
    return f"{len(units)} ({told}{', …' if len(units) > 6 else ''})"


def _thinned(points: int) -> list[int]:
    if points <= MOST_POINTS:
        return list(range(points))
    return [round(place) for place in np.linspace(0, points - 1, MOST_POINTS)]


def _courses(axes: Axes, epoch: Epoch, courses: Courses) -> None:
    rows = _thinned(len(courses.rewarded))
    x = courses.rewarded[rows]
    final = courses.hz[-1]
    ended = [int(k) for k in np.argsort(final) if np.isfinite(final[k])]
    chosen = list(dict.fromkeys([ended[0], ended[len(ended) // 2], ended[-1]])) if ended else []
    # all quiet ones as one line with gaps: one path
    quiet = [k for k in range(len(courses.units)) if k not in chosen]
    gap = np.array([np.nan])
    if quiet:
        axes.plot(
            np.concatenate([np.concatenate([x, gap]) for _ in quiet]),
            np.concatenate([np.concatenate([courses.hz[rows, k], gap]) for k in quiet]),
            color=BLUE, linewidth=0.4, alpha=0.35,
        )  # fmt: skip
    ul_of = {unit.unit: unit.bayes_ul for unit in epoch.units}
    for k in chosen:
        axes.plot(x, courses.hz[rows, k], color=INK, linewidth=0.9)
        axes.annotate(ul(ul_of.get(courses.units[k])), (x[-1], final[k]), (3, 0), textcoords="offset points",
                      va="center", fontsize=6.5, annotation_clip=False)  # fmt: skip
    axes.set_ylim(*span(epoch))
    axes.set_xlim(0, float(x[-1]) * 1.13 + 1)
    axes.set_ylabel("reversal point (Hz)")
    axes.set_xlabel("rewarded trials")


def _widths(axes: Axes, courses: Courses) -> None:
    rows = [k for k in _thinned(len(courses.rewarded)) if np.isfinite(courses.half_width_hz[k]).any()]
    x, widths = courses.rewarded[rows], courses.half_width_hz[rows]
    low, middle, high = np.nanquantile(widths, (0.1, 0.5, 0.9), axis=1)
    axes.fill_between(x, low, high, color=AMBER, alpha=0.25, linewidth=0)
    axes.plot(x, middle, color=AMBER, linewidth=1.2)
    axes.axhline(SETTLED_HALF_WIDTH_HZ, color=INK, linewidth=0.7, dashes=(3, 2))
    axes.annotate("settled", (1, SETTLED_HALF_WIDTH_HZ), (-2, 2), xycoords=("axes fraction", "data"),
                  textcoords="offset points", ha="right", fontsize=6.5)  # fmt: skip
    axes.set_ylim(0, float(np.nanmax(high)) * 1.08)
    axes.set_xlim(0, float(courses.rewarded[-1]) + 1)
    axes.set_xlabel("rewarded trials")
    axes.set_ylabel("Hz (median, 10 to 90 % of units)")


def _drift(axes: Axes, trials: Floats, drift: Floats) -> None:
    if not len(trials):
        nothing(axes, "no responses to rewards")
        return
    zero_line(axes)
    axes.plot(trials + 1, drift, "o", color=PALE, markersize=1.6)
    if len(trials) >= SMOOTH:
        kernel = np.ones(SMOOTH) / SMOOTH
        axes.plot(
            np.convolve(trials + 1, kernel, "valid"),
            np.convolve(drift, kernel, "valid"),
            color=BLUE,
            linewidth=1.3,
        )
    axes.set_xlabel("trial")
    axes.set_ylabel("response above own mean (Hz)")


def _recent(axes: Axes, units: tuple[DriftUnit, ...]) -> None:
    if not len(known([(u.full_hz, u.recent_hz) for u in units])):
        nothing(axes, "no unit has both estimates yet")
        return
    limits = around(known([(u.full_hz, u.recent_hz) for u in units]))
    axes.plot(limits, limits, color=PALE, linewidth=0.8, zorder=0)
    cloud(axes, known([(u.full_hz, u.recent_hz) for u in units if not (u.parted or u.lost)]), limits, limits)
    for chosen, marker, colour, words in (
        ([u for u in units if u.parted], "X", RED, "parted"),
        ([u for u in units if u.lost and not u.parted], "s", FAINT, "silent"),
    ):
        points = known([(u.full_hz, u.recent_hz) for u in chosen])
        if len(points):
            axes.plot(points[:, 0], points[:, 1], marker, color=colour, markersize=5, clip_on=False)
            axes.annotate(words, points[0], (5, 0), textcoords="offset points", va="center", fontsize=6.5)
    axes.set_xlabel("from all trials (Hz)")
    axes.set_ylabel("from recent trials (Hz)")
    alike(axes)
    axes.set_anchor("W")
    note(axes, 0.02, 1.0, count(len(units), "unit"))
