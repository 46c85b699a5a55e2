"""A population of dopamine units that learn values, classically or distributionally.

Unit i holds one value V_i for the coming reward, on the utility axis and counted from the utility of
nothing, so that no reward where none is expected is no error. A reward of utility u gives::

    error    = u - V
    response = gain * (tau * [error]+  -  (1 - tau) * [-error]+)        Hz, 200-600 ms after the reward
    V       += rate * (tau * [error]+  -  (1 - tau) * [-error]+)        so alpha+ + alpha- = rate

Classical units all have tau = 1/2 and so one common value, the mean. Distributional ones have their
own tau, Beta(3, 3) over units, and settle at their own expectile (Dabney et al. 2020). Before the
response stands an excitation that every reward gives alike (0-200 ms), as in the recordings. Spikes
are made elsewhere (`rig.sim.spiking`); here are only rates, in bins of 100 ms.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from rig.errors import ConfigError
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SIZES_UL, UtilityAxis, fitted_utility_hz
from rig.sim import draws
from rig.sim.fixed_points import expectiles
from rig.sim.worlds import DRIFT_TRIALS, World, world

Floats = NDArray[np.float64]

DESIGN_PROBABILITIES: Final = (0.075, 0.10, 0.15, 0.15, 0.30, 0.15, 0.075)
"""Of the published sizes, in the published task."""

NOTHING_HZ: Final = float(fitted_utility_hz(0.0))
"""Utility of no reward: where the smooth fit to the published axis begins."""

SAME_DROP: Final = 0.02
"""A drop within this part of a declared size is that size: valves are timed in whole cycles."""

GAIN: Final = 2.0
GAIN_LOG_SD: Final = 0.35
EXCITATION_HZ: Final = (24.0, 8.0)
"""On top of the baseline in the first and second 100 ms after any reward."""
RESPONSE_BINS: Final = slice(2, 6)
HEAD_BINS: Final = 6
CUE_GAIN: Final = 0.4
"""Cue response in Hz for each Hz of value, in units of a unit's gain."""
OTHER_ODOUR_HZ: Final = 3.0
"""Brief excitation by an odour that says nothing (generalisation)."""

_TAU, _BASELINE, _GAIN, _OFFSET, _VALUE_DRIFT, _BASELINE_DRIFT = range(1, 7)


class PopulationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated population is.

    Parameters
    ----------
    seed
        Of everything the animal draws.
    learning_rate
        Sum of the two learning rates, per reward.
    start
        ``trained``: values stand at their fixed points. ``naive``: they begin at nothing, and there is
        no true reversal point to compare with.
    sizes_ul, probabilities
        The declared distribution of rewards, which the animal was trained on.
    """

    units: int = 40
    seed: int = 1
    model: Literal["distributional", "classical"] = "distributional"
    world: str = "poisson"
    learning_rate: float = 0.02
    start: Literal["trained", "naive"] = "trained"
    sizes_ul: tuple[float, ...] = PUBLISHED_SIZES_UL
    probabilities: tuple[float, ...] = DESIGN_PROBABILITIES
    axis: UtilityAxis = PUBLISHED_AXIS


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What an estimator should find for one unit."""

    reversal_hz: float
    reversal_ul: float
    asymmetry: float


class Population:
    """Rates and values of all units.

    Attributes
    ----------
    tau, baseline_hz, gain, offset_hz, value_hz
        One number a unit. `value_hz` is what is learned: it counts from the utility of nothing.

    Raises
    ------
    ConfigError
        If the declared distribution does not fit the utility axis, or the world is unknown.
    """

    def __init__(self, settings: PopulationSettings) -> None:
        if len(settings.sizes_ul) != len(settings.probabilities):
            raise ConfigError(
                f"the animal's distribution has {len(settings.probabilities)} probabilities "
                f"for {len(settings.sizes_ul)} sizes; give one a size"
            )
        self.settings = settings
        self.world: World = world(settings.world)
        self._sizes = settings.axis.place(settings.sizes_ul)
        n, self._n = settings.units, np.arange(settings.units)
        classical = settings.model == "classical"
        self.tau: Floats = np.full(n, 0.5) if classical else draws.beta33(self._key(_TAU), self._n)
        self.baseline_hz: Floats = self._baselines()
        self.gain: Floats = GAIN * np.exp(GAIN_LOG_SD * draws.normal(self._key(_GAIN), self._n))
        self.offset_hz = self.world.offset_sd_hz * draws.normal(self._key(_OFFSET), self._n)
        self._value_drift = self.world.value_drift_hz * draws.normal(self._key(_VALUE_DRIFT), self._n)
        self._baseline_drift = self.world.baseline_drift * draws.normal(self._key(_BASELINE_DRIFT), self._n)
        self.fixed_point_hz: Floats = expectiles(self.tau, self._sizes.utility_hz, settings.probabilities)
        trained = self.fixed_point_hz - NOTHING_HZ
        self.value_hz: Floats = trained if settings.start == "trained" else np.zeros(n)

    def _key(self, purpose: int) -> int:
        return draws.key(self.settings.seed, 0x0D0A, purpose)

    def _baselines(self) -> Floats:
        """Lognormal over units with the world's mean and SD, held to its range."""
        w = self.world
        variance = np.log1p((w.baseline_sd_hz / w.baseline_mean_hz) ** 2)
        z = draws.normal(self._key(_BASELINE), self._n)
        rate = w.baseline_mean_hz * np.exp(np.sqrt(variance) * z - 0.5 * variance)
        clipped: Floats = np.clip(rate, w.baseline_min_hz, w.baseline_max_hz)
        return clipped

    def utility_hz(self, volume_ul: float) -> float:
        """Utility of a drop: a declared size's own, else read off the axis (no drop: of nothing)."""
        if volume_ul <= 0:
            return NOTHING_HZ
        for size, hz in zip(self._sizes.sizes_ul, self._sizes.utility_hz, strict=True):
            if abs(volume_ul - size) <= SAME_DROP * size:
                return hz
        return float(self._sizes.axis.to_hz(volume_ul))

    def background_hz(self, trial: int) -> Floats:
        """Baseline rates in trial number `trial`; shape (units,)."""
        return self.baseline_hz * np.maximum(1.0 + self._baseline_drift * (trial / DRIFT_TRIALS), 0.1)

    def cue_hz(self, trial: int, *, rewarded: bool) -> Floats:
        """Rates in the first two bins after an odour; shape (2, units)."""
        base = self.background_hz(trial)
        if rewarded:
            rate = np.maximum(base + CUE_GAIN * self.gain * self.value_hz, 0.0)
            return np.stack([rate, rate])
        return np.stack([base + OTHER_ODOUR_HZ, base])

    def reward(self, trial: int, volume_ul: float) -> Floats:
        """Take a reward: return the rates in the first six bins after it, and learn.

        Returns
        -------
        ndarray
            Hz, shape (6, units).
        """
        utility = self.utility_hz(volume_ul) - NOTHING_HZ
        base = self.background_hz(trial)
        rates = np.empty((HEAD_BINS, base.size))
        rates[:2] = base + np.array(EXCITATION_HZ)[:, None]
        wandered = self.value_hz + self._value_drift * (trial / DRIFT_TRIALS)
        response = self.gain * self._asymmetric(utility - wandered)
        if self.world.saturation_hz:
            response = self.world.saturation_hz * np.tanh(response / self.world.saturation_hz)
        rates[RESPONSE_BINS] = np.maximum(base + response + self.offset_hz, 0.0)
        self.value_hz = self.value_hz + self.settings.learning_rate * self._asymmetric(
            utility - self.value_hz
        )
        return rates

    def _asymmetric(self, error: Floats) -> Floats:
        scaled: Floats = np.where(error > 0, self.tau, 1.0 - self.tau) * error
        return scaled

    def truth(self) -> list[Truth] | None:
        """Return what each unit's reversal point and asymmetry really are; None for a naive start.

        The reversal point is the fixed point of the *declared* distribution on the utility axis.
        """
        if self.settings.start == "naive":
            return None
        volumes = self._sizes.axis.to_ul(self.fixed_point_hz)
        return [
            Truth(reversal_hz=float(hz), reversal_ul=float(ul), asymmetry=float(tau))
            for hz, ul, tau in zip(self.fixed_point_hz, volumes, self.tau, strict=True)
        ]


def unit_names(n: int, per_electrode: int = 4) -> tuple[str, ...]:
    """Name units as a sorter would: ``Tetrode 1:1`` to ``Tetrode 1:4``, then ``Tetrode 2:1``, ...

    Examples
    --------
    >>> unit_names(5)[-2:]
    ('Tetrode 1:4', 'Tetrode 2:1')
    """
    return tuple(f"Tetrode {i // per_electrode + 1}:{i % per_electrode + 1}" for i in range(n))
