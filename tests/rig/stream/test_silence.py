"""Recorded units that fall silent."""

from __future__ import annotations

import numpy as np

from rig.stream.recording import RecordedUnit
from rig.stream.silence import fallen_silent, fires


def test_who_falls_silent_and_who_does_not() -> None:
    stamps = np.arange(1, 121) * 5000.0
    kinds = np.tile([5, 12], 60)
    whole = np.arange(0.0, 620_000.0, 210.0)

    def unit(spikes: object) -> RecordedUnit:
        return RecordedUnit("u", np.asarray(spikes, dtype=np.float64), stamps, kinds)

    units = [unit(whole), unit(whole[whole < 400_000]), unit([]), unit(whole[whole < 3000])]
    assert fallen_silent(units).tolist() == [False, True, True, True]
    assert [fires(one) for one in units] == [True, True, False, False]
    assert fallen_silent([]).tolist() == []
