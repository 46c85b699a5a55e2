"""One unit and light: pulse by pulse is as all at once."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.tagging.offline import batch_histograms, tag_recording, train_rates
from rig.tagging.pulses import eligible
from rig.tagging.report import TagCriteria
from rig.tagging.salt import SaltSettings
from rig.tagging.told import UnitTag
from rig.tagging.tracker import TagTracker

SALT = SaltSettings()


def unit(seed, *, rate_hz=6.0, pulses=120, driven=0.6, latency_ms=4.5, jitter_ms=1.0):
    """1-Hz light, a Poisson unit, and spikes that light adds."""
    rng = np.random.default_rng(seed)
    light = 2000.0 + 1000.0 * np.arange(pulses)
    own = rng.uniform(0, light[-1] + 1000, rng.poisson(rate_hz * (light[-1] + 1000) / 1000))
    hit = light[rng.random(pulses) < driven]
    return np.sort(np.concatenate([own, hit + rng.normal(latency_ms, jitter_ms, hit.size)])), light


def test_a_driven_unit_is_told_as_it_was_made():
    spikes, light = unit(1)
    tag = tag_recording("a", spikes, light).view()
    assert (tag.pulses, tag.eligible) == (120, 120)
    assert tag.salt.p_text == "P < 0.00097"
    assert tag.sham.p > 0.01
    assert tag.latency_mean_ms == pytest.approx(4.5, abs=0.4)
    assert tag.latency_median_ms == pytest.approx(4.5, abs=0.4)
    assert tag.jitter_ms == pytest.approx(1.0, abs=0.6)
    assert tag.reliability == pytest.approx(0.6, abs=0.1)
    assert tag.by_chance == pytest.approx(0.06, abs=0.02)
    assert tag.following[0].rate_hz == 1.0
    assert tag.suggestion is True
    assert msgspec.json.decode(msgspec.json.encode(tag), type=UnitTag) == tag


def test_a_unit_that_light_leaves_alone_is_told_so():
    suggestions = [tag_recording("a", *unit(seed, driven=0.0)).view().suggestion for seed in range(20)]
    assert suggestions.count(True) == 0
    assert suggestions.count(False) == 20


def test_light_that_silences_is_no_tag():
    spikes, light = unit(2, rate_hz=60.0, driven=0.0)
    after = (spikes[:, None] - light[None, :] >= 0) & (spikes[:, None] - light[None, :] < 10)
    tag = tag_recording("a", spikes[~after.any(axis=1)], light).view()
    assert tag.salt.p == 0.0
    assert tag.suggestion is False
    assert "silences" in tag.reasons[0]


def test_a_late_unit_is_told_to_be_late():
    tag = tag_recording("a", *unit(3, latency_ms=9.2, jitter_ms=0.3, rate_hz=1.0)).view()
    assert tag.suggestion is False
    assert "late" in tag.reasons[0]


def test_too_little_is_not_judged():
    spikes, light = unit(4, pulses=12)
    tag = tag_recording("a", spikes, light).view()
    assert tag.suggestion is None
    assert tag.reasons == ("12 of the 30 tested pulses that it takes",)
    coarse = tag_recording("a", *unit(4), SaltSettings(baselines=15)).view()
    assert coarse.suggestion is None
    assert "steps of 0.0095" in coarse.reasons[0]
    assert TagCriteria(p=0.01).judge(coarse).suggestion is True
    assert TagTracker("b").view().salt is None


def test_an_answer_to_sham_pulses_withdraws_the_suggestion():
    spikes, light = unit(5)
    tracker = tag_recording("a", spikes, light)
    for _ in range(60):
        tracker.add([3.0], eligible=True, rate_hz=1.0, sham=True)
    tag = tracker.view()
    assert tag.suggestion is None
    assert any("sham" in reason for reason in tag.reasons)


def test_pulses_without_a_clean_past_tell_of_following_only():
    tracker = TagTracker("a")
    for k in range(10):
        tracker.add([2.0] if k < 7 else [], eligible=k == 0, rate_hz=20.0)
    tag = tracker.view()
    assert (tag.pulses, tag.eligible, tag.salt.pulses) == (10, 1, 1)
    assert tag.following[0].share == 0.7


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([3, 15, 46]))
def test_pulse_by_pulse_is_as_all_at_once(seed, baselines):
    salt = SaltSettings(baselines=baselines)
    spikes, light = unit(seed, rate_hz=20.0, pulses=25)
    light = np.sort(np.concatenate([light, light[::5] + 50.0, light[::5] + 100.0]))
    tracker = tag_recording("a", spikes, light, salt)
    clean = eligible(light, salt)
    np.testing.assert_array_equal(tracker.histograms, batch_histograms(spikes, light[clean], salt))


def test_spikes_on_an_edge_are_sorted_alike():
    edges = np.concatenate([np.arange(-460, 20, 0.5) + e for e in (-1e-7, 0.0, 1e-7)])
    for t_ms in (12345.678, 914358.6, 2855841.625):
        tracker = TagTracker("a")
        spikes = np.sort(edges + t_ms)
        tracker.add(spikes - t_ms, eligible=True, rate_hz=1.0)
        np.testing.assert_array_equal(tracker.histograms, batch_histograms(spikes, [t_ms]))


def test_train_rates_are_those_of_the_nearer_neighbour():
    train = np.concatenate([np.arange(5) * 100.0, 5000 + np.arange(5) * 20.0])
    assert train_rates(train).tolist() == [10.0] * 5 + [50.0] * 5
    assert train_rates([7.0]).tolist() == [0.0]
