"""Waveforms of spikes that came whole, for those who compare them; the session itself reads none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from drivers.open_ephys.codec import decode
from drivers.open_ephys.wire import Malformed, SpikeHeader


def spike_waveform(parts: Sequence[bytes]) -> tuple[str, int, NDArray[np.float64]] | None:
    """Read the waveform of one message of the ZMQ Interface.

    Returns
    -------
    (unit, sample, waveform) or None
        The unit's name, the sample of the peak, and microvolts of shape (channels, samples). None for what is
        no sorted spike, or whose body was reduced.
    """
    message = decode(parts)
    if isinstance(message, Malformed) or message.reduced or not isinstance(message.header, SpikeHeader):
        return None
    spike = message.header.spike
    if spike.sorted_id == 0 or not spike.num_channels:
        return None
    values = np.frombuffer(message.body, "<f4").astype(np.float64)
    shaped: NDArray[np.float64] = values.reshape(spike.num_channels, spike.num_samples)
    return f"{spike.electrode}:{spike.sorted_id}", spike.sample_num, shaped
