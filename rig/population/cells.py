"""Reversal points of millions of cells (units x partitions) in one sweep over the sizes.

The same estimators as `sign_count`, `isotonic` and `published_slopes`, in a form that never sorts or pools:

- Sign count: with D_j = negatives - positives, the count of agreeing responses is a constant plus the running
  sum of D. Its first maximum is found by one running maximum of (running sum, place) packed in an integer.
- Isotonic crossing: pooling adjacent violators is the greatest convex minorant of the running sum C of the
  responses over the running number N. It turns from falling to rising where C is smallest. So the pooled mean
  left of the crossing is the shallowest slope from an earlier point to that minimum, and the one right of it
  the shallowest slope from the minimum to a later point (Robertson, Wright and Dykstra 1988, chapter 1).

Arrays are float32, sizes first, so that each step is one pass over a contiguous row. Cells without any
response give NaN. Sizes that a cell has not met are left out for that cell, as everywhere in this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rig.estimate.sign_count import HIGH_CAP_HZ, LOW_CAP_HZ, TIE_FLOOR

Single = npt.NDArray[np.float32]
Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int32]
Number = TypeVar("Number", bound=np.generic)

TINY = np.float32(1e-30)


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts of cells, every array of shape (sizes, ...cells).

    Attributes
    ----------
    n, total
        float32: responses, and their sum in Hz.
    lean
        int32: negative less positive responses.
    """

    n: Single
    total: Single
    lean: Integers

    def next_met(self) -> Index:
        """For each place (k sizes below it), the next size the cell has met; `sizes` if there is none."""
        sizes = self.n.shape[0]
        found = np.full((sizes + 1, *self.n.shape[1:]), sizes, dtype=np.intp)
        if (self.n > 0).all():
            found[:sizes] = np.arange(sizes).reshape((sizes,) + (1,) * (self.n.ndim - 1))
            return found
        for k in range(sizes - 1, -1, -1):
            found[k] = np.where(self.n[k] > 0, k, found[k + 1])
        return found


def take(table: npt.NDArray[Number], place: Index) -> npt.NDArray[Number]:
    """Row `place` of `table` for each cell, shape of `place`."""
    flat = table.reshape(table.shape[0], -1)
    cell = np.arange(flat.shape[1])
    found: npt.NDArray[Number] = flat.ravel()[place.ravel() * flat.shape[1] + cell].reshape(place.shape)
    return found


def sign_count_place(cells: Cells) -> Index:
    """How many sizes lie below the sign-count reversal point, shape (...cells)."""
    sizes = cells.lean.shape[0]
    running = np.zeros(cells.lean.shape[1:], dtype=np.int32)
    packed = np.full(running.shape, sizes, dtype=np.int32)
    for k in range(sizes):
        running += cells.lean[k]
        # the place counts backwards, so that the first of equals wins
        np.maximum(packed, running * np.int32(sizes + 1) + np.int32(sizes - 1 - k), out=packed)
    place: Index = (sizes - packed % np.int32(sizes + 1)).astype(np.intp)
    return place


def sign_count_cells(cells: Cells, utility_hz: npt.NDArray[np.float64], following: Index) -> Single:
    """Sign-count reversal points, shape (...cells), in Hz.

    Parameters
    ----------
    utility_hz
        shape (sizes,), ascending.
    following
        `cells.next_met()`.
    """
    sizes = len(utility_hz)
    u = np.append(utility_hz, np.nan).astype(np.float32)
    place = sign_count_place(cells)
    above = take(following, place)
    lean = np.concatenate([cells.lean, np.zeros_like(cells.lean[:1])])
    inner = np.maximum(place - 1, 0)
    cost_below = np.maximum(np.abs(take(lean, inner)), np.float32(TIE_FLOOR)).astype(np.float32)
    cost_above = np.maximum(np.abs(take(lean, above)), np.float32(TIE_FLOOR)).astype(np.float32)
    between = (cost_above * u[inner] + cost_below * u[above]) / (cost_above + cost_below)
    return _capped(between, low=place == 0, high=above == sizes, u=u, following=following, cells=cells)


def isotonic_cells(cells: Cells, utility_hz: npt.NDArray[np.float64], following: Index) -> Single:
    """Isotonic zero crossings, shape (...cells), in Hz; parameters as for `sign_count_cells`."""
    sizes = len(utility_hz)
    u = np.append(utility_hz, np.nan).astype(np.float32)
    running, number = _running(cells.total), _running(cells.n)
    lowest = running.min(axis=0)
    first, last, n_first = _turn(running, number, cells.n, lowest)
    # 1 / slope from the minimum to every other point: the shallowest before it is the lowest of these, the
    # shallowest after it the highest; the minimum itself gives 0
    left, right = np.zeros_like(lowest), np.zeros_like(lowest)
    for k in range(sizes + 1):
        inverse = (number[k] - n_first) / (running[k] - lowest + TINY)
        np.minimum(left, inverse, out=left)
        np.maximum(right, inverse, out=right)
    above = take(following, last)
    inner = np.maximum(first - 1, 0)
    with np.errstate(invalid="ignore"):  # cells without responses; they become NaN
        crossing = u[inner] + right / (right - left) * (u[above] - u[inner])
    if (first != last).any():
        # a stretch of zero means: the middle of its first and last size
        middle = (u[take(following, first)] + u[np.maximum(last - 1, 0)]) / 2
        crossing = np.where(first != last, middle, crossing)
    low, high = first == 0, above == sizes
    reversal = _capped(crossing, low=low, high=high & ~low, u=u, following=following, cells=cells)
    flat = low & high
    if flat.any():
        reversal = np.where(flat, (_first_met(u, following) + _last_met(u, cells)) / 2, reversal)
    return reversal


def _running(table: Single) -> Single:
    """Running sums, shape (sizes + 1, ...cells), beginning with 0."""
    running = np.zeros((table.shape[0] + 1, *table.shape[1:]), dtype=np.float32)
    for k in range(table.shape[0]):
        np.add(running[k], table[k], out=running[k + 1])
    return running


def _turn(running: Single, number: Single, n: Single, lowest: Single) -> tuple[Index, Index, Single]:
    """First and last place of the minimum (a place past unmet sizes is no new one), and N at the first."""
    sizes = n.shape[0]
    # one byte is enough for a place, and several times faster
    before = np.zeros(lowest.shape, dtype=np.int8)
    last = np.zeros(lowest.shape, dtype=np.int8)
    looking = np.ones(lowest.shape, dtype=np.bool_)
    for k in range(sizes + 1):
        at = running[k] == lowest
        looking &= ~at
        before += looking
        new = at if k == 0 else at & (n[k - 1] > 0)
        np.maximum(last, new * np.int8(k), out=last)
    first = before.astype(np.intp)
    return first, last.astype(np.intp), take(number, first)


def slopes_cells(
    cells: Cells, utility_hz: npt.NDArray[np.float64], reversal_hz: Single
) -> tuple[Single, Single, Single]:
    """Published slopes below and above the reversal points and the asymmetry, each shape (...cells).

    NaN where there is no response on one side of the reversal point.
    """
    top = np.zeros((2, *reversal_hz.shape), dtype=np.float32)
    bottom = np.zeros_like(top)
    for j, u in enumerate(utility_hz):
        x = np.float32(u) - reversal_hz
        for side, part in enumerate((np.minimum(x, np.float32(0)), np.maximum(x, np.float32(0)))):
            top[side] += cells.total[j] * part
            bottom[side] += cells.n[j] * part * part
    with np.errstate(invalid="ignore", divide="ignore"):
        below, above = top / np.where(bottom > 0, bottom, np.float32(np.nan))
        return below, above, above / (below + above)


def _capped(value: Single, *, low: Mask, high: Mask, u: Single, following: Index, cells: Cells) -> Single:
    """Put in the caps where responses never change sign, and NaN where there are none."""
    low_hz = _first_met(u, following) + np.float32(LOW_CAP_HZ)
    value = np.where(low, low_hz, value)
    if high.any():
        value = np.where(high & ~low, _last_met(u, cells) - np.float32(HIGH_CAP_HZ), value)
    return value


def _first_met(u: Single, following: Index) -> Single:
    first: Single = u[following[0]]
    return first


def _last_met(u: Single, cells: Cells) -> Single:
    last = np.full(cells.n.shape[1:], np.nan, dtype=np.float32)
    for k in range(cells.n.shape[0]):
        last = np.where(cells.n[k] > 0, u[k], last)
    return last
