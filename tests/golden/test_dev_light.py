"""Light on recorded, light-identified units (needs DOPALOOP_DATA; skips without it)."""

from __future__ import annotations

import numpy as np
import pytest

from rig.tagging.offline import batch_histograms, tag_recording
from rig.tagging.pulses import eligible
from rig.tagging.salt import SaltSettings, salt
from rig.tagging.waveforms import waveform_correlation


@pytest.fixture(scope="module")
def units(recording):
    """Per unit its spikes, its light (ms, ascending) and its two mean waveforms (channels, samples)."""
    with np.load(recording("varmag_dev_spikes.npz")) as file:
        names = sorted(key[9:] for key in file.files if key.startswith("laser_on_"))
        return {
            name: (
                np.sort(file[f"spikes_{name}"]),
                np.sort(file[f"laser_on_{name}"]),
                file[f"wf_laser_{name}"].T,
                file[f"wf_spont_{name}"].T,
            )
            for name in names
        }


@pytest.mark.parametrize(("baselines", "p"), [(15, 0.01), (46, 0.001)])
def test_nearly_all_units_are_driven_and_no_sham_is(units, baselines, p):
    settings = SaltSettings(baselines=baselines)
    tags = [
        tag_recording(name, spikes, light, settings).view() for name, (spikes, light, *_) in units.items()
    ]
    assert len(tags) == len(units)
    assert np.mean([tag.salt.p < p for tag in tags]) >= 0.9
    sham = np.array([tag.sham.p for tag in tags])
    assert np.mean(sham < 0.01) == 0.0
    assert np.mean(sham < 0.05) <= 0.10


def test_pulse_by_pulse_equals_the_batch(units):
    for baselines in (15, 46):
        settings = SaltSettings(baselines=baselines)
        for name, (spikes, light, *_) in units.items():
            tracker = tag_recording(name, spikes, light, settings)
            batch = batch_histograms(spikes, light[eligible(light, settings)], settings)
            np.testing.assert_array_equal(tracker.histograms, batch)
            assert tracker.salt() == salt(batch, settings)


def test_random_sham_sets_are_as_rare_as_chance(units):
    settings, rng = SaltSettings(baselines=15), np.random.default_rng(1)
    p = []
    for spikes, light, *_ in units.values():
        for _ in range(20):
            moments = rng.uniform(spikes[0] + 1000, spikes[-1] - 1000, 400)
            far = np.abs(moments[:, None] - light).min(axis=1) > 1000
            sham = np.sort(moments[far][:100])
            p.append(salt(batch_histograms(spikes, sham, settings), settings).p)
    assert len(p) == 20 * len(units)
    assert np.mean(np.array(p) < 0.01) < 0.02
    assert np.mean(np.array(p) < 0.05) < 0.08


def test_latency_jitter_and_reliability_are_in_the_known_range(units):
    tags = [tag_recording(name, spikes, light).view() for name, (spikes, light, *_) in units.items()]
    assert np.mean([bool(tag.suggestion) for tag in tags]) >= 0.95
    assert min(tag.latency_mean_ms for tag in tags) > 1.8
    assert max(tag.latency_mean_ms for tag in tags) < 7.0
    assert min(tag.jitter_ms for tag in tags) > 0.05
    assert max(tag.jitter_ms for tag in tags) < 2.6
    assert all(0.15 < tag.reliability <= 1.0 for tag in tags)
    assert np.median([tag.by_chance for tag in tags]) < 0.1
    # 50-Hz trains are followed too, if less well
    assert (
        np.mean([tag.following[-1].rate_hz == 50.0 and tag.following[-1].share > 0.1 for tag in tags]) >= 0.9
    )


def test_waveforms_agree_where_they_are_of_the_same_channel(units):
    r = [waveform_correlation(light, own) for *_, light, own in units.values()]
    # some stored light waveforms are of another channel (15 of twenty are not, 32 of all forty)
    assert np.mean([value > 0.9 for value in r]) >= 0.7
