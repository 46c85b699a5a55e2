"""A fibre over simulated neurons: a sensor, its control, and all that spoils them. The truth is known.

::

    drive (spikes, or events)  ->  kernel  ->  dF/F (the truth)
    signal  = light * bleaching * (1 + dF/F)        * (1 + movement)              + noise
    control = light * bleaching * (1 + leak * dF/F) * (1 + movement * its share)  + noise

The kernel is a difference of two exponentials with its peak at 1. Bleaching is a constant and two falling
exponentials. Movement comes in short bumps, common to both channels.

Everything is computed by sample number: noise is a keyed draw, bleaching and movement are functions of time,
and the kernel's state goes from sample to sample. So it does not matter in how many pieces samples are
fetched. What drives a sample must be handed over before that sample is fetched.
"""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from rig.sim import draws
from rig.units import US_PER_S

Floats = NDArray[np.float64]

SENSORS: Final = {"gcamp": (0.05, 0.6), "dlight": (0.02, 0.25)}
"""Rise and decay in seconds, about those of GCaMP6f and of dLight1.3 with the clearing of dopamine."""
REACH: Final = 4.0
"""A movement's bump is over after this many of its widths."""
WIDEST_S: Final = 0.5

_NOISE, _MOVED, _WHEN, _HOW_MUCH, _HOW_LONG, _LOST = range(1, 7)


class FibreWorld(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated fibre is.

    Parameters
    ----------
    seed
        Of everything that is drawn.
    sensor
        Whose kernel: ``gcamp`` or ``dlight``.
    control
        ``isosbestic``: leaks a little of the signal, inverted, and shows movement less; ``static``: senses
        nothing and shows movement fully; ``none``: one channel only.
    per_spike
        Peak dF/F of one spike of every unit.
    light_v
        Signal and control at the beginning, in volts.
    bleached, bleaching_s
        Shares of the light that fade, and with which time constants (fast, slow).
    movements_per_min, movement
        How often, and the SD of their size as a fraction of the light.
    noise_v
        SD of the noise of a sample.
    """

    seed: int = 1
    sensor: Literal["gcamp", "dlight"] = "gcamp"
    control: Literal["isosbestic", "static", "none"] = "isosbestic"
    per_spike: float = 0.01
    light_v: tuple[float, float] = (1.5, 1.4)
    bleached: tuple[float, float] = (0.03, 0.3)
    bleaching_s: tuple[float, float] = (200.0, 4000.0)
    movements_per_min: float = 6.0
    movement: float = 0.01
    noise_v: float = 0.006

    @property
    def leak(self) -> float:
        """Share of dF/F that the control shows."""
        return -0.1 if self.control == "isosbestic" else 0.0

    @property
    def control_moves(self) -> float:
        """Share of a movement that the control shows."""
        return 0.7 if self.control == "isosbestic" else 1.0


class SimulatedFibre:
    """One fibre's samples.

    Parameters
    ----------
    rate_hz
        True samples per second of rig time.
    start_us
        Rig time at which the source starts; sample k is taken k + 1 periods later.

    Attributes
    ----------
    next_sample
        The sample that is fetched next.
    """

    def __init__(self, world: FibreWorld, rate_hz: float, start_us: int = 0) -> None:
        self.world = world
        self.next_sample = 0
        self._rate_hz = rate_hz
        self._start_us = start_us
        rise, decay = SENSORS[world.sensor]
        self._taus = (decay, rise)
        at = rise * decay / (decay - rise) * math.log(decay / rise)
        self._peak = math.exp(-at / decay) - math.exp(-at / rise)
        self._states = [np.zeros(1), np.zeros(1)]
        self._times: Floats = np.zeros(0)  # of the drive still to come, in samples
        self._sizes: Floats = np.zeros(0)

    def drive(self, t_us: NDArray[np.int64], dff: Floats) -> None:
        """Let the sensor answer at these times.

        Parameters
        ----------
        t_us
            Rig times, ascending, none before a sample already fetched.
        dff
            Peak dF/F of each answer.

        Raises
        ------
        ValueError
            If a time lies before a sample that was fetched.
        """
        where = (t_us - self._start_us) * (self._rate_hz / US_PER_S) - 1.0
        if len(where) and where[0] < self.next_sample - 1:
            raise ValueError(f"sample {self.next_sample - 1} is out, {t_us[0]} us lies before it")
        self._times = np.concatenate([self._times, where])
        self._sizes = np.concatenate([self._sizes, dff])
        order = np.argsort(self._times, kind="stable")
        self._times, self._sizes = self._times[order], self._sizes[order]

    def drive_spikes(self, t_us: NDArray[np.int64], units: int) -> None:
        """Let it answer spikes of a population of so many units."""
        self.drive(t_us, np.full(len(t_us), self.world.per_spike / units))

    def take(self, first: int, count: int) -> Floats:
        """Fetch the next samples in volts, shape (count, 1 or 2): signal, and control if there is one.

        Raises
        ------
        ValueError
            If they are not the next ones.
        """
        return self.take_with_truth(first, count)[0]

    def take_with_truth(self, first: int, count: int) -> tuple[Floats, Floats]:
        """Fetch samples, and the true dF/F of each, shape (count,)."""
        if first != self.next_sample:
            raise ValueError(f"sample {self.next_sample} is next, not {first}")
        world = self.world
        dff = self._answer(first, count)
        number = np.arange(first, first + count)
        t_s = (number + 1) / self._rate_hz
        moved, faded = self._moved(t_s), self._faded(t_s)
        parts = [world.light_v[0] * faded * (1.0 + dff) * (1.0 + moved)]
        if world.control != "none":
            other = (1.0 + world.leak * dff) * (1.0 + world.control_moves * moved)
            parts.append(world.light_v[1] * faded * other)
        volts = np.stack(parts, axis=1)
        key = draws.key(world.seed, 0xF1B3E, _NOISE)
        volts += world.noise_v * draws.normal(key, number[:, None], np.arange(len(parts)))
        self.next_sample += count
        return volts, dff

    def _answer(self, first: int, count: int) -> Floats:
        """Run the kernel over the drive up to the last of these samples."""
        due = int(np.searchsorted(self._times, first + count - 1, side="right"))
        times, sizes = self._times[:due], self._sizes[:due]
        self._times, self._sizes = self._times[due:], self._sizes[due:]
        where = np.maximum(np.ceil(times).astype(np.int64) - first, 0)
        late_s = (where + first - times) / self._rate_hz
        answers = []
        for number, tau_s in enumerate(self._taus):
            struck = np.bincount(where, weights=sizes * np.exp(-late_s / tau_s), minlength=count)
            keep = math.exp(-1.0 / (self._rate_hz * tau_s))
            answer, self._states[number] = lfilter([1.0], [1.0, -keep], struck, zi=self._states[number])
            answers.append(answer)
        dff: Floats = (answers[0] - answers[1]) / self._peak
        return dff

    def _faded(self, t_s: Floats) -> Floats:
        fast, slow = self.world.bleached
        fast_s, slow_s = self.world.bleaching_s
        faded: Floats = 1.0 - fast - slow + fast * np.exp(-t_s / fast_s) + slow * np.exp(-t_s / slow_s)
        return faded

    def _moved(self, t_s: Floats) -> Floats:
        """Movement at each of these times: at most one bump begins in each second."""
        world, moved = self.world, np.zeros(len(t_s))
        if not len(t_s) or not world.movements_per_min:
            return moved
        reach = math.ceil(REACH * WIDEST_S)
        slots = np.arange(max(int(t_s[0]) - reach, 0), int(t_s[-1]) + reach + 1)
        base = draws.key(world.seed, 0xF1B3E, _MOVED)
        chance = draws.uniform(draws.key(base, _MOVED), slots)
        middle = slots + draws.uniform(draws.key(base, _WHEN), slots)
        size = world.movement * draws.normal(draws.key(base, _HOW_MUCH), slots)
        width = WIDEST_S * (0.2 + 0.8 * draws.uniform(draws.key(base, _HOW_LONG), slots))
        for slot in np.flatnonzero(chance < world.movements_per_min / 60.0).tolist():
            ends = middle[slot] + width[slot] * REACH * np.array([-1.0, 1.0])
            low, high = np.searchsorted(t_s, ends)
            away = (t_s[low:high] - middle[slot]) / width[slot]
            moved[low:high] += size[slot] * np.exp(-0.5 * away * away)
        return moved


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """Which chunks are lost on their way; by number, so that it does not matter who asks when.

    Parameters
    ----------
    share
        Of all chunks.
    burst
        So many in a row.
    """

    seed: int = 1
    share: float = 0.01
    burst: int = 1

    def lost(self, first: int, count: int) -> NDArray[np.bool_]:
        """Whether chunks `first` to `first + count - 1` are lost, shape (count,)."""
        before = min(self.burst - 1, first)
        number = np.arange(first - before, first + count)
        chance = 1.0 - (1.0 - self.share) ** (1.0 / self.burst)
        begins = draws.uniform(draws.key(self.seed, 0xF1B3E, _LOST), number) < chance
        newest = np.maximum.accumulate(np.where(begins, number, -self.burst))
        gone: NDArray[np.bool_] = (number - newest < self.burst)[before:]
        return gone
