"""What a closed loop does to what it measures: `python -m benchmarks.stopping_rule [UNITS]`.

The figures of docs/explanation/closed-loop.md: stopping on precision, stopping on a P value, choosing units
by what they seem to say, choosing sizes by it, and mirroring the odds. The units are those of the simulated
animal (a distributional code, Poisson spikes), 100 to an animal, each animal with its own order of rewards in
declared blocks of 40.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import special

from rig.estimate.counts import SizeCounts
from rig.estimate.fixed_points import expectiles
from rig.estimate.kinked_bayes import KinkedBayes, Posterior
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.sim.neurons import NOTHING_HZ, RESPONSE_BINS, Population, PopulationSettings

Floats = NDArray[np.float64]
BLOCK = np.repeat(np.arange(7), (3, 4, 6, 6, 12, 6, 3))
MIRRORED = 6 - BLOCK
AN_ANIMAL = 100
MOST, LEAST = 500, 40
WINDOW_S, BASELINE_S = 0.4, 1.0
U = np.array(PUBLISHED_UTILITY_HZ)
THRESHOLD_HZ = 1.5

Order = Callable[[int, Posterior, np.random.Generator], int]
"""(rewards so far, posterior, draws) -> which size is next."""


class Animal:
    """Units that answer rewards, and what is known of them."""

    def __init__(self, seed: int, units: int = AN_ANIMAL, rate: float = 0.02) -> None:
        self.rng = np.random.default_rng([seed, 0x57])
        self.population = Population(PopulationSettings(units=units, seed=seed, learning_rate=rate))
        self.counts = SizeCounts(U.size, units)
        self.bayes = KinkedBayes(U)
        self.truth: Floats = self.population.fixed_point_hz

    def reward(self, size: int) -> None:
        """Give a reward; count the spikes after it and before it."""
        base = self.population.background_hz(0)
        rate = self.population.reward(0, PUBLISHED_SIZES_UL[size])[RESPONSE_BINS].mean(axis=0)
        after, before = self.rng.poisson(WINDOW_S * rate), self.rng.poisson(BASELINE_S * base)
        self.counts.add(size, after / WINDOW_S - before / BASELINE_S)

    def block_sizes(self, block: NDArray[np.int64] = BLOCK) -> Iterator[int]:
        """Yield sizes in shuffled blocks, for ever."""
        while True:
            yield from self.rng.permutation(block).tolist()


@dataclass(frozen=True)
class Stopped:
    """How units stood when they were stopped; arrays of one number a unit."""

    rewards: Floats
    error: Floats
    covered: NDArray[np.bool_]

    @property
    def coverage(self) -> float:
        """Share of 95 % intervals that hold the truth."""
        return float(self.covered.mean())


def stopping(
    enough: Callable[[Posterior], NDArray[np.bool_]], units: int, rate: float = 0.02, first_seed: int = 1
) -> Stopped:
    """Stop each unit by itself as soon as it is known well enough, after 40 rewards at least."""
    parts = [
        _stop(Animal(first_seed + k, min(AN_ANIMAL, units), rate), enough)
        for k in range(max(units // AN_ANIMAL, 1))
    ]
    return Stopped(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _stop(
    animal: Animal, enough: Callable[[Posterior], NDArray[np.bool_]]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    units = animal.truth.size
    rewards, error, covered = np.full(units, MOST * 1.0), np.zeros(units), np.zeros(units, dtype=bool)
    running = np.ones(units, dtype=bool)
    for n, size in zip(range(1, MOST + 1), animal.block_sizes(), strict=False):
        animal.reward(size)
        if n < LEAST or not running.any():
            continue
        here = np.flatnonzero(running)
        posterior = animal.bayes.posterior(animal.counts.rows(here))
        done = enough(posterior) if n < MOST else np.ones(here.size, dtype=bool)
        at = here[done]
        rewards[at], error[at] = n, posterior.mean_hz[done] - animal.truth[at]
        low, high = posterior.ci95_hz[done].T
        covered[at] = (low <= animal.truth[at]) & (animal.truth[at] <= high)
        running[at] = False
    return rewards, error, covered


def within_sd(bound_hz: float) -> Callable[[Posterior], NDArray[np.bool_]]:
    """Posterior SD below a bound."""
    return lambda posterior: posterior.sd_hz < bound_hz


def within_half_width(bound_hz: float) -> Callable[[Posterior], NDArray[np.bool_]]:
    """Half of the 95 % interval at most a bound: what `Until(within_hz=...)` asks."""
    return lambda posterior: posterior.half_width_hz <= bound_hz


def peeking(runs: int, seed: int = 1) -> tuple[float, float]:
    """How often P < 0.05 where there is nothing: looked at once, and every 10 trials from 20 to 300."""
    y = np.random.default_rng(seed).normal(size=(runs, 300))
    n = np.arange(20, 301, 10)
    mean = y.cumsum(axis=1)[:, n - 1] / n
    variance = ((y**2).cumsum(axis=1)[:, n - 1] - n * mean**2) / (n - 1)
    p = 2 * special.stdtr(n - 1, -np.abs(mean / np.sqrt(variance / n)))
    return float((p[:, -1] < 0.05).mean()), float((p < 0.05).any(axis=1).mean())


def flagged(after: int, animals: int) -> list[tuple[int, float, float, float]]:
    """Units called optimistic after so many rewards: by the posterior mean, and by P > 0.95.

    Returns
    -------
    list
        For both bars: how many, share of them that is, their mean estimate, their mean truth.
    """
    found: tuple[list[Floats], list[Floats]] = ([], [])
    for seed in range(1, animals + 1):
        animal = Animal(seed)
        for _, size in zip(range(after), animal.block_sizes(), strict=False):
            animal.reward(size)
        posterior = animal.bayes.posterior(animal.counts)
        pairs = np.stack([posterior.mean_hz, animal.truth], axis=1)
        bars = (posterior.mean_hz > THRESHOLD_HZ, animal.bayes.p_above(posterior, THRESHOLD_HZ) > 0.95)
        for told, bar in zip(found, bars, strict=True):
            told.append(pairs[bar])
    rows = []
    for told in found:
        estimate, truth = np.concatenate(told).T
        rows.append((estimate.size, float((truth > THRESHOLD_HZ).mean()), estimate.mean(), truth.mean()))
    return rows


def nearest(n: int, posterior: Posterior, rng: np.random.Generator) -> int:
    """The size nearest to the mean reversal point; one in ten at random."""
    if n < LEAST or rng.random() < 0.1:
        return int(rng.integers(U.size))
    return int(np.argmin(np.abs(U - posterior.mean_hz.mean())))


def chosen(order: Order | None, rate: float, animals: int, units: int = 12) -> tuple[float, ...]:
    """Choose 300 sizes by an order (None: declared blocks).

    Returns
    -------
    tuple
        RMS error to the declared distribution's reversal points, coverage, RMS drift of the values, and
        what is left of their spread over units.
    """
    errors, drifts, covered, spread = [], [], [], []
    for seed in range(1, animals + 1):
        animal = Animal(seed, units, rate)
        blocks = animal.block_sizes()
        for n in range(300):
            posterior = animal.bayes.posterior(animal.counts) if order is not None else None
            animal.reward(order(n, posterior, animal.rng) if order and posterior else next(blocks))
        posterior = animal.bayes.posterior(animal.counts)
        errors.append(posterior.mean_hz - animal.truth)
        value = animal.population.value_hz + NOTHING_HZ
        drifts.append(value - animal.truth)
        spread.append(value.std() / animal.truth.std())
        low, high = posterior.ci95_hz.T
        covered.append((low <= animal.truth) & (animal.truth <= high))
    rms, drift = (float(np.sqrt(np.mean(np.square(values)))) for values in (errors, drifts))
    return rms, float(np.mean(covered)), drift, float(np.mean(spread))


def mirrored(discard: int, rate: float, animals: int, rewards: int = 160) -> tuple[float, float, float]:
    """Mirror the odds, leave out some rewards, and measure for so many more.

    Returns
    -------
    tuple
        How far the values still are, in the mean, from their new fixed points when measuring begins; bias and
        coverage of the estimates at its end.
    """
    to_go, bias, covered = [], [], []
    for seed in range(1, animals + 1):
        animal = Animal(seed, rate=rate)
        truth = expectiles(animal.population.tau, U, np.bincount(MIRRORED).astype(np.float64))
        sizes = animal.block_sizes(MIRRORED)
        for _ in range(discard):
            animal.reward(next(sizes))
        to_go.append(animal.population.value_hz + NOTHING_HZ - truth)
        animal.counts = SizeCounts(U.size, truth.size)
        for _ in range(rewards):
            animal.reward(next(sizes))
        posterior = animal.bayes.posterior(animal.counts)
        bias.append(posterior.mean_hz - truth)
        low, high = posterior.ci95_hz.T
        covered.append((low <= truth) & (truth <= high))
    return float(np.mean(to_go)), float(np.mean(bias)), float(np.mean(covered))


def main(units: int) -> None:
    """Print all tables."""
    console = Console(width=110)
    table = Table("stop when", "learning", "coverage", "median rewards", "at the cap", "bias, Hz", "rmse, Hz",
                  title=f"stopping on precision, {units} units, 40 to {MOST} rewards")  # fmt: skip
    rules = {
        "SD < 0.8 Hz": within_sd(0.8), "SD < 0.6 Hz": within_sd(0.6),
        "half width <= 1.6 Hz": within_half_width(1.6), "half width <= 1.2 Hz": within_half_width(1.2),
        "240 rewards": None,
    }  # fmt: skip
    for rate in (0.0, 0.02):
        for name, rule in rules.items():
            told = stopping(rule, units, rate) if rule else at_fixed(240, units, rate)
            table.add_row(
                name, f"{rate:g}", f"{told.coverage:.3f}", f"{np.median(told.rewards):.0f}",
                f"{(told.rewards == MOST).mean():.0%}", f"{told.error.mean():+.2f}",
                f"{np.sqrt((told.error**2).mean()):.2f}",
            )  # fmt: skip
    console.print(table)
    console.print(
        "P < 0.05 where there is nothing: looked at once {:.1%}, every 10 trials {:.1%}".format(
            *peeking(20_000)
        )
    )
    table = Table("rewards", "bar", "units", "truly above", "mean estimate", "mean truth",
                  title=f"units called optimistic: reversal above {THRESHOLD_HZ} Hz")  # fmt: skip
    for after in (50, 100, 200):
        for bar, row in zip(
            ("mean above", "P > 0.95"), flagged(after, max(units // AN_ANIMAL, 1)), strict=True
        ):
            table.add_row(str(after), bar, str(row[0]), f"{row[1]:.0%}", f"{row[2]:.2f}", f"{row[3]:.2f}")
    console.print(table)
    table = Table(
        "sizes", "learning", "rmse, Hz", "coverage", "drift, Hz", "spread left", title="12 units, 300 rewards"
    )
    for rate in (0.0, 0.02, 0.05):
        for name, order in (("declared blocks", None), ("nearest to the mean reversal", nearest)):
            rms, coverage, drift, spread = chosen(order, rate, max(units // 12, 2))
            table.add_row(name, f"{rate:g}", f"{rms:.2f}", f"{coverage:.2f}", f"{drift:.2f}", f"{spread:.2f}")
    console.print(table)
    table = Table("left out", "learning", "still to go, Hz", "bias, Hz", "coverage",
                  title="160 rewards after the odds were mirrored")  # fmt: skip
    for rate in (0.02, 0.05):
        for discard in (0, 10, 40, 80, 160, 320):
            to_go, bias, coverage = mirrored(discard, rate, max(units // AN_ANIMAL, 1))
            table.add_row(str(discard), f"{rate:g}", f"{to_go:+.2f}", f"{bias:+.2f}", f"{coverage:.2f}")
    console.print(table)


def at_fixed(rewards: int, units: int, rate: float = 0.02) -> Stopped:
    """Look once, after a number of rewards that was fixed beforehand."""
    parts = []
    for seed in range(1, max(units // AN_ANIMAL, 1) + 1):
        animal = Animal(seed, min(AN_ANIMAL, units), rate)
        for _, size in zip(range(rewards), animal.block_sizes(), strict=False):
            animal.reward(size)
        posterior = animal.bayes.posterior(animal.counts)
        low, high = posterior.ci95_hz.T
        covered = (low <= animal.truth) & (animal.truth <= high)
        parts.append((np.full(covered.size, rewards * 1.0), posterior.mean_hz - animal.truth, covered))
    return Stopped(*(np.concatenate(column) for column in zip(*parts, strict=True)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
