"""Whether many reversal points foretell the signs of unseen responses better than one for all.

Reversal points are read from one half of the trials: each unit's own, and one for all units together (the
sign count of their pooled responses). Both then foretell the other half: above the reversal point a response
should be positive, below it negative. Averaged over many random halvings, this is the "same against diverse"
test of Dabney et al. 2020, Extended Data Fig. 4c. In a world with one reversal point, many are *worse*: they
follow the noise of their half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rig.population.cells import Cells, Index, Integers, sign_count_place, take
from rig.population.half_counts import HalfCounts
from rig.population.reliability import half_cells


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Share of held-out signs that were foretold, mean over the partitions.

    Attributes
    ----------
    common, own
        By one reversal point for all units, and by each unit's own.
    gain, gain_se
        Their difference, and its standard error over units (units are taken as the sample; NaN with fewer
        than two). The partitions share their data, so how much it varies between them says nothing.
    """

    common: float
    own: float
    gain: float
    gain_se: float


def held_out_signs(halves: HalfCounts) -> HeldOut | None:
    """Foretell the signs of each partition's second half from its first; None without responses.

    Responses of exactly zero have no sign and are left out.
    """
    halves.fold()
    told, better, weight = [], [], []
    whole = halves.all_trials.positives.sum(axis=1)
    for some, one, other in half_cells(halves):
        positives = whole - halves.positives[:, some].sum(axis=0, dtype=np.int64)
        # positive and negative responses of the second half, shape (partitions, units)
        signs = 2 * positives + other.lean.sum(axis=0, dtype=np.int64)
        pooled = Cells(
            one.n.sum(axis=2, keepdims=True),
            one.total.sum(axis=2, keepdims=True),
            one.lean.sum(axis=2, keepdims=True, dtype=np.int32),
        )
        own = _foretold(sign_count_place(one), other.lean)
        common = _foretold(np.broadcast_to(sign_count_place(pooled), positives.shape), other.lean)
        given = signs.sum(axis=1, keepdims=True)
        some_given = given[:, 0] > 0
        given = given[some_given]
        told.append([((positives + found)[some_given] / given).sum(axis=1) for found in (common, own)])
        better.append((own - common)[some_given] / given)
        weight.append(signs[some_given] / given)
    share = np.concatenate(told, axis=1) if told else np.empty((2, 0))
    if not share.size:
        return None
    gain = float(np.mean(share[1] - share[0]))
    # each unit's part of the gain, less its part if all units gained alike
    parts = np.concatenate(better).mean(axis=0) - gain * np.concatenate(weight).mean(axis=0)
    n = parts.size
    return HeldOut(
        common=float(share[0].mean()),
        own=float(share[1].mean()),
        gain=gain,
        gain_se=float(np.sqrt(n / (n - 1) * (parts**2).sum())) if n > 1 else float("nan"),
    )


def _foretold(place: Index, lean: Integers) -> Integers:
    """Responses that agree with a reversal point, less all positive ones: the running lean at its place."""
    running = np.zeros((lean.shape[0] + 1, *lean.shape[1:]), dtype=np.int32)
    np.cumsum(lean, axis=0, out=running[1:])
    return take(running, place)
