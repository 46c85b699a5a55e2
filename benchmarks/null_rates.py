"""False calls beside those of `benchmarks.null_worlds`: `python -m benchmarks.null_rates [RUNS]`.

Cues of 10, 50 and 90 % to units that all code the mean, light that no unit answers, and the published
imputation of units that all reverse at one size. Figures: docs/explanation/population.md (cues,
imputation) and docs/explanation/tagging.md (light).
"""

from __future__ import annotations

import sys
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from rig.estimate.cue_coding import CueResponses, cue_coding
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.population.counts import PopulationCounts
from rig.population.decoded import decode_published
from rig.population.reliability import enough_data
from rig.sim.response_worlds import simulate
from rig.tagging.offline import tag_recording

Floats: TypeAlias = NDArray[np.float64]

UNITS = 40
ODDS = (0.1, 0.5, 0.9)
GAIN_HZ, NOISE_HZ = 10.0, 4.0
TRIALS = (20, 60, 100, 200)
LIGHT_MS, PULSES = 1000.0, 100
TRAINS = ("Poisson, 2 Hz", "Poisson, 6 Hz", "Poisson, 15 Hz", "regular, 6 Hz", "in pairs, 6 Hz")
BY_CHANCE = 0.05


def values(rng: np.random.Generator, *, classical: bool) -> Floats:
    """What each unit expects after each cue, as a part of the reward, shape (cues, units)."""
    p = np.array(ODDS)[:, None]
    tau = np.full(UNITS, 0.5) if classical else rng.beta(3.0, 3.0, UNITS)
    expected: Floats = p * tau / (p * tau + (1 - p) * (1 - tau))
    return expected


def cue_session(seed: int, trials: int, *, classical: bool, poisson: bool) -> CueResponses:
    """Responses to so many trials of each cue."""
    rng = np.random.default_rng([seed, trials])
    baseline = rng.uniform(2.0, 12.0, UNITS)
    heard = CueResponses(UNITS)
    for cue, expected in enumerate(values(rng, classical=classical)):
        rate = baseline + GAIN_HZ * expected
        for _ in range(trials):
            if poisson:
                heard.add(cue, rng.poisson(rate * 0.4) / 0.4 - rng.poisson(baseline))
            else:
                heard.add(cue, rate - baseline + NOISE_HZ * rng.standard_normal(UNITS))
    return heard


def cues(runs: int) -> Table:
    """Per-unit P of the midpoint contrast, coverage of c50, labels; P of the spread per session."""
    table = _table(
        "cues", "world", "trials a cue", "units with P < 0.05", "c50 in its interval", "labelled", "spread"
    )
    for classical in (True, False):
        for poisson in (False, True):
            for trials in TRIALS:
                units, covered, labelled, spread = [], [], [], []
                for seed in range(runs):
                    found = cue_coding(cue_session(seed, trials, classical=classical, poisson=poisson))
                    told = np.isfinite(found.p)
                    units.append(np.mean(found.p[told] < 0.05))
                    if classical:
                        low, high = found.c50_ci95[np.isfinite(found.c50)].T
                        covered.append(np.mean((low <= 0.5) & (high >= 0.5)))
                    labelled.append(
                        np.mean([label in {"optimistic", "pessimistic"} for label in found.labels])
                    )
                    spread.append(found.spread_p is not None and found.spread_p < 0.05)
                table.add_row(
                    f"{'classical' if classical else 'expectile'}, {'Poisson' if poisson else 'Gaussian'}",
                    str(trials),
                    f"{np.mean(units):.1%}",
                    f"{np.mean(covered):.1%}" if covered else "",
                    f"{np.mean(labelled):.1%}",
                    f"{np.mean(spread):.0%}",
                )
    return table


def train(kind: str, rng: np.random.Generator, stop_ms: float) -> Floats:
    """Spikes of a unit that no light reaches, in ms."""
    how, _, rate = kind.partition(", ")
    mean_ms = 1000.0 / float(rate.removesuffix(" Hz"))
    n = int(2 * stop_ms / mean_ms) + 20
    if how == "regular":
        return np.cumsum(rng.gamma(4.0, mean_ms / 4.0, n))
    if how == "in pairs":
        first = np.cumsum(rng.exponential(2 * mean_ms, n // 2))
        return np.sort(np.concatenate([first, first + rng.uniform(3.0, 8.0, first.size)]))
    return np.cumsum(rng.exponential(mean_ms, n))


def light(units: int) -> Table:
    """What is made of units that light does nothing to: 100 pulses a second apart."""
    table = _table(
        "light that nobody answers", "unit", "tested", "P < 0.05", "P < 0.01", "P < 0.001", "called tagged"
    )
    for kind in TRAINS:
        p, called = [], 0
        for seed in range(units):
            rng = np.random.default_rng([seed, TRAINS.index(kind)])
            pulses = LIGHT_MS * (1 + np.arange(PULSES)) + rng.uniform(0, 200, PULSES)
            view = tag_recording("u", train(kind, rng, pulses[-1] + 1000), pulses).view()
            p += [] if view.salt is None else [view.salt.p]
            called += view.suggestion is True
        shares = [f"{np.mean(np.array(p) < below):.1%}" for below in (0.05, 0.01, 0.001)]
        table.add_row(kind, str(len(p)), *shares, f"{called / units:.1%}")
    return table


def imputation(runs: int) -> Table:
    """How often the published imputation beats 19 of its 20 shuffles, from different halves as shown."""
    table = _table("published imputation", "world", "nearer than 95 % of its shuffles")
    for world in ("classical", "offset", "distributional"):
        nearer = []
        for seed in range(runs):
            session = simulate(world, seed, noise="gaussian")
            counts = PopulationCounts(np.array(PUBLISHED_UTILITY_HZ), PUBLISHED_SIZES_UL, 1)
            counts.add_units(session.response_hz.shape[1])
            for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
                counts.add(trial, int(size), y, session.baseline_hz)
            given = counts.whole.n.sum(axis=0) / counts.whole.n.sum()
            found = decode_published(counts, enough_data(counts.whole), given)
            assert found is not None
            nearer.append(np.mean(np.array(found.shuffled_hz) > found.wasserstein_hz) >= 1 - BY_CHANCE)
        table.add_row(f"{world}, Gaussian", f"{np.mean(nearer):.0%}")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def main(runs: int) -> None:
    """Print the three tables."""
    console = Console(width=130)
    console.print(cues(runs))
    console.print(light(5 * runs))
    console.print(imputation(runs))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
