"""Evoked and spontaneous waveforms."""

from __future__ import annotations

import numpy as np
import pytest

from rig.tagging.waveforms import WaveformTally, waveform_correlation

SHAPE = -np.exp(-(((np.arange(32) - 9) / 2.5) ** 2))
OTHER = np.sin(np.arange(32) / 3.0)


def test_the_same_shape_correlates_and_another_does_not():
    rng = np.random.default_rng(1)
    same, other = WaveformTally(), WaveformTally()
    for k in range(60):
        evoked = bool(k % 2)
        for tally, shape in ((same, SHAPE), (other, OTHER if evoked else SHAPE)):
            tally.add(
                np.stack([0.3 * shape, 100 * shape]) + rng.normal(0, 5, (2, 32)) * [[1], [1]], evoked=evoked
            )
    assert (same.evoked, same.spontaneous) == (30, 30)
    assert same.correlation > 0.97
    assert other.correlation < 0.6
    np.testing.assert_allclose(same.mean(evoked=True)[1], 100 * SHAPE, atol=5)


def test_the_channel_is_the_one_where_spontaneous_spikes_are_largest():
    spontaneous = np.stack([SHAPE, 5 * SHAPE])
    assert waveform_correlation(np.stack([OTHER, SHAPE]), spontaneous) == pytest.approx(1.0)
    assert waveform_correlation(np.stack([SHAPE, -SHAPE]), spontaneous) == pytest.approx(-1.0)


def test_without_spikes_of_both_kinds_there_is_no_correlation():
    tally = WaveformTally()
    assert tally.correlation is None
    tally.add(SHAPE, evoked=True)
    assert tally.correlation is None
    tally.add(np.zeros(32), evoked=False)
    assert tally.correlation is None  # flat


def test_another_shape_is_refused():
    tally = WaveformTally()
    tally.add(SHAPE, evoked=True)
    with pytest.raises(ValueError, match="shape"):
        tally.add(SHAPE[:30], evoked=False)
