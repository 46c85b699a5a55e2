"""False calls of cues and light: the worlds of the benchmark are what they are called."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.null_rates import PULSES, TRAINS, cue_session, light, train
from rig.estimate.cue_coding import cue_coding


def test_classical_cues_stand_at_the_midpoint_and_expectiles_do_not():
    spread = {}
    for classical in (True, False):
        told = [cue_coding(cue_session(seed, 100, classical=classical, poisson=True)) for seed in range(8)]
        spread[classical] = np.mean([one.spread for one in told])
        share = np.mean([np.mean(one.p < 0.05) for one in told])
        assert bool(share < 0.1) is classical
    assert spread[True] == pytest.approx(1.0, abs=0.12)
    assert spread[False] > 1.4


@pytest.mark.parametrize("kind", TRAINS)
def test_trains_have_their_rate(kind):
    spikes = train(kind, np.random.default_rng(1), 200_000.0)
    within = spikes[spikes < 200_000.0]
    assert spikes[-1] > 200_000.0 and np.all(np.diff(spikes) >= 0)
    assert within.size / 200.0 == pytest.approx(float(kind.split(", ")[1][:-3]), rel=0.15)


def test_light_that_nobody_answers_tags_nobody():
    table = light(6)
    assert list(table.columns[-1].cells) == ["0.0%"] * len(TRAINS)
    assert list(table.columns[1].cells) == ["6"] * len(TRAINS)
    assert PULSES >= 30
