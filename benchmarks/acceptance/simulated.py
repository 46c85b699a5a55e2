"""Checks that need no recordings: closed forms, learners, null worlds, stopping, the auditor."""

from __future__ import annotations

import functools

import msgspec
import numpy as np

from benchmarks.acceptance.checks import Result, check
from benchmarks.stopping_rule import stopping, within_sd
from protocols.variable_magnitude import VariableMagnitude
from rig import Draws, History, TrialSpec
from rig.checks.preflight import preflight
from rig.cli.rigs import demo_rig
from rig.cli.simulate import STREAM, virtual_description
from rig.description import Emulation
from rig.design.plan import SessionPlan
from rig.device import BoardLimits
from rig.errors import ConfigError
from rig.estimate.fixed_points import bernoulli_expectiles, expectiles, quantiles
from rig.estimate.learning import settle
from rig.estimate.online import ReversalEstimator
from rig.estimate.utility import PUBLISHED_SIZES_UL, PUBLISHED_UTILITY_HZ
from rig.population.reliability import ReliabilityTracker
from rig.session import Session
from rig.sim.compose import make_virtual_rig
from rig.sim.direct import DirectBoard, DirectFeed
from rig.sim.drive import drive
from rig.sim.response_worlds import World, simulate

U = np.array(PUBLISHED_UTILITY_HZ)
TAU = np.array([0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95])
POOLED = np.array([0.06613, 0.09091, 0.14847, 0.15489, 0.31159, 0.15095, 0.07705])
"""How often each size was given in the published recordings."""
TABLE_UL = np.array(
    [1.3886, 2.0047, 2.9421, 3.3353, 3.7220, 4.4769, 5.2078, 6.0441, 7.1129, 7.7671, 8.5270, 10.8488, 13.8029]
)
TABLE_HZ = np.array(
    [
        -2.5943,
        -2.1489,
        -1.4649,
        -1.1817,
        -0.9032,
        -0.3595,
        0.1669,
        0.7378,
        1.4674,
        1.9139,
        2.4326,
        3.7698,
        4.9068,
    ]
)
"""Expectiles of these rewards at `TAU`, worked out elsewhere."""
UPDATES = 20_000
RUNS, PARTITIONS = 60, 100
UNITS = 1000


# --- learning ------------------------------------------------------------------------------------------


def drawn(values: tuple[float, ...], seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Rewards at random."""
    return np.random.default_rng(seed).choice(np.array(values), UPDATES, p=POOLED / POOLED.sum())


@check(4, "expectiles in closed form, 13 asymmetries", "the table within 2e-4 (uL and Hz)")
def table() -> Result:
    worst = max(
        float(np.abs(expectiles(TAU, PUBLISHED_SIZES_UL, POOLED) - TABLE_UL).max()),
        float(np.abs(expectiles(TAU, PUBLISHED_UTILITY_HZ, POOLED) - TABLE_HZ).max()),
    )
    return Result(f"largest difference {worst:.0e}", worst < 2e-4)


@check(4, "expectile learners after 20,000 rewards", "the table within 3 % (uL)")
def expectile_learners() -> Result:
    worst = float(np.abs(settle(TAU, drawn(PUBLISHED_SIZES_UL, 1)) / TABLE_UL - 1).max())
    return Result(f"largest error {worst:.1%}", worst <= 0.03)


@check(
    4,
    "quantile learners after 20,000 rewards",
    "the quantiles within 3 % or 0.05 uL, where they are distinct",
)
def quantile_learners() -> Result:
    clear = np.abs(TAU[:, None] - np.cumsum(POOLED)).min(axis=1) > 0.02
    found = settle(TAU, drawn(PUBLISHED_SIZES_UL, 3), update="quantile")[clear]
    expected = quantiles(TAU, PUBLISHED_SIZES_UL, POOLED)[clear]
    off = np.abs(found - expected)
    met = bool((off <= 0.05 + 0.03 * expected).all())
    return Result(f"largest difference {off.max():.3f} uL at {clear.sum()} of {TAU.size} asymmetries", met)


@check(5, "cue of .1, .5, .9: closed form", "the solved expectile within 1e-9; learners within 3 %")
def bernoulli() -> Result:
    tau, exact, learned = np.linspace(0.1, 0.9, 9), [], []
    for p in (0.1, 0.5, 0.9):
        closed = bernoulli_expectiles(tau, p, 3.75)
        exact.append(np.abs(closed / expectiles(tau, [0.0, 3.75], [1 - p, p]) - 1).max())
        rewards = 3.75 * (np.random.default_rng(4).random(UPDATES) < p)
        learned.append((np.abs(settle(tau, rewards) - closed) / (1 + closed)).max())
    return Result(
        f"largest differences {max(exact):.0e}; learners {max(learned):.1%}",
        bool(max(exact) < 1e-9 and max(learned) <= 0.03),
    )


# --- null worlds and stopping ----------------------------------------------------------------------------


@functools.cache
def world(name: World) -> dict[str, float]:
    """Mean R over seeded sessions of 40 units in a simulated world."""
    told: dict[str, list[float]] = {"split-half": [], "asymmetry-reversal": []}
    for run in range(RUNS):
        session = simulate(name, run)
        tracker = ReliabilityTracker(U, session.response_hz.shape[1], PARTITIONS)
        for trial, (size, y) in enumerate(zip(session.size_index, session.response_hz, strict=True)):
            tracker.add(trial, size, y)
        found = tracker.evaluate(session.baseline_hz)
        for key, one in (
            ("split-half", found.split_half.paper),
            ("asymmetry-reversal", found.asymmetry_reversal),
        ):
            if one is not None:
                told[key].append(one.r)
    return {key: float(np.mean(values)) for key, values in told.items()}


def said(found: dict[str, float]) -> str:
    return "mean R: " + ", ".join(f"{name} {r:+.3f}" for name, r in found.items())


@check(7, f"classical world, {RUNS} sessions of 40 units", "split-half R within 0.1 of 0")
def classical() -> Result:
    found = world("classical")
    return Result(said(found), abs(found["split-half"]) < 0.1)


@check(
    7,
    f"one reversal point, a constant for each unit, {RUNS} sessions",
    "split-half R above 0.45, relation at most 0.3",
)
def offset() -> Result:
    found = world("offset")
    return Result(said(found), found["split-half"] > 0.45 and found["asymmetry-reversal"] <= 0.3)


@check(8, "stopping when the posterior SD is below 0.8 Hz", f"coverage 0.93 to 0.99 over {UNITS:,} units")
def stopped() -> Result:
    told = stopping(within_sd(0.8), UNITS)
    return Result(
        f"coverage {told.coverage:.3f}, median {np.median(told.rewards):.0f} rewards, bias "
        f"{told.error.mean():+.2f} Hz, {told.rewards.size:,} units",
        0.93 <= told.coverage <= 0.99,
    )


# --- the auditor -------------------------------------------------------------------------------------------


class Nearest(VariableMagnitude):
    """Picks the size nearest to the mean reversal point, as a psychometric procedure would."""

    def decide(self, history: History, estimates: ReversalEstimator | None, rng: Draws) -> TrialSpec | None:
        kind = self.schedule[history.trials]
        if estimates is None or not kind.reward_ul or not estimates.units or history.trials < 20:
            return kind.trial(iti=2.0)
        aim = np.nanmean(estimates.summary.posterior.mean_hz)
        nearest = int(np.argmin(np.abs(np.array(estimates.placed.utility_hz) - aim)))
        return msgspec.structs.replace(kind.trial(iti=2.0), reward_ul=estimates.sizes_ul[nearest])


def greedy_plan() -> SessionPlan:
    rig = virtual_description(demo_rig(), Emulation(units=4, seed=1))
    protocol = Nearest(Nearest.Parameters.read({}), 1)
    return SessionPlan(
        subject="m", protocol=protocol, protocol_name="nearest", rig=rig, seed=1, max_trials=200
    )


@check(11, "a protocol that picks sizes from estimates", "refused before the animal")
def refused() -> Result:
    try:
        preflight(greedy_plan(), BoardLimits())
    except ConfigError as error:
        return Result(str(error).split("; ", maxsplit=1)[0], "hangs on the estimates" in str(error))
    return Result("it was let pass", False)


@check(11, "the same, were it let pass", "stopped before the first trial that is not declared")
def locked() -> Result:
    plan = greedy_plan()
    virtual = make_virtual_rig(plan.rig)
    names = virtual.animal.units.names
    feeds = {stream.name: DirectFeed(names, stream.sync_line) for stream in plan.rig.streams}
    halt = drive(Session(plan, DirectBoard(), feeds), virtual, stream=STREAM)
    if halt is None or halt.ok:
        return Result("it ran to its end", False)
    return Result(halt.reason.split("; ", maxsplit=1)[0], "the protocol chose" in halt.reason)
