"""Find which stream pulse is which board pulse, knowing nothing but the intervals between them.

The board drives its sync line at random intervals of 0.5-2 s, so a handful of pulses in a row looks
like no other handful. One hypothesis is: "the newest pulse of this side is that pulse of the other".
It is worth as many pulses as then fall together. A hypothesis is believed if at least four pulses
agree, if they are most of the pulses between the first and the last of them, if they lie on one
straight line to a fifth of a millisecond, and if no other hypothesis is worth half as much. (A regular
pulse train never passes the last test, and rightly so: it cannot tell its pulses apart.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rig.units import US_PER_S

MIN_EDGES = 4
TOLERANCE_US = 1000.0
"""Of an interval; or one and a half samples, if that is longer: a slow device sees an edge a sample late."""
TOLERANCE_PPM = 300.0
"""Two clocks may differ by this much before anything is known of them."""
MIN_SHARE = 0.6
"""Of the pulses on either side, between the first and last that agree."""
SAME_US = 5000.0
"""Pulses closer than this (a bouncing line) make the same hypothesis."""
MAX_RESIDUAL_US = 200.0
"""From the straight line; or one and a half samples, if that is longer."""

Pair = tuple[int, int]
"""(sample, board time in us) of one pulse seen on both sides."""


def find_pairs(
    board_us: Sequence[int], samples: Sequence[int], rate_hz: float, *, newest_is_board: bool
) -> list[Pair] | None:
    """Match two trains of pulses by their intervals.

    Parameters
    ----------
    board_us
        Board times of the pulses that the board drove, in us.
    samples
        Sample numbers of the pulses that the stream saw, in order of arrival.
    rate_hz
        The stream's nominal sample rate.
    newest_is_board
        Which side's last pulse just came: it is the one that all hypotheses are about.

    Returns
    -------
    list of (sample, board time), ascending, or None if there is no single convincing match
    """
    if len(board_us) < MIN_EDGES or len(samples) < MIN_EDGES:
        return None
    # Both trains in microseconds from a pulse of their own: small numbers, whatever the clocks' age.
    ours = np.array([t - board_us[-1] for t in board_us], dtype=np.float64)
    theirs = np.array([s - samples[-1] for s in samples], dtype=np.float64) * (US_PER_S / rate_hz)
    coarse_us = 1.5 * US_PER_S / rate_hz
    if newest_is_board:
        match = _best_match(ours, theirs, max(TOLERANCE_US, coarse_us))
    else:
        flipped = _best_match(theirs, ours, max(TOLERANCE_US, coarse_us))
        match = None if flipped is None else [(i, j) for j, i in flipped]
    if match is None or not _most_agree(match, ours, theirs):
        return None
    match = _on_a_line(match, ours, theirs, max(MAX_RESIDUAL_US, coarse_us))
    return sorted((samples[j], board_us[i]) for i, j in match) if match else None


def _best_match(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], tolerance_us: float
) -> list[tuple[int, int]] | None:
    """Try "the newest of ours is h of theirs" for all h; return the index pairs of a clear winner.

    Parameters
    ----------
    ours, theirs
        Times in us, shapes (n,) and (m,); the newest of ours is the last and stands at 0.
    tolerance_us
        How far an interval may be off, before the clocks' difference in rate.
    """
    order = np.argsort(ours, kind="stable")
    line = ours[order]
    shifted = theirs[None, :] - theirs[:, None]  # row h: theirs, if its pulse h is our newest
    right = np.searchsorted(line, shifted)
    left = np.clip(right - 1, 0, None)
    right = np.clip(right, None, len(line) - 1)
    nearer_left = np.abs(shifted - line[left]) <= np.abs(shifted - line[right])
    nearest = np.where(nearer_left, left, right)
    distance = np.abs(shifted - line[nearest])
    agree = distance <= tolerance_us + TOLERANCE_PPM * 1e-6 * np.abs(shifted)
    worth = agree.sum(axis=1)
    misfit = np.where(agree, distance, 0.0).sum(axis=1)
    best = int(np.lexsort((misfit, -worth))[0])
    rivals = worth[np.abs(theirs - theirs[best]) > max(SAME_US, tolerance_us)]
    if worth[best] < MIN_EDGES or (len(rivals) and 2 * rivals.max() > worth[best]):
        return None
    nearest_of: dict[int, tuple[float, int]] = {}  # one of theirs for each of ours: the nearest
    for j in np.flatnonzero(agree[best]).tolist():
        i = int(order[nearest[best, j]])
        nearest_of[i] = min(nearest_of.get(i, (np.inf, -1)), (float(distance[best, j]), j))
    return sorted((i, j) for i, (_, j) in nearest_of.items())


def agree(first: Sequence[Pair], second: Sequence[Pair], rate_hz: float) -> bool:
    """Say whether two groups of known pulses, the second later on both sides, can be of one clock."""
    samples, board_us = second[0][0] - first[0][0], second[0][1] - first[0][1]
    if samples <= 0 or board_us <= 0:
        return False
    off_us = abs(samples * US_PER_S / rate_hz - board_us)
    return off_us <= max(MAX_RESIDUAL_US, 1.5 * US_PER_S / rate_hz) + TOLERANCE_PPM * 1e-6 * board_us


def _most_agree(match: list[tuple[int, int]], ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> bool:
    """Say whether the matched pulses are most of those in their span, on both sides."""
    for side, train in enumerate((ours, theirs)):
        matched = train[[pair[side] for pair in match]]
        inside = np.count_nonzero((train >= matched.min()) & (train <= matched.max()))
        if len(match) < MIN_SHARE * inside:
            return False
    return len(match) >= MIN_EDGES


def _on_a_line(
    match: list[tuple[int, int]], ours: NDArray[np.float64], theirs: NDArray[np.float64], limit_us: float
) -> list[tuple[int, int]] | None:
    """Drop the pairs that lie off the straight line through the others; None if too few stay."""
    left = list(match)
    while len(left) >= max(MIN_EDGES, 0.75 * len(match)):
        x = theirs[[j for _, j in left]]
        off = ours[[i for i, _ in left]] - x
        x = x - x.mean()
        slope = float(np.sum(x * off) / np.sum(x * x))
        residual = np.abs(off - off.mean() - slope * x)
        worst = int(np.argmax(residual))
        if residual[worst] <= limit_us and abs(slope) <= 2e-6 * TOLERANCE_PPM:
            return left
        del left[worst]
    return None
