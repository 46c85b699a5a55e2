"""What the comparison of explanations answers where none is right: `python -m benchmarks.bent_worlds [RUNS]`.

Each bend breaks one thing that the model takes for granted, in worlds with Poisson counts (40 units, 211
rewards). The table is the one of docs/explanation/population.md: how often the answer was right, and which
wrong ones were given.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from rig.estimate.counts import SizeCounts
from rig.estimate.fixed_points import expectiles, quantiles
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.population.evidence import compare
from rig.sim.response_worlds import (
    BASELINE_HZ,
    BASELINE_LOG_SD,
    BASELINE_S,
    COUNTS,
    GAIN,
    GAIN_LOG_SD,
    OFFSET_SD_HZ,
    WINDOW_S,
    WORLDS,
    World,
)

Floats = NDArray[np.float64]
UNITS = 40
U: Final[Floats] = np.array(PUBLISHED_UTILITY_HZ)
RIGHT: Final[dict[World, str]] = {
    "classical": "common",
    "slopes": "common",
    "offset": "offset",
    "distributional": "distributional",
    "both": "both",
}


@dataclass
class Bend:
    """One way in which the world is not as the model takes it.

    Attributes
    ----------
    mean
        Bends mean responses, shape (sizes, units), in Hz.
    trials
        Bends responses trial by trial, shape (trials, units), in Hz.
    reversal
        Reversal points of a code, from the asymmetries, shape (units,), in Hz.
    scatter_hz
        SD of what is added to each unit's reversal point.
    gain_log_sd
        Of the gains.
    fano
        Variance of a count over its mean.
    worlds
        Those in which the bend means something.
    """

    mean: Callable[[Floats], Floats] = lambda mean: mean
    trials: Callable[[Floats, np.random.Generator], Floats] = lambda responses, _: responses
    reversal: Callable[[Floats], Floats] = lambda tau: expectiles(tau, U, COUNTS)
    scatter_hz: float = 0.0
    gain_log_sd: float = GAIN_LOG_SD
    fano: float = 1.0
    worlds: tuple[World, ...] = WORLDS


def _ramp(responses: Floats) -> Floats:
    """Rises from -1 to 1 over the session, shape (trials, 1)."""
    return np.linspace(-1.0, 1.0, len(responses))[:, None]


CODES: Final[tuple[World, ...]] = ("distributional", "both")
BENDS: Final[dict[str, Bend]] = {
    "nothing": Bend(),
    "counts more variable than Poisson (Fano factor 1.8)": Bend(fano=1.8),
    "counts more regular (0.6)": Bend(fano=0.6),
    "gains twice as diverse": Bend(gain_log_sd=2 * GAIN_LOG_SD),
    "responses fade from 120 to 80 %": Bend(trials=lambda x, _: x * (1 - 0.2 * _ramp(x))),
    "each unit drifts by a constant, SD 2 Hz": Bend(
        trials=lambda x, rng: x + _ramp(x) * rng.normal(size=x.shape[1])
    ),
    "constants wander, SD 1.5 Hz at the end": Bend(
        trials=lambda x, rng: x + 0.1 * np.cumsum(rng.normal(size=x.shape), axis=0)
    ),
    "saturation at 8 Hz": Bend(mean=lambda x: np.where(x > 0, 8 * np.tanh(x / 8), x)),
    "saturation at 5 and -3 Hz": Bend(mean=lambda x: np.where(x > 0, 5 * np.tanh(x / 5), 3 * np.tanh(x / 3))),
    "reversal points scattered, SD 0.8 Hz": Bend(scatter_hz=0.8),
    "quantiles in place of expectiles": Bend(
        reversal=lambda tau: np.asarray(quantiles(tau, U, COUNTS), dtype=np.float64), worlds=CODES
    ),
    "expectile of 1 - tau": Bend(
        reversal=lambda tau: expectiles(1.0 - tau, U, COUNTS), worlds=("distributional",)
    ),
}


def counts(mean: Floats, fano: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw counts of this mean whose variance is `fano` times as large."""
    if fano > 1:
        shape = np.maximum(mean / (fano - 1), 1e-9)
        return np.where(mean > 0, rng.negative_binomial(shape, 1 / fano), 0)
    if fano < 1:
        n = np.maximum(np.rint(mean / (1 - fano)), 1).astype(np.int64)
        return rng.binomial(n, np.clip(mean / n, 0, 1))
    return rng.poisson(mean)


def session(world: World, bend: Bend, seed: int) -> tuple[SizeCounts, Floats]:
    """Simulate a session: the counts of its responses, and the baseline rates in Hz."""
    rng = np.random.default_rng([seed, list(RIGHT).index(world)])
    code = world in CODES
    tau = rng.beta(3, 3, UNITS) if code or world == "slopes" else np.full(UNITS, 0.5)
    value = bend.reversal(tau) if code else np.full(UNITS, np.average(U, weights=COUNTS))
    value = value + bend.scatter_hz * rng.normal(size=UNITS)
    error = U[:, None] - value
    mean = (
        GAIN * np.exp(bend.gain_log_sd * rng.normal(size=UNITS)) * np.where(error > 0, tau, 1 - tau) * error
    )
    mean += OFFSET_SD_HZ * rng.normal(size=UNITS) * (world in ("offset", "both"))
    baseline = BASELINE_HZ * np.exp(BASELINE_LOG_SD * rng.normal(size=UNITS) - BASELINE_LOG_SD**2 / 2)
    size = rng.permutation(np.repeat(np.arange(U.size), COUNTS))
    rate = np.maximum(baseline + bend.trials(bend.mean(mean)[size], rng), 0.0)
    after = counts(WINDOW_S * rate, bend.fano, rng) / WINDOW_S
    before = counts(np.broadcast_to(BASELINE_S * baseline, rate.shape), bend.fano, rng) / BASELINE_S
    unit, given = np.tile(np.arange(UNITS), size.size), np.repeat(size, UNITS)
    found = SizeCounts.from_trials(unit, given, (after - before).ravel(), units=UNITS, sizes=U.size)
    return found, baseline


def answers(world: World, bend: Bend, runs: int) -> Counter[str]:
    """How often each answer was given."""
    found: Counter[str] = Counter()
    for seed in range(runs):
        counted, baseline = session(world, bend, seed)
        found[compare(counted, U, COUNTS, baseline).verdict] += 1
    return found


def cell(found: Counter[str], right: str) -> str:
    """The share of right answers in %, and each wrong one by name."""
    runs = found.total()
    wrong = [f"{name} {n / runs:.0%}" for name, n in found.most_common() if name not in (right, "undecided")]
    return "; ".join([f"{found[right] / runs:.0%}", *wrong])


def main(runs: int) -> None:
    """Print the table, with a sign of life for each world."""
    table = Table("bend", *WORLDS, title=f"right in how many of {runs} sessions, and what was wrong")
    for name, bend in BENDS.items():
        cells = [
            cell(answers(world, bend, runs), RIGHT[world]) if world in bend.worlds else "" for world in WORLDS
        ]
        print(name, cells, flush=True)
        table.add_row(name, *cells)
    Console(width=150).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
