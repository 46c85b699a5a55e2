"""Estimates as documents: where "not enough data" becomes None with a reason, and where flags are set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rig.documents import UnitEstimate
from rig.estimate.counts import FloatArray, SizeCounts
from rig.estimate.summary import MIN_REWARDED, MIN_SIZES, Summary
from rig.estimate.utility import PlacedSizes

SETTLED_REWARDED = 40
"""A unit with fewer responses is flagged ``not settled``."""
SETTLED_HALF_WIDTH_HZ = 1.6
"""So is one whose 95 % interval reaches further than this to each side (a posterior SD of about 0.8 Hz)."""

NOT_SETTLED = "not settled"
AT_EDGE = "at edge"
"""More than 2.5 % of the posterior sits in the first or last cell of the axis."""
OFF_AXIS = "off axis"
"""The unit answered a size that the utility axis does not hold; its utility is fitted or interpolated."""
PAPER_CAPPED = "paper capped"
ISOTONIC_CAPPED = "isotonic capped"
"""Responses never change sign: the estimate is a cap near the smallest or largest size, not a crossing."""

_NONE = (
    *("paper_hz", "paper_ul", "isotonic_hz", "isotonic_ul", "bayes_hz", "bayes_sd_hz", "bayes_ci95_hz"),
    *("bayes_ul", "bayes_ci95_ul", "asymmetry_paper", "asymmetry_bayes"),
)


def unit_estimates(
    units: Sequence[str], counts: SizeCounts, summary: Summary, placed: PlacedSizes
) -> tuple[UnitEstimate, ...]:
    """Write the estimates as documents, units in the order given.

    Parameters
    ----------
    units
        Unit names, in the order of the counts.
    counts, summary, placed
        The numbers, what was made of them, and the sizes on their axis.
    """
    posterior, axis = summary.posterior, placed.axis
    columns: dict[str, list[Any]] = {
        "n": [tuple(row) for row in counts.n.tolist()],
        "paper_hz": summary.paper_hz.tolist(),
        "paper_ul": axis.to_ul(summary.paper_hz).tolist(),
        "isotonic_hz": summary.isotonic_hz.tolist(),
        "isotonic_ul": axis.to_ul(summary.isotonic_hz).tolist(),
        "bayes_hz": posterior.mean_hz.tolist(),
        "bayes_sd_hz": posterior.sd_hz.tolist(),
        "bayes_ci95_hz": _pairs(posterior.ci95_hz),
        "bayes_ul": axis.to_ul(posterior.mean_hz).tolist(),
        "bayes_ci95_ul": _pairs(axis.to_ul(posterior.ci95_hz)),
        "asymmetry_paper": summary.slopes.asymmetry.tolist(),
        "asymmetry_bayes": posterior.tau.tolist(),
        "flags": _flags(counts, summary, placed),
    }
    told = []
    rows = zip(*columns.values(), strict=True)
    for unit, enough, values in zip(units, summary.enough.tolist(), rows, strict=True):
        row = dict(zip(columns, values, strict=True))
        if not enough:
            told.append(no_estimate(unit, row["n"], row["flags"]))
            continue
        reason = None
        if math.isnan(row["asymmetry_paper"]):
            row["asymmetry_paper"] = None
            reason = "no slope on one side of the published reversal point"
        told.append(UnitEstimate(unit=unit, reason=reason, **row))
    return tuple(told)


def no_estimate(unit: str, n: Sequence[int], flags: tuple[str, ...] = (NOT_SETTLED,)) -> UnitEstimate:
    """Return a unit that has too little data for an estimate, with the reason.

    Examples
    --------
    >>> no_estimate("7:1", (0, 1)).reason
    '1 response to rewards of 1 size; an estimate needs 5 responses and 2 sizes'
    """
    responses, sizes = sum(n), sum(1 for count in n if count)
    nothing: dict[str, Any] = dict.fromkeys(_NONE)
    return UnitEstimate(
        unit=unit,
        n=tuple(n),
        flags=flags,
        reason=(
            f"{responses} response{'s' * (responses != 1)} to rewards of {sizes} size{'s' * (sizes != 1)}; "
            f"an estimate needs {MIN_REWARDED} responses and {MIN_SIZES} sizes"
        ),
        **nothing,
    )


def _pairs(ends: FloatArray) -> list[tuple[float, float]]:
    return [(low, high) for low, high in ends.tolist()]


def _flags(counts: SizeCounts, summary: Summary, placed: PlacedSizes) -> list[tuple[str, ...]]:
    enough, few = summary.enough, summary.rewarded < SETTLED_REWARDED
    wide = summary.posterior.half_width_hz > SETTLED_HALF_WIDTH_HZ
    columns = {
        NOT_SETTLED: ~enough | few | wide,
        AT_EDGE: enough & summary.posterior.at_edge,
        OFF_AXIS: (counts.n[:, placed.off()] > 0).any(axis=1),
        PAPER_CAPPED: enough & summary.paper_capped,
        ISOTONIC_CAPPED: enough & summary.isotonic_capped,
    }
    names = tuple(columns)
    rows = np.stack(list(columns.values()), axis=1).tolist()
    return [tuple(name for name, is_set in zip(names, row, strict=True) if is_set) for row in rows]
