"""A population of dopamine units that learn values, classically or distributionally.

Unit i holds one value V_i for the coming reward, on the utility axis and counted from the utility of
nothing, so that no reward where none is expected is no error. A reward of utility u gives::

    error    = u - V
    response = gain * (tau * [error]+  -  (1 - tau) * [-error]+)        Hz, 200-600 ms after the reward
    V       += rate * (tau * [error]+  -  (1 - tau) * [-error]+)        so alpha+ + alpha- = rate

Classical units all have tau = 1/2 and so one common value, the mean. Distributional ones have their
own tau, Beta(3, 3) over units, and settle at their own expectile (Dabney et al. 2020). Quantile units answer
alike, but learn from the sign of their error, so that they settle at their own quantile. Before the
response stands an excitation that every reward gives alike (0-200 ms), as in the recordings. Spikes
are made elsewhere (`rig.sim.spiking`); here are only rates, in bins of 100 ms.

Where cues are followed by different things, a unit holds one value for each cue, learned in the same way;
a reward that is left out has the utility of nothing, and is answered when it was due. Such a cue is answered
as a reward is: first as any odour is (0-100 ms), then by its value (200-600 ms). On a delay line
(`rig.sim.delay_line`) it holds one for each half second up to the outcome, and answers errors on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from rig.description import CueTraining, Rewards
from rig.errors import ConfigError
from rig.estimate.learning import Update
from rig.estimate.utility import PUBLISHED_AXIS, PUBLISHED_SIZES_UL, UtilityAxis, fitted_utility_hz
from rig.sim import draws
from rig.sim.delay_line import DelayLine, fixed_point, pace
from rig.sim.spiking import BIN_US
from rig.sim.stimuli import is_promising
from rig.sim.worlds import DRIFT_TRIALS, World, world
from rig.units import US_PER_S

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
OWN_CUE_GAIN: Final = 2.0
"""The same for a cue with a value of its own: some 9 Hz between nothing and 3.75 uL for sure in 2 s."""
OTHER_ODOUR_HZ: Final = 3.0
"""Brief excitation by an odour that says nothing (generalisation)."""

_TAU, _BASELINE, _GAIN, _OFFSET, _VALUE_DRIFT, _BASELINE_DRIFT, _SAMPLES = range(1, 8)


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
    cues, reversal_cue
        Cues with values of their own, see `rig.description.Emulation`. Then `sizes_ul` is about rewards
        without a cue and may be empty: such a reward is a surprise.
    later
        The declared distributions of later epochs; nothing is learned from them beforehand.
    tagged_share
        How likely a unit is to answer light (`rig.sim.light`).
    delay_line, samples
        For cues with values of their own: see `rig.sim.delay_line`.
    """

    units: int = 40
    seed: int = 1
    model: Literal["distributional", "classical", "quantile"] = "distributional"
    world: str = "poisson"
    learning_rate: float = 0.02
    start: Literal["trained", "naive"] = "trained"
    sizes_ul: tuple[float, ...] = PUBLISHED_SIZES_UL
    probabilities: tuple[float, ...] = DESIGN_PROBABILITIES
    axis: UtilityAxis = PUBLISHED_AXIS
    cues: dict[str, CueTraining] = {}
    reversal_cue: str = ""
    later: tuple[Rewards, ...] = ()
    tagged_share: float = 0.75
    delay_line: bool = False
    samples: int = 0


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
    lines
        What each promising cue that has a value of its own makes the units expect.

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
        self._sizes = settings.axis.place(_all_sizes(settings))
        n, self._n = settings.units, np.arange(settings.units)
        classical = settings.model == "classical"
        self._update: Update = "quantile" if settings.model == "quantile" else "expectile"
        self.tau: Floats = np.full(n, 0.5) if classical else draws.beta33(self._key(_TAU), self._n)
        self.baseline_hz: Floats = self._baselines()
        self.gain: Floats = GAIN * np.exp(GAIN_LOG_SD * draws.normal(self._key(_GAIN), self._n))
        self.offset_hz = self.world.offset_sd_hz * draws.normal(self._key(_OFFSET), self._n)
        self._value_drift = self.world.value_drift_hz * draws.normal(self._key(_VALUE_DRIFT), self._n)
        self._baseline_drift = self.world.baseline_drift * draws.normal(self._key(_BASELINE_DRIFT), self._n)
        self.fixed_point_hz: Floats = self._settles(settings.sizes_ul, settings.probabilities)
        trained = self.fixed_point_hz - NOTHING_HZ
        self.value_hz: Floats = trained if settings.start == "trained" else np.zeros(n)
        self.cue_fixed_point_hz: dict[str, Floats] = {
            name: self._settles(cue.sizes_ul, cue.probabilities)
            for name, cue in settings.cues.items()
            if is_promising(cue)
        }
        self.lines: dict[str, DelayLine] = {}
        for name, settled in self.cue_fixed_point_hz.items():
            self.lines[name] = DelayLine(
                self.tau,
                settings.cues[name].delay_s,
                line=settings.delay_line,
                update=self._update,
                samples=settings.samples,
            )
            if settings.start == "trained":
                self.lines[name].settle(settled - NOTHING_HZ)

    @property
    def cue_value_hz(self) -> dict[str, Floats]:
        """What each promising cue with a value of its own makes the units expect when its outcome is due."""
        return {name: line.outcome_hz for name, line in self.lines.items()}

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

    def _settles(self, sizes_ul: Sequence[float], probabilities: Sequence[float]) -> Floats:
        """Return where every unit's value ends on the utility axis if this is what comes; shape (units,)."""
        if not sizes_ul:
            return np.full(self._n.size, NOTHING_HZ)
        placed = dict(zip(self._sizes.sizes_ul, self._sizes.utility_hz, strict=True))
        hz = np.array([placed.get(size, NOTHING_HZ) for size in sizes_ul])
        return fixed_point(self._update, self.tau, hz, np.asarray(probabilities, dtype=np.float64))

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

    def cue_hz(self, trial: int, *, rewarded: bool, cue: str | None = None) -> Floats:
        """Rates in the first bins after an odour; shape (2, units).

        Parameters
        ----------
        rewarded
            Whether the odour promises a reward.
        cue
            Name of a cue with a value of its own. Then the rates go on to the end of the answer to a reward
            that does not come, or that of the cue; if a reward comes, it cuts them off.
        """
        base = self.background_hz(trial)
        if cue is not None:
            return self._own_cue_hz(trial, cue, base)
        if rewarded:
            rate = np.maximum(base + CUE_GAIN * self.gain * self.value_hz, 0.0)
            return np.stack([rate, rate])
        return np.stack([base + OTHER_ODOUR_HZ, base])

    def _own_cue_hz(self, trial: int, cue: str, base: Floats) -> Floats:
        delay_s, line = self.settings.cues[cue].delay_s, self.lines[cue]
        due = round(delay_s * US_PER_S / BIN_US)
        head = np.tile(base, (due + RESPONSE_BINS.stop, 1))
        head[0] += OTHER_ODOUR_HZ
        answer = OWN_CUE_GAIN * self.gain * line.discount * line.values_hz[0]
        head[RESPONSE_BINS] = np.maximum(base + answer, 0.0)
        self._answer_on_the_way(head, due, line.on_the_way(self._samples_key(trial)))
        if not delay_s:
            return head
        lacking = np.maximum(base + self._response_hz(trial, 0.0, line.outcome_hz), 0.0)
        head[due + RESPONSE_BINS.start : due + RESPONSE_BINS.stop] = lacking
        return head

    def _answer_on_the_way(self, head: Floats, due: int, errors: Floats) -> None:
        """Add the answers to the errors between a cue and its outcome; they scale as those to the cue."""
        for k, error in enumerate(errors, start=1):
            at = round(k * due / (len(errors) + 1))
            bins = slice(at + RESPONSE_BINS.start, at + RESPONSE_BINS.stop)
            # a unit weighs an error by tau or 1 - tau, half where it is classical
            head[bins] = np.maximum(head[bins] + 2.0 * OWN_CUE_GAIN * self.gain * error, 0.0)

    def _samples_key(self, trial: int) -> int:
        return draws.key(self._key(_SAMPLES), trial)

    def omitted(self, trial: int, cue: str) -> None:
        """Learn that a cue was followed by nothing."""
        self.lines[cue].learn(0.0, self._samples_key(trial), pace(self._update, self.settings.learning_rate))

    def reward(self, trial: int, volume_ul: float, cue: str | None = None) -> Floats:
        """Take a reward: return the rates in the first six bins after it, and learn.

        Parameters
        ----------
        cue
            Name of the cue before it, if that has a value of its own.

        Returns
        -------
        ndarray
            Hz, shape (6, units).
        """
        utility = self.utility_hz(volume_ul) - NOTHING_HZ
        base = self.background_hz(trial)
        rates = np.empty((HEAD_BINS, base.size))
        rates[:2] = base + np.array(EXCITATION_HZ)[:, None]
        value = self.value_hz if cue is None else self.lines[cue].outcome_hz
        response = self._response_hz(trial, utility, value)
        rates[RESPONSE_BINS] = np.maximum(base + response + self.offset_hz, 0.0)
        step = pace(self._update, self.settings.learning_rate)
        if cue is not None:
            self.lines[cue].learn(utility, self._samples_key(trial), step)
            return rates
        error = utility - value
        self.value_hz = value + step * self._asymmetric(
            error if self._update == "expectile" else np.sign(error)
        )
        return rates

    def _response_hz(self, trial: int, utility: float, value: Floats) -> Floats:
        """Answer to an outcome, where this value was expected; both count from the utility of nothing."""
        wandered = value + self._value_drift * (trial / DRIFT_TRIALS)
        response: Floats = self.gain * self._asymmetric(utility - wandered)
        if self.world.saturation_hz:
            response = self.world.saturation_hz * np.tanh(response / self.world.saturation_hz)
        return response

    def _asymmetric(self, error: Floats) -> Floats:
        scaled: Floats = np.where(error > 0, self.tau, 1.0 - self.tau) * error
        return scaled

    def truth(self) -> list[Truth] | None:
        """Return what each unit's reversal point and asymmetry really are; None for a naive start.

        The reversal point is the fixed point of the *declared* distribution on the utility axis. Where cues
        have values of their own, it is that of `reversal_cue`, and None without one.
        """
        settings = self.settings
        if settings.start == "naive":
            return None
        if not settings.cues:
            return self._truths(self.fixed_point_hz)
        settled = self.cue_fixed_point_hz.get(settings.reversal_cue)
        return None if settled is None else self._truths(settled)

    def later_truths(self) -> list[list[Truth]]:
        """Return the same for each later epoch: where the values end if its rewards come long enough."""
        if self.settings.start == "naive" or self.settings.cues:
            return []
        return [self._truths(self._settles(one.sizes_ul, one.probabilities)) for one in self.settings.later]

    def cue_truths(self) -> dict[str, list[Truth]]:
        """Return the same for every promising cue with a value of its own; empty for a naive start."""
        if self.settings.start == "naive":
            return {}
        return {name: self._truths(settled) for name, settled in self.cue_fixed_point_hz.items()}

    def _truths(self, settled_hz: Floats) -> list[Truth]:
        volumes = self._sizes.axis.to_ul(settled_hz)
        return [
            Truth(reversal_hz=float(hz), reversal_ul=float(ul), asymmetry=float(tau))
            for hz, ul, tau in zip(settled_hz, volumes, self.tau, strict=True)
        ]


def _all_sizes(settings: PopulationSettings) -> tuple[float, ...]:
    """Return every reward size that the animal knows, ascending."""
    if not settings.cues:
        later = {size for one in settings.later for size in one.sizes_ul}
        return tuple(sorted({*settings.sizes_ul, *later})) if later else settings.sizes_ul
    told = [size for cue in settings.cues.values() for size in cue.sizes_ul if size > 0]
    return tuple(sorted({*settings.sizes_ul, *told}))


def unit_names(n: int, per_electrode: int = 4) -> tuple[str, ...]:
    """Name units as a sorter would: ``Tetrode 1:1`` to ``Tetrode 1:4``, then ``Tetrode 2:1``, ...

    Examples
    --------
    >>> unit_names(5)[-2:]
    ('Tetrode 1:4', 'Tetrode 2:1')
    """
    return tuple(f"Tetrode {i // per_electrode + 1}:{i % per_electrode + 1}" for i in range(n))
