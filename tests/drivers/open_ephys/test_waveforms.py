"""Waveforms of the ZMQ Interface's spikes."""

from __future__ import annotations

import pytest

from drivers.open_ephys import codec
from drivers.open_ephys.waveforms import spike_waveform


def test_the_captured_spike(spike_parts):
    unit, sample, waveform = spike_waveform(spike_parts)
    assert (unit, sample, waveform.shape) == ("Stereotrode 2:1", 1202, (2, 40))
    assert waveform[0, 9] == pytest.approx(-112.454757690429688)  # minus what the broadcaster calls amp1
    assert waveform[1, 9] == pytest.approx(-54.664306640625)


def test_what_has_none(spike_parts, ttl_parts, data_parts):
    assert spike_waveform(ttl_parts) is None
    assert spike_waveform(data_parts) is None
    assert spike_waveform(codec.reduce(spike_parts)) is None
    assert spike_waveform([b"noise"]) is None
    unsorted = [spike_parts[0], spike_parts[1].replace(b'"sorted_id": 1', b'"sorted_id": 0'), spike_parts[2]]
    assert spike_waveform(unsorted) is None
