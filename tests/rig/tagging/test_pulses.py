"""Which pulses may be tested, and where chance is asked."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.tagging.pulses import Eligibility, clear_ms, eligible, sham_times
from rig.tagging.salt import SaltSettings

SALT = SaltSettings()
GAPS = st.lists(st.floats(5.0, 3000.0), max_size=40)


def test_of_a_fast_train_only_the_first_is_tested():
    train = np.arange(10) * 50.0
    assert eligible(train, SALT).tolist() == [True] + [False] * 9
    assert eligible(np.arange(5) * 1000.0, SALT).all()
    # 46 baselines of 10 ms, and one window for what the pulse before may still drive
    assert eligible([0.0, 470.0, 939.9], SALT).tolist() == [True, True, False]
    assert eligible([], SALT).tolist() == []


@settings(deadline=None, max_examples=50)
@given(GAPS)
def test_one_by_one_is_as_all_at_once(gaps):
    pulses = np.round(np.cumsum(gaps), 3)
    judge = Eligibility(SALT)
    assert [judge.take(t_ms) for t_ms in pulses.tolist()] == eligible(pulses, SALT).tolist()


@settings(deadline=None, max_examples=50)
@given(GAPS)
def test_sham_pulses_are_far_from_light(gaps):
    pulses = np.cumsum(gaps)
    for sham in sham_times(pulses, SALT):
        before, after = pulses[pulses <= sham], pulses[pulses > sham]
        assert sham - before.max() >= clear_ms(SALT) - 1e-9
        assert not after.size or after.min() >= sham + SALT.window_ms
