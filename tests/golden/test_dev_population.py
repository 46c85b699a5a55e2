"""The population of recorded units (needs DOPALOOP_DATA; skips without it). `pytest -s` prints the figures.

Twenty of the forty units of Dabney et al. 2020: so figures differ from the paper's. Bounds are those of these
twenty units, worked out independently of this program, with room for how the halves are drawn.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from rig.estimate.offline import Analysis, Responses, analyse
from rig.estimate.offline_population import population_of
from rig.estimate.population_report import Population, PopulationView
from rig.runtime.recordings import read_spikes, spike_responses

pytestmark = pytest.mark.skipif(
    "DOPALOOP_DATA" not in os.environ, reason="DOPALOOP_DATA is not set: no recordings to check against"
)


def analysed(*, keep: bool) -> tuple[Responses, Analysis]:
    units = read_spikes(Path(os.environ["DOPALOOP_DATA"]) / "varmag_dev_spikes.npz")
    responses = spike_responses(units if keep else tuple(unit.keep(~unit.doubled) for unit in units))
    return responses, analyse(responses)


@pytest.fixture(scope="module", params=[True, False], ids=["copies kept", "copies dropped"])
def view(request: pytest.FixtureRequest) -> PopulationView:
    made = population_of(*analysed(keep=request.param), published=True)
    tell("copies kept" if request.param else "copies dropped", made.population)
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


def test_split_halves_and_the_relation(view: PopulationView) -> None:
    told = view.population
    assert told.units == 20
    assert told.split_half.paper is not None and told.split_half.isotonic is not None
    assert told.split_half.paper.r == pytest.approx(0.83, abs=0.03)
    assert told.split_half.isotonic.r == pytest.approx(0.94, abs=0.02)
    assert told.asymmetry_reversal is not None
    assert told.asymmetry_reversal.r == pytest.approx(0.63, abs=0.05)
    # something drifts: halves in time agree less than random ones
    assert told.time_split.paper is not None and told.time_split.paper.r < told.split_half.paper.r
    assert len(view.figures.r_paper) == len(view.figures.r_asymmetry) == 1000


def test_the_checks_that_go_with_it(view: PopulationView) -> None:
    told = view.population
    # no relation to the baseline rate (all forty units: R = 0.17)
    assert told.baseline_reversal is not None and told.baseline_reversal.p > 0.05
    # at 5 uL some units are up and others down
    assert min(told.up_down[4][1:]) >= 3
    assert told.up_down[0][1] == 0 and told.up_down[-1][1] >= 18
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
    assert len(spread) == 20 and min(spread) > 0.02 and max(spread) <= 0.5
    assert np.median(spread) < 0.15
    for unit in view.figures.units:
        assert unit.baseline_hz is not None and 0.5 < unit.baseline_hz < 20
        assert None not in (*unit.halves_paper, *unit.halves_isotonic, unit.asymmetry_half, *unit.sem_hz)
