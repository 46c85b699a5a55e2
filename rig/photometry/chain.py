"""dF/F of one fibre, sample by sample, from what has come so far and nothing else.

For signal s and control c, both behind a causal Butterworth low-pass::

    F0    exponential average of s (and of c), time constant tb
    w     sum k (c - F0c) (s - F0s) / sum k (c - F0c)^2     weights k fall off with time constant tr
    dF/F  = (s - F0s - w (c - F0c)) / F0s

At the beginning the averages weigh what there is evenly, so they are unbiased from the first sample on.
A lost sample (left out, or not a number) changes no state: time stands still for the filters, and dF/F is
not a number there. After a loss longer than `baseline_s` F0 says nothing any more and all begins anew.

All states are those of linear recursions that go from sample to sample, so the numbers do not depend on
how the samples were cut into chunks.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, lfilter

from rig.errors import ConfigError
from rig.photometry.settings import DffSettings

Floats = NDArray[np.float64]
SMALL: float = 1e-18
"""A control whose variance is below this part of its square is constant: it explains nothing."""


class DffChunk(msgspec.Struct, frozen=True, eq=False):
    """What was made of a chunk; every array float64 of shape (samples,).

    Attributes
    ----------
    first
        Sample number of the first.
    dff
        dF/F, a fraction (0.01 is 1 %); not a number where a sample is missing or the chain is not settled.
    filtered, f0, slope
        The low-passed signal, its baseline (both in the source's unit) and the control's slope.
    ready
        bool: the chain has settled. A lost sample is as ready as the one before it.
    """

    first: int
    dff: Floats
    filtered: Floats
    f0: Floats
    slope: Floats
    ready: NDArray[np.bool_]


class OnlineDff:
    """The chain of one fibre.

    Parameters
    ----------
    rate_hz
        Samples per second.

    Attributes
    ----------
    group_delay_ms
        How much the low-pass delays slow changes.
    lost
        Samples that were missing since the start.
    restarts
        How often all began anew after a long loss.

    Raises
    ------
    ConfigError
        If the low-pass corner does not fit the sample rate.
    """

    def __init__(self, settings: DffSettings, rate_hz: float) -> None:
        if settings.low_pass_hz >= 0.5 * rate_hz:
            raise ConfigError(
                f"a low-pass of {settings.low_pass_hz:g} Hz needs more than {2 * settings.low_pass_hz:g} "
                f"samples a second, and these are {rate_hz:g}"
            )
        self.settings = settings
        self.rate_hz = rate_hz
        self.lost = 0
        self.restarts = 0
        self._b, self._a = butter(2, settings.low_pass_hz, fs=rate_hz)
        self.group_delay_ms = 1000.0 * _delay_samples(self._b, self._a) / rate_hz
        self._keep_f0 = math.exp(-1.0 / (rate_hz * settings.baseline_s))
        self._keep_slope = math.exp(-1.0 / (rate_hz * settings.regression_s))
        self._next: int | None = None
        self.reset()

    def reset(self) -> None:
        """Begin anew: nothing is known (the light was changed, the source restarted)."""
        self._seen = 0
        self._next = None
        self._low_pass: Floats | None = None
        self._f0_sum = np.zeros((2, 1))
        self._products = np.zeros((2, 1))

    @property
    def ready(self) -> bool:
        """Whether the chain has settled."""
        return self._seen >= self._settle_samples

    @property
    def _settle_samples(self) -> float:
        return self.settings.settle_s * self.rate_hz

    def take(self, first: int, signal: Floats, control: Floats | None = None) -> DffChunk:
        """Take the next samples.

        Parameters
        ----------
        first
            Number of the first sample; a number above the one due is a loss.
        signal, control
            float64, shape (samples,), in the source's unit. Not a number where lost. Without a control
            (None) the slope is 0.

        Raises
        ------
        ValueError
            If the samples overlap those before, or the shapes differ.
        """
        if self._next is not None and first < self._next:
            raise ValueError(f"samples from {first} on, but those before {self._next} are in")
        if control is not None and control.shape != signal.shape:
            raise ValueError(f"{signal.shape} signal samples, but {control.shape} of the control")
        self._note_gap(0 if self._next is None else first - self._next)
        self._next = first + len(signal)
        good = np.isfinite(signal)
        both = np.zeros((2, len(signal)))
        both[0] = signal
        if control is not None:
            good &= np.isfinite(control)
            both[1] = control
        if good.all():
            return DffChunk(first, *self._run(both))
        self.lost += int(np.count_nonzero(~good))
        ready = self._seen + np.cumsum(good) > self._settle_samples
        results = self._run(both[:, good])
        dff, filtered, f0, slope = (_spread(values, good) for values in results[:4])
        return DffChunk(first, dff, filtered, f0, slope, ready)

    def _note_gap(self, gap: int) -> None:
        self.lost += gap
        if gap > self.settings.baseline_s * self.rate_hz:
            self.restarts += 1
            self.reset()

    def _run(self, both: Floats) -> tuple[Floats, Floats, Floats, Floats, NDArray[np.bool_]]:
        """Run good samples through the chain; `both` has shape (2, samples): signal and control."""
        count = both.shape[1]
        if not count:
            none = np.zeros(0)
            return none, none, none, none, np.zeros(0, dtype=np.bool_)
        if self._low_pass is None:
            self._low_pass = _steady(self._b, self._a) * both[:, :1]
        low, self._low_pass = lfilter(self._b, self._a, both, zi=self._low_pass)
        number = self._seen + 1 + np.arange(count)
        f0 = self._average(low, self._keep_f0, "_f0_sum") / (1.0 - self._keep_f0**number)
        moved = low - f0
        products = np.stack([moved[0] * moved[1], moved[1] * moved[1]])
        sums = self._average(products, self._keep_slope, "_products")
        # the same weights above and below, so they need no scaling
        known = sums[1] > SMALL * np.maximum(f0[1] ** 2, SMALL)
        slope = np.divide(sums[0], sums[1], out=np.zeros(count), where=known)
        slope = np.clip(slope, *self.settings.slope_limits)
        slope[~known] = 0.0
        ready = number > self._settle_samples
        self._seen += count
        usable = ready & (f0[0] > 0)
        dff = np.divide(moved[0] - slope * moved[1], f0[0], out=np.full(count, np.nan), where=usable)
        return dff, low[0], f0[0], slope, ready

    def _average(self, values: Floats, keep: float, state: str) -> Floats:
        """Exponential average from zero on, along the second axis; its state lives in attribute `state`."""
        averaged: Floats
        averaged, after = lfilter([1.0 - keep], [1.0, -keep], values, zi=getattr(self, state))
        setattr(self, state, after)
        return averaged


def _steady(b: Floats, a: Floats) -> Floats:
    """State of the 2nd-order filter after a long time at 1; shape (2,)."""
    last = b[2] - a[2]
    return np.array([b[1] - a[1] + last, last])


def _delay_samples(b: Floats, a: Floats) -> float:
    """Group delay at frequency zero, in samples (a filter is delayed by its zeros, less by its poles)."""
    order = np.arange(3.0)
    return float(order @ b / b.sum() - order @ a / a.sum())


def _spread(values: Floats, good: NDArray[np.bool_]) -> Floats:
    """Lay values of good samples out among the lost ones."""
    spread = np.full(len(good), np.nan)
    spread[good] = values
    return spread
