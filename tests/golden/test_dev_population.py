"""The population of recorded units (needs DOPALOOP_DATA; skips without it). `pytest -s` prints the figures.

Twenty of the forty units of Dabney et al. 2020 give other figures than the paper's. Bounds are those of these
twenty units, or of all forty, worked out independently of this program, with room for how halves are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.acceptance.checks import NoRecordingError, known_halves
from rig.estimate.offline import analyse
from rig.population.offline import population_of
from rig.population.shapes import Population, PopulationView
from rig.runtime.recordings import read_spikes, spike_responses
from rig.stream.recording import RecordedUnit


@pytest.fixture(scope="module")
def units(recording: Callable[[str], Path]) -> tuple[RecordedUnit, ...]:
    return read_spikes(recording("varmag_dev_spikes.npz"))


@pytest.fixture(scope="module", params=[True, False], ids=["copies kept", "copies dropped"])
def keep(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="module")
def view(units: tuple[RecordedUnit, ...], keep: bool) -> PopulationView:
    responses = spike_responses(units if keep else tuple(unit.keep(~unit.doubled) for unit in units))
    made = population_of(responses, analyse(responses), published=True)
    tell("copies kept" if keep else "copies dropped", made.population)
    return made


def tell(name: str, told: Population) -> None:
    print(f"\n{name}:")
    for what in (
        "split_half",
        "time_split",
        "asymmetry_reversal",
        "baseline_reversal",
        "asymmetry",
        "evidence",
    ):
        print(f"  {what}: {getattr(told, what)}")
    print(f"  up and down: {told.up_down}")
    for way in ("convex", "published"):
        one = getattr(told.decoding, way)
        nearer = np.mean(np.array(one.shuffled_hz) > one.wasserstein_hz)
        print(
            f"  decoding, {way}: {one.wasserstein_hz:.2f} Hz, shuffled {np.mean(one.shuffled_hz):.2f}, "
            f"nearer than {nearer:.0%}"
        )


def test_split_halves_and_the_relation(
    view: PopulationView, units: tuple[RecordedUnit, ...], keep: bool
) -> None:
    told = view.population
    assert told.units == len(units)
    assert told.split_half.paper is not None and told.split_half.isotonic is not None
    assert told.asymmetry_reversal is not None
    try:
        paper, isotonic, relation = known_halves(
            len(units), sum(int(u.doubled.sum()) for u in units), keep=keep
        )
    except NoRecordingError as unknown:
        pytest.skip(str(unknown))
    assert told.split_half.paper.r == pytest.approx(paper, abs=0.02)
    assert told.split_half.isotonic.r == pytest.approx(isotonic, abs=0.02)
    assert told.asymmetry_reversal.r == pytest.approx(relation, abs=0.06)
    # something drifts: halves in time agree less than random ones
    assert told.time_split.paper is not None and told.time_split.paper.r < told.split_half.paper.r
    assert len(view.figures.r_paper) == len(view.figures.r_asymmetry) == 1000


def test_the_checks_that_go_with_it(view: PopulationView) -> None:
    told = view.population
    # no relation to the baseline rate (all forty units: R = 0.17)
    assert told.baseline_reversal is not None and told.baseline_reversal.p > 0.05
    # at 5 uL some units are up and others down
    assert min(told.up_down[4][1:]) >= 3
    assert told.up_down[0][1] == 0 and told.up_down[-1][1] >= 0.9 * told.units
    # units differ in asymmetry, also by the test that can be trusted
    assert told.asymmetry is not None and told.asymmetry.mean == pytest.approx(0.5, abs=0.06)
    assert told.asymmetry.p_anew is not None and told.asymmetry.p_anew < 1e-3
    # one reversal point for all is ruled out
    assert told.evidence is not None and told.evidence.common < 1e-6
    assert told.evidence.held_out is not None and told.evidence.held_out.own > told.evidence.held_out.common


def test_decoding_from_different_halves(view: PopulationView) -> None:
    told = view.population.decoding.convex
    assert told is not None
    assert np.mean(np.array(told.shuffled_hz) > told.wasserstein_hz) >= 0.95
    assert told.wasserstein_hz < 1.5
    assert view.population.decoding.published is not None


def test_every_unit_has_its_points(view: PopulationView) -> None:
    spread = [unit.asymmetry_sd for unit in view.figures.units if unit.asymmetry_sd is not None]
    # one unit reverses beyond the largest size: its upper slope, and so its asymmetry, is unknown
    assert len(spread) == len(view.figures.units) and min(spread) > 0.02 and max(spread) <= 0.5
    assert np.median(spread) < 0.15
    for unit in view.figures.units:
        assert unit.baseline_hz is not None and 0.5 < unit.baseline_hz < 20
        assert None not in (*unit.halves_paper, *unit.halves_isotonic, unit.asymmetry_half, *unit.sem_hz)
