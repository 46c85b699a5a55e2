"""The learners of the paper: classical and distributional temporal-difference learning.

Both learn from an error, delta = reward + gamma * (value of what comes next) - (value of what was).

Classical: one value a moment, V += alpha * delta. Every unit reports the same error, so all units reverse
at one reward, the mean (`ClassicalTD`, with a tapped delay line: one weight per time bin since the cue).

Distributional (Dabney et al. 2020, Nature 577:671, Methods): unit i has its own value and two rates,
V_i += alpha_i+ * f(delta_i) after good news and V_i += alpha_i- * f(delta_i) after bad news. With
tau_i = alpha_i+ / (alpha_i+ + alpha_i-) it settles at the tau_i expectile of what it is to get if
f(delta) = delta, and at the tau_i quantile if f(delta) = sign(delta). The next value is a sample from the
population's values; averaging over J samples quiets it, and J = all of them uses every pair of units.

Nothing here draws: rewards and samples come in as arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rig.estimate.counts import FloatArray

Update: TypeAlias = Literal["expectile", "quantile"]
Rate: TypeAlias = Callable[[int], float]


class ClassicalTD:
    """TD(0) over the time bins since a cue.

    Parameters
    ----------
    bins
        Time bins from the cue on; the value after the last is 0.
    rate
        Learning rate, 0 to 1.
    discount
        gamma, per bin.

    Attributes
    ----------
    weights
        float64, shape (bins,): the value of each bin, in the unit of the rewards.

    Examples
    --------
    A reward of 4 in the last of three bins: the error moves from the reward to the cue.

    >>> learner = ClassicalTD(3, rate=0.5)
    >>> learner.trial([0.0, 0.0, 4.0]).tolist()
    [0.0, 0.0, 0.0, 4.0]
    >>> for _ in range(100):
    ...     errors = learner.trial([0.0, 0.0, 4.0])
    >>> errors.round(6).tolist()
    [4.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, bins: int, rate: float, discount: float = 1.0) -> None:
        if bins < 1:
            raise ValueError(f"a delay line needs one bin or more, not {bins}")
        self.weights: FloatArray = np.zeros(bins)
        self.rate, self.discount = rate, discount

    def trial(self, rewards: npt.ArrayLike) -> FloatArray:
        """Run one trial and learn from it.

        Parameters
        ----------
        rewards
            float64, shape (bins,): what came at the end of each bin.

        Returns
        -------
        float64, shape (bins + 1,): the error at the cue, then at the end of each bin.

        Raises
        ------
        ValueError
            If there is not one reward a bin.
        """
        r = np.asarray(rewards, dtype=np.float64)
        if r.shape != self.weights.shape:
            raise ValueError(f"{self.weights.size} bins, but rewards of shape {r.shape}")
        following = np.append(self.weights[1:], 0.0)
        # a bin's update uses the next bin before that one learns: all at once is bin by bin
        errors = r + self.discount * following - self.weights
        cue = self.discount * self.weights[0]
        self.weights = self.weights + self.rate * errors
        return np.concatenate([[cue], errors])


class DistributionalTD:
    """A population of units that learns a distribution, one value per state and unit.

    Parameters
    ----------
    up, down
        alpha+ and alpha-, float64, shape (units,), above 0.
    states
        Number of states (cues, or moments).
    update
        ``expectile`` for f(delta) = delta, ``quantile`` for f(delta) = sign(delta).
    discount
        gamma, per step.

    Attributes
    ----------
    values
        float64, shape (states, units), in the unit of the rewards.

    Raises
    ------
    ValueError
        If the rates do not fit each other or are not above 0.

    Examples
    --------
    >>> learner = DistributionalTD([0.02, 0.06], [0.06, 0.02])
    >>> for trial in range(4000):
    ...     errors = learner.step(0, 4.0 * (trial % 2))
    >>> learner.values.round(1).tolist()  # rewards of 0 and 4 in turn: near the expectiles, 1 and 3
    [[1.0, 3.0]]
    """

    def __init__(
        self,
        up: npt.ArrayLike,
        down: npt.ArrayLike,
        *,
        states: int = 1,
        update: Update = "expectile",
        discount: float = 1.0,
    ) -> None:
        self.up = np.asarray(up, dtype=np.float64)
        self.down = np.asarray(down, dtype=np.float64)
        if self.up.ndim != 1 or self.up.shape != self.down.shape:
            raise ValueError(f"rates of shapes {self.up.shape} and {self.down.shape}; need two per unit")
        if (self.up <= 0).any() or (self.down <= 0).any():
            raise ValueError("learning rates must be above 0")
        self.update: Update = update
        self.discount = discount
        self.values: FloatArray = np.zeros((states, self.up.size))

    @property
    def tau(self) -> FloatArray:
        """Asymmetry of each unit, shape (units,)."""
        tau: FloatArray = self.up / (self.up + self.down)
        return tau

    def step(
        self,
        state: int,
        reward: float,
        *,
        following: int | None = None,
        samples: npt.ArrayLike | None = None,
        pace: float = 1.0,
    ) -> FloatArray:
        """Learn from one step out of `state`.

        Parameters
        ----------
        reward
            What came.
        following
            The next state; None if the trial ends here, where nothing is to be expected.
        samples
            int, shape (J,): which units' values stand for the next state; all of them (every pair) if None.
        pace
            Multiplies both rates.

        Returns
        -------
        float64, shape (units,): each unit's error, averaged over the samples.
        """
        ahead = np.zeros(1)
        if following is not None:
            ahead = self.values[following]
            ahead = ahead if samples is None else ahead[np.asarray(samples, dtype=np.int64)]
        errors = reward + self.discount * ahead[:, None] - self.values[state][None, :]
        moved = errors if self.update == "expectile" else np.sign(errors)
        change = np.where(errors > 0, self.up, self.down) * moved
        self.values[state] += pace * change.mean(axis=0)
        mean: FloatArray = errors.mean(axis=0)
        return mean


def harmonic(first: float, settle: float) -> Rate:
    """Return the learning rate ``first / (1 + n / settle)`` of update n: it decays, so that values settle.

    Examples
    --------
    >>> rate = harmonic(0.5, settle=10)
    >>> rate(0), rate(10)
    (0.5, 0.25)
    """
    return lambda update: first / (1.0 + update / settle)


def settle(
    tau: npt.ArrayLike, rewards: npt.ArrayLike, *, update: Update = "expectile", rate: Rate | None = None
) -> FloatArray:
    """Run one-step learning to its end: what each asymmetry makes of a run of rewards.

    Parameters
    ----------
    tau
        Asymmetries in (0, 1), shape (units,); alpha+ is ``rate * tau``, alpha- ``rate * (1 - tau)``.
    rewards
        float64, shape (updates,): drawn by the caller.
    update
        As for `DistributionalTD`.
    rate
        Learning rate of update n; ``10 / (10 + n)`` if None, in units of the rewards' range for quantiles.

    Returns
    -------
    float64, shape (units,): the values after the last update.
    """
    taus = np.asarray(tau, dtype=np.float64)
    r = np.asarray(rewards, dtype=np.float64)
    learner = DistributionalTD(taus, 1.0 - taus, update=update)
    # a sign has no size of its own: the steps take theirs from the rewards
    scale = float(np.ptp(r)) if update == "quantile" else 1.0
    pace = rate or harmonic(1.0, settle=10.0)
    learner.values += r.mean() if update == "quantile" else 0.0
    for number, reward in enumerate(r.tolist()):
        learner.step(0, reward, pace=scale * pace(number))
    settled: FloatArray = learner.values[0]
    return settled
