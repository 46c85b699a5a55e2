"""How often alarms are false, and how soon they are right: `python -m benchmarks.alarms [RUNS]`.

The tables are those of docs/explanation/alarms.md: sessions of 300 trials of the published task on simulated
units that learn, Poisson counts in the windows (or as their world has it).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from protocols.variable_magnitude import VariableMagnitude
from rig.estimate.utility import PUBLISHED_AXIS
from rig.sim.neurons import RESPONSE_BINS, Population, PopulationSettings
from rig.trial.alarms import Alarms
from rig.trial.spec import ResponseWindow, TrialResponse

Floats: TypeAlias = NDArray[np.float64]
Change: TypeAlias = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Baseline rates and rates after the reward, as they are from halfway on."""
Told: TypeAlias = list[tuple[int, str, str]]
"""Trial, source, text."""

TRIALS, HALF, UNITS = 300, 150, 40
STILL = (
    ("poisson", 4, 0.02),
    ("poisson", 40, 0.02),
    ("poisson", 200, 0.02),
    ("poisson", 40, 0.05),
    *((world, 40, 0.02) for world in ("fano_low", "fano_high", "rectified", "sigmoid", "offset", "drift")),
)


def drawn(rng: np.random.Generator, mean: Floats, fano: float) -> NDArray[np.int64]:
    """Counts of a mean and a Fano factor: Poisson, negative binomial above it, binomial below."""
    mean = np.maximum(mean, 1e-9)
    if fano == 1.0:
        return rng.poisson(mean)
    if fano > 1.0:
        return rng.negative_binomial(mean / (fano - 1.0), 1.0 / fano)
    tries = np.ceil(mean / (1.0 - fano))
    return rng.binomial(tries.astype(np.int64), np.minimum(mean / tries, 1.0))


def session(
    seed: int,
    units: int = UNITS,
    *,
    world: str = "poisson",
    learning_rate: float = 0.02,
    change: Change | None = None,
) -> Told:
    """Return what a session's alarms told."""
    schedule = VariableMagnitude(None, seed).schedule
    shares = schedule.distribution()
    sizes = tuple(shares)
    animal = Population(
        PopulationSettings(
            units=units,
            seed=seed,
            world=world,
            learning_rate=learning_rate,
            sizes_ul=sizes,
            probabilities=tuple(shares.values()),
        )
    )
    rng, fano = np.random.default_rng(seed), animal.world.fano
    names = tuple(f"u{i}" for i in range(units))
    alarms = Alarms(ResponseWindow())
    alarms.begin_epoch(PUBLISHED_AXIS.place(sizes).utility_hz)
    told: Told = []
    for trial in range(TRIALS):
        size_ul = schedule[trial].reward_ul
        if not size_ul:
            continue
        base, rates = animal.background_hz(trial), animal.reward(trial, size_ul)[RESPONSE_BINS].mean(axis=0)
        if change is not None and trial >= HALF:
            base, rates = change(base.copy(), rates.copy())
        after, before = drawn(rng, 0.4 * rates, fano), drawn(rng, base, fano)
        hz = (after / 0.4 - before).tolist()
        counts = tuple(zip(after.tolist(), before.tolist(), strict=True))
        response = TrialResponse(trial=trial, units=names, response_hz=tuple(hz), counts=counts)
        alarms.hear(response, frozenset(names))
        alarms.count(sizes.index(size_ul), dict(zip(names, hz, strict=True)))
        told += [(trial, notice.source, notice.text) for notice in alarms.check(trial)]
    return told


def false_alarms(runs: int) -> Table:
    """Sessions in which nothing moves (but in the world `drift`)."""
    made = Table(
        "world", "units", "learning rate", f"sessions of {runs} with a notice", title="nothing moves"
    )
    for world, units, rate in STILL:
        found = sum(bool(session(s, units, world=world, learning_rate=rate)) for s in range(1, runs + 1))
        made.add_row(world, str(units), f"{rate:g}", str(found))
    return made


def shifted(some: slice, by_hz: float) -> Change:
    """Responses of `some` units move by so much."""

    def change(base: Floats, rates: Floats) -> tuple[Floats, Floats]:
        rates[some] = np.maximum(rates[some] + by_hz, 0.0)
        return base, rates

    return change


def silenced(some: slice) -> Change:
    """Hardly a spike of `some` units comes any more."""

    def change(base: Floats, rates: Floats) -> tuple[Floats, Floats]:
        base[some] *= 0.02
        rates[some] *= 0.02
        return base, rates

    return change


def found_after(change: Change, what: str, source: str, runs: int) -> tuple[float, str]:
    """Share of sessions in which `source` was told of, and after how many trials."""
    after = []
    for seed in range(1, runs + 1):
        trials = [t - HALF for t, who, text in session(seed, change=change) if who == source and what in text]
        after += trials[:1]
    spread = f"{np.median(after):.0f} ({np.quantile(after, 0.9):.0f})" if after else ""
    return len(after) / runs, spread


def true_alarms(runs: int) -> Table:
    """Sessions of 40 units in which something changes at trial 150."""
    made = Table("from trial 150 on", "told", "after trials: median (90 %)", title="something moves")
    everyone, one = slice(0, UNITS), slice(0, 1)
    for name, change, what, source in (
        *(
            (f"all units {hz:+g} Hz", shifted(everyone, hz), "all units", "population")
            for hz in (-1.0, -1.5, -3.0)
        ),
        *((f"one unit {hz:+g} Hz", shifted(one, hz), "answers", "u0") for hz in (-6.0, 4.0, 6.0)),
        ("one unit silent", silenced(one), "silent", "u0"),
    ):
        share, spread = found_after(change, what, source, runs)
        made.add_row(name, f"{share:.0%}", spread)
    return made


def main(arguments: list[str]) -> int:
    """Print both tables."""
    runs = int(arguments[0]) if arguments else 100
    console = Console(width=110)
    console.print(false_alarms(runs))
    console.print(true_alarms(runs))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
