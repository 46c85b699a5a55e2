"""Which pulse tells most: QUEST+ (Watson 2017, *J. Vision* 17(3):10).

The next pulse is the one after whose answer the posterior over all four parameters is expected to have the
least entropy. `QuestPlusChooser` is the `questplus` package. `GridChooser` is the same rule in a few lines of
matrix algebra: an independent judge of the package, and quick enough to simulate hundreds of sensors.
"""

from __future__ import annotations

import importlib
from typing import Any, Final, Protocol

import numpy as np

from rig.calibration.psychometric import Floats, Grid, p_seen
from rig.errors import ConfigError

AXES: Final = ("threshold", "slope", "lower_asymptote", "lapse_rate")
"""The package's names of the parameters, in the order of `Grid.shape`."""
INSTALL: Final = (
    "choosing pulses needs the package questplus, which is not installed; install dopaloop with its extra "
    "calibrate: pip install 'dopaloop[calibrate]'"
)


class Chooser(Protocol):
    """Chooses pulses, and keeps the posterior."""

    def next_ms(self) -> float:
        """Return the duration to give next; 0 for a catch trial."""
        ...

    def take(self, duration_ms: float, *, seen: bool) -> None:
        """Learn what came of a pulse of one of the grid's durations."""
        ...

    def posterior(self) -> Floats:
        """Return the probability of every point of the grid, of `Grid.shape`; it sums to 1."""
        ...


class QuestPlusChooser:
    """The package `questplus`, on a linear scale of durations.

    Raises
    ------
    ConfigError
        If the package is not installed.
    """

    def __init__(self, grid: Grid) -> None:
        try:
            package: Any = importlib.import_module("questplus")
        except ImportError:
            raise ConfigError(INSTALL) from None
        self._quest = package.QuestPlusWeibull(
            intensities=grid.durations_ms,
            thresholds=grid.thresholds_ms,
            slopes=grid.slopes,
            lower_asymptotes=grid.false_alarms,
            lapse_rates=grid.lapses,
            responses=("Yes", "No"),
            stim_scale="linear",
        )

    def next_ms(self) -> float:
        """Return the duration to give next."""
        # Where a hypothesis is ruled out its probability is 0, and 0 times its logarithm is left out there.
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(self._quest.next_intensity)

    def take(self, duration_ms: float, *, seen: bool) -> None:
        """Learn what came of a pulse."""
        self._quest.update(intensity=duration_ms, response="Yes" if seen else "No")

    def posterior(self) -> Floats:
        """Return the probability of every point of the grid."""
        ordered: Floats = self._quest.posterior.transpose(*AXES).to_numpy()
        return ordered


class GridChooser:
    """The same rule, written out.

    An answer has the likelihood L at the grid points, whose mass is m, and so the probability P = sum m L.
    The entropy that is expected is

        H = P log P - sum m L log(m L),  summed over both answers,

    and all sums over grid points are products of a matrix with m, or with m log m.
    """

    def __init__(self, grid: Grid) -> None:
        self._shape = grid.shape
        self._durations = grid.durations_ms
        axes = np.meshgrid(
            grid.thresholds_ms, grid.slopes, grid.false_alarms, grid.lapses, indexing="ij", sparse=True
        )
        seen = p_seen(grid.durations_ms[:, None, None, None, None], *axes).reshape(grid.durations_ms.size, -1)
        self._likelihood = np.stack([1.0 - seen, seen])
        self._own = _xlogx(self._likelihood)
        self._mass: Floats = np.full(seen.shape[1], 1.0 / seen.shape[1])

    def next_ms(self) -> float:
        """Return the duration to give next."""
        answered = self._likelihood @ self._mass
        joint = self._likelihood @ _xlogx(self._mass) + self._own @ self._mass
        expected = (_xlogx(answered) - joint).sum(axis=0)
        return float(self._durations[np.argmin(expected)])

    def take(self, duration_ms: float, *, seen: bool) -> None:
        """Learn what came of a pulse."""
        row = int(np.argmin(np.abs(self._durations - duration_ms)))
        self._mass = self._mass * self._likelihood[int(seen), row]
        self._mass /= self._mass.sum()

    def posterior(self) -> Floats:
        """Return the probability of every point of the grid."""
        return self._mass.reshape(self._shape)


def _xlogx(x: Floats) -> Floats:
    made: Floats = np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)
    return made
