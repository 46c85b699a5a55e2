"""The utility axis: where each reward size stands, in Hz of the population's mean response.

A reversal point lives on this axis. It is fixed before a session and never re-estimated inside one.
The published axis is that of Dabney et al. 2020 (Nature 577:671), recomputed from the released units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from rig.errors import ConfigError
from rig.estimate.counts import BoolArray, FloatArray

PUBLISHED_SIZES_UL: Final = (0.1, 0.3, 1.2, 2.5, 5.0, 10.0, 20.0)
PUBLISHED_UTILITY_HZ: Final = (
    -3.57681903,
    -3.28844407,
    -2.76480582,
    -1.75877615,
    0.24213102,
    4.42842472,
    8.32421707,
)
PUBLISHED_SHIFT_HZ: Final = 0.24944551 - 1.7468903
"""Signalled minus unsignalled grand mean of the published units: added to unsignalled responses."""

SAME_SIZE: Final = 1e-6
"""Two sizes that differ by less than this part of their volume are one size."""


def fitted_utility_hz(size_ul: npt.ArrayLike) -> FloatArray:
    """Utility of any size by the smooth fit to the published axis (RMS error 0.125 Hz).

    Parameters
    ----------
    size_ul
        Volumes in uL, any shape.

    Examples
    --------
    >>> round(float(fitted_utility_hz(3.6)), 3)
    -0.858
    """
    x = np.asarray(size_ul, dtype=np.float64) ** 1.55
    fitted: FloatArray = -3.418 + 16.153 * x / (x + 10.57**1.55)
    return fitted


class UtilityAxis(msgspec.Struct, frozen=True):
    """A utility axis: sizes in uL and their utilities in Hz, both strictly ascending.

    Raises
    ------
    ConfigError
        If there are fewer than two sizes, the lengths differ, or one side does not ascend.

    Examples
    --------
    >>> axis = UtilityAxis((1.0, 2.0, 4.0), (-1.0, 0.0, 1.0))
    >>> axis.to_ul([0.5, 9.0]).tolist()
    [3.0, 4.0]
    """

    sizes_ul: tuple[float, ...]
    utility_hz: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.sizes_ul) != len(self.utility_hz):
            raise ConfigError(
                f"the utility axis has {len(self.sizes_ul)} sizes but {len(self.utility_hz)} utilities"
            )
        if len(self.sizes_ul) < 2:
            raise ConfigError("the utility axis needs two sizes or more")
        if not all(math.isfinite(x) for x in (*self.sizes_ul, *self.utility_hz)) or self.sizes_ul[0] <= 0:
            raise ConfigError("the utility axis must hold finite numbers, and sizes above 0 uL")
        for i in range(1, len(self.sizes_ul)):
            below, above = self.sizes_ul[i - 1], self.sizes_ul[i]
            low, high = self.utility_hz[i - 1], self.utility_hz[i]
            if below >= above or low >= high:
                raise ConfigError(
                    f"the utility axis must ascend, but {below:g} uL stands at {low:.3f} Hz "
                    f"and {above:g} uL at {high:.3f} Hz"
                )

    def to_ul(self, utility_hz: npt.ArrayLike) -> FloatArray:
        """Volume in uL at a place on the axis: linear between sizes, held at both ends; NaN stays NaN."""
        return np.interp(np.asarray(utility_hz, dtype=np.float64), self.utility_hz, self.sizes_ul)

    def to_hz(self, size_ul: npt.ArrayLike) -> FloatArray:
        """Place on the axis of any volume: the inverse of `to_ul`, held at both ends."""
        return np.interp(np.asarray(size_ul, dtype=np.float64), self.sizes_ul, self.utility_hz)

    def is_off(self, sizes_ul: Sequence[float]) -> tuple[bool, ...]:
        """For each size, whether the axis does not hold it."""
        return tuple(self._known(size) is None for size in sizes_ul)

    def place(self, sizes_ul: Sequence[float]) -> PlacedSizes:
        """Give each reward size of a session its utility.

        A size of the axis has its own utility. Any other one is *off axis*: on the published axis it
        takes the smooth fit, on an axis of the user's own it is interpolated.

        Raises
        ------
        ConfigError
            If the sizes do not ascend, have no order on the axis, or lie outside an own axis.
        """
        hz = tuple(self._utility(size) for size in sizes_ul)
        for i in range(1, len(hz)):
            if sizes_ul[i - 1] >= sizes_ul[i]:
                raise ConfigError(
                    f"reward sizes must ascend, but {sizes_ul[i]:g} follows {sizes_ul[i - 1]:g} uL"
                )
            if hz[i - 1] >= hz[i]:
                raise ConfigError(
                    f"the sizes {sizes_ul[i - 1]:g} and {sizes_ul[i]:g} uL have no order on the utility axis "
                    "(one is not a size of the axis, and its fitted utility is too coarse); "
                    "use sizes of the axis, or give an axis that holds both"
                )
        return PlacedSizes(
            sizes_ul=tuple(sizes_ul),
            utility_hz=hz,
            off_axis=self.is_off(sizes_ul),
            axis=self._reaching(sizes_ul, hz),
        )

    def _known(self, size_ul: float) -> float | None:
        for size, hz in zip(self.sizes_ul, self.utility_hz, strict=True):
            if math.isclose(size, size_ul, rel_tol=SAME_SIZE):
                return hz
        return None

    def _utility(self, size_ul: float) -> float:
        if not (math.isfinite(size_ul) and size_ul > 0):
            raise ConfigError(f"{size_ul:g} uL is not a reward size")
        known = self._known(size_ul)
        if known is not None:
            return known
        if self == PUBLISHED_AXIS:
            return float(fitted_utility_hz(size_ul))
        if not self.sizes_ul[0] <= size_ul <= self.sizes_ul[-1]:
            raise ConfigError(
                f"{size_ul:g} uL lies outside the utility axis "
                f"({self.sizes_ul[0]:g} to {self.sizes_ul[-1]:g} uL)"
            )
        return float(self.to_hz(size_ul))

    def _reaching(self, sizes_ul: Sequence[float], hz: Sequence[float]) -> UtilityAxis:
        """Draw the ends of the axis out to sizes beyond them, so that they convert to uL too."""
        knots = dict(zip(self.sizes_ul, self.utility_hz, strict=True))
        for size, utility in zip(sizes_ul, hz, strict=True):
            above = size > self.sizes_ul[-1] and utility > self.utility_hz[-1]
            below = size < self.sizes_ul[0] and utility < self.utility_hz[0]
            if above or below:
                knots[size] = utility
        ordered = sorted(knots)
        return UtilityAxis(tuple(ordered), tuple(knots[size] for size in ordered))


class PlacedSizes(msgspec.Struct, frozen=True, kw_only=True):
    """The reward sizes of a session on a utility axis.

    Attributes
    ----------
    utility_hz
        One utility per size, strictly ascending, in Hz.
    off_axis
        One flag per size: not a size of the axis, its utility is fitted or interpolated.
    axis
        The axis that turns Hz into uL for these sizes.
    """

    sizes_ul: tuple[float, ...]
    utility_hz: tuple[float, ...]
    off_axis: tuple[bool, ...]
    axis: UtilityAxis

    def index(self, reward_ul: float) -> int:
        """Return the number of the size `reward_ul`.

        Raises
        ------
        ConfigError
            If it is none of the declared sizes.
        """
        for i, size in enumerate(self.sizes_ul):
            if math.isclose(size, reward_ul, rel_tol=SAME_SIZE):
                return i
        known = ", ".join(f"{size:g}" for size in self.sizes_ul)
        raise ConfigError(f"{reward_ul:g} uL is not a declared reward size; those are {known} uL")

    def off(self) -> BoolArray:
        """`off_axis` as an array, shape (sizes,)."""
        return np.array(self.off_axis, dtype=np.bool_)


PUBLISHED_AXIS: Final = UtilityAxis(PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ)
"""The published utility axis (Dabney et al. 2020, recomputed from the 40 released units)."""
