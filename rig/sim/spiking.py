"""From rates to spike times, for a whole population at once.

Time is cut into stretches, each begun by an event on the board (trial start, cue, reward, trial end).
Within a stretch, counts are drawn in bins of 100 ms and spikes are laid into a bin's 1000 slots of
0.1 ms, 0.05 ms off the grid: no spike can lie on a window's edge. A new stretch cuts the old one; what
was drawn for later is dropped. Everything is keyed by (seed, trial, stretch, unit, bin), so it does not
matter in how many pieces the spikes are fetched.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rig.sim import draws
from rig.units import CYCLE_US

BIN_US: Final = 100_000
SLOTS: Final = BIN_US // CYCLE_US
CHUNK_BINS: Final = 10
HALF_CYCLE_US: Final = CYCLE_US // 2

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Spikes = tuple[Ints, Ints]
"""Unit indices and board times in microseconds, ascending by time, then unit."""

NO_SPIKES: Final[Spikes] = (np.zeros(0, np.int64), np.zeros(0, np.int64))

_COUNT, _LATTICE, _SLOT = 1, 2, 3


class SpikeTrains:
    """Spikes of `n` units with a given Fano factor.

    Parameters
    ----------
    base
        Key of all draws (from `draws.key`).
    n
        Number of units.
    fano
        Variance / mean of counts in windows of a bin or more.
    """

    def __init__(self, base: int, n: int, fano: float = 1.0) -> None:
        self._base = base
        self._fano = fano
        self._units = np.arange(n)
        self._ready: list[Spikes] = []
        self._drawn: Spikes = NO_SPIKES
        self._added: Spikes = NO_SPIKES
        self._taken = 0
        self._from_us = 0
        self._next_bin = 0
        self._keys = (0, 0, 0)
        self._head: Floats = np.zeros((0, n))
        self._tail: Floats = np.zeros(n)
        self._phase: Floats = np.zeros(n)
        self._passed: Floats = np.zeros(n)
        self._done_us = 0

    def begin(self, t_us: int, stretch: tuple[int, int], head_hz: Floats, tail_hz: Floats) -> None:
        """Begin a stretch at `t_us`; what the old one had for later is dropped.

        Parameters
        ----------
        stretch
            (trial, number of the stretch in it): the key of its draws.
        head_hz
            Rates in the first bins of 100 ms; shape (bins, units).
        tail_hz
            Rates from then on; shape (units,).

        Raises
        ------
        ValueError
            If spikes at or after `t_us` were already handed out.
        """
        if t_us < self._done_us:
            raise ValueError(f"spikes up to {self._done_us} us are out; a stretch cannot begin at {t_us} us")
        self._ready.append(self._take(t_us))
        self._from_us, self._next_bin = t_us, 0
        self._drawn, self._taken = NO_SPIKES, 0
        key = draws.key(self._base, *stretch)
        self._keys = (draws.key(key, _COUNT), draws.key(key, _LATTICE), draws.key(key, _SLOT))
        self._head, self._tail = head_hz, tail_hz
        if self._fano < 1.0:
            self._phase = draws.uniform(self._keys[1], self._units)
            self._passed = np.zeros(self._units.size)

    def add(self, units: Ints, times: Ints) -> None:
        """Add spikes that something else evokes, on top of the stretch that runs.

        Parameters
        ----------
        units, times
            Unit indices and board times in microseconds, ascending by time; none before what is out.

        Raises
        ------
        ValueError
            If spikes at or after the first of them were already handed out.
        """
        if not units.size:
            return
        if times[0] < self._done_us:
            raise ValueError(f"spikes up to {self._done_us} us are out; none can be added at {times[0]} us")
        self._added = _merged([self._added, (units, times)])

    def emit(self, to_us: int) -> Spikes:
        """Return all spikes before `to_us` that were not yet handed out."""
        pieces = [*self._ready, self._take(to_us)]
        self._ready = []
        self._done_us = max(self._done_us, to_us)
        pieces = [piece for piece in pieces if piece[0].size]
        if self._added[0].size:
            due = int(np.searchsorted(self._added[1], to_us))
            pieces.append((self._added[0][:due], self._added[1][:due]))
            self._added = (self._added[0][due:], self._added[1][due:])
            return _merged(pieces)
        if not pieces:
            return NO_SPIKES
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])

    def _take(self, to_us: int) -> Spikes:
        pieces: list[Spikes] = []
        while True:
            units, times = self._drawn
            stop = int(np.searchsorted(times, to_us))
            if stop > self._taken:
                pieces.append((units[self._taken : stop], times[self._taken : stop]))
                self._taken = stop
            if self._from_us + self._next_bin * BIN_US >= to_us:
                break
            self._drawn, self._taken = self._draw_chunk(), 0
        if len(pieces) <= 1:
            return pieces[0] if pieces else NO_SPIKES
        return np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])

    def _draw_chunk(self) -> Spikes:
        """Draw the next ten bins of the running stretch."""
        first = self._next_bin
        self._next_bin += CHUNK_BINS
        bins = np.arange(first, first + CHUNK_BINS)
        rates = np.broadcast_to(self._tail, (CHUNK_BINS, self._tail.size))
        if first < len(self._head):
            rates = rates.copy()
            head = self._head[first : first + CHUNK_BINS]
            rates[: len(head)] = head
        counts = self._counts(rates * (BIN_US * 1e-6), bins)
        at_bin, at_unit = np.nonzero(counts)
        n = counts[at_bin, at_unit]
        units, in_bin = np.repeat(self._units[at_unit], n), np.repeat(bins[at_bin], n)
        rank = np.arange(units.size) - np.repeat(np.cumsum(n) - n, n)
        slots = draws.below(SLOTS, self._keys[2], units, in_bin, rank)
        times = self._from_us + in_bin * BIN_US + slots * CYCLE_US + HALF_CYCLE_US
        order = np.lexsort((units, times))
        return units[order], times[order]

    def _counts(self, mean: Floats, bins: Ints) -> Ints:
        u = draws.uniform(self._keys[0], self._units, bins[:, None])
        if self._fano == 1.0:
            return draws.poisson_count(u, mean)
        if self._fano > 1.0:
            return draws.negative_binomial_count(u, mean, self._fano)
        # Candidates lie on a lattice in the unit's own time, one each keep / rate seconds; each stays
        # with probability `keep`. A window then holds a nearly fixed number of tries: Fano = 1 - keep.
        keep = 1.0 - self._fano
        passed = self._passed + np.cumsum(mean, axis=0) / keep
        before = np.vstack([self._passed, passed[:-1]])
        self._passed = passed[-1]
        tries = np.floor(passed + self._phase) - np.floor(before + self._phase)
        return draws.binomial_count(u, tries, keep)


def _merged(pieces: list[Spikes]) -> Spikes:
    """Put several runs of spikes into one, ascending by time, then unit."""
    units, times = np.concatenate([p[0] for p in pieces]), np.concatenate([p[1] for p in pieces])
    order = np.lexsort((units, times))
    return units[order], times[order]
