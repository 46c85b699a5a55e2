"""The right explanation wins on simulated worlds of each kind; wrong calls are counted."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts
from rig.estimate.evidence import EXPLANATIONS, Comparison, Explanation, compare
from rig.estimate.offline import analyse
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.runtime.recordings import read_spikes, spike_responses
from rig.sim.response_worlds import COUNTS, Noise, Session, World, simulate

U = np.array(PUBLISHED_UTILITY_HZ)
RIGHT: dict[World, Explanation] = {
    "classical": "common",
    "slopes": "common",
    "offset": "offset",
    "distributional": "distributional",
    "both": "both",
}
RUNS = 12


def counted(session: Session) -> SizeCounts:
    trials, units = session.response_hz.shape
    unit, size = np.tile(np.arange(units), trials), np.repeat(session.size_index, units)
    return SizeCounts.from_trials(unit, size, session.response_hz.ravel(), units=units, sizes=7)


def called(world: World, noise: Noise, runs: int = RUNS, counts: tuple[int, ...] = COUNTS) -> Counter[str]:
    return Counter(
        compare(counted(simulate(world, 100 + run, noise=noise, counts=counts)), U, counts).verdict
        for run in range(runs)
    )


def test_wrong_calls_are_rare() -> None:
    wrong = total = 0
    for noise in ("gaussian", "poisson"):
        for world, right in RIGHT.items():
            found = called(world, noise)
            print(noise, world, dict(found))
            wrong += sum(n for verdict, n in found.items() if verdict not in {right, "undecided"})
            total += RUNS
            # with Poisson counts 211 rewards are seldom enough, and undecided is the right thing to say
            assert found[right] > 0 or noise == "poisson"
    print(f"wrong calls: {wrong} of {total}")
    # docs/explanation/population.md: about 1 in 1,000
    assert wrong <= 1


def test_more_trials_decide() -> None:
    longer = tuple(round(2.5 * n) for n in COUNTS)
    for world, right in RIGHT.items():
        found = called(world, "gaussian", runs=6, counts=longer)
        assert found[right] >= 4, (world, found)


def test_few_trials_do_not() -> None:
    found = called("distributional", "poisson", counts=(2, 2, 3, 3, 6, 3, 2))
    assert found["undecided"] >= RUNS - 1


def test_the_parts_of_an_answer_agree() -> None:
    found = compare(counted(simulate("offset", 1)), U, COUNTS)
    assert isinstance(found, Comparison)
    assert sum(found.probability.values()) == pytest.approx(1.0)
    assert set(found.log_evidence) == set(EXPLANATIONS)
    best = max(EXPLANATIONS, key=lambda name: found.log_evidence[name])
    assert best == "offset"
    assert set(found.standing) == set(EXPLANATIONS) - {"offset"}


def test_the_shift_of_all_units_is_nobodys_evidence() -> None:
    session = simulate("distributional", 2, counts=tuple(2 * n for n in COUNTS))
    counts = counted(session)
    # the same units, on an axis that is off by half a Hz
    found = compare(counts, U + 0.5, COUNTS)
    assert found.verdict == compare(counts, U, COUNTS).verdict == "distributional"


def test_a_population_is_needed() -> None:
    with pytest.raises(ValueError, match="3 units"):
        compare(SizeCounts(7, 3), U, COUNTS)


@pytest.mark.skipif("DOPALOOP_DATA" not in os.environ, reason="DOPALOOP_DATA is not set: no recordings")
def test_recorded_units_differ_and_the_reason_is_open() -> None:
    units = read_spikes(Path(os.environ["DOPALOOP_DATA"]) / "varmag_dev_spikes.npz")
    counts = analyse(spike_responses(tuple(unit.keep(~unit.doubled) for unit in units))).estimator.counts
    found = compare(counts, U, counts.n.sum(axis=0))
    print({name: round(value, 1) for name, value in found.log_evidence.items()}, found.verdict)
    # one reversal point for all is out; whether the constants come with an expectile code is not settled
    assert found.probability["common"] + found.probability["distributional"] < 1e-6
    assert found.verdict == "undecided"
