"""What each statistic of the population finds in simulated worlds: `python -m benchmarks.null_worlds [RUNS]`.

A statistic that finds a distributional code where there is none shows it here. The table is the one of
docs/explanation/population.md: 40 units, 211 rewards, mean R and the share of sessions with mean P < 0.05.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
from rich.console import Console
from rich.table import Table

from rig.estimate.asymmetry import published_slopes
from rig.estimate.correlate import Correlation
from rig.estimate.counts import SizeCounts
from rig.estimate.decoding import convex, shuffled, wasserstein
from rig.estimate.evidence import compare
from rig.estimate.held_out import held_out_signs
from rig.estimate.reliability import ReliabilityTracker
from rig.estimate.sign_count import sign_count
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.sim.response_worlds import COUNTS, WORLDS, Noise, Session, World, simulate

UNITS = 40
PARTITIONS = 200
SHUFFLES = 60
U = np.array(PUBLISHED_UTILITY_HZ)
TOLD = ("split-half", "isotonic", "time split", "asymmetry-reversal", "baseline-reversal")
COLUMNS = ("world", *TOLD, "up and down", "held-out signs", "decoding", "evidence")


def counted(session: Session, trials: slice) -> SizeCounts:
    """Counts of some of the trials."""
    y, size = session.response_hz[trials], session.size_index[trials]
    unit = np.tile(np.arange(UNITS), size.size)
    return SizeCounts.from_trials(unit, np.repeat(size, UNITS), y.ravel(), units=UNITS, sizes=U.size)


def beats_shuffles(session: Session, seed: int, *, same: bool) -> bool:
    """Whether the decoding is nearer to the rewards than 95 % of shuffles, the reversal from odd trials.

    The asymmetry comes from the same trials, or from the even ones.
    """
    odd, even = counted(session, slice(1, None, 2)), counted(session, slice(0, None, 2))
    reversal = sign_count(odd, U)[0]
    other = odd if same else even
    tau = published_slopes(other, U, reversal if same else sign_count(other, U)[0]).asymmetry
    kept = np.isfinite(tau) & np.isfinite(reversal)
    reversal, tau = reversal[kept], tau[kept]
    rng = np.random.default_rng(seed)
    orders = np.array([rng.permutation(tau.size) for _ in range(SHUFFLES)])
    p = np.array(COUNTS, dtype=np.float64)
    own = convex(reversal, tau, U[0], U[-1])
    distance = wasserstein(own.x, own.p, U, p)
    control = [wasserstein(one.x, one.p, U, p) for one in shuffled(reversal, tau, U[0], U[-1], orders)]
    return bool(np.mean(np.array(control) > distance) >= 0.95)


def row(world: World, noise: Noise, runs: int) -> list[str]:
    """One line of the table."""
    found: dict[str, list[Correlation]] = {name: [] for name in TOLD}
    both, gains, decoded, calls = [], [], [], Counter[str]()
    for seed in range(runs):
        session = simulate(world, seed, noise=noise)
        tracker = ReliabilityTracker(U, UNITS, PARTITIONS)
        for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
            tracker.add(trial, size, y)
        told = tracker.evaluate(session.baseline_hz)
        ways = (told.split_half.paper, told.split_half.isotonic, told.time_split.paper)
        for name, one in zip(TOLD, (*ways, told.asymmetry_reversal, told.baseline_reversal), strict=True):
            if one is not None:
                found[name].append(one)
        both.append(max(min(up, down) for up, down in told.up_down))
        signs = held_out_signs(tracker.halves)
        gains.append(signs.gain if signs else np.nan)
        decoded.append([beats_shuffles(session, seed, same=same) for same in (True, False)])
        calls[compare(tracker.halves.all_trials, U, COUNTS).verdict] += 1
    cells = [f"{world}, {noise}"]
    for name in TOLD:
        r, p = np.mean([one.r for one in found[name]]), [one.p_mean < 0.05 for one in found[name]]
        cells.append(f"{r:+.2f} ({np.mean(p):.0%})")
    cells.append(f"{np.mean(both):.1f}")
    cells.append(f"{100 * np.mean(gains):+.1f} ({np.mean(np.array(gains) > 0):.0%})")
    cells.append("{:.0%} / {:.0%}".format(*np.mean(decoded, axis=0)))
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
