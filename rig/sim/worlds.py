"""The worlds a dopamine population can live in: each bends one assumption of the estimators.

Numbers of the default world are those of 40 light-identified VTA units (baseline 6.25 +- 3.1 Hz over
units, range 1.0-16.8 Hz); the others are named after what they change.
"""

from __future__ import annotations

from typing import Final

import msgspec

from rig.errors import ConfigError


class World(msgspec.Struct, frozen=True, kw_only=True):
    """How a unit's expected response becomes spikes.

    Parameters
    ----------
    doc
        One line for people.
    fano
        Variance / mean of spike counts: 1 is Poisson.
    baseline_mean_hz, baseline_sd_hz, baseline_min_hz, baseline_max_hz
        Baseline rates over units (lognormal, clipped).
    saturation_hz
        Responses pass through ``s * tanh(x / s)``; 0 leaves them linear.
    offset_sd_hz
        SD over units of a constant added to every response to a reward, whatever its size.
    value_drift_hz
        SD over units of how far the point of zero response wanders in 300 trials.
    baseline_drift
        SD over units of the relative change of the baseline in 300 trials.
    """

    doc: str
    fano: float = 1.0
    baseline_mean_hz: float = 6.25
    baseline_sd_hz: float = 3.1
    baseline_min_hz: float = 1.0
    baseline_max_hz: float = 16.8
    saturation_hz: float = 0.0
    offset_sd_hz: float = 0.0
    value_drift_hz: float = 0.0
    baseline_drift: float = 0.0


DRIFT_TRIALS: Final = 300
"""A drift is given for this many trials."""

WORLDS: Final[dict[str, World]] = {
    "poisson": World(doc="Poisson spikes; what the interval estimates assume, nearly"),
    "fano_low": World(doc="counts more regular than Poisson (Fano 0.6), as real baselines are", fano=0.6),
    "fano_high": World(doc="counts more variable than Poisson (Fano 1.8)", fano=1.8),
    "rectified": World(
        doc="baselines of about 2 Hz, so that dips are cut off at zero rate",
        baseline_mean_hz=2.0,
        baseline_sd_hz=1.0,
        baseline_min_hz=0.5,
        baseline_max_hz=5.0,
    ),
    "sigmoid": World(doc="responses saturate smoothly at 8 Hz either way", saturation_hz=8.0),
    "offset": World(doc="a constant of SD 1 Hz added to all responses of a unit", offset_sd_hz=1.0),
    "drift": World(
        doc="zero points wander by SD 1 Hz and baselines by SD 30 % in 300 trials",
        value_drift_hz=1.0,
        baseline_drift=0.3,
    ),
}


def world(name: str) -> World:
    """Return the world called `name`.

    Raises
    ------
    ConfigError
        If there is none.
    """
    try:
        return WORLDS[name]
    except KeyError:
        raise ConfigError(f"there is no world '{name}'; there are {', '.join(WORLDS)}") from None
