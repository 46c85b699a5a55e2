"""The right explanation wins on simulated worlds of each kind; wrong calls are counted."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rig.estimate.counts import SizeCounts
from rig.estimate.offline import analyse
from rig.estimate.utility import PUBLISHED_UTILITY_HZ
from rig.population.evidence import EXPLANATIONS, Comparison, Explanation, compare
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


def compared(world: World, noise: Noise, runs: int, counts: tuple[int, ...] = COUNTS) -> list[Comparison]:
    sessions = [simulate(world, 100 + run, noise=noise, counts=counts) for run in range(runs)]
    # rates that can fall below zero have no floor
    return [
        compare(counted(one), U, counts, one.baseline_hz if noise == "poisson" else None) for one in sessions
    ]


def called(world: World, noise: Noise, runs: int = RUNS, counts: tuple[int, ...] = COUNTS) -> Counter[str]:
    return Counter(one.verdict for one in compared(world, noise, runs, counts))


def most_probable(found: Comparison) -> Explanation:
    return max(EXPLANATIONS, key=lambda name: found.log_evidence[name])


@pytest.mark.parametrize("noise", ["gaussian", "poisson"])
def test_the_right_one_wins(noise: Noise) -> None:
    called: Counter[str] = Counter()
    for world, right in RIGHT.items():
        found = compared(world, noise, RUNS)
        first = sum(most_probable(one) == right for one in found)
        verdicts = Counter(one.verdict for one in found)
        print(f"{noise} {world}: most probable in {first} of {RUNS}; called {dict(verdicts)}")
        # docs/explanation/population.md: 96 % or more are most probable, and no answer of 2,000 is wrong
        assert first >= RUNS - 2
        assert verdicts[right] >= 1
        called["right"] += verdicts[right]
        called["wrong"] += RUNS - verdicts[right] - verdicts["undecided"]
    assert called["wrong"] <= 1
    assert called["right"] >= 0.4 * RUNS * len(RIGHT)


def test_without_the_floor_a_constant_looks_like_a_code() -> None:
    """What baseline rates are asked for: firing cannot fall below zero, and that bends a constant."""
    sessions = [simulate("offset", 100 + run, noise="poisson") for run in range(6)]
    blind = [compare(counted(one), U, COUNTS) for one in sessions]
    told = [compare(counted(one), U, COUNTS, one.baseline_hz) for one in sessions]
    assert sum(most_probable(one) != "offset" for one in blind) >= 2
    assert all(most_probable(one) == "offset" for one in told)


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
    assert most_probable(found) == "offset"
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


def test_recorded_units_differ_and_the_reason_is_open(recording: Callable[[str], Path]) -> None:
    units = read_spikes(recording("varmag_dev_spikes.npz"))
    responses = spike_responses(tuple(unit.keep(~unit.doubled) for unit in units))
    counts = analyse(responses).estimator.counts
    baseline = [responses.baseline_hz[responses.unit == k].mean() for k in range(counts.units)]
    found = compare(counts, U, counts.n.sum(axis=0), baseline)
    print({name: round(value, 1) for name, value in found.log_evidence.items()}, found.verdict)
    # one reversal point for all is out; whether the constants come with an expectile code is not settled
    assert found.probability["common"] + found.probability["distributional"] < 1e-6
    assert found.verdict in {"undecided", "offset", "both"}
