"""The estimator of a session: one response per unit and trial in, all reversal points out.

It holds counts only (see `counts`), so a trial costs the same at any length of the session, a checkpoint
is a copy of five small tables, and the result equals that of the whole recording at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from rig.documents import UnitEstimate
from rig.estimate.counts import BoolArray, FloatArray, SizeCounts
from rig.estimate.kinked_bayes import KinkedBayes
from rig.estimate.summary import Summary, summarise
from rig.estimate.telling import SETTLED_REWARDED, no_estimate, unit_estimates
from rig.estimate.utility import PUBLISHED_AXIS, PlacedSizes, UtilityAxis


class ReversalEstimator:
    """Reversal points and asymmetries of all units, after every trial.

    Parameters
    ----------
    sizes_ul
        The declared reward sizes in uL, ascending.
    axis
        The utility axis, fixed for the session.

    Attributes
    ----------
    axis
        The utility axis.
    placed
        The sizes on the axis (`placed.utility_hz` is the axis at the sizes).
    counts
        The numbers that everything follows from.

    Raises
    ------
    ConfigError
        If the sizes cannot be put on the axis.

    Examples
    --------
    >>> estimator = ReversalEstimator((1.2, 5.0, 20.0))
    >>> for size, response in [(0, -2.0), (2, 9.0), (1, -0.5), (0, -3.0), (2, 7.0)]:
    ...     estimator.update(size, {"7:1": response})
    >>> estimate, = estimator.estimates()
    >>> estimate.n, round(estimate.isotonic_ul, 2)
    ((2, 1, 2), 5.57)
    """

    def __init__(self, sizes_ul: Sequence[float], axis: UtilityAxis = PUBLISHED_AXIS) -> None:
        self.axis = axis
        self.placed: PlacedSizes = axis.place(sizes_ul)
        self.counts = SizeCounts(len(sizes_ul))
        self._bayes = KinkedBayes(self.placed.utility_hz)
        self._index: dict[str, int] = {}
        self._summary: Summary | None = None
        self._frozen = False

    @property
    def units(self) -> tuple[str, ...]:
        """Unit names, in the order they were met."""
        return tuple(self._index)

    @property
    def sizes_ul(self) -> tuple[float, ...]:
        """The declared reward sizes in uL."""
        return self.placed.sizes_ul

    @property
    def rewarded(self) -> dict[str, int]:
        """Responses counted so far, per unit."""
        return dict(zip(self._index, self.counts.rewarded.tolist(), strict=True))

    def ensure_units(self, names: Iterable[str]) -> None:
        """Add those of `names` that are new, without responses; earlier trials stay missing for them."""
        new = [name for name in dict.fromkeys(names) if name not in self._index]
        if new:
            self._must_not_be_frozen()
            for name in new:
                self._index[name] = len(self._index)
            self.counts.add_units(len(new))
            self._summary = None

    def update(self, size_index: int, response_hz: Mapping[str, float | None] | npt.ArrayLike) -> None:
        """Take the responses to one reward.

        Parameters
        ----------
        size_index
            Which of the declared sizes was given, 0-based (`placed.index(reward_ul)`).
        response_hz
            Responses in Hz, on the scale of the axis (unsignalled ones already shifted): by unit name, where
            a new name becomes a new unit and None or NaN is missing; or an array in the order of `units`.

        Raises
        ------
        ValueError
            If the size does not exist, the array does not fit the units, or a response is infinite.
        TypeError
            If the estimates are frozen.
        """
        self._must_not_be_frozen()
        if isinstance(response_hz, Mapping):
            self.ensure_units(response_hz)
            y = np.full(len(self._index), np.nan)
            for name, value in response_hz.items():
                if value is not None:
                    y[self._index[name]] = value
        else:
            y = np.asarray(response_hz, dtype=np.float64)
        self.counts.add(size_index, y)
        self._summary = None

    @property
    def summary(self) -> Summary:
        """All estimates as arrays, units in the order of `units` (worked out once per trial)."""
        if self._summary is None:
            self._summary = summarise(self.counts, self._bayes, self.placed.utility_hz)
        return self._summary

    def estimates(self) -> tuple[UnitEstimate, ...]:
        """Return every unit's estimates, in the order of `units`."""
        if len(self.sizes_ul) < 2:
            # one size has no reversal point, and no grid
            return tuple(
                no_estimate(unit, n) for unit, n in zip(self._index, self.counts.n.tolist(), strict=True)
            )
        return unit_estimates(self.units, self.counts, self.summary, self.placed)

    def half_width_hz(self) -> FloatArray:
        """Half the 95 % interval of every unit, shape (units,), in Hz; infinite where there is none."""
        if len(self.sizes_ul) < 2:
            return np.full(len(self._index), np.inf)
        return np.where(self.summary.enough, self.summary.posterior.half_width_hz, np.inf)

    def half_width_ul(self) -> FloatArray:
        """Half the 95 % interval of every unit, shape (units,), in uL; infinite where there is none."""
        if len(self.sizes_ul) < 2:
            return np.full(len(self._index), np.inf)
        ends = self.placed.axis.to_ul(self.summary.posterior.ci95_hz)
        return np.where(self.summary.enough, (ends[:, 1] - ends[:, 0]) / 2, np.inf)

    def settled(
        self,
        *,
        within_ul: float | None = None,
        within_hz: float | None = None,
        after_trials: int = SETTLED_REWARDED,
        units: Iterable[str] | None = None,
    ) -> bool:
        """Whether the estimates are precise enough to stop.

        True if every unit asked for has at least `after_trials` responses and a 95 % interval that reaches
        no further than the bound to each side. Stopping on precision is sound; stopping on an estimate's
        value, or on a P value, is not.

        Parameters
        ----------
        within_ul, within_hz
            Bound on half the interval's width; give one or both.
        after_trials
            Rewarded trials that each unit must have answered.
        units
            Names of the units that count; all units met so far if None. An unknown name is not settled, and
            neither is an empty set.

        Raises
        ------
        ValueError
            If no bound is given.
        """
        good = self.precise(within_ul=within_ul, within_hz=within_hz, after_trials=after_trials)
        names = self.units if units is None else tuple(units)
        if not names or any(name not in self._index for name in names):
            return False
        return bool(good[[self._index[name] for name in names]].all())

    def precise(
        self,
        *,
        within_ul: float | None = None,
        within_hz: float | None = None,
        after_trials: int = SETTLED_REWARDED,
    ) -> BoolArray:
        """Return which units are as precise as that (see `settled`), shape (units,).

        Raises
        ------
        ValueError
            If no bound is given.
        """
        if within_ul is None and within_hz is None:
            raise ValueError("precision needs a bound: within_ul or within_hz")
        good: BoolArray = self.counts.rewarded >= after_trials
        if within_hz is not None:
            good = good & (self.half_width_hz() <= within_hz)
        if within_ul is not None:
            good = good & (self.half_width_ul() <= within_ul)
        return good

    def p_above(self, threshold_hz: float) -> FloatArray:
        """Posterior probability that each unit's reversal point is above a threshold, shape (units,).

        NaN, which is above no bar, where a unit has too few responses.

        Parameters
        ----------
        threshold_hz
            On the utility axis, in Hz.
        """
        if len(self.sizes_ul) < 2:
            return np.full(len(self._index), np.nan)
        p = self._bayes.p_above(self.summary.posterior, threshold_hz)
        return np.where(self.summary.enough, p, np.nan)

    def copy(self) -> Self:
        """Return an independent copy (a checkpoint)."""
        twin = type(self)(self.placed.sizes_ul, self.axis)
        twin.ensure_units(self.units)
        twin.counts = self.counts.copy()
        return twin

    def frozen(self) -> Self:
        """Return a copy that takes no more responses: what was known at this moment."""
        twin = self.copy()
        for name in twin.counts.__slots__:
            getattr(twin.counts, name).flags.writeable = False
        twin._frozen = True  # noqa: SLF001 - its own kind
        return twin

    def _must_not_be_frozen(self) -> None:
        if self._frozen:
            raise TypeError("these estimates are frozen: what they say belongs to an epoch that is over")
