"""The real dLight session, and a fibre with a control, truth known."""

from __future__ import annotations

import numpy as np
import pytest

from rig.runtime.photometry_files import read_photometry


@pytest.fixture(scope="session")
def dlight(recording):
    """The real dLight session."""
    return read_photometry(recording("photometry_dlight_m53.npz"))


@pytest.fixture(scope="session")
def mean_responses():
    """Return ``f(trace, rate_hz, events_s)``: mean of the second after each event minus that before."""

    def measure(trace, rate_hz, events_s):
        def mean(from_s, to_s):
            ends = np.ceil(np.stack([from_s, to_s]) * rate_hz).astype(int)
            return np.array([np.nanmean(trace[low:high]) for low, high in ends.T])

        return mean(events_s, events_s + 1) - mean(events_s - 1, events_s)

    return measure
