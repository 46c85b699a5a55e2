"""How many more rewards until a unit's interval is narrow enough: a rough answer, and said so. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gui.model import SessionModel
from rig.documents import UnitEstimate
from rig.estimate.telling import AT_EDGE, SETTLED_HALF_WIDTH_HZ, SETTLED_REWARDED

FAR: Final = 10.0
"""A forecast of more than this many times the trials so far is no forecast."""


@dataclass(frozen=True, slots=True)
class Target:
    """A half width to reach; in Hz of utility or in uL.

    Attributes
    ----------
    at_least
        Responses that the unit must have answered besides.
    """

    word: str
    half_width: float
    in_hz: bool
    at_least: int = 0


SETTLED: Final = Target("until settled", SETTLED_HALF_WIDTH_HZ, in_hz=True, at_least=SETTLED_REWARDED)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is left until a target.

    Attributes
    ----------
    half_width
        Half of the 95 % interval now, in the target's unit; None without an estimate.
    trials
        Rewarded trials left; 0 if the target is reached, None if nothing can be said.
    water_ul
        What they would take at the mean size of the declared rewards.
    reason
        Why nothing can be said.
    """

    half_width: float | None = None
    trials: int | None = None
    water_ul: float | None = None
    reason: str = ""


def targets(model: SessionModel) -> list[Target]:
    """The targets to choose from: the protocol's own stopping rule first, if it has one."""
    found = [SETTLED]
    value = model.started.parameters.get("stop_within_ul") if model.started else None
    own = float(value) if isinstance(value, int | float) else 0.0
    if own > 0:
        word = f"until ±{own:g} uL (protocol)"
        found.insert(0, Target(word, own, in_hz=False, at_least=SETTLED_REWARDED))
    return found + [Target(f"until ±{ul:g} uL", ul, in_hz=False) for ul in (2.0, 1.0, 0.5) if ul != own]


def forecast(estimate: UnitEstimate, target: Target, mean_ul: float) -> Forecast:
    """Extrapolate: the half width of an interval shrinks with one over the square root of the trials.

    Parameters
    ----------
    mean_ul
        Mean volume of a reward.
    """
    ends = estimate.bayes_ci95_hz if target.in_hz else estimate.bayes_ci95_ul
    if ends is None:
        return Forecast(reason=estimate.reason or "no estimate yet")
    half = (ends[1] - ends[0]) / 2
    n = sum(estimate.n)
    if AT_EDGE in estimate.flags:
        return Forecast(half, reason="the estimate sits at the end of the axis: no forecast")
    ratio = half / target.half_width
    # A hair above the target is at it: intervals come from a grid.
    by_width = n * (max(ratio, 1.0) ** 2 - 1.0)
    left = max(math.ceil(by_width - 1e-9), target.at_least - n, 0)
    if left > FAR * n:
        return Forecast(half, reason=f"far off: more than {FAR:g} times the trials so far")
    return Forecast(half, left, left * mean_ul)


def mean_reward_ul(model: SessionModel) -> float:
    """Mean volume of a reward, of the declared ones or else of those given."""
    given = [(d.reward_ul, d.count) for d in model.declared if d.reward_ul > 0]
    total = sum(count for _, count in given)
    if total:
        return sum(size * count for size, count in given) / total
    volumes = [record.delivered_ul for record in model.records if record.reward_us is not None]
    return sum(volumes) / len(volumes) if volumes else 0.0


def water_left_ul(model: SessionModel) -> float | None:
    """Water left under the session's ceiling, or None if it has none."""
    if model.started is None or model.started.max_session_ul <= 0:
        return None
    if model.state is not None:
        delivered = model.state.delivered_ul
    else:
        delivered = sum(record.delivered_ul for record in model.records)
    return max(model.started.max_session_ul - delivered, 0.0)


def roundly(count: int) -> int:
    """A number of trials, as precise as an extrapolation deserves.

    Examples
    --------
    >>> [roundly(n) for n in (0, 3, 17, 84, 1234)]
    [0, 3, 20, 80, 1230]
    """
    return count if count < 10 else round(count / 10) * 10
