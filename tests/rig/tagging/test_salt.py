"""SALT against cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from rig.errors import ConfigError
from rig.tagging.salt import SaltSettings, bins_of, distances, first_latencies, salt

SETTINGS = SaltSettings(baselines=15)


def histograms(rng, *, pulses=60, chance=0.06, driven=0.0, settings=SETTINGS):
    """Draw latencies bin by bin: `chance` of a spike in a baseline window, `driven` more at 4 ms."""
    counts = np.zeros((settings.baselines + 1, settings.bins), dtype=np.int64)
    for row in counts:
        share = np.append(np.full(settings.bins - 1, chance / (settings.bins - 1)), 1 - chance)
        if row is counts[-1] or np.shares_memory(row, counts[-1]):
            share[-1] -= driven
            share[4] += driven
        row[:] = rng.multinomial(pulses, share)
    return counts


def test_distance_is_the_root_of_twice_the_divergence():
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 9, (6, 11)) + (np.arange(11) == 10)
    apart = distances(counts)
    for i, one in enumerate(counts):
        for j, other in enumerate(counts):
            # scipy's is the root of the divergence, in nats
            assert apart[i, j] == pytest.approx(math.sqrt(2) * jensenshannon(one, other), abs=1e-7)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(st.integers(0, 50), min_size=4, max_size=4), min_size=3, max_size=6))
def test_the_distance_is_a_metric(rows):
    apart = distances(np.array(rows) + np.array([0, 0, 0, 1]))
    assert np.all(np.diag(apart) == 0)
    np.testing.assert_allclose(apart, apart.T, atol=1e-12)
    n = len(rows)
    for i in range(n):
        for j in range(n):
            for k in range(n):
                assert apart[i, j] <= apart[i, k] + apart[k, j] + 1e-7
    assert apart.max() <= math.sqrt(2 * math.log(2)) + 1e-12


def test_first_spikes_and_their_bins():
    found = first_latencies([-150.0, -149.5, -0.001, 0.0, 3.2, 9.999, 10.0, 400.0, -151.0], SETTINGS)
    assert found[0] == 0.0  # a window is closed at its beginning
    assert found[-2] == pytest.approx(9.999)
    assert found[-1] == 0.0  # the spike at the very onset
    assert np.isnan(found[1:-2]).all()
    assert bins_of(np.array([0.0, 0.9999999, 0.99, 1.0, 9.999, np.nan]), SETTINGS).tolist() == [
        0, 1, 0, 1, 9, 10,
    ]  # fmt: skip


def test_no_spikes_at_all():
    assert np.isnan(first_latencies([], SETTINGS)).all()


def test_a_driven_unit_is_found_and_says_what_p_can_say():
    rng = np.random.default_rng(2)
    found = salt(histograms(rng, driven=0.6), SETTINGS)
    assert found.p == 0.0
    assert found.resolution == pytest.approx(1 / 105)
    assert found.p_text == "P < 0.0095"
    assert found.effect > 0.4
    assert found.pulses == 60


def test_p_is_uniform_under_chance():
    rng = np.random.default_rng(3)
    p = np.array([salt(histograms(rng), SETTINGS).p for _ in range(400)])
    assert np.mean(p < 0.01) <= 0.02
    assert np.mean(p < 0.05) <= 0.08
    assert 0.4 < p.mean() < 0.65  # the median of 15 distances spreads less than one distance


def test_46_baselines_resolve_a_thousandth_and_45_do_not():
    assert SaltSettings(baselines=46).resolution < 0.001
    assert SaltSettings(baselines=45).resolution > 0.001
    assert SaltSettings(baselines=15).resolution < 0.01
    assert SaltSettings(baselines=14).resolution > 0.01


def test_before_the_first_pulse_there_is_nothing_to_say():
    assert salt(np.zeros((16, 11), dtype=int), SETTINGS) is None


def test_equal_histograms_give_p_1():
    assert salt(np.tile([0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 7], (16, 1)), SETTINGS).p == 1.0


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"bin_ms": 3.0}, "divide"), ({"baselines": 2}, "at least"), ({"bin_ms": 0.0}, "divide")],
)
def test_impossible_settings_are_refused(changes, says):
    with pytest.raises(ConfigError, match=says):
        SaltSettings(**changes)
