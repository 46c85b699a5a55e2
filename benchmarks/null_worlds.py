"""What each statistic of the population finds in simulated worlds: `python -m benchmarks.null_worlds [RUNS]`.

A statistic that finds a distributional code where there is none shows it here. The table is the one of
docs/explanation/population.md: 40 units, 211 rewards, mean R and the share of sessions with mean P < 0.05;
of held-out signs the mean gain, and how often it was positive, and above two standard errors.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
from rich.console import Console
from rich.table import Table

from rig.estimate.asymmetry import published_slopes
from rig.estimate.counts import SizeCounts
from rig.estimate.isotonic import isotonic
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.population.counts import PopulationCounts
from rig.population.decoding import convex, shuffled, wasserstein
from rig.population.shapes import Population
from rig.population.view import population_view
from rig.population.worked import About
from rig.sim.response_worlds import COUNTS, WORLDS, Noise, Session, World, simulate

UNITS = 40
PARTITIONS = 200
SHUFFLES = 60
U = np.array(PUBLISHED_UTILITY_HZ)
TOLD = ("split-half", "isotonic", "time split", "asymmetry-reversal", "baseline-reversal")
COLUMNS = ("world", *TOLD, "up and down", "held-out signs", "decoding", "asymmetries", "evidence")


def counted(session: Session) -> SizeCounts:
    """Counts of all trials."""
    size = session.size_index
    unit = np.tile(np.arange(UNITS), size.size)
    return SizeCounts.from_trials(
        unit, np.repeat(size, UNITS), session.response_hz.ravel(), units=UNITS, sizes=U.size
    )


def same_trials_beat_shuffles(session: Session, seed: int) -> bool:
    """Whether a decoding from the same trials is nearer to the rewards than 95 % of shuffles: the mistake."""
    whole = counted(session)
    reversal = isotonic(whole, U)[0]
    tau = published_slopes(whole, U, reversal).asymmetry
    rng = np.random.default_rng(seed)
    orders = np.array([rng.permutation(tau.size) for _ in range(SHUFFLES)])
    p = np.array(COUNTS, dtype=np.float64)
    own = convex(reversal, tau, U[0], U[-1])
    distance = wasserstein(own.x, own.p, U, p)
    control = [wasserstein(one.x, one.p, U, p) for one in shuffled(reversal, tau, U[0], U[-1], orders)]
    return bool(np.mean(np.array(control) > distance) >= 0.95)


def population(session: Session) -> Population:
    """What is shown of a session."""
    counts = PopulationCounts(U, PUBLISHED_SIZES_UL, PARTITIONS)
    counts.add_units(UNITS)
    for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
        counts.add(trial, int(size), y, session.baseline_hz)
    about = About(
        units=[str(unit) for unit in range(UNITS)],
        sizes_ul=PUBLISHED_SIZES_UL,
        utility_axis_hz=PUBLISHED_UTILITY_HZ,
        rewarded=session.size_index.size,
    )
    return population_view(counts, about).population


def row(world: World, noise: Noise, runs: int) -> list[str]:
    """One line of the table."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in TOLD}
    both, gains, decoded, differ, calls = [], [], [], [], Counter[str]()
    for seed in range(runs):
        session = simulate(world, seed, noise=noise)
        told = population(session)
        splits = (told.split_half.paper, told.split_half.isotonic, told.time_split.paper)
        for name, split in zip(TOLD[:3], splits, strict=True):
            if split is not None:
                found[name].append((split.r, split.p_mean))
        for name, relation in zip(TOLD[3:], (told.asymmetry_reversal, told.baseline_reversal), strict=True):
            if relation is not None:
                found[name].append((relation.r, relation.p))
        both.append(max(min(up, down) for _, up, down in told.up_down))
        convexly, evidence, asymmetry = told.decoding.convex, told.evidence, told.asymmetry
        assert convexly is not None and evidence is not None and evidence.held_out is not None
        assert asymmetry is not None and asymmetry.p is not None and asymmetry.p_anew is not None
        gain = evidence.held_out.own - evidence.held_out.common
        gains.append([gain, gain > 0, gain > 2 * evidence.held_out.gain_se])
        nearer = np.mean(np.array(convexly.shuffled_hz) > convexly.wasserstein_hz) >= 0.95
        decoded.append([same_trials_beat_shuffles(session, seed), bool(nearer)])
        differ.append([asymmetry.p < 0.05, asymmetry.p_anew < 0.05])
        calls[evidence.verdict] += 1
    cells = [f"{world}, {noise}"]
    for name in TOLD:
        r, p = np.array(found[name]).T
        cells.append(f"{r.mean():+.2f} ({np.mean(p < 0.05):.0%})")
    cells.append(f"{np.mean(both):.1f}")
    gain, better, by_two = np.mean(gains, axis=0)
    cells.append(f"{100 * gain:+.1f} ({better:.0%}, {by_two:.0%} by 2 SE)")
    cells.append("{:.0%} / {:.0%}".format(*np.mean(decoded, axis=0)))
    cells.append("{:.0%} / {:.0%}".format(*np.mean(differ, axis=0)))
    cells.append(", ".join(f"{name} {n / runs:.0%}" for name, n in calls.most_common()))
    return cells


def main(runs: int) -> None:
    """Print the table, line by line as it grows."""
    table = Table(title=f"{runs} sessions each", expand=True)
    for name in COLUMNS:
        table.add_column(name)
    for noise in ("gaussian", "poisson"):
        for world in WORLDS:
            table.add_row(*row(world, noise, runs))
    Console(width=190).print(table)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
