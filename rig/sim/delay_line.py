"""What a population expects from a cue on: temporal-difference learning along a tapped delay line.

The time from a cue to its outcome is cut into bins of about half a second: an answer ends 600 ms after what
it answers, so two hardly meet. Unit i has a value for each bin. From bin to bin nothing comes, and the error
is ``gamma V_j(next) - V_i(now)``, V_j sampled from all units' values of the next bin: J of them, or all. In
the last bin it is ``outcome - V_i`` (Dabney et al. 2020, Nature 577:671, Methods; `rig.estimate.learning`).
With one bin only the outcome teaches, which is the rule of Rescorla and Wagner.

Classical units, whose asymmetry is one half, all hold one value and so learn as `ClassicalTD` does.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rig.estimate.fixed_points import expectiles, quantiles
from rig.estimate.learning import DistributionalTD, Update
from rig.sim import draws

Floats = NDArray[np.float64]

BIN_S: Final = 0.5
DISCOUNT_PER_S: Final = 0.9
"""Each second to its outcome takes a tenth of a cue's value."""
QUANTILE_STEP_HZ: Final = 4.0
"""A sign has no size: a quantile learner moves as an expectile learner does by an error of so much, which is
about the SD of the published rewards."""


def fixed_point(update: Update, tau: Floats, values_hz: Floats, probabilities: Floats) -> Floats:
    """Return where learning from these values ends: expectiles or quantiles, shape of `tau`."""
    return (expectiles if update == "expectile" else quantiles)(tau, values_hz, probabilities)


def pace(update: Update, learning_rate: float) -> float:
    """Return what multiplies f(error): the rate, in Hz where f is a sign."""
    return learning_rate * (QUANTILE_STEP_HZ if update == "quantile" else 1.0)


class DelayLine:
    """The values of all units from a cue to its outcome.

    Parameters
    ----------
    tau
        Asymmetries of the units, shape (units,).
    delay_s
        From the cue to its outcome.
    line
        Cut this delay into bins; else it is one.
    update
        ``expectile`` or ``quantile``.
    samples
        J, how many of the units' next values an update averages over; 0: all.

    Attributes
    ----------
    values_hz
        float64, shape (bins, units): they count from the utility of nothing, as all values of the animal.
    discount
        gamma, per bin.
    """

    def __init__(
        self, tau: Floats, delay_s: float, *, line: bool, update: Update = "expectile", samples: int = 0
    ) -> None:
        bins = max(round(delay_s / BIN_S), 1) if line and tau.size else 1
        self.discount = DISCOUNT_PER_S ** (delay_s / bins)
        self._samples = samples
        self._learner = DistributionalTD(tau, 1.0 - tau, states=bins, update=update, discount=self.discount)

    @property
    def values_hz(self) -> Floats:
        """The values, shape (bins, units)."""
        return self._learner.values

    @property
    def outcome_hz(self) -> Floats:
        """What each unit expects when the outcome is due, shape (units,)."""
        last: Floats = self.values_hz[-1].copy()
        return last

    def settle(self, outcome_hz: Floats) -> None:
        """Put every value where learning leaves it if that is what each unit expects of the outcome."""
        values = self.values_hz
        values[-1] = outcome_hz
        for k in range(values.shape[0] - 2, -1, -1):
            ahead = self.discount * values[k + 1]
            values[k] = fixed_point(self._learner.update, self._learner.tau, ahead, np.ones(ahead.size))

    def on_the_way(self, key: int) -> Floats:
        """Return the units' errors at the end of each bin but the last, shape (bins - 1, units).

        Each is the mean over the samples of the error as the unit weighs it, tau times the good and
        1 - tau times the bad news: once an expectile code has been learned from all samples, it is zero.

        Parameters
        ----------
        key
            Of the samples (`draws.key`).
        """
        values, tau = self.values_hz, self._learner.tau
        told = np.zeros((values.shape[0] - 1, tau.size))
        for k in range(told.shape[0]):
            drawn = self._drawn(key, k)
            ahead = values[k + 1] if drawn is None else values[k + 1][drawn]
            error = self.discount * ahead[:, None] - values[k][None, :]
            told[k] = (np.where(error > 0, tau, 1.0 - tau) * error).mean(axis=0)
        return told

    def learn(self, outcome_hz: float, key: int, pace: float) -> None:
        """Learn from a trial that brought an outcome; `key` as for `on_the_way`."""
        last = self.values_hz.shape[0] - 1
        # forwards, so that each bin meets the next one as it was in this trial
        for k in range(last):
            self._learner.step(k, 0.0, following=k + 1, samples=self._drawn(key, k), pace=pace)
        self._learner.step(last, outcome_hz, pace=pace)

    def _drawn(self, key: int, bin_: int) -> NDArray[np.int64] | None:
        units = self._learner.tau.size
        if not self._samples:
            return None
        return draws.below(units, draws.key(key, bin_), np.arange(self._samples))
