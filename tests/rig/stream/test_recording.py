from __future__ import annotations

import numpy as np

from rig.stream.recording import RecordedUnit, sessions


def unit(stamps: list[float], kinds: list[int]) -> RecordedUnit:
    return RecordedUnit(
        "00", np.empty(0), np.array(stamps, dtype=np.float64), np.array(kinds, dtype=np.int64)
    )


def test_trial_types() -> None:
    u = unit([1, 2, 3, 4, 5, 6], [0, 1, 7, 8, 14, 15])
    assert u.rewarded.tolist() == [False, True, True, True, True, False]
    assert u.signalled.tolist() == [False, False, False, True, True, False]
    assert u.size_index[1:5].tolist() == [0, 6, 0, 6]


def test_a_copy_at_a_small_signalled_rewards_own_time_is_doubled() -> None:
    u = unit(
        [1000, 2501.8, 9000, 10500, 20000, 21500, 30000, 31600, 40000, 41500],
        [8, 5, 11, 3, 10, 7, 9, 2, 10, 15],
    )
    # not doubled: after 2.5 uL (no defect of those), 1.6 s later, and where no reward is entered
    assert u.doubled.tolist() == [False, True, False, False, False, True, False, False, False, False]
    assert u.keep(~u.doubled).trial_type.tolist() == [8, 11, 3, 10, 9, 2, 10, 15]


def test_nothing_to_double() -> None:
    assert unit([1000, 2500], [5, 6]).doubled.tolist() == [False, False]
    assert unit([], []).doubled.tolist() == []


def test_units_recorded_together_are_one_session() -> None:
    first = {1.0: 5, 2.0: 8, 3.0: 15, 4.0: 1}
    late = {3.0: 15, 4.0: 1}
    other = {1.0: 5, 2.0: 9, 3.0: 15, 4.0: 1}
    elsewhere = {4.0: 1, 11.0: 5, 12.0: 5}
    found = sessions([late, first, other, elsewhere])
    assert sorted(len(trials) for trials in found) == [3, 4, 4]
    assert sessions([]) == []
