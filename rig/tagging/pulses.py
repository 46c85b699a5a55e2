"""Which light pulses may be tested, and where chance is asked: sham pulses.

SALT compares what follows a pulse with what precedes it. A pulse with another one shortly before it has
no clean past, so only the first of a fast train counts, and those of a slow one. What a pulse drives may
still come one window later, so the past must be free of pulses for the baseline and one window more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rig.tagging.salt import ROUNDING_MS, Floats, SaltSettings


def clear_ms(settings: SaltSettings) -> float:
    """Return how long before a pulse no other may have begun, in ms."""
    return settings.reach_ms + settings.window_ms


class Eligibility:
    """Says of each pulse, as it comes, whether its past is clean.

    Examples
    --------
    >>> judge = Eligibility(SaltSettings(baselines=15))
    >>> [judge.take(t_ms) for t_ms in (0.0, 50.0, 100.0, 600.0)]
    [True, False, False, True]
    """

    def __init__(self, settings: SaltSettings) -> None:
        self._clear_ms = clear_ms(settings)
        self._last_ms: float | None = None

    def take(self, t_ms: float) -> bool:
        """Take a pulse that began at `t_ms` (any clock, ascending); return whether it may be tested."""
        last, self._last_ms = self._last_ms, t_ms
        return last is None or round(t_ms - last, ROUNDING_MS) >= self._clear_ms


def eligible(pulses_ms: npt.ArrayLike, settings: SaltSettings) -> npt.NDArray[np.bool_]:
    """Say the same of all pulses of a recording, shape (pulses,), ascending."""
    gaps = np.round(np.diff(np.asarray(pulses_ms, dtype=np.float64)), ROUNDING_MS)
    return np.concatenate([[True], gaps >= clear_ms(settings)])[: gaps.size + 1 if np.size(pulses_ms) else 0]


def sham_times(pulses_ms: npt.ArrayLike, settings: SaltSettings) -> Floats:
    """Return moments at which no light came but a pulse might have been tested.

    After each pulse that leaves enough room there is one: as soon as the past is clean, and a window before
    the next pulse at the latest. 1-Hz pulses leave room for one each with 46 baselines of 10 ms.

    Parameters
    ----------
    pulses_ms
        Onsets of the light, ascending, shape (pulses,).
    """
    pulses = np.asarray(pulses_ms, dtype=np.float64)
    sham = pulses + clear_ms(settings)
    following = np.append(pulses[1:], np.inf)
    room: Floats = sham[sham + settings.window_ms <= following]
    return room
