"""A whole recording at once: from responses per unit and trial to estimates, on either utility axis.

The same counts and estimators as in a session. What is added is the pooling of signalled and unsignalled
rewards: unsignalled responses are shifted by a constant, so that both conditions have one grand mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from rig.documents import UnitEstimate
from rig.errors import ConfigError
from rig.estimate.counts import BoolArray, FloatArray, IntArray, SizeCounts
from rig.estimate.online import ReversalEstimator
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SHIFT_HZ, SAME_SIZE, UtilityAxis

AxisChoice: TypeAlias = Literal["paper", "population"]

MOST_SIZES = 64
"""More different sizes than this are measured volumes that nobody rounded."""
LARGEST_UL = 100.0
"""A larger drop is a mistake of units."""


@dataclass(frozen=True, slots=True)
class Responses:
    """Responses to rewards, before any shift between conditions; one entry per unit and rewarded trial.

    Attributes
    ----------
    names
        Unit names.
    unit
        int64, shape (responses,): index into `names`.
    reward_ul
        float64, shape (responses,): volume, above 0.
    signalled
        bool, shape (responses,): a cue came before.
    response_hz
        float64, shape (responses,): NaN where missing.
    trials, rewarded
        How many trials the recording has, and how many of them gave a reward.
    baseline_hz
        float64, shape (responses,): rate before the stimulus, NaN where unknown; None: of no response.
    trial
        int64, shape (responses,): the trial's number; None: the k-th response of a unit is its trial k.
    sizes_ul
        The declared sizes, ascending; None: those that were given.
    """

    names: tuple[str, ...]
    unit: IntArray
    reward_ul: FloatArray
    signalled: BoolArray
    response_hz: FloatArray
    trials: int
    rewarded: int
    baseline_hz: FloatArray | None = None
    trial: IntArray | None = None
    sizes_ul: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What became of a recording.

    Attributes
    ----------
    estimates
        One per unit, in the order of the names.
    estimator
        Holds the counts, the sizes on their axis and the estimates as arrays.
    shift_hz
        What was added to unsignalled responses, in Hz.
    size_index, response_hz
        int64 and float64, shape (responses,): which size each response is to, and the response, shifted.
    """

    estimates: tuple[UnitEstimate, ...]
    estimator: ReversalEstimator
    shift_hz: float
    size_index: IntArray
    response_hz: FloatArray


def analyse(
    responses: Responses, axis: AxisChoice | UtilityAxis = "paper", shift_hz: float | None = None
) -> Analysis:
    """Estimate every unit's reversal point and asymmetry from a whole recording.

    Parameters
    ----------
    responses
        The recording.
    axis
        ``paper``: the published utility axis and grand means. ``population``: both from these units. Or an
        axis of the user's own, without any shift.
    shift_hz
        Add this to unsignalled responses instead (0 for simulated units), in Hz.

    Raises
    ------
    ConfigError
        If the sizes are no reward sizes or cannot be put on the axis, or if the units' own mean responses
        do not grow with size.
    """
    sizes = responses.sizes_ul or reward_sizes(responses.reward_ul)
    between = (np.array(sizes[1:]) + np.array(sizes[:-1])) / 2
    size_index = np.searchsorted(between, responses.reward_ul)
    by_condition = []
    for signalled in (True, False):
        own = np.where(responses.signalled == signalled, responses.response_hz, np.nan)
        by_condition.append(_count(responses, size_index, own, sizes))
    if shift_hz is None:
        shift_hz = _shift(axis, *by_condition)
    shifted = responses.response_hz + np.where(responses.signalled, 0.0, shift_hz)
    counts = _count(responses, size_index, shifted, sizes)
    if not isinstance(axis, UtilityAxis):
        axis = PUBLISHED_AXIS if axis == "paper" else population_axis(counts, sizes)
    estimator = ReversalEstimator(sizes, axis)
    estimator.ensure_units(responses.names)
    estimator.counts = counts
    return Analysis(estimator.estimates(), estimator, shift_hz, size_index, shifted)


def _shift(axis: AxisChoice | UtilityAxis, signalled: SizeCounts, unsignalled: SizeCounts) -> float:
    if isinstance(axis, UtilityAxis):
        return 0.0
    return PUBLISHED_SHIFT_HZ if axis == "paper" else grand_mean_shift(signalled, unsignalled)


def _count(
    responses: Responses, size_index: IntArray, response_hz: FloatArray, sizes: tuple[float, ...]
) -> SizeCounts:
    return SizeCounts.from_trials(
        responses.unit, size_index, response_hz, units=len(responses.names), sizes=len(sizes)
    )


def reward_sizes(reward_ul: FloatArray) -> tuple[float, ...]:
    """Return the different sizes, ascending.

    Raises
    ------
    ConfigError
        If there are fewer than two or more than 64, or one is not the volume of a drop.
    """
    sizes: list[float] = []
    for size in np.unique(reward_ul).tolist():
        if not 0 < size <= LARGEST_UL:
            raise ConfigError(f"{size:g} uL is not a reward size (0 to {LARGEST_UL:g} uL)")
        if not sizes or size > sizes[-1] * (1 + SAME_SIZE):
            sizes.append(size)
    if len(sizes) < 2:
        raise ConfigError(
            f"a reversal point needs rewards of two sizes or more, but there {'is' if sizes else 'are'} "
            + (f"only {sizes[0]:g} uL" if sizes else "none")
        )
    if len(sizes) > MOST_SIZES:
        raise ConfigError(f"there are {len(sizes)} different reward sizes; round them to the nominal ones")
    return tuple(sizes)


def grand_mean(counts: SizeCounts) -> float:
    """Mean over units and sizes of the mean responses, in Hz; NaN without responses."""
    met = counts.n > 0
    return float(np.mean(counts.total[met] / counts.n[met])) if met.any() else float("nan")


def grand_mean_shift(signalled: SizeCounts, unsignalled: SizeCounts) -> float:
    """What to add to unsignalled responses so that both conditions have one grand mean, in Hz.

    0 where only one condition was given.
    """
    shift = grand_mean(signalled) - grand_mean(unsignalled)
    return 0.0 if np.isnan(shift) else shift


def population_axis(counts: SizeCounts, sizes_ul: tuple[float, ...]) -> UtilityAxis:
    """Make the utility axis of these units: at each size the mean over units of their mean response.

    Raises
    ------
    ConfigError
        If that mean does not grow with size.
    """
    met = counts.n > 0
    mean = np.divide(counts.total, counts.n, out=np.zeros_like(counts.total), where=met)
    heard = met.sum(axis=0)
    if not heard.all():
        silent = sizes_ul[int(np.argmin(heard))]
        raise ConfigError(f"no unit has a response to {silent:g} uL, so the units give no utility axis")
    hz = tuple((mean.sum(axis=0) / heard).tolist())
    try:
        return UtilityAxis(sizes_ul, hz)
    except ConfigError as error:
        raise ConfigError(
            f"these units' own responses give no utility axis: {error}; use the paper's axis"
        ) from None
