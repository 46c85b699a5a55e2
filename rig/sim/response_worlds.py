"""Whole sessions of responses without spikes: worlds to try a statistic on, a few milliseconds each.

A statistic that finds a distributional code must not find it where there is none. Each world says how a unit
answers a reward of utility u; the noise is that of 40 recorded dopamine units.

    classical       gain/2 * (u - V), one V for all units
    slopes          gain * (tau [u - V]+ - (1 - tau) [V - u]+), one V, a tau of its own for each unit
    offset          classical, plus a constant of SD 1 Hz for each unit
    distributional  as slopes, but each unit's V is the tau expectile of the rewards
    both            distributional, plus the constant

V is the mean utility of the rewards. The noise is Gaussian with the recorded SDs, or that of Poisson counts
in the windows (0.4 s after the reward, 1 s before the stimulus).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from rig.estimate.fixed_points import expectiles
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.sim import draws

World: TypeAlias = Literal["classical", "slopes", "offset", "distributional", "both"]
Noise: TypeAlias = Literal["gaussian", "poisson"]
WORLDS: Final[tuple[World, ...]] = get_args(World)

COUNTS: Final = (14, 19, 31, 33, 66, 32, 16)
"""Rewards of each size in a session: the recorded frequencies, about 212 in all."""
NOISE_SD_HZ: Final = (3.0, 3.1, 3.3, 3.9, 4.3, 4.9, 4.9)
GAIN, GAIN_LOG_SD = 2.0, 0.35
BASELINE_HZ, BASELINE_LOG_SD = 6.25, 0.47
OFFSET_SD_HZ = 1.0
WINDOW_S, BASELINE_S = 0.4, 1.0
_TAU, _GAIN, _BASELINE, _OFFSET, _NOISE, _BEFORE, _ORDER = range(7)


@dataclass(frozen=True, slots=True)
class Session:
    """What a simulated session gave.

    Attributes
    ----------
    size_index
        int64, shape (trials,): which size each trial gave.
    response_hz
        float64, shape (trials, units).
    tau, reversal_hz, baseline_hz
        float64, shape (units,): the truth; the reversal point is where the expected response is zero.
    """

    size_index: NDArray[np.int64]
    response_hz: NDArray[np.float64]
    tau: NDArray[np.float64]
    reversal_hz: NDArray[np.float64]
    baseline_hz: NDArray[np.float64]


def simulate(
    world: World, seed: int, *, units: int = 40, counts: tuple[int, ...] = COUNTS, noise: Noise = "gaussian"
) -> Session:
    """Simulate a session of the variable-magnitude task.

    Parameters
    ----------
    counts
        Rewards of each of the seven published sizes, in random order.
    """
    u, n = np.array(PUBLISHED_UTILITY_HZ), np.arange(units)

    def key(purpose: int) -> int:
        return draws.key(seed, 0x3A11, purpose)

    own_tau = world in {"slopes", "distributional", "both"}
    tau = draws.beta33(key(_TAU), n) if own_tau else np.full(units, 0.5)
    value = np.full(units, np.dot(u, counts) / np.sum(counts))
    if world in {"distributional", "both"}:
        value = expectiles(tau, u, counts)
    offset = OFFSET_SD_HZ * draws.normal(key(_OFFSET), n) * (world in {"offset", "both"})
    gain = GAIN * np.exp(GAIN_LOG_SD * draws.normal(key(_GAIN), n))
    error = u[:, None] - value
    expected = gain * np.where(error > 0, tau, 1.0 - tau) * error + offset
    baseline = BASELINE_HZ * np.exp(
        BASELINE_LOG_SD * draws.normal(key(_BASELINE), n) - BASELINE_LOG_SD**2 / 2
    )
    size = np.repeat(np.arange(u.size), counts)
    size = size[np.argsort(draws.uniform(key(_ORDER), np.arange(size.size)))]
    trial = np.arange(size.size)[:, None]
    if noise == "gaussian":
        sd = np.array(NOISE_SD_HZ)[size][:, None]
        response = expected[size] + sd * draws.normal(key(_NOISE), trial, n)
    else:
        rate = np.maximum(baseline + expected[size], 0.0)
        after = draws.poisson_count(draws.uniform(key(_NOISE), trial, n), WINDOW_S * rate)
        quiet = np.broadcast_to(BASELINE_S * baseline, rate.shape)
        before = draws.poisson_count(draws.uniform(key(_BEFORE), trial, n), quiet)
        response = after / WINDOW_S - before / BASELINE_S
    return Session(size, response, tau, _zero(expected, u), baseline)


def _zero(expected: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each unit's expected response crosses zero, between two sizes by a line."""
    return np.array([np.interp(0.0, unit, u) for unit in expected.T])
